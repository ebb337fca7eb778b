//! The events of a streamed response, numbered as they are written.
//!
//! <https://platform.openai.com/docs/api-reference/responses-streaming>

use serde::Serialize;

use super::item::{Annotation, Item, Said, Summary};
use crate::protocol::Json;
use crate::sse;

/// The fields of an event: each type has some of them.
#[derive(Default, Serialize)]
pub(super) struct Step<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) annotation_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<&'a [Json]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) annotation: Option<&'a Annotation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<PartBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item: Option<&'a Item>,
}

/// A part of a message or of reasoning.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum PartBody<'a> {
    Said(&'a Said),
    Summary(&'a Summary),
}

/// Writes events one after the other; or writes none, where only the items are of interest.
#[derive(Debug, Default)]
pub(super) struct Steps {
    number: u64,
    written: Option<Vec<u8>>,
}

#[derive(Serialize)]
struct Numbered<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    sequence_number: u64,
    #[serde(flatten)]
    fields: T,
}

impl Steps {
    /// Steps that are written.
    pub(super) fn written() -> Self {
        Self {
            written: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// Writes an event of the type `kind`.
    pub(super) fn emit(&mut self, kind: &str, fields: impl Serialize) {
        let Some(written) = &mut self.written else {
            return;
        };
        let event = Numbered {
            kind,
            sequence_number: self.number,
            fields,
        };
        let Ok(data) = serde_json::to_string(&event) else {
            return;
        };
        sse::write_event(written, kind, &data);
        self.number = self.number.saturating_add(1);
    }

    /// What has been written since the last time.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.written
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }
}
