//! `OpenAI`'s interfaces that are no conversations, as it and those who copy it speak them over HTTPS.
//!
//! <https://platform.openai.com/docs/api-reference>

mod embedding;
mod moderation;
mod speech;
mod transcription;

pub use self::embedding::{Batch, decode_embedding, encode_embedding};
pub use self::moderation::{decode_moderation, encode_moderation};
pub use self::speech::encode_speech;
pub use self::transcription::encode_transcription;
use super::failure::{Failure, FailureClass};
use super::route::{Route, Unconfigured};
use super::work::Work;
use crate::config::{self, Model, Provider, Wire};
use crate::error::Error;
use crate::ports::{Body, ModelCall, Secrets};

/// Whether a model takes and gives what `OpenAI`'s do; else it is one of Workers AI.
#[must_use]
pub fn speaks_openai(model: &Model) -> bool {
    provider(model).is_ok_and(|provider| provider.wire == Some(Wire::OpenAiChat))
}

/// Whether a model takes and gives what Google's do.
#[must_use]
pub fn speaks_gemini(model: &Model) -> bool {
    provider(model).is_ok_and(|provider| provider.wire == Some(Wire::Gemini))
}

/// Why a model cannot be reached in this deployment, as the caller is told. The AI binding takes
/// conversations to other providers, and nothing else.
#[must_use]
pub fn unavailable(model: &Model, secrets: &dyn Secrets) -> Option<Error> {
    let provider = match provider(model) {
        Ok(provider) => provider,
        Err(error) => return Some(error),
    };
    match Route::find(provider, secrets) {
        Err(missing) => Some(missing.into()),
        Ok(route) if route.is_direct() || provider.wire.is_none() => None,
        Ok(_) => {
            let missing = Unconfigured::NoKey {
                provider: provider.name.clone(),
                secret: provider.key_variable(),
            };
            Some(missing.into())
        }
    }
}

fn provider(model: &Model) -> Result<&'static Provider, Error> {
    let provider = config::catalogue()?.provider(model.provider.as_str());
    provider.ok_or_else(|| Error::internal(format!("no provider of {}", model.id)))
}

/// The call of a model. `encode` gets the name that the provider has for it.
///
/// # Errors
/// Where there is no way to it.
pub fn call(
    model: &Model,
    id: &str,
    secrets: &dyn Secrets,
    work: Work,
    encode: impl FnOnce(&str) -> Body,
) -> Result<ModelCall, Failure> {
    let lost = |reason: String| Failure::new(FailureClass::NotFound, &reason);
    let provider = provider(model).map_err(|error| lost(error.to_string()))?;
    let route = Route::find(provider, secrets).map_err(|missing| lost(missing.to_string()))?;
    let body = encode(provider.native_name(id));
    let call = route.call(provider, id, work, body, &[]);
    call.ok_or_else(|| lost(format!("no path to {id}")))
}
