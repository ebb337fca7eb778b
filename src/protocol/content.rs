//! A content as most wires have it: a text, or an array of parts.

use super::json::{MAX_ELEMENTS, Path, Shape, Value};
use super::message::Part;
use crate::error::Error;

/// What a wire says of its contents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// What an element is called: `part`, `block`.
    pub(crate) element: &'static str,
    /// Whether an array may have no element.
    pub(crate) may_be_empty: bool,
}

/// Parses a content, its parts by `read`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path.
pub(crate) fn parse(
    value: Value<'_, '_>,
    form: Form,
    mut read: impl FnMut(Value<'_, '_>) -> Result<Part, Error>,
) -> Result<Vec<Part>, Error> {
    let element = form.element;
    match value.shape() {
        Shape::String => return Ok(vec![Part::text(value.string()?).at(value.path)]),
        Shape::Array => {}
        _ => return Err(value.wrong(&format!("a string or an array of {element}s"))),
    }
    let items = value.array(MAX_ELEMENTS)?;
    if items.is_empty() && !form.may_be_empty {
        let advice = format!("must not be empty. Send at least one {element}.");
        return Err(value.path.error(&advice));
    }
    let parts = items.into_iter().enumerate().map(|(index, raw)| {
        let path = Path::Index(value.path, index);
        read(Value::new(raw, &path)).map(|part| part.at(&path))
    });
    parts.collect()
}
