//! The leave to ask a deployment once, and what comes of it: told to the isolate's memory, to the
//! operator, and, with the request's settlement, to other isolates.

use std::rc::Rc;

use crate::governor::hints::Sighting;
use crate::providers::Failure;
use crate::request::exchange::{Exchange, chance};
use crate::routing::breaker::{Resting, Turn, Turned};
use crate::routing::health::{Limit, Outcome, SharedHealth};

/// Milliseconds after which a stream that is a probe counts as answered.
const PROVEN_MS: u64 = 5_000;
/// Milliseconds that a probe has from its first event on.
const PROBING_MS: u64 = 20_000;

/// The leave to ask a deployment once. A call that is dropped without a word makes way for the next.
pub struct Leave {
    /// How long the call may take.
    pub(super) limit: Limit,
    /// None where nothing is known of who is asked.
    taken: Option<Taken>,
    /// When its answer began, Unix milliseconds.
    begun_at: u64,
}

struct Taken {
    health: SharedHealth,
    model: String,
    turn: Turn,
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take()
            && let Ok(mut health) = taken.health.try_borrow_mut()
        {
            health.leave(&taken.model, taken.turn);
        }
    }
}

impl Leave {
    /// Leave to ask an account of which nothing is known here.
    pub(super) const fn unknown(limit: Limit) -> Self {
        Self {
            limit,
            taken: None,
            begun_at: 0,
        }
    }

    /// Leave to ask whatever is known of the model.
    pub(super) fn forced(exchange: &Exchange, model: &str, limit: Limit) -> Self {
        let turn = exchange.health.borrow_mut().force(model);
        Self::of(exchange, model, turn, limit)
    }

    /// Leave to ask, where the model is worth asking.
    pub(super) fn ask(
        exchange: &Exchange,
        model: &str,
        limit: Limit,
        others_left: bool,
    ) -> Result<Self, Resting> {
        let now = exchange.ports.clock.now();
        let mut health = exchange.health.borrow_mut();
        let (turn, limit) = health.ask(model, now, limit, others_left)?;
        drop(health);
        Ok(Self::of(exchange, model, turn, limit))
    }

    fn of(exchange: &Exchange, model: &str, turn: Turn, limit: Limit) -> Self {
        let now = exchange.ports.clock.now();
        exchange.health.borrow_mut().look(model, limit, now);
        let taken = Taken {
            health: Rc::clone(&exchange.health),
            model: model.to_owned(),
            turn,
        };
        Self {
            limit,
            taken: Some(taken),
            begun_at: 0,
        }
    }

    /// Tells that the call was answered after so many milliseconds.
    pub(super) fn answered(&mut self, exchange: &mut Exchange, milliseconds: u64) {
        self.begun(exchange, milliseconds);
        self.ended(exchange);
    }

    /// Notes that an answer has begun after so many milliseconds, which may yet break off.
    pub(super) fn begun(&mut self, exchange: &Exchange, milliseconds: u64) {
        let Some(taken) = &self.taken else { return };
        let now = exchange.ports.clock.now();
        self.begun_at = now;
        let mut health = taken.health.borrow_mut();
        health.measure(&taken.model, self.limit.awaited, milliseconds, now);
        health.prolong(&taken.model, taken.turn, now.saturating_add(PROBING_MS));
    }

    /// Takes an answer that has gone on for a while for one that proves its model well, where others wait
    /// to know that. The rest of it is another matter.
    pub fn prove(&mut self, exchange: &mut Exchange) {
        let Some(taken) = &self.taken else { return };
        let lasts = exchange.ports.clock.now().saturating_sub(self.begun_at);
        if !taken.turn.probes() || lasts < PROVEN_MS {
            return;
        }
        let (health, model) = (Rc::clone(&taken.health), taken.model.clone());
        self.tell(exchange, Outcome::Answered);
        let turn = health.borrow_mut().force(&model);
        self.taken = Some(Taken {
            health,
            model,
            turn,
        });
    }

    /// Tells that all of the answer has come.
    pub fn ended(&mut self, exchange: &mut Exchange) {
        self.tell(exchange, Outcome::Answered);
    }

    /// Tells that the call failed, or that its answer broke off.
    pub fn failed(&mut self, exchange: &mut Exchange, failure: &Failure) {
        self.tell(exchange, Outcome::Failed(failure, self.limit));
    }

    fn tell(&mut self, exchange: &mut Exchange, outcome: Outcome<'_>) {
        let Some(taken) = self.taken.take() else {
            return;
        };
        let now = exchange.ports.clock.now();
        let chance = chance(exchange.ports.entropy.as_ref());
        let Taken {
            health,
            model,
            turn,
        } = taken;
        let turned = health.borrow_mut().note(&model, turn, outcome, now, chance);
        let Some(turned) = turned else { return };
        let (rests_ms, told) = match (turned, outcome) {
            (Turned::Opened(ms), Outcome::Failed(failure, _)) => {
                (ms, format!("{model} is left alone for {ms} ms: {failure}"))
            }
            _ => (0, format!("{model} answers again")),
        };
        exchange.ports.log.error(&told);
        exchange.sightings.push(Sighting { model, rests_ms });
    }
}
