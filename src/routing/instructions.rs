//! The prompt of an operation as one request gets it: which version, with which values.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::config::{Operation, Prompt};
use crate::error::Error;

/// Values of variables, by name.
pub type Variables = BTreeMap<String, String>;

/// A prompt that has been rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instructions {
    /// The operation and the version of its prompt, e.g. `faq@2`.
    pub label: String,
    /// The text.
    pub text: String,
}

/// What a prompt says besides what callers set, and who gets which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occasion {
    /// The org's id.
    pub org: String,
    /// The day in UTC, `YYYY-MM-DD`.
    pub today: String,
    /// Whoever always gets the same version: the end user, a session, else the request alone.
    pub follower: String,
}

impl Instructions {
    /// The prompt of an operation; `None` where it has none.
    ///
    /// # Errors
    /// `InvalidRequest`, with the variable's name, where one is missing, unknown or too long, and where
    /// the prompt would be.
    pub fn render(
        operation: &Operation,
        variables: &Variables,
        occasion: &Occasion,
    ) -> Result<Option<Self>, Error> {
        let prompt = operation.prompt.as_ref();
        check(operation, prompt, variables)?;
        let place = place(&operation.name, occasion);
        let Some((version, template)) = prompt.and_then(|prompt| prompt.version(place)) else {
            return Ok(None);
        };
        let value = |name: &str| match name {
            "org" => occasion.org.as_str(),
            "today" => occasion.today.as_str(),
            name => {
                let of_caller = variables.get(name).map(String::as_str);
                let declared = || prompt?.variables.get(name)?.default.as_deref();
                of_caller.or_else(declared).unwrap_or_default()
            }
        };
        let text = template.render(&value).map_err(|reason| {
            let message = format!(
                "With these variables the prompt of `{}` cannot be written: {reason}.",
                operation.name
            );
            Error::invalid("variables", message)
        })?;
        Ok(Some(Self {
            label: format!("{}@{version}", operation.name),
            text,
        }))
    }
}

/// Refuses values that a request sets where nothing reads them.
///
/// # Errors
/// `InvalidRequest`, with the variable's name.
pub fn refuse(variables: &Variables) -> Result<(), Error> {
    match variables.keys().next() {
        Some(name) => {
            let message = "A model that is asked for by its name has no prompt with variables: name an operation.";
            Err(Error::invalid(path(name), message))
        }
        None => Ok(()),
    }
}

fn check(
    operation: &Operation,
    prompt: Option<&Prompt>,
    variables: &Variables,
) -> Result<(), Error> {
    let declared = prompt.map(|prompt| &prompt.variables);
    for (name, value) in variables {
        let Some(variable) = declared.and_then(|declared| declared.get(name)) else {
            let names: Vec<&str> = declared
                .into_iter()
                .flat_map(|declared| declared.keys().map(String::as_str))
                .collect();
            let known = if names.is_empty() {
                "It has none".to_owned()
            } else {
                format!("There are: {}", names.join(", "))
            };
            let message = format!(
                "The prompt of `{}` has no variable of this name. {known}.",
                operation.name
            );
            return Err(Error::invalid(path(name), message));
        };
        let most = usize::try_from(variable.max_length).unwrap_or(usize::MAX);
        if value.chars().count() > most {
            let message = format!("`{}` takes at most {most} characters.", path(name));
            return Err(Error::invalid(path(name), message));
        }
    }
    for (name, variable) in declared.into_iter().flatten() {
        if variable.required && !variables.contains_key(name) {
            let message = format!(
                "The prompt of `{}` needs `{}`: set it, in the body of /v1/run or in the header `x-ai-variables`.",
                operation.name,
                path(name)
            );
            return Err(Error::invalid(path(name), message));
        }
    }
    Ok(())
}

fn path(name: &str) -> String {
    let shown: String = name.chars().take(64).collect();
    format!("variables.{shown}")
}

/// The place of whoever asks among a hundred, for this operation: others for each, so that nobody is
/// always the first.
fn place(operation: &str, occasion: &Occasion) -> u8 {
    let digest = [&occasion.org, operation, &occasion.follower]
        .iter()
        .fold(Sha256::new(), |hash, part| {
            hash.chain_update(part.len().to_string())
                .chain_update(":")
                .chain_update(part)
        })
        .finalize();
    let number = digest.iter().take(8).fold(0_u64, |number, byte| {
        number.wrapping_shl(8) | u64::from(*byte)
    });
    u8::try_from(number.checked_rem(100).unwrap_or_default()).unwrap_or_default()
}
