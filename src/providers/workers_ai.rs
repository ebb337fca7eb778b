//! Workers AI's models that answer no conversations: embeddings, reranking, speech to text and back,
//! pictures, judging texts, and what texts are for.

mod decision;
mod embedding;
mod guard;
mod image;
mod rerank;
mod speech;
mod whisper;

use serde::Serialize;

pub use self::decision::{
    NAME_TOKENS, decode_choice, decode_decision, encode_choice, encode_decision,
};
pub(super) use self::embedding::checked_vectors;
pub use self::embedding::{MAX_EMBEDDING_TEXTS, Overlong, decode_embedding, encode_embedding};
pub use self::guard::{decode_guard, encode_guard};
pub use self::image::{decode_image, encode_image};
pub use self::rerank::{decode_rerank, encode_rerank};
pub use self::speech::{decode_sound, encode_aura, encode_melo};
pub use self::whisper::{decode_transcription, encode_transcription};
use super::chat_completions::unwrapped;
use super::encode::{WORKERS_AI, WORKERS_AI_OR_BUSY};
use super::failure::Failure;
use crate::ports::{BindingCall, ModelCall};
use crate::protocol::json::Object;

fn call<T: Serialize>(model: &str, input: &T) -> ModelCall {
    ModelCall::Binding(BindingCall {
        model: model.to_owned(),
        input: serde_json::to_string(input).unwrap_or_default(),
        options: WORKERS_AI.to_owned(),
    })
}

/// The same call of a model of Workers AI, which is to answer at once that it is busy where it would
/// queue; any other call as it is.
#[must_use]
pub fn rejecting_if_busy(call: ModelCall) -> ModelCall {
    match call {
        ModelCall::Binding(call) if call.options == WORKERS_AI => {
            let options = WORKERS_AI_OR_BUSY.to_owned();
            ModelCall::Binding(BindingCall { options, ..call })
        }
        call => call,
    }
}

/// The object of an answer of status 2xx.
pub(super) fn answer(body: &[u8]) -> Result<Object<'_>, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| Failure::malformed("not UTF-8"))?;
    let object = Object::parse(text).ok_or_else(|| Failure::malformed("not a JSON object"))?;
    match Failure::told_by(&object) {
        Some(failure) => Err(failure),
        None => Ok(unwrapped(object)),
    }
}
