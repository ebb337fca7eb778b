//! The blocks of a stream that are not complete: the first is on the wire, the others wait for it.

use std::collections::VecDeque;

use serde::de::IgnoredAny;

use super::{Delta, StreamEvent};
use crate::protocol::anthropic::body::Block;

/// The blocks, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Queue {
    blocks: VecDeque<Waiting>,
    /// The index of the next block.
    next: u32,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The call of this index.
    Call(u32),
    /// Text that refuses.
    Refusal,
    /// Text.
    Text,
    /// Reasoning.
    Thinking,
    /// A block that came whole.
    Whole,
}

#[derive(Debug)]
struct Waiting {
    index: u32,
    kind: Kind,
    /// It takes no more text.
    closed: bool,
    /// The arguments of a call, so far.
    arguments: String,
    /// Events that wait for their turn.
    held: Vec<u8>,
}

impl Waiting {
    /// Whether nothing can be missing, given that another block has begun.
    fn is_complete(&self) -> bool {
        let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
        !matches!(self.kind, Kind::Call(_)) || is_json(&self.arguments)
    }
}

impl Queue {
    /// Begins a block.
    pub(super) fn open(&mut self, kind: Kind, content_block: Block<'_>, out: &mut Vec<u8>) {
        let index = self.next;
        self.next = index.saturating_add(1);
        self.blocks.push_back(Waiting {
            index,
            kind,
            closed: false,
            arguments: String::new(),
            held: Vec::new(),
        });
        let start = StreamEvent::ContentBlockStart {
            index,
            content_block,
        };
        self.write(self.blocks.len().saturating_sub(1), &start, out);
        self.advance(out);
    }

    /// Whether the last block is of this kind and takes more.
    pub(super) fn continues(&self, kind: &Kind) -> bool {
        let last = self.blocks.back();
        last.is_some_and(|block| !block.closed && block.kind == *kind)
    }

    /// Whether the last block is of this kind.
    pub(super) fn ends_with(&self, kind: &Kind) -> bool {
        self.blocks.back().is_some_and(|block| block.kind == *kind)
    }

    /// The last block takes no more.
    pub(super) fn close_last(&mut self) {
        if let Some(block) = self.blocks.back_mut() {
            block.closed = true;
        }
    }

    /// Writes more of the last block.
    pub(super) fn append(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        if let Some(place) = self.blocks.len().checked_sub(1) {
            self.write_delta(place, delta, out);
        }
    }

    /// Writes more of a call.
    pub(super) fn append_to(&mut self, call: u32, delta: &Delta<'_>, out: &mut Vec<u8>) {
        if let Some(place) = self.place(call) {
            self.write_delta(place, delta, out);
        }
    }

    /// Writes more of a call's arguments. A call that is complete takes none.
    pub(super) fn arguments(&mut self, call: u32, partial_json: &str, out: &mut Vec<u8>) {
        let Some(place) = self.place(call) else {
            return;
        };
        if let Some(block) = self.blocks.get_mut(place) {
            block.arguments.push_str(partial_json);
        }
        self.write_delta(place, &Delta::Input { partial_json }, out);
        self.advance(out);
    }

    /// Completes all blocks.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        while !self.blocks.is_empty() {
            self.stop_first(out);
        }
    }

    fn place(&self, call: u32) -> Option<usize> {
        let kind = Kind::Call(call);
        self.blocks.iter().position(|block| block.kind == kind)
    }

    fn write_delta(&mut self, place: usize, delta: &Delta<'_>, out: &mut Vec<u8>) {
        let Some(index) = self.blocks.get(place).map(|block| block.index) else {
            return;
        };
        self.write(place, &StreamEvent::ContentBlockDelta { index, delta }, out);
    }

    fn write(&mut self, place: usize, event: &StreamEvent<'_>, out: &mut Vec<u8>) {
        match self.blocks.get_mut(place) {
            Some(block) if place > 0 => event.write(&mut block.held),
            _ => event.write(out),
        }
    }

    /// Completes the blocks that another one follows.
    fn advance(&mut self, out: &mut Vec<u8>) {
        while self.blocks.len() > 1 && self.blocks.front().is_some_and(Waiting::is_complete) {
            self.stop_first(out);
        }
    }

    fn stop_first(&mut self, out: &mut Vec<u8>) {
        if let Some(block) = self.blocks.pop_front() {
            let index = block.index;
            StreamEvent::ContentBlockStop { index }.write(out);
        }
        if let Some(next) = self.blocks.front_mut() {
            out.append(&mut next.held);
        }
    }
}
