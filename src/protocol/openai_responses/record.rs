//! What is stored of a response.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::json::{Object, text};
use crate::protocol::{Fields, Json};

/// A stored response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The response as its client was told it.
    pub response: Json,
    /// All items of the conversation, its output last.
    pub items: Vec<Json>,
    /// Where among them the request's own input begins and ends.
    pub input: (usize, usize),
}

/// What `GET /v1/responses/{id}/input_items` gives.
#[derive(Debug, Serialize)]
pub struct ItemPage<'a> {
    object: &'static str,
    data: Vec<&'a RawValue>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

/// The reply to a deletion.
#[derive(Debug, Serialize)]
pub struct Removal {
    id: String,
    object: &'static str,
    deleted: bool,
}

/// Which of the input items are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOf<'a> {
    /// Oldest first, rather than newest first.
    pub ascending: bool,
    /// Only those that follow the item of this id, in that order.
    pub after: Option<&'a str>,
    /// At most so many.
    pub limit: usize,
}

impl Record {
    /// A page of the request's own input items; `None` where `after` names none of them.
    #[must_use]
    pub fn page(&self, of: &PageOf<'_>) -> Option<ItemPage<'_>> {
        let (start, end) = self.input;
        let own = self.items.get(start..end).unwrap_or_default();
        let mut items: Vec<&Json> = own.iter().collect();
        if !of.ascending {
            items.reverse();
        }
        let skipped = match of.after {
            None => 0,
            Some(after) => {
                let place = items
                    .iter()
                    .position(|item| item_id(item).as_deref() == Some(after))?;
                place.saturating_add(1)
            }
        };
        let left = items.get(skipped..).unwrap_or_default();
        let page = left.get(..of.limit).unwrap_or(left);
        Some(ItemPage {
            object: "list",
            data: page.iter().map(|item| item.raw()).collect(),
            first_id: page.first().and_then(|item| item_id(item)),
            last_id: page.last().and_then(|item| item_id(item)),
            has_more: left.len() > page.len(),
        })
    }
}

impl Removal {
    /// The reply to the deletion of a response.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            object: "response",
            deleted: true,
        }
    }
}

fn item_id(item: &Json) -> Option<String> {
    text(Object::of(item.raw())?.get("id")?)
}

/// An item of the input with an id, which it is given where it came without.
pub(super) fn identified(item: &Json, request: &str, index: usize) -> Json {
    let object = Object::of(item.raw()).unwrap_or_default();
    if object.get("id").is_some() {
        return item.clone();
    }
    let kind = object.get("type").and_then(text);
    let prefix = match kind.as_deref() {
        Some("function_call") => "fc",
        Some("function_call_output") => "fco",
        Some("reasoning") => "rs",
        _ => "msg",
    };
    let mut fields = Fields::default();
    fields.keep(
        "id",
        Json::of(&format!("{prefix}_{request}_in{index}")).raw(),
    );
    for (name, raw) in object.entries().filter(|(name, _)| *name != "id") {
        fields.keep(name, raw);
    }
    Json::of(&fields)
}
