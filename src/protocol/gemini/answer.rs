//! A whole answer as a `GenerateContentResponse`, and what the chunks of a stream share with it.

use serde::Serialize;

use super::body::{BlobBody, CallBody, ContentBody, Data, PartBody};
use super::grounding::{CitationsBody, GroundingBody};
use super::logprobs::LogprobsBody;
use super::signature;
use crate::money::Nanos;
use crate::protocol::json::Object;
use crate::protocol::writer::Head;
use crate::protocol::{
    Answer, Choice, Citation, Content, Family, FinishReason, Json, MediaSource, Part, Signature,
    Source, ToolCall,
};
use crate::usage::{Usage, is_zero};

/// The body of a whole answer. `usage` and `cost` are those of the whole request.
///
/// Two fields are Esclusa's own: `usageMetadata.costUsd`, decimal text, and `sources`, present only
/// where the answer is grounded.
#[must_use]
pub fn render(answer: &Answer, head: &Head, usage: &Usage, cost: Nanos) -> Vec<u8> {
    let candidates = answer.choices.iter().zip(0_u32..);
    let candidates = candidates.map(|(choice, index)| {
        let text = choice.text().unwrap_or_default();
        (index, choice, text, citations(choice))
    });
    let candidates: Vec<_> = candidates.collect();
    let bodies = candidates
        .iter()
        .map(|(index, choice, text, cited)| CandidateBody {
            content: Some(ContentBody {
                parts: parts(choice),
                role: Some("model"),
            }),
            finish_reason: Some(finish_reason(
                choice.finish_reason,
                has_malformed_call(choice),
            )),
            index: *index,
            citation_metadata: CitationsBody::of(cited),
            grounding_metadata: GroundingBody::of(cited, text),
            logprobs_result: LogprobsBody::of(&choice.logprobs),
            safety_ratings: judgement(choice, "safetyRatings"),
        });
    let blocked = answer.choices.first();
    let blocked = blocked.and_then(|choice| judgement(choice, "promptFeedback"));
    let body = ResponseBody {
        // Where the prompt itself was refused there is no candidate.
        candidates: bodies.filter(|_| blocked.is_none()).collect(),
        prompt_feedback: blocked,
        usage_metadata: Some(UsageBody::new(usage, cost)),
        model_version: &head.model,
        response_id: &head.request,
        sources: &head.sources,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// An answer, or a chunk of one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResponseBody<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) candidates: Vec<CandidateBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_feedback: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<UsageBody>,
    pub(super) model_version: &'a str,
    pub(super) response_id: &'a str,
    #[serde(skip_serializing_if = "<[Source]>::is_empty")]
    pub(super) sources: &'a [Source],
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CandidateBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<ContentBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<&'static str>,
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) citation_metadata: Option<CitationsBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grounding_metadata: Option<GroundingBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs_result: Option<LogprobsBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) safety_ratings: Option<Json>,
}

/// What the caller is told of tokens and money. Google counts thoughts apart from the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::protocol) struct UsageBody {
    prompt_token_count: u64,
    candidates_token_count: u64,
    total_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prompt_tokens_details: Vec<ModalityBody>,
    cost_usd: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModalityBody {
    modality: &'static str,
    token_count: u64,
}

impl UsageBody {
    pub(in crate::protocol) fn new(usage: &Usage, cost: Nanos) -> Self {
        let audio = usage.audio_input_tokens;
        let text = usage.input_tokens.saturating_sub(audio);
        let modality = |modality, token_count| ModalityBody {
            modality,
            token_count,
        };
        let details = if audio == 0 {
            Vec::new()
        } else {
            vec![modality("TEXT", text), modality("AUDIO", audio)]
        };
        Self {
            prompt_token_count: usage.input_tokens,
            candidates_token_count: usage.output_tokens.saturating_sub(usage.reasoning_tokens),
            total_token_count: usage.total_tokens(),
            cached_content_token_count: usage.cached_input_tokens,
            thoughts_token_count: usage.reasoning_tokens,
            prompt_tokens_details: details,
            cost_usd: cost.to_usd(),
        }
    }
}

fn citations(choice: &Choice) -> Vec<Citation> {
    let cited = choice.parts.iter().flat_map(|part| match &part.content {
        Content::Text { citations, .. } => citations.as_slice(),
        _ => &[],
    });
    cited.cloned().collect()
}

