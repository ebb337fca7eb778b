//! Requests for conversations, in each wire that callers speak.

use esclusa::config::{self, Quirks, Wire};
use esclusa::error::Error;
use esclusa::http::Body;
use esclusa::intent;
use esclusa::protocol::dialect::ChatPath;
use esclusa::protocol::{ChatRequest, Dialect, anthropic, openai_responses};
use esclusa::providers::{Encoded, Prompt, Target, Unsupported, encode};
use esclusa::routing::bound;

use super::written::is_json;

/// Every wire of a provider.
const WIRES: [Wire; 6] = [
    Wire::Anthropic,
    Wire::Gemini,
    Wire::OpenAiChat,
    Wire::OpenAiResponses,
    Wire::WorkersAiChat,
    Wire::WorkersAiNative,
];
/// The model that is asked.
pub(crate) const MODEL: &str = "@cf/x/y";
/// The bound of the answer, which leaves room to think.
const MAX_TOKENS: u32 = 8_192;

/// A request is refused with what is wrong and where, or can be sent to every provider that knows
/// all it asks for.
pub(crate) fn chat(dialect: Dialect, bytes: &[u8]) {
    match parse(dialect, bytes) {
        Err(error) => check_refusal(dialect, &error),
        Ok(mut request) => {
            if request
                .thread
                .as_ref()
                .is_some_and(|thread| thread.is_continued())
            {
                // What it continues is stored nowhere.
                let known = openai_responses::Known::default();
                if openai_responses::complete(&mut request, known).is_err() {
                    return;
                }
            }
            ask(&request);
            sent_again(dialect, &request);
        }
    }
    if dialect == Dialect::Anthropic {
        let counted = anthropic::parse_count(bytes).is_ok();
        assert!(
            counted || parse(dialect, bytes).is_err(),
            "cannot be counted"
        );
    }
}

fn parse(dialect: Dialect, bytes: &[u8]) -> Result<ChatRequest, Error> {
    let path = ChatPath {
        dialect,
        model: Some(MODEL),
        ..ChatPath::default()
    };
    dialect.parse(bytes, &path)
}

/// Panics unless an error is the caller's, says what is wrong, and can be said in their wire.
pub(crate) fn check_refusal(dialect: Dialect, error: &Error) {
    assert!(matches!(error.status(), 400 | 413 | 415), "{error}");
    assert!(!error.message.trim().is_empty(), "no message: {error:?}");
    let reply = dialect.error(error, "1");
    assert_eq!(reply.status, error.status());
    match reply.body {
        Body::Bytes(body) => is_json(&body),
        other => panic!("not a whole body: {other:?}"),
    }
}

fn ask(request: &ChatRequest) {
    assert!(!request.messages.is_empty(), "no messages: {request:?}");
    if let Ok(catalogue) = config::catalogue() {
        let text = request.last_user_text();
        let _ = intent::classify(&text, request.needs().into(), catalogue);
    }
    let _ = bound::likely_tokens(request);
    for wire in WIRES {
        match send(wire, request) {
            Ok(encoded) => is_json(encoded.body.as_bytes()),
            Err(unsupported) => check_refusal(Dialect::default(), &unsupported.into()),
        }
    }
}

/// What is sent in the caller's own wire without a warning is a request of that wire, and the same one.
fn sent_again(dialect: Dialect, request: &ChatRequest) {
    let wire = match dialect {
        Dialect::Anthropic => Wire::Anthropic,
        Dialect::Gemini(_) => Wire::Gemini,
        Dialect::OpenAiChat => Wire::OpenAiChat,
        Dialect::OpenAiResponses => Wire::OpenAiResponses,
        Dialect::Run | Dialect::WorkersAi => return,
    };
    let first = match send(wire, request) {
        Ok(first) if first.warnings.is_empty() => first,
        _ => return,
    };
    let again = parse(dialect, first.body.as_bytes());
    let again = again.unwrap_or_else(|error| panic!("{error}: {}", first.body));
    let second = send(wire, &again).expect("sent once already");
    assert_eq!(second.body, first.body, "sent, read and sent again");
}

fn send(wire: Wire, request: &ChatRequest) -> Result<Encoded, Unsupported> {
    let prompt = Prompt {
        request,
        messages: &request.messages,
    };
    let target = Target {
        wire,
        model: Some(MODEL),
        quirks: &Quirks::default(),
        max_tokens: MAX_TOKENS,
        reasoning: None,
        thinks: false,
        deployment: None,
    };
    encode(prompt, &target)
}
