//! One outage: an org's requests over several isolates, before, during and after it.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::json;

use super::figures::{Figures, Request as Measured};
use super::watched::{Watch, Watched};
use super::world::executor::OUTSIDE;
use super::world::http::Request;
use super::world::provider::Act;
use super::world::{Worker, World};

pub(crate) const ISOLATES: usize = 3;

/// Milliseconds before and after.
const BEFORE_MS: u64 = 60_000;
const AFTER_MS: u64 = 3 * 60_000;
/// Longer than any request.
const QUIET_MS: u64 = 400_000;

/// Milliseconds of an answer's first byte, and those of a call between the parts of the platform.
const ANSWER_MS: u64 = 400;
const HOP_MS: u64 = 5;

/// A provider, its models that an org asks first, and who answers in their place.
#[derive(Debug)]
pub(crate) struct Failing {
    pub(crate) name: &'static str,
    pub(crate) models: &'static [&'static str],
    others: &'static [&'static str],
}

/// The providers of the default tiers. The first fails with the tier `light` as it is by default.
pub(crate) const PROVIDERS: [Failing; 4] = [
    Failing {
        name: "workers-ai",
        models: &[
            "@cf/qwen/qwen3-30b-a3b-fp8",
            "@cf/meta/llama-3.1-8b-instruct-fast",
        ],
        others: &["openai/gpt-4.1-nano"],
    },
    Failing {
        name: "openai",
        models: &["openai/gpt-4.1-nano"],
        others: &["@cf/qwen/qwen3-30b-a3b-fp8"],
    },
    Failing {
        name: "anthropic",
        models: &["anthropic/claude-haiku-4-5"],
        others: &["google/gemini-2.5-flash"],
    },
    Failing {
        name: "google",
        models: &["google/gemini-2.5-flash-lite"],
        others: &["@cf/qwen/qwen3-30b-a3b-fp8"],
    },
];

/// How a provider fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Errors,
    Hangs,
    RateLimits,
}

impl Trouble {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "500",
            Self::Hangs => "hang",
            Self::RateLimits => "429",
        }
    }

    const fn act(self) -> Act {
        match self {
            Self::Errors => Act::Status(500, "broken"),
            Self::Hangs => Act::Hang,
            Self::RateLimits => Act::Busy(10),
        }
    }
}

/// An outage.
#[derive(Debug)]
pub(crate) struct Outage {
    pub(crate) provider: &'static Failing,
    pub(crate) trouble: Trouble,
    /// Requests in a second.
    pub(crate) rate: u64,
    pub(crate) minutes: u64,
    /// Milliseconds to a stream's first event, where the org says so.
    pub(crate) first_event_ms: Option<u64>,
}

/// Replays an outage.
pub(crate) fn replay(outage: &Outage) -> Figures {
    let world = World::new(outage.rate);
    let admin = world.worker(1);
    let models: Vec<&str> = [outage.provider.models, outage.provider.others].concat();
    let config = json!({
        "limits": [], "budgets": [], "tiers": { "light": models },
        "attempts": { "first_event_ms": outage.first_event_ms }
    });
    let key = world.org(&admin, "acme", &config);
    for model in &models {
        world.provider.always(model, Act::Slow(ANSWER_MS));
    }
    world.shared.latency.set(HOP_MS);
    let began = world.shared.clock.elapsed();
    let during = outage.minutes * 60_000;
    let (from, until) = (began + BEFORE_MS, began + BEFORE_MS + during);
    let watch = || {
        Rc::new(RefCell::new(Watch::new(
            outage.provider.models,
            from,
            until,
        )))
    };
    let watches: Vec<_> = (0..ISOLATES).map(|_| watch()).collect();
    let workers = watches.iter().zip(2..);
    let workers = workers.map(|(watch, group)| watched(&world, group, watch));
    let workers: Vec<Worker> = workers.collect();
    let measured: Rc<RefCell<Vec<Measured>>> = Rc::default();
    let load = Load {
        world: world.clone(),
        workers,
        key,
        rate: outage.rate,
        end: until + AFTER_MS,
        measured: Rc::clone(&measured),
    };
    let load = load.run();
    world.shared.executor.spawn(OUTSIDE, Box::pin(load));
    world.shared.executor.pass(BEFORE_MS);
    for model in outage.provider.models {
        world.provider.always(model, outage.trouble.act());
    }
    world.shared.executor.pass(during);
    for model in outage.provider.models {
        world.provider.always(model, Act::Slow(ANSWER_MS));
    }
    world.shared.executor.pass(AFTER_MS + QUIET_MS);
    Figures::of(&measured.borrow(), &watches, from, until)
}

/// An isolate whose calls of models are watched.
fn watched(world: &World, group: u64, watch: &Rc<RefCell<Watch>>) -> Worker {
    let mut worker = world.worker(group);
    worker.ports.models = Rc::new(Watched {
        inner: Rc::clone(&worker.ports.models),
        memory: Rc::clone(&worker.memory),
        shared: Rc::clone(&world.shared),
        watch: Rc::clone(watch),
    });
    worker
}

/// What is asked, and how it went.
struct Load {
    world: World,
    workers: Vec<Worker>,
    key: String,
    rate: u64,
    end: u64,
    measured: Rc<RefCell<Vec<Measured>>>,
}

impl Load {
    /// Sends requests at random moments, `rate` in a second on average, each over one of the isolates.
    async fn run(self) {
        let shared = &self.world.shared;
        let mut swept = 0;
        while shared.clock.elapsed() < self.end {
            let pause = shared.random.below(2 * 1_000 / self.rate + 1);
            shared.sleep(pause).await;
            self.send();
            if shared.clock.elapsed() / 60_000 > swept {
                swept = shared.clock.elapsed() / 60_000;
                sweep(&self.world);
            }
        }
    }

    fn send(&self) {
        let shared = &self.world.shared;
        let worker = shared.random.pick(&self.workers).clone();
        let body = json!({
            "model": "light", "stream": true,
            "messages": [{ "role": "user", "content": "Hello" }]
        });
        let request = Request::chat(&self.key, &body);
        let (group, clock) = (worker.group, Rc::clone(&shared.clock));
        let (began, measured) = (clock.elapsed(), Rc::clone(&self.measured));
        let task = async move {
            let response = worker.open(request).await.finish().await;
            measured.borrow_mut().push(Measured {
                began,
                took: clock.elapsed() - began,
                is_answered: response.status == 200 && response.text().contains("[DONE]"),
            });
        };
        shared.executor.spawn(group, Box::pin(task));
    }
}

/// Forgets what nobody looks at here.
fn sweep(world: &World) {
    world.provider.calls.borrow_mut().clear();
    world.provider.options.borrow_mut().clear();
    world.database.tables.borrow_mut().audit.clear();
    world.shared.log.borrow_mut().clear();
}