/// What Google's filter says stands beside the parts, in one of these fields.
const JUDGEMENTS: [&str; 2] = ["promptFeedback", "safetyRatings"];

/// What Google's filter says of a choice in a field.
fn judgement(choice: &Choice, field: &str) -> Option<Json> {
    choice.parts.iter().find_map(|part| match &part.content {
        Content::Native {
            family: Family::Google,
            block,
        } => says(block, field),
        _ => None,
    })
}

fn says(block: &Json, field: &str) -> Option<Json> {
    Object::of(block.raw())?.get(field).map(Json::from)
}

/// The parts of an answer. A signature without a thought is that of the part after it, or stands
/// alone.
fn parts(choice: &Choice) -> Vec<PartBody<'_>> {
    let mut bodies = Vec::with_capacity(choice.parts.len());
    let mut carried: Option<&Signature> = None;
    for part in &choice.parts {
        if let Content::Reasoning { text, signature } = &part.content
            && text.is_empty()
        {
            bodies.extend(carried.take().map(|carried| signed(carried, false)));
            carried = signature.as_ref();
            continue;
        }
        let Some(mut body) = self::part(part) else {
            continue;
        };
        if body.thought_signature.is_none() && !body.thought {
            body.thought_signature = carried.take().map(signature::write);
        }
        bodies.extend(carried.take().map(|carried| signed(carried, false)));
        bodies.push(body);
    }
    bodies.extend(carried.map(|carried| signed(carried, false)));
    bodies
}

/// A part of nothing but a signature; as a thought, it is one that nobody is shown.
pub(super) fn signed(signature: &Signature, thought: bool) -> PartBody<'_> {
    PartBody {
        thought,
        thought_signature: Some(signature::write(signature)),
        ..PartBody::text("")
    }
}

/// A part; nothing for one that this wire has no place for.
pub(super) fn part(part: &Part) -> Option<PartBody<'_>> {
    match &part.content {
        Content::Text { text, .. } | Content::Refusal(text) => {
            (!text.is_empty()).then(|| PartBody::text(text))
        }
        Content::Reasoning { text, signature } => Some(PartBody {
            thought: true,
            thought_signature: signature.as_ref().map(signature::write),
            ..PartBody::text(text)
        }),
        Content::RedactedReasoning(signature) => Some(signed(signature, true)),
        Content::ToolCall(call) => self::call(call),
        Content::Audio(media) | Content::File(media) | Content::Image(media) => {
            let MediaSource::Base64(data) = &media.source else {
                return None;
            };
            let mime_type = media.media_type.as_deref()?;
            Some(PartBody::new(Data::Inline(BlobBody { mime_type, data })))
        }
        Content::Native {
            family: Family::Google,
            block,
        } => {
            let judges = JUDGEMENTS.iter().any(|field| says(block, field).is_some());
            (!judges).then(|| PartBody::new(Data::Native(block)))
        }
        Content::Native { .. } | Content::ToolResult(_) => None,
    }
}

/// A call; nothing where its arguments are no object, as those of an answer that was cut.
pub(super) fn call(call: &ToolCall) -> Option<PartBody<'_>> {
    Some(PartBody {
        thought_signature: call.signature.as_ref().map(signature::write),
        ..PartBody::new(Data::FunctionCall(CallBody {
            id: Some(&call.id),
            name: &call.name,
            args: arguments(&call.arguments)?,
        }))
    })
}

/// The object of a call's arguments.
pub(super) fn arguments(text: &str) -> Option<Json> {
    let object = Json::parse(text)?;
    Object::of(object.raw()).is_some().then_some(object)
}

fn has_malformed_call(choice: &Choice) -> bool {
    let mut calls = choice.tool_calls();
    calls.any(|call| arguments(&call.arguments).is_none())
}

/// Google's word for a reason; `malformed`: a call could not be written.
pub(super) const fn finish_reason(reason: FinishReason, malformed: bool) -> &'static str {
    match reason {
        FinishReason::ContentFilter | FinishReason::Refusal => "SAFETY",
        FinishReason::Length => "MAX_TOKENS",
        _ if malformed => "MALFORMED_FUNCTION_CALL",
        FinishReason::Pause | FinishReason::Stop | FinishReason::ToolCalls => "STOP",
    }
}
