//! The conversation that a request goes on with, and what of the request its answer tells again.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::entry::{self, Entry, Given};
use super::of_item;
use crate::error::{Error, Kind};
use crate::protocol::json::{Object, Path, Value, text};
use crate::protocol::openai_chat::MAX_MESSAGES;
use crate::protocol::openai_chat::message::MAX_TOOL_CALLS;
use crate::protocol::tool_order::OpenCalls;
use crate::protocol::{ChatRequest, Content, Fields, Json, Message, Origin, Part, Role};

/// Fields of a request that its answer tells again as they came.
const ECHOED: [&str; 17] = [
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];

/// What only responses have of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The response before this one.
    pub previous: Option<String>,
    /// Whether the response is stored.
    pub store: bool,
    /// Whether the client is shown signatures of reasoning.
    pub(super) encrypted: bool,
    /// The fields that are told again.
    pub(super) echo: Fields,
    /// All items to the model, earlier ones first.
    pub(super) items: Vec<Json>,
    /// How many of them are earlier ones.
    pub(super) earlier: usize,
    given: Vec<Given>,
    instructions: Option<String>,
}

/// What has been read of a request's fields.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) previous: Option<String>,
    pub(super) unstored: bool,
    pub(super) encrypted: bool,
    pub(super) logprobs: bool,
    pub(super) given: Vec<Given>,
    pub(super) instructions: Option<String>,
    echo: Fields,
}

impl Draft {
    /// Keeps a field that is told again.
    pub(super) fn echo(&mut self, name: &str, raw: &RawValue) {
        if ECHOED.contains(&name) {
            self.echo.keep(name, raw);
        }
    }
}

/// Stored items that a request needs.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Those of the previous response, in order.
    pub previous: Vec<Json>,
    by_id: BTreeMap<String, Json>,
}

impl Known {
    /// How many items references may name.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is no item that references may name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Makes the items of a response known to references.
    pub fn learn(&mut self, items: &[Json]) {
        for item in items {
            let id = Object::of(item.raw()).and_then(|object| text(object.get("id")?));
            self.by_id.extend(id.map(|id| (id, item.clone())));
        }
    }
}

impl Thread {
    /// A field of the request that its answer tells again, as it came.
    #[must_use]
    pub fn told(&self, name: &str) -> Option<&RawValue> {
        self.echo.get(name)
    }

    /// Whether the request names what is stored.
    #[must_use]
    pub fn is_continued(&self) -> bool {
        let refers = |given: &Given| matches!(given, Given::Reference(_));
        self.previous.is_some() || self.given.iter().any(refers)
    }

    /// The response that has the last item that is not known yet; `None` where all are.
    ///
    /// # Errors
    /// `NotFound` for an item of no response that is stored here.
    pub fn unknown_response(&self, known: &Known) -> Result<Option<String>, Error> {
        let unknown = self
            .given
            .iter()
            .enumerate()
            .rev()
            .find_map(|(index, given)| match given {
                Given::Reference(id) if !known.by_id.contains_key(id) => Some((index, id)),
                _ => None,
            });
        let Some((index, id)) = unknown else {
            return Ok(None);
        };
        of_item(id).map(Some).ok_or_else(|| no_item(index, id))
    }

    /// The first reference to an item that is not among the known.
    #[must_use]
    pub fn unresolved(&self, known: &Known) -> Option<Error> {
        let mut given = self.given.iter().enumerate();
        given.find_map(|(index, given)| match given {
            Given::Reference(id) if !known.by_id.contains_key(id) => Some(no_item(index, id)),
            _ => None,
        })
    }
}

fn no_item(index: usize, id: &str) -> Error {
    let input = Path::Field(&Path::Root, "input");
    let shown: String = id.chars().take(80).collect();
    let message = format!(
        "There is no stored item `{shown}` for this key. Send the item itself, or store its response."
    );
    Error {
        param: Some(Path::Index(&input, index).to_string()),
        ..Error::new(Kind::NotFound, message)
    }
}

/// Gives a request its thread, and its messages where it needs nothing that is stored.
pub(super) fn begin(request: &mut ChatRequest, draft: Draft) -> Result<(), Error> {
    let thread = Thread {
        previous: draft.previous,
        store: !draft.unstored,
        encrypted: draft.encrypted,
        echo: draft.echo,
        given: draft.given,
        instructions: draft.instructions,
        ..Thread::default()
    };
    let continued = thread.is_continued();
    request.thread = Some(Rc::new(thread));
    if continued {
        return Ok(());
    }
    complete(request, Known::default())
}

