//! The `model` of bodies that are no conversation.

use super::json::{Object, Path, Value};
use crate::error::Error;

const MAX_BYTES: usize = 256;

/// Reads the name of a model, a tier or an operation.
///
/// # Errors
/// `InvalidRequest`.
pub fn model_name(value: Value<'_, '_>) -> Result<String, Error> {
    let name = value.filled_string("the name of a model, a tier, or \"auto\"")?;
    checked(name, value.path)
}

/// Checks a name that is not JSON.
///
/// # Errors
/// `InvalidRequest`.
pub fn checked(name: String, path: &Path<'_>) -> Result<String, Error> {
    if name.len() > MAX_BYTES {
        let message = format!("must be at most {MAX_BYTES} bytes long.");
        return Err(path.error(&message));
    }
    Ok(name)
}

/// Reads the `model` of a body that may do without: `auto` then.
///
/// # Errors
/// `InvalidRequest`.
pub fn model_or_auto(object: &Object<'_>) -> Result<String, Error> {
    let model = object.optional(&Path::Root, "model", model_name)?;
    Ok(model.unwrap_or_else(|| "auto".to_owned()))
}
