//! A scripted provider of every model: it speaks the chat wires, whole and streamed, embeds and
//! ranks, and fails as it is told. Its answers repeat what it was given, so that whatever leaks into
//! a prompt shows.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use esclusa::config::{ModelKind, catalogue};
use esclusa::ports::{BindingCall, ModelCall, Models, Unreachable, Upstream};
use esclusa::usage::Usage;
use futures::future::LocalBoxFuture;
use futures::stream::{LocalBoxStream, StreamExt};
use serde_json::Value;

use super::shared::Shared;
use super::web::{self, Web};
use super::wires::{self, Said};

/// What a call of a model does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    Answer,
    /// Answers with this text.
    Say(String),
    /// Answers and says that it used this.
    Use(Usage),
    /// Answers, with the first byte only after so many milliseconds.
    Slow(u64),
    /// Answers without saying what it used.
    Unmetered,
    /// Answers whole, also where a stream was asked for.
    Whole,
    /// Stops at the bound of tokens.
    Length,
    /// Calls the first tool.
    CallTool,
    /// Answers with this status and body.
    Status(u16, &'static str),
    /// Answers with this status, these seconds in `Retry-After`, and this body.
    Reply(u16, Option<u64>, String),
    /// 429 with `Retry-After`.
    Busy(u64),
    Html,
    InvalidJson,
    /// 200 with an error object in place of an answer.
    ErrorObject,
    Hang,
    ResetBefore,
    /// Headers come, then the connection breaks.
    ResetAfter,
    /// The stream ends after so many events, without an end.
    Cut(usize),
    /// An error event comes after so many events; 0 is the first.
    ErrorEvent(usize),
    /// The stream falls silent after so many events.
    Stall(usize),
    /// The stream is silent after so many events, for so many milliseconds.
    Pause(usize, u64),
    /// Each event comes so many milliseconds after the one before, and one of them twenty times.
    Drip(u64),
    /// The stream is this.
    Raw(String),
    /// The stream is these, each so many milliseconds after the one before.
    Timed(Vec<(u64, String)>),
}

/// A call that reached the provider.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) model: String,
    pub(crate) input: Value,
    /// The input as it came.
    pub(crate) text: String,
    pub(crate) act: Act,
    /// What the answer says it used; nothing for helpers and failures.
    pub(crate) usage: Option<Usage>,
}

/// The provider. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Provider {
    shared: Rc<Shared>,
    pub(crate) web: Web,
    script: Rc<RefCell<BTreeMap<String, VecDeque<Act>>>>,
    always: Rc<RefCell<BTreeMap<String, Act>>>,
    per_mille: Rc<Cell<u64>>,
    pub(crate) calls: Rc<RefCell<Vec<Call>>>,
    /// The binding's options of all calls so far, in order.
    pub(crate) options: Rc<RefCell<Vec<String>>>,
    open: Rc<Cell<usize>>,
}

/// A call that waits for its answer; dropped where its caller waits no more.
struct Open(Rc<Cell<usize>>);

impl Open {
    fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Provider {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        Self {
            web: Web::new(Rc::clone(&shared)),
            shared,
            script: Rc::default(),
            always: Rc::default(),
            per_mille: Rc::default(),
            calls: Rc::default(),
            options: Rc::default(),
            open: Rc::default(),
        }
    }

    /// Calls that wait for their answers.
    pub(crate) fn open_calls(&self) -> usize {
        self.open.get()
    }

    /// The next call of `model` does this; several are taken in order.
    pub(crate) fn once(&self, model: &str, act: Act) {
        let mut script = self.script.borrow_mut();
        script.entry(model.to_owned()).or_default().push_back(act);
    }

    /// Every call of `model` does this.
    pub(crate) fn always(&self, model: &str, act: Act) {
        self.always.borrow_mut().insert(model.to_owned(), act);
    }

    /// Calls misbehave by chance.
    pub(crate) fn by_chance(&self, per_mille: u64) {
        self.per_mille.set(per_mille);
    }

    /// The models called so far, in order; helpers left out.
    pub(crate) fn answered_by(&self) -> Vec<String> {
        let calls = self.calls.borrow();
        let chats = calls
            .iter()
            .filter(|call| kind(&call.model) == ModelKind::Chat);
        chats.map(|call| call.model.clone()).collect()
    }

    /// The bodies of all calls so far, in order.
    pub(crate) fn sent(&self) -> Vec<String> {
        let calls = self.calls.borrow();
        calls.iter().map(|call| call.text.clone()).collect()
    }

