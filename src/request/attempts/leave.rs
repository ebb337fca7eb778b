//! The leave to ask a deployment once, and what comes of it: told to the isolate's memory, to the
//! operator, and, with the request's settlement, to other isolates.

use std::rc::Rc;

use crate::governor::hints::Sighting;
use crate::request::exchange::{Exchange, chance};
use crate::routing::breaker::{Resting, Turn, Turned};
use crate::routing::health::{Outcome, SharedHealth};

/// The leave to ask a deployment once. A call that is dropped without a word makes way for the next.
pub(super) struct Leave {
    /// Milliseconds that the call may take.
    pub(super) milliseconds: u64,
    /// None where nothing is known of who is asked.
    taken: Option<Taken>,
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
    pub(super) const fn unknown(milliseconds: u64) -> Self {
        Self {
            milliseconds,
            taken: None,
        }
    }

    /// Leave to ask whatever is known of the model.
    pub(super) fn forced(exchange: &Exchange, model: &str, milliseconds: u64) -> Self {
        let turn = exchange.health.borrow_mut().force(model);
        Self::of(exchange, model, turn, milliseconds)
    }

    /// Leave to ask, where the model is worth asking.
    pub(super) fn ask(
        exchange: &Exchange,
        model: &str,
        milliseconds: u64,
    ) -> Result<Self, Resting> {
        let now = exchange.ports.clock.now();
        let asked = exchange.health.borrow_mut().ask(model, now, milliseconds);
        let (turn, milliseconds) = asked?;
        Ok(Self::of(exchange, model, turn, milliseconds))
    }

    fn of(exchange: &Exchange, model: &str, turn: Turn, milliseconds: u64) -> Self {
        let taken = Taken {
            health: Rc::clone(&exchange.health),
            model: model.to_owned(),
            turn,
        };
        Self {
            milliseconds,
            taken: Some(taken),
        }
    }

    /// Tells what came of the call.
    pub(super) fn tell(&mut self, exchange: &mut Exchange, outcome: Outcome<'_>) {
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
