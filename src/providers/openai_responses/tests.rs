mod answers;
mod choice;
mod properties;
mod requests;
mod streams;

use crate::config;
use crate::protocol::{ChatRequest, Event, ReasoningMode, openai_chat, openai_responses};
use crate::providers::{
    Deployment, Encoded, Failure, Prompt, StreamDecoder, Target, Unsupported, Wire, encode,
};

/// The bound of output that the requests of these answers have sent.
const BOUND: u32 = 4_096;

/// Who is asked.
fn deployment() -> Deployment {
    Deployment::new("openai", "https://api.openai.com/v1", "sk-1")
}

/// A request that came by this wire.
fn respond(fields: &str) -> ChatRequest {
    let body = format!(r#"{{"model":"m",{fields}}}"#);
    openai_responses::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error} in {body}"))
}

/// A request that came by chat completions.
fn chat(fields: &str) -> ChatRequest {
    let body = format!(r#"{{"model":"m",{fields}}}"#);
    openai_chat::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error} in {body}"))
}

/// A request to a model that thinks.
fn encoded(request: &ChatRequest) -> Result<Encoded, Unsupported> {
    encoded_for("o1", None, request)
}

fn encoded_for(
    model: &str,
    reasoning: Option<ReasoningMode>,
    request: &ChatRequest,
) -> Result<Encoded, Unsupported> {
    let provider = config::catalogue().unwrap().provider("openai").unwrap();
    let prompt = Prompt {
        request,
        messages: &request.messages,
    };
    let target = Target {
        wire: Wire::OpenAiResponses,
        model: Some(model),
        quirks: &provider.quirks(model),
        max_tokens: BOUND,
        reasoning,
        thinks: model.starts_with('o'),
        deployment: Some(&deployment()),
    };
    encode(prompt, &target)
}

/// The body of a request that fits.
fn body(request: &ChatRequest) -> serde_json::Value {
    serde_json::from_str(&encoded(request).unwrap().body).unwrap()
}

/// Feeds a stream in chunks of `size` bytes.
fn decode_stream(body: &[u8], size: usize) -> (Vec<Event>, Result<(), Failure>) {
    let mut decoder = StreamDecoder::new(Wire::OpenAiResponses, BOUND);
    let mut events = Vec::new();
    let fed = body
        .chunks(size)
        .try_for_each(|chunk| decoder.feed(chunk, &mut events));
    let result = fed.and_then(|()| decoder.finish(&mut events));
    (events, result)
}
