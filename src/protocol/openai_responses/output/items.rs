//! How items and their parts open and close, and what is told of it.

use super::{Open, Output};
use crate::protocol::openai_responses::item::{Item, Said, Status, Summary};
use crate::protocol::openai_responses::step::{PartBody, Step};

impl Output {
    /// Opens a part of a message, in the open message where there is one.
    pub(super) fn open_part(&mut self, wanted: Open) {
        if self.open == Some(wanted) && !self.ending {
            return;
        }
        if matches!(self.open, Some(Open::Text | Open::Refusal)) {
            self.close_part();
        } else {
            self.close_item(Status::Completed);
            let item = Item::Message {
                id: self.id("msg"),
                status: Status::InProgress,
                role: "assistant",
                content: Vec::new(),
            };
            self.add(item);
        }
        self.open = Some(wanted);
        self.ending = false;
        let part = match wanted {
            Open::Refusal => Said::Refusal {
                refusal: String::new(),
            },
            _ => Said::OutputText {
                text: String::new(),
                annotations: Vec::new(),
                logprobs: Vec::new(),
            },
        };
        if let Some(Item::Message { content, .. }) = self.items.last_mut() {
            content.push(part.clone());
        }
        self.tell("response.content_part.added", |step| {
            step.part = Some(PartBody::Said(&part));
        });
    }

    /// Adds an item, which is open.
    pub(super) fn add(&mut self, item: Item) {
        self.ending = false;
        let index = self.items.len();
        self.steps.emit(
            "response.output_item.added",
            Step {
                output_index: Some(index),
                item: Some(&item),
                ..Step::default()
            },
        );
        self.items.push(item);
    }

    /// Closes the part that is open.
    fn close_part(&mut self) {
        let Some(item) = self.items.last().cloned() else {
            return;
        };
        match &item {
            Item::Message { content, .. } => {
                if let Some(part) = content.last() {
                    self.close_said(part);
                }
            }
            Item::Reasoning { summary, .. } => {
                if let Some(part) = summary.last() {
                    let Summary::SummaryText { text } = part;
                    self.tell("response.reasoning_summary_text.done", |step| {
                        step.text = Some(text);
                    });
                    self.tell("response.reasoning_summary_part.done", |step| {
                        step.part = Some(PartBody::Summary(part));
                    });
                }
            }
            Item::FunctionCall {
                name, arguments, ..
            } => {
                self.tell("response.function_call_arguments.done", |step| {
                    step.name = Some(name);
                    step.arguments = Some(arguments);
                });
            }
            Item::Native(_) => {}
        }
    }

    fn close_said(&mut self, part: &Said) {
        match part {
            Said::OutputText { text, logprobs, .. } => {
                self.tell("response.output_text.done", |step| {
                    step.text = Some(text);
                    step.logprobs = Some(logprobs);
                });
            }
            Said::Refusal { refusal } => {
                self.tell("response.refusal.done", |step| step.refusal = Some(refusal));
            }
        }
        self.tell("response.content_part.done", |step| {
            step.part = Some(PartBody::Said(part));
        });
    }

    /// Closes the item that is open, with all in it.
    pub(super) fn close_item(&mut self, reached: Status) {
        if self.open.is_none() {
            return;
        }
        self.close_part();
        if let Some(Item::FunctionCall { status, .. } | Item::Message { status, .. }) =
            self.items.last_mut()
        {
            *status = reached;
        }
        self.item_done();
        self.open = None;
        self.ending = false;
    }

    /// Tells the last item as it is at its end.
    pub(super) fn item_done(&mut self) {
        let step = Step {
            output_index: Some(self.items.len().saturating_sub(1)),
            item: self.items.last(),
            ..Step::default()
        };
        self.steps.emit("response.output_item.done", step);
    }

    /// Writes an event about the last item, and about the last part of it where it has parts.
    pub(super) fn tell<'a>(&'a mut self, kind: &str, fill: impl FnOnce(&mut Step<'a>)) {
        let mut step = Step {
            output_index: Some(self.items.len().saturating_sub(1)),
            ..Step::default()
        };
        match self.items.last() {
            Some(Item::FunctionCall { id, .. }) => step.item_id = Some(id),
            Some(Item::Message { id, content, .. }) => {
                step.item_id = Some(id);
                step.content_index = Some(content.len().saturating_sub(1));
            }
            Some(Item::Reasoning { id, summary, .. }) => {
                step.item_id = Some(id);
                step.summary_index = Some(summary.len().saturating_sub(1));
            }
            Some(Item::Native(_)) | None => {}
        }
        fill(&mut step);
        self.steps.emit(kind, step);
    }
}
