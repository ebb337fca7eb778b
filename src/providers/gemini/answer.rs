//! A whole answer of `generateContent`: a stream of one chunk.

use super::stream::Decoder;
use crate::protocol::Answer;
use crate::protocol::assembly::Assembler;
use crate::protocol::json::{self, Object};
use crate::providers::chat_completions::tokens;
use crate::providers::decode::answer_object;
use crate::providers::failure::Failure;
use crate::usage::Usage;

/// Reads a whole answer of status 2xx.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub(in crate::providers) fn decode(text: &str) -> Result<Answer, Failure> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    decoder.chunk(&answer_object(text)?, &mut events)?;
    decoder.check_begun()?;
    let mut assembler = Assembler::default();
    for event in &events {
        assembler.push(event);
    }
    Ok(assembler.finish())
}

/// What the call used so far. `None` where the provider says nothing, or nothing that can be true.
///
/// Thoughts are counted apart from the answer here, and the results of hosted tools apart from the
/// prompt.
pub(in crate::providers) fn usage(object: &Object<'_>) -> Option<Usage> {
    let usage = Object::of(object.get("usageMetadata")?)?;
    let count = |name| usage.get(name).map_or(Some(0), tokens);
    let prompt = count("promptTokenCount")?.checked_add(count("toolUsePromptTokenCount")?)?;
    let thoughts = count("thoughtsTokenCount")?;
    let output = count("candidatesTokenCount")?.checked_add(thoughts)?;
    // A prompt has at least one token.
    (prompt > 0).then(|| Usage {
        input_tokens: prompt,
        cached_input_tokens: count("cachedContentTokenCount").unwrap_or(0).min(prompt),
        audio_input_tokens: audio(&usage).min(prompt),
        output_tokens: output,
        reasoning_tokens: thoughts,
        ..Usage::default()
    })
}

fn audio(usage: &Object<'_>) -> u64 {
    let details = usage.get("promptTokensDetails").and_then(json::elements);
    let counts = details.unwrap_or_default().into_iter().filter_map(|raw| {
        let detail = Object::of(raw)?;
        let modality = json::text(detail.get("modality")?)?;
        tokens(detail.get("tokenCount")?).filter(|_| modality == "AUDIO")
    });
    counts.fold(0, u64::saturating_add)
}
