//! What an admitted request turned out to be for: from then on it is held where it would have been had
//! it said so, if the rules and switches there let it.

use super::Id;
use super::admission::{balance_carries, no_budget, sooner};
use super::command::{Extend, Purpose, Refusal, Target, Tokens};
use super::decide::{Answer, Decision, Moment};
use super::demand::{Demand, Holds, Moved, Quantity};
use super::journal::Event;
use super::meters::{Price, Spent};
use super::reservations::Reservation;
use super::state::State;
use crate::audit::Draft;
use crate::money::Nanos;

/// Which of the candidates a reservation was admitted for.
pub(super) fn position(open: &Reservation, candidates: &[Target]) -> usize {
    let position = |target: &Target| candidates.iter().position(|it| it == target);
    open.target.as_ref().and_then(position).unwrap_or_default()
}

pub(super) fn change(
    state: &State,
    open: &Reservation,
    (extend, purpose): (&Extend, &Purpose),
    moment: Moment<'_>,
) -> Decision {
    let refused = |reason| Decision::unchanged(Answer::Refused(reason, open.holds.clone()));
    let draft = meant(&open.draft, purpose);
    if let Some(reason) = state.switches.bars(&draft, moment.at) {
        return refused(reason);
    }
    let Some(bound) = open.bound.checked_add(extend.by) else {
        return refused(no_budget());
    };
    let demand = Demand {
        draft: &draft,
        subjects: &open.subjects,
        tokens: purpose.tokens,
        bound,
    };
    let asked = Asked {
        open,
        demand,
        by: extend.by,
    };
    match allowed(state, &asked, &extend.candidates, moment) {
        Ok((candidate, shown)) => {
            let event = Event::Extended {
                request: extend.request.as_str().into(),
                step: Some(extend.step),
                by: extend.by,
                target: extend.candidates.get(candidate).cloned(),
                purpose: Some(purpose.clone()),
            };
            Decision::changed(event, Answer::admitted(candidate, shown))
        }
        Err(Spent::Refused(reason)) => refused(reason),
        Err(Spent::Downgrade(route)) => Decision::unchanged(Answer::Downgrade(route)),
    }
}

/// The record of a request that turned out to be for something else.
fn meant(draft: &Draft, purpose: &Purpose) -> Draft {
    Draft {
        operation: purpose.operation.clone(),
        tier: purpose.tier.clone(),
        ..draft.clone()
    }
}

/// What an open reservation is to become.
struct Asked<'a> {
    open: &'a Reservation,
    demand: Demand<'a>,
    /// By how much its bound is raised.
    by: Nanos,
}

/// The first candidate that is within all limits, and where the request is held with it.
fn allowed(
    state: &State,
    asked: &Asked<'_>,
    candidates: &[Target],
    moment: Moment<'_>,
) -> Result<(usize, Holds), Spent> {
    let moved = |target| {
        let places = places(state, &asked.demand, target, moment);
        asked.open.holds.moved(places)
    };
    check(state, asked, &moved(None), moment)?;
    if !balance_carries(state, asked.by) {
        return Err(Spent::Refused(Refusal::CreditsExhausted));
    }
    let mut first = None;
    for (index, target) in candidates.iter().enumerate() {
        let moved = moved(Some(target));
        let barred = state.switches.bars_target(target, moment.at);
        let outcome = match barred {
            Some(reason) => Err(Spent::Refused(reason)),
            None => check(state, asked, &moved, moment),
        };
        match outcome {
            Ok(()) => return Ok((index, moved.stays.and(moved.comes))),
            Err(reason) => first = Some(sooner(first, reason)),
        }
    }
    let Moved { stays, comes, .. } = moved(None);
    first.map_or(Ok((0, stays.and(comes))), Err)
}

/// Where a request is held, its target's places included.
fn places(
    state: &State,
    demand: &Demand<'_>,
    target: Option<&Target>,
    moment: Moment<'_>,
) -> Holds {
    let of = |target| {
        let moment = (moment.periods, moment.at);
        state.meters.places(&state.rules, demand, target, moment)
    };
    let own = of(None);
    match target {
        Some(_) => own.and(of(target)),
        None => own,
    }
}

/// What comes is asked for all of it, what stays for what is more.
fn check(state: &State, asked: &Asked<'_>, moved: &Moved, moment: Moment<'_>) -> Result<(), Spent> {
    let (rules, meters) = (&state.rules, &state.meters);
    let Asked { open, demand, by } = asked;
    let (before, after) = (open.tokens, demand.tokens);
    let more = Demand {
        tokens: Tokens {
            input: after.input.saturating_sub(before.input),
            output: after.output.saturating_sub(before.output),
        },
        ..*demand
    };
    let gain = Quantity {
        tokens: more.tokens,
        ..Quantity::default()
    };
    let larger = moved.stays.flows.iter();
    let larger = larger.filter(|hold| gain.of(hold.family.measure) > 0);
    let larger: Vec<_> = larger.cloned().collect();
    let flows = [(&moved.comes.flows, demand), (&larger, &more)];
    for (flows, demand) in flows {
        if let Some(reason) = meters.flow_refusal(rules, flows, demand, moment.at) {
            return Err(Spent::Refused(reason));
        }
    }
    let money = [
        (&moved.comes.money, demand.bound),
        (&moved.stays.money, *by),
    ];
    let mut spent = money.into_iter().filter_map(|(money, amount)| {
        meters.money_refusal(rules, money, Price::more(amount, None))
    });
    spent.next().map_or(Ok(()), Err)
}

impl State {
    /// Holds a reservation where its request turned out to belong, and nowhere else.
    pub(super) fn repurpose(
        &mut self,
        request: &Id,
        step: Option<u32>,
        (purpose, target, by): (&Purpose, Option<Target>, Nanos),
        at: u64,
    ) {
        let Some(was) = self.open.remove(request) else {
            return;
        };
        let mut open = was.clone();
        open.draft = Box::new(meant(&was.draft, purpose));
        open.tokens = purpose.tokens;
        open.bound = was.bound.saturating_add(by);
        open.steps.extend(step);
        let periods = self.periods;
        let moment = Moment {
            at,
            periods: &periods,
        };
        let places = places(self, &open.demand(), target.as_ref(), moment);
        let Moved { stays, comes, goes } = was.holds.moved(places);
        let before = |measure| was.demand().amount(measure);
        let after = |measure| open.demand().amount(measure);
        let meters = &mut self.meters;
        meters.flow_back(&goes.flows, before, at);
        meters.flow_change(&stays.flows, |it| (before(it), after(it)), at);
        meters.flow_in(&comes.flows, after, at);
        for hold in &goes.money {
            let purse = meters.purse(&hold.account, &hold.place);
            purse.release(hold.from, was.bound);
        }
        for hold in &stays.money {
            meters
                .purse(&hold.account, &hold.place)
                .raise(hold.from, by);
        }
        for hold in &comes.money {
            let purse = meters.purse(&hold.account, &hold.place);
            purse.reserve(hold.from, open.bound);
        }
        self.reserved = self.reserved.plus(by);
        open.target = target;
        open.holds = stays.and(comes);
        self.open.insert(request.clone(), open);
    }
}
