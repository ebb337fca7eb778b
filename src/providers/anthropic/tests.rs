mod answers;
mod properties;
mod requests;
mod streams;
mod thinking;

use crate::config;
use crate::protocol::{ChatRequest, Event, ReasoningMode, anthropic, openai_chat};
use crate::providers::{
    Encoded, Failure, Prompt, StreamDecoder, Target, Unsupported, Wire, encode,
};

/// The bound of output that the requests of these answers have sent.
const BOUND: u32 = 4_096;

/// A request that came by Anthropic's wire.
fn message(fields: &str) -> ChatRequest {
    let body = format!(r#"{{"model":"m","max_tokens":4096,{fields}}}"#);
    anthropic::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error} in {body}"))
}

/// A request that came by `OpenAI`'s wire.
fn chat(fields: &str) -> ChatRequest {
    let body = format!(r#"{{"model":"m",{fields}}}"#);
    openai_chat::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error} in {body}"))
}

fn encoded(request: &ChatRequest) -> Result<Encoded, Unsupported> {
    encoded_for("claude-sonnet-4-6", BOUND, None, request)
}

fn encoded_for(
    model: &str,
    max_tokens: u32,
    reasoning: Option<ReasoningMode>,
    request: &ChatRequest,
) -> Result<Encoded, Unsupported> {
    let provider = config::catalogue().unwrap().provider("anthropic").unwrap();
    let prompt = Prompt {
        request,
        messages: &request.messages,
    };
    let target = Target {
        wire: Wire::Anthropic,
        model: None,
        quirks: &provider.quirks(model),
        max_tokens,
        reasoning,
        thinks: true,
        deployment: None,
    };
    encode(prompt, &target)
}

/// The body of a request that fits.
fn body(request: &ChatRequest) -> serde_json::Value {
    serde_json::from_str(&encoded(request).unwrap().body).unwrap()
}

/// The fields that were left out of a request that fits.
fn left_out(request: &ChatRequest) -> Vec<String> {
    let warnings = encoded(request).unwrap().warnings;
    let fields = warnings.iter().map(|warning| warning.field.to_string());
    fields.collect()
}

/// Feeds a stream in chunks of `size` bytes.
fn decode_stream(body: &[u8], size: usize) -> (Vec<Event>, Result<(), Failure>) {
    let mut decoder = StreamDecoder::new(Wire::Anthropic, BOUND);
    let mut events = Vec::new();
    let fed = body
        .chunks(size)
        .try_for_each(|chunk| decoder.feed(chunk, &mut events));
    let result = fed.and_then(|()| decoder.finish(&mut events));
    (events, result)
}
