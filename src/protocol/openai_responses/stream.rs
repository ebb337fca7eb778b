//! A streamed answer as the typed events of a response.
//!
//! A stream that fails ends with `response.failed` and then `error`, which the SDKs raise, so that no
//! client takes it for a whole answer.

use std::rc::Rc;

use serde::Serialize;

use super::answer::{Response, output_status};
use super::item::Status;
use super::output::Output;
use super::step::Steps;
use super::thread::Thread;
use crate::error::Error;
use crate::money::Nanos;
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{Bill, Event, openai_error};
use crate::usage::Usage;

/// Writes the events of one stream.
#[derive(Debug)]
pub struct EventWriter {
    thread: Rc<Thread>,
    head: Head,
    output: Output,
    begun: bool,
}

#[derive(Serialize)]
struct Whole<'a> {
    response: Response<'a>,
}

/// An error, both as it is documented and as the SDKs look for it.
#[derive(Serialize)]
struct Broken<'a> {
    code: &'static str,
    message: &'a str,
    param: Option<&'a str>,
    #[serde(flatten)]
    object: openai_error::ErrorObject<'a>,
}

impl EventWriter {
    /// A writer of a stream that has not begun.
    #[must_use]
    pub fn new(thread: Rc<Thread>, head: Head) -> Self {
        Self {
            output: Output::new(&head.request, thread.encrypted, Steps::written()),
            thread,
            head,
            begun: false,
        }
    }

    fn begin(&mut self) {
        if self.begun {
            return;
        }
        self.begun = true;
        for kind in ["response.created", "response.in_progress"] {
            // The items are borrowed by the response, which the steps are no part of.
            let mut steps = std::mem::take(&mut self.output.steps);
            let response = Response::begun(&self.thread, &self.head, &self.output);
            steps.emit(kind, Whole { response });
            self.output.steps = steps;
        }
    }
}

impl StreamWriter for EventWriter {
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.begin();
        self.output.push(event);
        out.append(&mut self.output.steps.take());
    }

    fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        self.begin();
        let status = output_status(&self.output);
        self.output.end(status);
        let kind = match output_status(&self.output) {
            Status::Incomplete => "response.incomplete",
            _ => "response.completed",
        };
        let mut steps = std::mem::take(&mut self.output.steps);
        let bill = Bill { usage, cost };
        let response = Response::ended(&self.thread, &self.head, &self.output, bill);
        steps.emit(kind, Whole { response });
        out.append(&mut steps.take());
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.begin();
        self.output.end(Status::Incomplete);
        let mut steps = std::mem::take(&mut self.output.steps);
        let response = Response::failed(&self.thread, &self.head, &self.output, error);
        steps.emit("response.failed", Whole { response });
        let broken = Broken {
            code: error.kind.row().code,
            message: &error.message,
            param: error.param.as_deref(),
            object: openai_error::object(error),
        };
        steps.emit("error", broken);
        out.append(&mut steps.take());
    }

    fn unstored(&mut self) {
        Rc::make_mut(&mut self.thread).store = false;
    }
}