    fn act(&self, model: &str) -> Act {
        let told = self
            .script
            .borrow_mut()
            .get_mut(model)
            .and_then(VecDeque::pop_front);
        told.or_else(|| self.always.borrow().get(model).cloned())
            .unwrap_or_else(|| self.chosen())
    }

    fn chosen(&self) -> Act {
        let random = &self.shared.random;
        if self.per_mille.get() == 0 || !random.chance(self.per_mille.get()) {
            return Act::Answer;
        }
        match random.below(18) {
            0 => Act::Slow(random.below(20_000)),
            1 => Act::Unmetered,
            2 => Act::Length,
            3 => Act::Status(500, "broken"),
            4 => Act::Status(500, r#"{"errors":[{"code":3040,"message":"Capacity"}]}"#),
            5 => Act::Status(429, r#"{"error":{"code":3036,"message":"Daily limit"}}"#),
            6 => Act::Busy(3),
            7 => Act::Html,
            8 => Act::InvalidJson,
            9 => Act::ErrorObject,
            10 => Act::Hang,
            11 => Act::ResetBefore,
            12 => Act::ResetAfter,
            13 => Act::Cut(random.index(5)),
            14 => Act::ErrorEvent(random.index(5)),
            15 => Act::Stall(random.index(5)),
            16 => Act::Whole,
            _ => Act::CallTool,
        }
    }

    async fn answer(&self, call: BindingCall) -> Result<Upstream, Unreachable> {
        let _open = Open::new(&self.open);
        self.shared.hop().await;
        let input: Value = serde_json::from_str(&call.input).unwrap();
        self.options.borrow_mut().push(call.options.clone());
        let act = self.act(&call.model);
        self.shared
            .executor
            .note(&format!("{} {act:?}", call.model));
        let kind = kind(&call.model);
        let said = (kind == ModelKind::Chat).then(|| wires::say(&call, &input, &act));
        self.calls.borrow_mut().push(Call {
            model: call.model.clone(),
            act: act.clone(),
            usage: said.as_ref().and_then(|said| said.usage),
            input: input.clone(),
            text: call.input.clone(),
        });
        match act {
            Act::Hang => std::future::pending().await,
            Act::ResetBefore => Err(Unreachable("connection reset".to_owned())),
            Act::Slow(milliseconds) => {
                self.shared.sleep(milliseconds).await;
                Ok(self.body(&call, &input, said, &act))
            }
            Act::Status(status, body) => Ok(whole(status, "application/json", None, body)),
            Act::Reply(status, after, body) => Ok(whole(status, "application/json", after, &body)),
            Act::Busy(seconds) => Ok(whole(429, "text/plain", Some(seconds), "slow down")),
            Act::Html => Ok(whole(200, "text/html", None, "<html>maintenance</html>")),
            Act::InvalidJson => Ok(whole(200, "application/json", None, "{\"response\":")),
            Act::ErrorObject => {
                let body = r#"{"error":{"message":"overloaded","type":"server_error"}}"#;
                Ok(whole(200, "application/json", None, body))
            }
            Act::ResetAfter => {
                let broken = futures::stream::iter([Err(Unreachable("reset".to_owned()))]);
                Ok(upstream(200, "application/json", broken.boxed_local()))
            }
            _ => Ok(self.body(&call, &input, said, &act)),
        }
    }

    fn body(&self, call: &BindingCall, input: &Value, said: Option<Said>, act: &Act) -> Upstream {
        let Some(said) = said else {
            let body = match kind(&call.model) {
                ModelKind::Speech if call.model != "@cf/myshell-ai/melotts" => {
                    return self.sound(input, act);
                }
                ModelKind::Speech => wires::sound(input),
                ModelKind::Embedding => wires::embeddings(input),
                ModelKind::Decision => wires::decision(input),
                ModelKind::Guard => wires::verdict(input),
                ModelKind::Image => wires::picture(input),
                ModelKind::Rerank => wires::ranks(input),
                ModelKind::Transcription => wires::transcript(input),
                ModelKind::Chat => panic!("a conversation without words"),
            };
            return whole(200, "application/json", None, &body);
        };
        if let Act::Raw(body) = &said.act {
            return whole(200, "text/event-stream", None, body);
        }
        if let Act::Timed(parts) = &said.act {
            let parts = self.timed(parts.clone());
            return upstream(200, "text/event-stream", parts);
        }
        if said.streamed && said.act != Act::Whole {
            let events = self.events(&said);
            return upstream(200, "text/event-stream", events);
        }
        whole(200, "application/json", None, &wires::whole(&said))
    }

    /// The text in place of its sound, a chunk for each word.
    fn sound(&self, input: &Value, act: &Act) -> Upstream {
        let text = input["text"].as_str().or(input["input"].as_str());
        let words = text.unwrap().split_inclusive(' ');
        let mut chunks: VecDeque<_> = words.map(|word| Ok(word.as_bytes().to_vec())).collect();
        if let Act::Cut(words) = act {
            chunks.truncate(*words);
            chunks.push_back(Err(Unreachable("reset".to_owned())));
        }
        let shared = Rc::clone(&self.shared);
        let hops = move |chunk| {
            let shared = Rc::clone(&shared);
            async move {
                shared.hop().await;
                chunk
            }
        };
        let chunks = futures::stream::iter(chunks).then(hops);
        upstream(200, "audio/mpeg", chunks.boxed_local())
    }

    fn timed(
        &self,
        parts: Vec<(u64, String)>,
    ) -> LocalBoxStream<'static, Result<Vec<u8>, Unreachable>> {
        let shared = Rc::clone(&self.shared);
        let parts = futures::stream::iter(parts).then(move |(milliseconds, part)| {
            let shared = Rc::clone(&shared);
            async move {
                shared.sleep(milliseconds).await;
                Ok(part.into_bytes())
            }
        });
        parts.boxed_local()
    }

    /// The events of a stream, each a chunk of its own.
    fn events(&self, said: &Said) -> LocalBoxStream<'static, Result<Vec<u8>, Unreachable>> {
        let mut chunks = VecDeque::from(wires::chunks(said));
        let mut stall = false;
        let mut pause = None;
        let mut drip = None;
        match said.act {
            Act::Drip(milliseconds) => {
                drip = Some(milliseconds);
                for _ in 1..20 {
                    chunks.insert(2, chunks[2].clone());
                }
            }
            Act::Pause(events, milliseconds) => {
                pause = Some((chunks.len() - events, milliseconds));
            }
            Act::Cut(events) => chunks.truncate(events),
            Act::ErrorEvent(events) => {
                chunks.truncate(events);
                chunks.push_back(r#"{"error":{"message":"overloaded","code":3040}}"#.to_owned());
            }
            Act::Stall(events) => {
                chunks.truncate(events);
                stall = true;
            }
            _ => {}
        }
        let named = |data: String| format!("{}data: {data}\n\n", wires::event_name(said, &data));
        let chunks: VecDeque<String> = chunks.into_iter().map(named).collect();
        let shared = Rc::clone(&self.shared);
        futures::stream::unfold(chunks, move |mut chunks| {
            let shared = Rc::clone(&shared);
            async move {
                shared.hop().await;
                if let Some((left, milliseconds)) = pause
                    && left == chunks.len()
                {
                    shared.sleep(milliseconds).await;
                }
                if let Some(milliseconds) = drip {
                    shared.sleep(milliseconds).await;
                }
                let Some(chunk) = chunks.pop_front() else {
                    if stall {
                        std::future::pending::<()>().await;
                    }
                    return None;
                };
                Some((Ok(chunk.into_bytes()), chunks))
            }
        })
        .boxed_local()
    }
}

impl Models for Provider {
    fn run(&self, call: ModelCall) -> LocalBoxFuture<'_, Result<Upstream, Unreachable>> {
        match call {
            ModelCall::Binding(call) => Box::pin(self.answer(call)),
            ModelCall::Http(call) => {
                self.web.calls.borrow_mut().push(call.clone());
                if call.body.is_some() {
                    Box::pin(self.answer(web::model_call(&call)))
                } else {
                    Box::pin(self.web.get(call))
                }
            }
        }
    }
}

fn kind(model: &str) -> ModelKind {
    let named = catalogue().unwrap().named(model, ModelKind::Chat);
    named.unwrap().model.kind
}

fn whole(status: u16, content_type: &str, retry_after: Option<u64>, body: &str) -> Upstream {
    let body = body.as_bytes().to_vec();
    let body = futures::stream::iter([Ok(body)]).boxed_local();
    Upstream {
        retry_after,
        ..upstream(status, content_type, body)
    }
}

fn upstream(
    status: u16,
    content_type: &str,
    body: LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>,
) -> Upstream {
    Upstream {
        status,
        content_type: content_type.to_owned(),
        retry_after: None,
        body,
    }
}
