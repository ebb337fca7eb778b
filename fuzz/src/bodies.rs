//! JSON bodies that are no conversation.

use esclusa::config::{self, tenant, yaml as documents};
use esclusa::error::Error;
use esclusa::protocol::audio::speech as spoken;
use esclusa::protocol::embeddings::Input;
use esclusa::protocol::{
    Dialect, embeddings as embedded, images as drawn, moderations as judged, rerank as ranked,
};
use esclusa::providers::openai_media::{self, Batch};
use esclusa::request::universal as steps;

use super::chats::{MODEL, check_refusal};

/// What is embedded is never nothing, and reaches a provider whole.
pub(crate) fn embeddings(bytes: &[u8]) {
    let Some(request) = read(embedded::parse(bytes)) else {
        return;
    };
    let count = request.input.len();
    assert!(
        (1..=embedded::MAX_INPUTS).contains(&count),
        "{count} inputs"
    );
    let batch = match &request.input {
        Input::Texts(texts) => Batch::Texts(texts),
        Input::Tokens(lists) => Batch::Tokens(lists),
    };
    let sent = openai_media::encode_embedding(MODEL, batch, request.dimensions);
    let again = embedded::parse(&sent.bytes).expect("a request");
    assert_eq!(again.input, request.input);
    assert_eq!(again.dimensions, request.dimensions);
}

pub(crate) fn images(bytes: &[u8]) {
    read(drawn::parse(bytes));
}

/// What is judged is never nothing, and reaches a provider whole.
pub(crate) fn moderations(bytes: &[u8]) {
    let Some(request) = read(judged::parse(bytes)) else {
        return;
    };
    assert!(!request.input.is_empty(), "nothing to judge");
    let sent = openai_media::encode_moderation(MODEL, &request.input);
    let again = judged::parse(&sent.bytes).expect("a request");
    assert_eq!(again.input, request.input);
}

pub(crate) fn rerank(bytes: &[u8]) {
    read(ranked::parse(bytes));
}

/// What is spoken is never nothing, bounded, and reaches a provider whole.
pub(crate) fn speech(bytes: &[u8]) {
    let Some(request) = read(spoken::parse(bytes)) else {
        return;
    };
    let count = request.input.chars().count();
    assert!(
        (1..=spoken::MAX_CHARACTERS).contains(&count),
        "{count} characters"
    );
    let sent = openai_media::encode_speech(MODEL, &request, &request.voice);
    let again = spoken::parse(&sent.bytes).expect("a request");
    assert_eq!(again.input, request.input);
    assert_eq!(again.voice, request.voice);
    assert_eq!(again.format, request.format);
    assert_eq!(again.speed, request.speed);
    assert_eq!(again.instructions, request.instructions);
}

pub(crate) fn universal(bytes: &[u8]) {
    if let Some(steps) = read(steps::parse(bytes)) {
        assert!(!steps.is_empty(), "no steps");
    }
}

/// An org's settings: every problem has a reason, and what is stored can be restored.
pub(crate) fn tenant_config(bytes: &[u8]) {
    let (Ok(text), Ok(catalogue)) = (std::str::from_utf8(bytes), config::catalogue()) else {
        return;
    };
    match tenant::parse(text, catalogue) {
        Ok(_) => assert!(
            tenant::restore(text, catalogue).is_some(),
            "cannot be restored"
        ),
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            assert!(problems.iter().all(|problem| !problem.reason.is_empty()));
        }
    }
}

fn read<T>(parsed: Result<T, Error>) -> Option<T> {
    if let Err(error) = &parsed {
        check_refusal(Dialect::default(), error);
    }
    parsed.ok()
}

/// What is taken as YAML is one JSON document, which as YAML says the same.
pub(crate) fn yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(document) = documents::parse(text) else {
        return;
    };
    if document.json.is_empty() {
        return;
    }
    let value: serde_json::Value = serde_json::from_str(&document.json).expect("JSON");
    let again = documents::parse(&document.json).expect("JSON is YAML");
    let again: serde_json::Value = serde_json::from_str(&again.json).expect("JSON");
    assert_eq!(again, value);
    assert!(document.line("a.b[0]") >= 1);
}
