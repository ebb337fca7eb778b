//! `OpenAI`'s Responses: the wire of `POST /v1/responses`.
//!
//! A request may go on with a stored conversation (`previous_response_id`) and point to stored items
//! (`item_reference`): such a request is parsed in two steps, [`parse`] and, once what it names has
//! been read, [`complete`].
//!
//! <https://platform.openai.com/docs/api-reference/responses>

mod answer;
mod entry;
mod item;
mod output;
mod part;
mod record;
mod request;
mod step;
mod stream;
mod thread;
mod tools;

pub use self::answer::{record, render};
pub use self::record::{PageOf, Record, Removal};
pub use self::request::parse;
pub use self::stream::EventWriter;
pub use self::thread::{Known, Thread, complete};

/// Before a response's id, which goes on with the id of its request.
const PREFIX: &str = "resp_";

/// The id of the response to a request.
#[must_use]
pub fn id(request: &str) -> String {
    format!("{PREFIX}{request}")
}

/// The response of which an item's id says that it belongs to it: `msg_<request>_<number>`.
fn of_item(id: &str) -> Option<String> {
    let (_, rest) = id.split_once('_')?;
    let (request, _) = rest.rsplit_once('_')?;
    Some(self::id(request))
}

#[cfg(test)]
mod tests;
