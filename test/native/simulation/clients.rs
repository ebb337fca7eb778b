//! What clients do: ask, whole and streamed, and go away at any moment.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::scenario::{Org, Scenario};
use super::world::http::{Request, Response};
use super::world::random::Random;

/// Questions that every org's people ask in the same words.
const QUESTIONS: [&str; 4] = [
    "How many days do I have to return a battery?",
    "Do you take back a battery?",
    "What is your return policy?",
    "Who takes a battery back?",
];

/// A reply that was read to its end.
pub(crate) struct Seen {
    pub(crate) org: Rc<Org>,
    /// When it was asked for, by true time.
    pub(crate) since: u64,
    pub(crate) response: Response,
}

/// Starts a request in some isolate.
pub(crate) fn begin(scenario: &Rc<Scenario>) {
    let random = &scenario.random;
    let org = Rc::clone(random.pick(&scenario.orgs));
    let key = org.key(random.chance(900), random);
    let request = request(scenario, &org, &key);
    let worker = scenario.any_worker();
    let group = worker.group;
    let chunks = random.chance(80).then(|| random.below(8));
    let of_client = Rc::clone(scenario);
    let since = scenario.world.shared.clock.elapsed();
    let client = async move {
        let mut opened = worker.open(request).await;
        if let Some(chunks) = chunks
            && opened.is_stream()
        {
            for _ in 0..chunks {
                opened.read().await;
            }
            of_client.dropped.set(of_client.dropped.get() + 1);
            return;
        }
        let response = opened.finish().await;
        of_client.note(&org, since, response);
    };
    let polls = random.chance(60).then(|| random.below(40));
    let dropping = DropAfter {
        inner: Some(Box::pin(client)),
        polls: polls.unwrap_or(u64::MAX),
    };
    scenario
        .world
        .shared
        .executor
        .spawn(group, Box::pin(dropping));
}

fn request(scenario: &Scenario, org: &Org, key: &str) -> Request {
    let random = &scenario.random;
    let text = format!("{} number {}", org.marker, random.below(1_000));
    let mut body = match random.below(100) {
        0..45 => question("operation/faq", QUESTIONS[random.index(QUESTIONS.len())]),
        45..55 => question("light", &text),
        55..62 => question("medium", &text),
        62..67 => question("heavy", &text),
        67..72 => question("gpt-4o-mini", &text),
        72..80 => question("operation/summarize", &format!("battery return {text}")),
        80..85 => question("auto", &format!("Translate this into Spanish: {text}")),
        85..95 => tools(&text),
        95..97 => question("nobody/knows", &text),
        _ => json!({ "model": "auto", "messages": [] }),
    };
    if random.chance(400) {
        body["stream"] = json!(true);
        body["stream_options"] = json!({ "include_usage": true });
    }
    let request = Request::chat(key, &body);
    if random.chance(100) {
        return request.header("cf-aig-request-timeout", "2000");
    }
    request
}

fn question(model: &str, text: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] })
}

fn tools(text: &str) -> Value {
    let mut body = question("agent", text);
    let function = json!({ "name": "weather", "parameters": { "type": "object" } });
    body["tools"] = json!([{ "type": "function", "function": function }]);
    body
}

impl Org {
    /// The newest key, or any that there ever was.
    fn key(&self, newest: bool, random: &Random) -> String {
        let keys = self.keys.borrow();
        let index = if newest {
            keys.len() - 1
        } else {
            random.index(keys.len())
        };
        keys[index].0.clone()
    }
}

/// A future that is dropped in place of its last poll.
struct DropAfter {
    inner: Option<LocalBoxFuture<'static, ()>>,
    polls: u64,
}

impl Future for DropAfter {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.polls == 0 {
            self.inner = None;
        }
        self.polls = self.polls.saturating_sub(1);
        match &mut self.inner {
            Some(inner) => inner.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}

impl Scenario {
    fn note(&self, org: &Rc<Org>, since: u64, response: Response) {
        let hash = format!("{} {}", response.status, response.body.len());
        self.world.shared.executor.note(&hash);
        let org = Rc::clone(org);
        self.seen.borrow_mut().push(Seen {
            org,
            since,
            response,
        });
    }
}
