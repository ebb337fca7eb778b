//! What an operation does with a request besides choosing its model: how long the prompt may be, what
//! becomes of the answer, who judges both, and what that may cost.

use super::bound::{self, BYTES_PER_TOKEN, Sizes};
use super::instructions::Variables;
use super::plan::{Candidate, Plan};
use crate::config::{Catalogue, Guard, Operation, Output, Trim};
use crate::context::trim::least_tokens;
use crate::error::Error;
use crate::money::Nanos;
use crate::protocol::{ChatRequest, Message, Needs, ResponseFormat};

/// Bytes around a schema, or around an answer that is to be mended: what the model is told.
const TOLD_BYTES: u64 = 2_500;

/// Bytes of the sentence that goes with a schema, for a model that is told in words.
const FORM_BYTES: usize = 120;

impl Plan {
    /// Tokens of the prompt that are neither messages nor passages, likely.
    #[must_use]
    pub fn fixed_tokens(&self, request: &ChatRequest) -> u64 {
        let added = added_bytes(self.prompt(), self.output());
        bound::likely_fixed_tokens(request, added)
    }

    /// What is made of the answer, where the operation's prompt was asked for.
    #[must_use]
    pub fn output(&self) -> Option<&Output> {
        let output = self.operation.output.as_ref();
        output.filter(|_| self.by_operation)
    }

    /// Whether the answer is given only once it is whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        is_whole(&self.operation, self.by_operation)
    }

    /// The plan by which a candidate is asked once more, with a longer conversation.
    #[must_use]
    pub fn again(
        &self,
        candidate: &Candidate,
        request: &ChatRequest,
        messages: &[Message],
    ) -> Self {
        let longer = ChatRequest {
            messages: messages.to_vec(),
            ..request.clone()
        };
        let sizes = Sizes::of(&longer, None, None).with(told_bytes(self.output()));
        let choices = (request.choices, candidate.max_tokens);
        let bound = bound::attempt(&candidate.model, &sizes, choices, candidate.custom);
        let candidate = Candidate {
            bound,
            ..candidate.clone()
        };
        Self {
            candidates: vec![candidate],
            ..self.clone()
        }
    }
}

/// Whether an operation gives answers only once they are whole, where its output is asked for.
fn is_whole(operation: &Operation, by_operation: bool) -> bool {
    let shapes = by_operation && operation.output.is_some();
    shapes || operation.guard.is_some_and(Guard::of_output)
}

/// What a request asks of a model that works for an operation: nothing is streamed that is given whole.
pub(super) fn needs(request: &ChatRequest, operation: &Operation) -> Needs {
    let needs = request.needs();
    let streaming = needs.streaming && !is_whole(operation, true);
    Needs { streaming, ..needs }
}

