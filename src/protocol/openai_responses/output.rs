//! The events of an answer to items, one at a time: an item is closed before the next one opens, so
//! that calls which a provider streams at once come out one after the other.

mod items;

use super::item::{self, Annotation, Item, Said, Status, Summary};
use super::step::{PartBody, Steps};
use crate::protocol::{Content, Event, Family, FinishReason, Json, MediaSource, Part, Signature};

/// The items of an answer so far.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) items: Vec<Item>,
    pub(super) finish: Option<FinishReason>,
    pub(super) service_tier: Option<String>,
    pub(super) steps: Steps,
    /// The request's id, of which the ids of items are made.
    request: String,
    /// Whether signatures of reasoning are shown.
    encrypted: bool,
    open: Option<Open>,
    /// Nothing more goes into what is open.
    ending: bool,
    /// Calls that have begun.
    calls: Vec<u32>,
    /// What came while a call was open that is not whole yet.
    waiting: Vec<Event>,
}

/// What the last item takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// Arguments of this call.
    Call(u32),
    /// Reasoning; whether a part of it has begun.
    Reasoning(bool),
    /// The text of a refusal.
    Refusal,
    /// Text.
    Text,
}

impl Output {
    /// No items yet.
    pub(super) fn new(request: &str, encrypted: bool, steps: Steps) -> Self {
        Self {
            items: Vec::new(),
            finish: None,
            service_tier: None,
            steps,
            request: request.to_owned(),
            encrypted,
            open: None,
            ending: false,
            calls: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Takes the next event. A response is one answer: those beside the first are left out.
    pub(super) fn push(&mut self, event: &Event) {
        match event {
            Event::ServiceTier(tier) => self.service_tier = Some(tier.clone()),
            Event::Usage(_) => {}
            Event::Finish {
                choice: 0, reason, ..
            } => self.finish = Some(*reason),
            _ if choice(event) != Some(0) => {}
            _ if self.must_wait(event) => self.waiting.push(event.clone()),
            _ => self.take(event),
        }
    }

    /// Ends the answer; the last item has the status `last`.
    pub(super) fn end(&mut self, last: Status) {
        while !self.waiting.is_empty() {
            self.close_item(Status::Completed);
            self.push_waiting();
        }
        self.close_item(last);
    }

    /// Whether the model refused in so many words.
    pub(super) fn refuses(&self) -> bool {
        self.items.iter().any(|item| match item {
            Item::Message { content, .. } => content
                .iter()
                .any(|part| matches!(part, Said::Refusal { .. })),
            _ => false,
        })
    }

    fn push_waiting(&mut self) {
        for event in std::mem::take(&mut self.waiting) {
            self.push(&event);
        }
    }

    /// Whether `event` is about something else than the open call, which still grows.
    fn must_wait(&self, event: &Event) -> bool {
        let Some(Open::Call(open)) = self.open else {
            return false;
        };
        let of_open = matches!(event, Event::ToolCall { index, .. } if *index == open);
        !of_open && !self.call_is_whole()
    }

    fn call_is_whole(&self) -> bool {
        let Some(Item::FunctionCall { arguments, .. }) = self.items.last() else {
            return false;
        };
        arguments.trim_end().ends_with('}') && Json::parse(arguments).is_some()
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Citation { citation, .. } => self.cite(Annotation::of(citation)),
            Event::Logprobs { tokens, .. } => self.weigh(tokens),
            Event::PartEnd { .. } => self.ending = true,
            Event::Reasoning { text, .. } => self.think(text),
            Event::ReasoningSignature { signature, .. } => self.sign(signature),
            Event::Refusal { text, .. } => self.refuse(text),
            Event::Text { text, .. } => self.say(text),
            Event::ToolCall { .. } => self.call(event),
            Event::Whole { part, .. } => self.whole(part),
            Event::Finish { .. } | Event::ServiceTier(_) | Event::Usage(_) => {}
        }
    }

    /// Many providers send an empty text along with calls, which is no message.
    fn say(&mut self, more: &str) {
        if more.is_empty() {
            return;
        }
        self.open_part(Open::Text);
        let Some(Said::OutputText { text, .. }) = last_said(&mut self.items) else {
            return;
        };
        text.push_str(more);
        self.tell("response.output_text.delta", |step| {
            step.delta = Some(more);
            step.logprobs = Some(&[]);
        });
    }

    fn refuse(&mut self, more: &str) {
        if more.is_empty() {
            return;
        }
        self.open_part(Open::Refusal);
        let Some(Said::Refusal { refusal }) = last_said(&mut self.items) else {
            return;
        };
        refusal.push_str(more);
        self.tell("response.refusal.delta", |step| step.delta = Some(more));
    }

    /// A citation belongs to the text before it, also where that text is complete.
    fn cite(&mut self, annotation: Option<Annotation>) {
        if self.open != Some(Open::Text) {
            self.open_part(Open::Text);
        }
        let Some(annotation) = annotation else { return };
        let Some(Said::OutputText { annotations, .. }) = last_said(&mut self.items) else {
            return;
        };
        let index = annotations.len();
        annotations.push(annotation.clone());
        self.tell("response.output_text.annotation.added", |step| {
            step.annotation_index = Some(index);
            step.annotation = Some(&annotation);
        });
    }

    /// Probabilities have a place in a text only.
    fn weigh(&mut self, tokens: &[Json]) {
        let Some(Said::OutputText { logprobs, .. }) = last_said(&mut self.items) else {
            return;
        };
        if self.open == Some(Open::Text) {
            logprobs.extend_from_slice(tokens);
            self.tell("response.output_text.delta", |step| {
                step.delta = Some("");
                step.logprobs = Some(tokens);
            });
        }
    }

    fn think(&mut self, more: &str) {
        if more.is_empty() {
            return;
        }
        self.open_reasoning();
        if self.open == Some(Open::Reasoning(false)) {
            self.open = Some(Open::Reasoning(true));
            self.begin_summary();
        }
        if let Some(Item::Reasoning { summary, .. }) = self.items.last_mut()
            && let Some(Summary::SummaryText { text }) = summary.last_mut()
        {
            text.push_str(more);
            self.tell("response.reasoning_summary_text.delta", |step| {
                step.delta = Some(more);
            });
        }
    }

    fn begin_summary(&mut self) {
        let Some(Item::Reasoning { summary, .. }) = self.items.last_mut() else {
            return;
        };
        let part = Summary::SummaryText {
            text: String::new(),
        };
        summary.push(part.clone());
        self.tell("response.reasoning_summary_part.added", |step| {
            step.part = Some(PartBody::Summary(&part));
        });
    }

    fn sign(&mut self, signature: &Signature) {
        self.open_reasoning();
        if self.encrypted
            && let Some(Item::Reasoning {
                encrypted_content, ..
            }) = self.items.last_mut()
        {
            *encrypted_content = Some(item::signed(signature));
        }
        self.ending = true;
    }

    fn open_reasoning(&mut self) {
        if matches!(self.open, Some(Open::Reasoning(_))) && !self.ending {
            return;
        }
        self.close_item(Status::Completed);
        let item = Item::Reasoning {
            id: self.id("rs"),
            summary: Vec::new(),
            encrypted_content: None,
        };
        self.add(item);
        self.open = Some(Open::Reasoning(false));
    }

    fn call(&mut self, event: &Event) {
        let Event::ToolCall {
            index,
            id,
            name,
            arguments,
            signature,
            ..
        } = event
        else {
            return;
        };
        if !self.calls.contains(index) {
            self.begin_call(*index, id.as_deref(), name.as_deref());
        }
        // A call that is closed was whole: nothing follows but noise.
        if self.open != Some(Open::Call(*index)) {
            return;
        }
        let Some(Item::FunctionCall {
            arguments: all,
            extra_content,
            ..
        }) = self.items.last_mut()
        else {
            return;
        };
        all.push_str(arguments);
        if signature.is_some() {
            extra_content.clone_from(signature);
        }
        if !arguments.is_empty() {
            self.tell("response.function_call_arguments.delta", |step| {
                step.delta = Some(arguments);
            });
        }
        if !self.waiting.is_empty() && self.call_is_whole() {
            self.push_waiting();
        }
    }

    fn begin_call(&mut self, index: u32, id: Option<&str>, name: Option<&str>) {
        self.close_item(Status::Completed);
        self.calls.push(index);
        let given = id.filter(|id| !id.is_empty());
        let item = Item::FunctionCall {
            id: self.id("fc"),
            call_id: given.map_or_else(|| self.id("call"), str::to_owned),
            name: name.unwrap_or_default().to_owned(),
            arguments: String::new(),
            status: Status::InProgress,
            extra_content: None,
        };
        self.add(item);
        self.open = Some(Open::Call(index));
    }

    /// Blocks of other providers' tools have no place in this wire.
    fn whole(&mut self, part: &Part) {
        self.ending = true;
        let item = match &part.content {
            Content::RedactedReasoning(signature) => Item::Reasoning {
                id: self.id("rs"),
                summary: Vec::new(),
                encrypted_content: self.encrypted.then(|| item::redacted(signature)),
            },
            Content::Native {
                family: Family::OpenAi,
                block,
            } => Item::Native(block.clone()),
            Content::Image(media) => match &media.source {
                MediaSource::Base64(data) => Item::Native(item::picture(&self.id("ig"), data)),
                _ => return,
            },
            _ => return,
        };
        self.close_item(Status::Completed);
        self.add(item);
        self.item_done();
    }

    /// The id of the next item.
    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}_{}", self.request, self.items.len())
    }
}

/// The part of the last item that is said last.
fn last_said(items: &mut [Item]) -> Option<&mut Said> {
    match items.last_mut() {
        Some(Item::Message { content, .. }) => content.last_mut(),
        _ => None,
    }
}

/// The choice that an event is about; `None` where it is about none.
const fn choice(event: &Event) -> Option<u32> {
    match event {
        Event::Citation { choice, .. }
        | Event::Finish { choice, .. }
        | Event::Logprobs { choice, .. }
        | Event::PartEnd { choice }
        | Event::Reasoning { choice, .. }
        | Event::ReasoningSignature { choice, .. }
        | Event::Refusal { choice, .. }
        | Event::Text { choice, .. }
        | Event::ToolCall { choice, .. }
        | Event::Whole { choice, .. } => Some(*choice),
        Event::ServiceTier(_) | Event::Usage(_) => None,
    }
}