/// Gives a request its messages.
///
/// # Errors
/// `InvalidRequest` where the items are no conversation, `NotFound` for a reference to nothing.
pub fn complete(request: &mut ChatRequest, known: Known) -> Result<(), Error> {
    let Some(thread) = request.thread.take() else {
        return Ok(());
    };
    let mut thread = Rc::unwrap_or_clone(thread);
    if let Some(error) = thread.unresolved(&known) {
        return Err(error);
    }
    let mut conversation = Conversation::default();
    let instructions = thread.instructions.take();
    let path = Path::Field(&Path::Root, "instructions");
    let system = |text| Message::new(Role::System, vec![Part::text(text).at(&path)]).at(&path);
    let system = instructions.map(system);
    conversation.messages.extend(system);
    thread.earlier = known.previous.len();
    for item in known.previous {
        conversation.add(read(&item, Place::Previous)?, Place::Previous)?;
        thread.items.push(item);
    }
    for (index, given) in std::mem::take(&mut thread.given).into_iter().enumerate() {
        let place = Place::Input(index);
        let (entry, item) = match given {
            Given::Item(entry, item) => (entry, item),
            Given::Reference(id) => {
                let item = known.by_id.get(&id).cloned();
                let item = item.ok_or_else(|| no_item(index, &id))?;
                (read(&item, place)?, item)
            }
        };
        conversation.add(entry, place)?;
        thread.items.push(item);
    }
    request.messages = conversation.finish()?;
    request.thread = Some(Rc::new(thread));
    Ok(())
}

/// A stored item is one that was read before. In the request stands what names it.
fn read(item: &Json, place: Place) -> Result<Entry, Error> {
    let unreadable = |detail: String| Error::internal(format!("a stored item: {detail}"));
    let value = Value::new(item.raw(), &Path::Root);
    match entry::parse(value, &mut Vec::new()) {
        Ok(Given::Item(entry, _)) => Ok(entry.standing(&place.with(Origin::at))),
        Ok(Given::Reference(_)) => Err(unreadable("a reference".to_owned())),
        Err(error) => Err(unreadable(error.message)),
    }
}

/// Where in a request an item comes from.
#[derive(Clone, Copy)]
enum Place {
    Input(usize),
    Previous,
}

impl Place {
    fn with<T>(self, work: impl FnOnce(&Path<'_>) -> T) -> T {
        let root = |name| Path::Field(&Path::Root, name);
        match self {
            Self::Input(index) => work(&Path::Index(&root("input"), index)),
            Self::Previous => work(&root("previous_response_id")),
        }
    }
}

/// Items become messages: what the model said in one turn is one message.
#[derive(Default)]
struct Conversation {
    messages: Vec<Message>,
    open: OpenCalls,
    turn: Option<(Message, Place)>,
}

impl Conversation {
    fn add(&mut self, entry: Entry, place: Place) -> Result<(), Error> {
        if self.messages.len() >= MAX_MESSAGES {
            let message = format!("makes a conversation of more than {MAX_MESSAGES} messages.");
            return Err(place.with(|path| path.error(&message)));
        }
        let message = match entry {
            Entry::Said(parts) => return self.say(parts, place),
            Entry::Message(message) => message,
            Entry::Result(result) => {
                let part = Part::new(Content::ToolResult(result));
                let part = place.with(|path| part.at(path));
                Message::new(Role::Tool, vec![part])
            }
        };
        self.end_turn()?;
        self.push(message, place)
    }

    fn say(&mut self, parts: Vec<Part>, place: Place) -> Result<(), Error> {
        let (turn, _) = self
            .turn
            .get_or_insert_with(|| (Message::new(Role::Assistant, Vec::new()), place));
        for part in parts {
            let call = part.tool_call();
            if call.is_some_and(|call| turn.tool_calls().any(|other| other.id == call.id)) {
                let advice = "is the id of another call too. Give each call an id of its own.";
                return Err(place.with(|path| Path::Field(path, "call_id").error(advice)));
            }
            if turn.tool_calls().count() >= MAX_TOOL_CALLS && call.is_some() {
                let advice = format!("is one of more than {MAX_TOOL_CALLS} calls in one turn.");
                return Err(place.with(|path| path.error(&advice)));
            }
            turn.parts.push(part);
        }
        Ok(())
    }

    fn end_turn(&mut self) -> Result<(), Error> {
        match self.turn.take() {
            Some((message, place)) => self.push(message, place),
            None => Ok(()),
        }
    }

    fn push(&mut self, message: Message, place: Place) -> Result<(), Error> {
        place.with(|path| self.open.next(&message, path, "call_id"))?;
        self.messages.push(place.with(|path| message.at(path)));
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Message>, Error> {
        self.end_turn()?;
        self.open.close(&Path::Field(&Path::Root, "input"))?;
        Ok(self.messages)
    }
}