/// Bytes that a model is told of what its answer must be, at most.
pub(super) fn told_bytes(output: Option<&Output>) -> u64 {
    let Some(output) = output.filter(|output| output.is_json()) else {
        return 0;
    };
    let schema = output.schema.as_ref();
    let bytes = schema.map_or(0, |schema| schema.as_str().len());
    u64::try_from(bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(TOLD_BYTES)
}

/// Bytes that an operation is likely to add to a prompt besides passages: what it says, and what answers
/// must be.
pub(super) fn added_bytes(prompt: Option<&str>, output: Option<&Output>) -> usize {
    let output = output.filter(|output| output.is_json());
    let schema = output.and_then(|output| output.schema.as_ref());
    let sizes = [
        prompt.map_or(0, str::len),
        schema.map_or(0, |schema| schema.as_str().len()),
        output.map_or(0, |_| FORM_BYTES),
    ];
    sizes.into_iter().fold(0, usize::saturating_add)
}

/// Refuses a form of answers that the caller wants where the operation has one.
///
/// # Errors
/// `InvalidRequest`.
pub(super) fn check_format(operation: &Operation, request: &ChatRequest) -> Result<(), Error> {
    let sets_form = operation.output.as_ref().is_some_and(Output::is_json);
    if sets_form && request.response_format != ResponseFormat::Text {
        let message = format!(
            "The operation `{}` says itself what its answers are. Leave this out.",
            operation.name
        );
        return Err(Error::invalid("response_format", message));
    }
    Ok(())
}

/// Tokens that the prompt of a request has at least, whatever may be left out of it is, with so many bytes
/// that are added to it.
pub(super) fn least(operation: &Operation, request: &ChatRequest, added: usize) -> u64 {
    let messages = if operation.trim.contains(&Trim::Turns) {
        least_tokens(&request.messages)
    } else {
        let sizes = request.messages.iter().map(bound::likely_tokens_of);
        sizes.fold(0, u64::saturating_add)
    };
    messages.saturating_add(bound::likely_fixed_tokens(request, added))
}

/// The tokens that the prompt may have: as many as the operation says and, where it says what to leave
/// out, as every candidate takes.
///
/// # Errors
/// `InvalidRequest` where it has more, whatever is left out.
pub(super) fn room(
    operation: &Operation,
    request: &ChatRequest,
    added: usize,
    candidates: &[Candidate],
) -> Result<Option<u64>, Error> {
    let said = operation.input_tokens.map(u64::from);
    let windows = candidates.iter().map(|candidate| {
        let window = candidate.model.context_window;
        u64::from(window.saturating_sub(candidate.max_tokens))
    });
    let window = windows.min().filter(|_| !operation.trim.is_empty());
    let Some(room) = said.into_iter().chain(window).min() else {
        return Ok(None);
    };
    let least = least(operation, request, added);
    if least > room {
        return Err(too_long(&operation.name, room, least));
    }
    Ok(Some(room))
}

/// The error of a prompt that is too long, whatever is left out of it.
#[must_use]
pub fn too_long(operation: &str, room: u64, tokens: u64) -> Error {
    let message = format!(
        "The prompt of the operation `{operation}` may have {room} tokens; this one has about {tokens}, with everything left out that may be. Shorten the last message, or what the application says."
    );
    Error::invalid("messages", message)
}

/// What of a request the guard of an operation judges: all that the caller says, where it goes into the
/// prompt by a variable, too.
#[must_use]
pub fn said(request: &ChatRequest, variables: &Variables) -> String {
    let own = request.text_of_caller();
    let values = variables.values().map(String::as_str);
    let texts = std::iter::once(own.as_str()).chain(values);
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    texts.join("\n")
}

/// The worst that mending an answer and judging what is said may cost.
pub(super) fn cost(
    (operation, output): (&Operation, Option<&Output>),
    (request, variables): (&ChatRequest, &Variables),
    sizes: &Sizes,
    candidates: &[Candidate],
    catalogue: &Catalogue,
) -> Nanos {
    let answer =
        |candidate: &Candidate| u64::from(candidate.max_tokens).saturating_mul(BYTES_PER_TOKEN);
    let mends = output.is_some_and(|output| output.repair);
    let mended = candidates.iter().filter(|_| mends).map(|candidate| {
        let longer = sizes.with(answer(candidate).saturating_add(TOLD_BYTES));
        let choices = (request.choices, candidate.max_tokens);
        bound::attempt(&candidate.model, &longer, choices, candidate.custom)
    });
    let guard = operation.guard;
    let said = guard.filter(|guard| guard.of_input()).map(|_| {
        let text = said(request, variables);
        u64::try_from(text.len()).unwrap_or(u64::MAX)
    });
    let answered = guard.filter(|guard| guard.of_output()).and_then(|_| {
        let longest = candidates.iter().map(answer).max();
        longest.map(|bytes| bytes.saturating_mul(u64::from(request.choices.max(1))))
    });
    let verdicts = bound::guard(said, answered, catalogue);
    mended.max().unwrap_or_default().saturating_add(verdicts)
}
