//! Exact answer cache: its key, its entry, and what may be stored.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::governor::command::Versions;
use crate::protocol::{Answer, FinishReason, Source};

/// Part of every key: raise it when the entry's form or the meaning of a key changes.
const FORMAT: &str = "esclusa-answer-3";
/// Body fields that change how an answer is delivered or accounted, but not what it says.
const IRRELEVANT: [&str; 7] = [
    "metadata",
    "model",
    "safety_identifier",
    "store",
    "stream",
    "stream_options",
    "user",
];

/// Everything that an answer depends on. Whatever is missing here leaks an answer to somebody who
/// would have got another.
pub struct KeyParts<'a> {
    /// The org: no answer ever crosses it.
    pub org: &'a str,
    /// The operation, which says template and grounding.
    pub operation: &'a str,
    /// The model, tier or route as the caller wrote it.
    pub requested_model: &'a str,
    /// The operation's prompt: its version and its text, with every variable's value.
    pub prompt: (&'a str, &'a str),
    /// Digest of the configuration compiled in.
    pub catalogue: &'a str,
    /// The configurations of org and deployment, and the corpus.
    pub versions: Versions,
    /// Whether the caller switched grounding off.
    pub grounded: bool,
    /// The caller's own discriminator, `cf-aig-cache-key`.
    pub custom: Option<&'a str>,
    /// The request's JSON body.
    pub body: &'a [u8],
}

/// The key of a request: 64 hexadecimal characters. `None` where the body is no JSON object.
///
/// Each part is hashed with its length, so that no two lists of parts have the same bytes.
#[must_use]
pub fn key(parts: &KeyParts<'_>) -> Option<String> {
    let body = canonical_body(parts.body)?;
    let Versions {
        config,
        corpus,
        deployment,
    } = parts.versions;
    let versions = format!("{config}.{corpus}.{deployment}");
    let list: [&[u8]; 11] = [
        FORMAT.as_bytes(),
        parts.org.as_bytes(),
        parts.operation.as_bytes(),
        parts.requested_model.as_bytes(),
        parts.prompt.0.as_bytes(),
        parts.prompt.1.as_bytes(),
        parts.catalogue.as_bytes(),
        versions.as_bytes(),
        if parts.grounded {
            b"grounded"
        } else {
            b"plain"
        },
        parts.custom.unwrap_or_default().as_bytes(),
        body.as_bytes(),
    ];
    let hash = list.iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update(part.len().to_string())
            .chain_update(":")
            .chain_update(part)
    });
    Some(hex::encode(hash.finalize()))
}

/// The body with its keys sorted and without what does not change the answer.
fn canonical_body(body: &[u8]) -> Option<String> {
    let mut fields: BTreeMap<Cow<'_, str>, Value> = serde_json::from_slice(body).ok()?;
    for name in IRRELEVANT {
        fields.remove(name);
    }
    serde_json::to_string(&fields).ok()
}

/// A stored answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The answer, whichever way it was delivered first.
    pub answer: Answer,
    /// The model that gave it.
    pub model: String,
    /// That model's provider.
    pub provider: String,
    /// What grounds it.
    pub sources: Vec<Source>,
}

impl Entry {
    /// The entry's bytes.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// The entry of bytes, where they are one of this code's form.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Whether an answer may be given again: whole, and with something in it.
#[must_use]
pub fn is_storable(answer: &Answer) -> bool {
    answer.choices.iter().all(|choice| {
        choice.finish_reason == FinishReason::Stop
            && choice.refusal().is_none()
            && choice.text().is_some_and(|text| !text.trim().is_empty())
    }) && !answer.choices.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Choice, Content, Part};

    const BODY: &[u8] =
        br#"{"model":"auto","messages":[{"role":"user","content":"hi"}],"temperature":0.5}"#;

    fn parts(body: &[u8]) -> KeyParts<'_> {
        KeyParts {
            org: "acme",
            operation: "faq",
            requested_model: "auto",
            prompt: ("faq@1", "Be brief."),
            catalogue: "c1",
            versions: Versions {
                config: 1,
                corpus: 2,
                deployment: 3,
            },
            grounded: true,
            custom: None,
            body,
        }
    }

    #[test]
    fn delivery_and_order_do_not_change_the_key() {
        let same = br#"{"stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"user":"u", "messages":[{"content":"hi","role":"user"}],"model":"auto"}"#;
        assert_eq!(key(&parts(BODY)), key(&parts(same)));
    }

    #[test]
    fn whatever_changes_the_answer_changes_the_key() {
        let base = key(&parts(BODY)).unwrap();
        let variants = [
            KeyParts { org: "acmf", ..parts(BODY) },
            KeyParts { operation: "translate", ..parts(BODY) },
            KeyParts { requested_model: "light", ..parts(BODY) },
            KeyParts { prompt: ("faq@2", "Be brief."), ..parts(BODY) },
            KeyParts { prompt: ("faq@1", "Be kind."), ..parts(BODY) },
            KeyParts { catalogue: "c2", ..parts(BODY) },
            KeyParts { versions: Versions { config: 2, corpus: 2, deployment: 3 }, ..parts(BODY) },
            KeyParts { versions: Versions { config: 1, corpus: 3, deployment: 3 }, ..parts(BODY) },
            KeyParts { versions: Versions { config: 1, corpus: 2, deployment: 4 }, ..parts(BODY) },
            KeyParts { grounded: false, ..parts(BODY) },
            KeyParts { custom: Some("x"), ..parts(BODY) },
            parts(br#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.6}"#),
            parts(br#"{"messages":[{"role":"user","content":"ho"}],"temperature":0.5}"#),
            parts(br#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.5,"seed":1}"#),
            parts(br#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.5,"response_format":{"type":"json_object"}}"#),
        ];
        for (index, variant) in variants.iter().enumerate() {
            assert_ne!(key(variant).unwrap(), base, "variant {index}");
        }
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        let left = KeyParts {
            org: "ab",
            operation: "c",
            ..parts(BODY)
        };
        let right = KeyParts {
            org: "a",
            operation: "bc",
            ..parts(BODY)
        };
        assert_ne!(key(&left), key(&right));
    }

    #[test]
    fn only_whole_answers_are_stored() {
        let text = |text: &str| vec![Part::text(text)];
        let storable = |parts: Vec<Part>, reason| {
            is_storable(&Answer {
                choices: vec![Choice::new(parts, reason)],
                ..Answer::default()
            })
        };
        let refusal = Part::new(Content::Refusal("no".to_owned()));
        assert!(storable(text("Hello"), FinishReason::Stop));
        assert!(!storable(text("Hello"), FinishReason::Length));
        assert!(!storable(text("Hello"), FinishReason::ToolCalls));
        assert!(!storable(text(" "), FinishReason::Stop));
        assert!(!storable(
            vec![Part::text("no"), refusal],
            FinishReason::Stop
        ));
        assert!(!is_storable(&Answer::default()));
    }
}
