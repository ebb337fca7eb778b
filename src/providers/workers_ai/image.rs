//! `@cf/black-forest-labs/flux-1-schnell`: one picture a call.
//! <https://developers.cloudflare.com/workers-ai/models/flux-1-schnell/>

use serde::Serialize;

use super::{answer, call};
use crate::ports::ModelCall;
use crate::protocol::json;
use crate::providers::failure::Failure;

/// Steps of a picture: those that its price is for.
const STEPS: u32 = 4;

/// The call that draws one picture. Pictures of another `seed` differ.
#[must_use]
pub fn encode_image(model: &str, prompt: &str, seed: u32) -> ModelCall {
    let input = Input {
        prompt,
        steps: STEPS,
        seed,
    };
    call(model, &input)
}

#[derive(Serialize)]
struct Input<'a> {
    prompt: &'a str,
    steps: u32,
    seed: u32,
}

/// Reads a picture in base64.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_image(body: &[u8]) -> Result<String, Failure> {
    let object = answer(body)?;
    let picture = object.get("image").and_then(json::text);
    let picture = picture.filter(|text| !text.is_empty());
    picture.ok_or_else(|| Failure::malformed("`image` is not a picture"))
}
