//! Conversations that go on: what a request for a response names of those before it, and what is
//! stored of its own.

use std::borrow::Cow;
use std::rc::Rc;

use futures::future::{Either, select};

use crate::error::{Error, Kind};
use crate::ports::{Owner, Ports, ResponseRow};
use crate::protocol::openai_responses::{self, Known, Thread};
use crate::protocol::writer::Head;
use crate::protocol::{Answer, Bill, ChatRequest};
use crate::request::exchange::Exchange;
use crate::responses::read;

/// For how long a response is stored.
const LIFE_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// Milliseconds that storing may take before the answer goes out without it.
const KEEP_MS: u64 = 5_000;
/// The largest conversation that is stored, in bytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Stored responses that one request may point into, beyond those that its last one names again.
const MAX_LOOK_UPS: usize = 16;

/// Gives a request the messages that are stored. `false` where it names none.
///
/// # Errors
/// `NotFound` for what is not stored for this key, `InvalidRequest` where all together is no
/// conversation.
pub async fn resolve(exchange: &Exchange, request: &mut ChatRequest) -> Result<bool, Error> {
    let Some(thread) = request.thread.clone() else {
        return Ok(false);
    };
    if !thread.is_continued() {
        return Ok(false);
    }
    let known = look_up(&exchange.ports, &owner(exchange), &thread).await?;
    openai_responses::complete(request, known)?;
    Ok(true)
}

async fn look_up(ports: &Ports, owner: &Owner, thread: &Thread) -> Result<Known, Error> {
    let mut known = Known::default();
    if let Some(id) = &thread.previous {
        let found = read(ports, owner, id).await?;
        let previous = found.ok_or_else(|| no_previous(id))?;
        known.learn(&previous.items);
        known.previous = previous.items;
    }
    for _ in 0..MAX_LOOK_UPS {
        let Some(id) = thread.unknown_response(&known)? else {
            break;
        };
        let Some(found) = read(ports, owner, &id).await? else {
            break;
        };
        let before = known.len();
        known.learn(&found.items);
        if known.len() == before {
            break;
        }
    }
    Ok(known)
}

fn no_previous(id: &str) -> Error {
    let shown: String = id.chars().take(80).collect();
    let message = format!(
        "There is no stored response `{shown}` for this key. Send the whole conversation as `input`."
    );
    Error {
        param: Some("previous_response_id".to_owned()),
        ..Error::new(Kind::NotFound, message)
    }
}

fn owner(exchange: &Exchange) -> Owner {
    Owner {
        org: exchange.org.clone(),
        key: exchange.draft.key.clone(),
    }
}

/// Stores the answer to a request that wants it.
pub struct Keeper {
    ports: Ports,
    owner: Owner,
    thread: Rc<Thread>,
    head: Head,
}

impl Keeper {
    /// The keeper of an answer; `None` where it is not to be stored.
    #[must_use]
    pub fn of(exchange: &Exchange, request: &ChatRequest, head: &Head) -> Option<Self> {
        let thread = request.thread.clone().filter(|thread| thread.store)?;
        Some(Self {
            ports: exchange.ports.clone(),
            owner: owner(exchange),
            thread,
            head: head.clone(),
        })
    }

    /// Stores an answer. `false` where that failed, of which the operator hears: the answer is
    /// delivered all the same, and says that it is not stored.
    pub async fn keep(&self, answer: &Answer, bill: Bill<'_>) -> bool {
        let log = |reason: &str| {
            let request = &self.head.request;
            let line = format!("the response to request {request} could not be stored: {reason}");
            self.ports.log.error(&line);
            false
        };
        let Some(row) = self.row(answer, bill) else {
            return log("it is too large");
        };
        let put = self.ports.responses.put(&self.owner, &row);
        match select(put, self.ports.clock.sleep(KEEP_MS)).await {
            Either::Left((Ok(()), _)) => {
                self.purge();
                true
            }
            Either::Left((Err(error), _)) => log(&error.to_string()),
            Either::Right(_) => log("the store did not answer in time"),
        }
    }

    fn row(&self, answer: &Answer, bill: Bill<'_>) -> Option<ResponseRow> {
        let record = openai_responses::record(&self.thread, answer, &self.head, bill);
        let body = serde_json::to_string(&record).ok()?;
        let created_at = self.ports.clock.now();
        (body.len() <= MAX_BYTES).then_some(ResponseRow {
            id: openai_responses::id(&self.head.request),
            created_at,
            expires_at: created_at.saturating_add(LIFE_MS),
            body,
        })
    }

    /// One response in sixteen clears up after others, without anybody waiting for it.
    fn purge(&self) {
        if !self.head.request.ends_with('0') {
            return;
        }
        let ports = self.ports.clone();
        self.ports.background.spawn(Box::pin(async move {
            if let Err(error) = ports.responses.purge(ports.clock.now()).await {
                let line = format!("expired responses could not be removed: {error}");
                ports.log.error(&line);
            }
        }));
    }
}

/// Stores a whole answer where it has a keeper. Gives the request as its answer shall tell it again:
/// as not stored where that failed.
pub async fn keep<'a>(
    keeper: Option<Keeper>,
    request: &'a ChatRequest,
    answer: &Answer,
    bill: Bill<'_>,
) -> Cow<'a, ChatRequest> {
    let stored = match keeper {
        Some(keeper) => keeper.keep(answer, bill).await,
        None => true,
    };
    if stored {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    if let Some(thread) = &mut request.thread {
        Rc::make_mut(thread).store = false;
    }
    Cow::Owned(request)
}
