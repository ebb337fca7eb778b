mod answers;
mod compatible;
mod failures;
mod fields;
mod keys;
mod properties;
mod requests;
mod retrieval;
mod routes;
mod streams;

use super::*;
use crate::ports::{BindingCall, ModelCall};
use crate::protocol::Event;

const WIRES: [Wire; 3] = [Wire::WorkersAiNative, Wire::WorkersAiChat, Wire::OpenAiChat];
/// The bound of output that the requests of these answers have sent.
const BOUND: u32 = 100;

/// A call, which goes through the binding.
fn binding(call: &ModelCall) -> &BindingCall {
    match call {
        ModelCall::Binding(call) => call,
        ModelCall::Http(call) => panic!("not through the binding: {call:?}"),
    }
}

fn input(call: &ModelCall) -> &str {
    &binding(call).input
}

/// Feeds a stream in chunks of `size` bytes.
fn decode_stream(wire: Wire, body: &[u8], size: usize) -> (Vec<Event>, Result<(), Failure>) {
    let mut decoder = StreamDecoder::new(wire, BOUND);
    let mut events = Vec::new();
    let fed = body
        .chunks(size)
        .try_for_each(|chunk| decoder.feed(chunk, &mut events));
    let result = fed.and_then(|()| decoder.finish(&mut events));
    (events, result)
}
