//! What a governor must have done, counted apart from it: plain lists of what was asked and
//! answered, every sum counted anew.

use esclusa::audit::{Outcome, Record};
use esclusa::governor::command::{Reserve, Settle, Target};
use esclusa::governor::lease::Part;
use esclusa::governor::rules::{Budget, Limit, Measure, Period, Rules, Scope};

use super::loans::{Loan, State};
use super::spans::Spans;
use super::subjects::{same_flow, speaks, subject};
use super::windows::{amount, needed, slice_amount};

/// Where a request is counted: as such, and once more for each model that it is sent to.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    target: Option<Target>,
    pub(super) at: u64,
    spans: Spans,
    /// Position among all that happened.
    order: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Open,
    Settled,
    Expired,
    Corrected,
}

/// A request that was admitted, or charged without that.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) asked: Reserve,
    pub(super) bound: i64,
    marks: Vec<Mark>,
    pub(super) end: End,
    charged: i128,
    settled: Option<Settle>,
    /// Whether it passed the limits.
    admitted: bool,
    /// The lease that it was admitted from.
    pub(super) part: Option<Part>,
    /// Whether it has a reservation of its own all the same.
    pub(super) detached: bool,
    /// Until when windows take it for one of the moment, at least.
    counts_at: u64,
}

/// The list of everything.
#[derive(Default)]
pub(super) struct Book {
    pub(super) rules: Rules,
    pub(super) spans: Spans,
    pub(super) clock: u64,
    pub(super) requests: Vec<Request>,
    pub(super) loans: Vec<Loan>,
    order: u64,
    /// Since when something is counted.
    flows: Vec<(Limit, u64)>,
    purses: Vec<((Scope, Period), u64)>,
    /// Records' costs, with their place.
    charges: Vec<(i128, u64)>,
    payments: Vec<(i128, u64)>,
}

/// A limit or budget that speaks of a subject.
pub(super) struct Place<'a, R> {
    pub(super) rule: &'a R,
    pub(super) subject: String,
}

impl Book {
    /// Something was written at `at`.
    pub(super) fn moved(&mut self, at: u64) {
        self.clock = self.clock.max(at);
        self.order += 1;
        self.spans = self.spans.at(self.clock, &self.rules.time_zone);
    }

    /// The rules of an org that was not used yet say what zone it is in from the beginning.
    pub(super) fn begin(&mut self, rules: &Rules) {
        self.rules.time_zone.clone_from(&rules.time_zone);
        self.spans = Spans::default();
    }

    pub(super) fn activate(&mut self, rules: &Rules) {
        let flows = rules.limits.iter().map(|limit| {
            let old = self.flows.iter().find(|(it, _)| same_flow(it, limit));
            (limit.clone(), old.map_or(self.order, |(_, since)| *since))
        });
        let purses = rules.budgets.iter().map(|budget| {
            let account = (budget.per.clone(), budget.period);
            let old = self.purses.iter().find(|(it, _)| *it == account);
            (account, old.map_or(self.order, |(_, since)| *since))
        });
        (self.flows, self.purses) = (flows.collect(), purses.collect());
        self.rules = rules.clone();
    }

    pub(super) fn pay(&mut self, amount: i64) {
        self.payments.push((i128::from(amount), self.order));
    }

    pub(super) fn find(&self, id: &str) -> Option<usize> {
        let is_it = |request: &Request| request.asked.draft.request == id;
        self.requests.iter().rposition(is_it)
    }

    pub(super) fn open(&mut self, reserve: &Reserve, target: Option<&Target>) {
        self.requests.push(Request {
            asked: reserve.clone(),
            bound: reserve.bound.get(),
            marks: vec![self.mark(None)],
            end: End::Open,
            charged: 0,
            settled: None,
            admitted: true,
            part: None,
            detached: false,
            counts_at: self.clock,
        });
        if target.is_some() {
            self.send(self.requests.len() - 1, target);
        }
    }

    /// An isolate has admitted a request from a lease.
    pub(super) fn lend(&mut self, index: usize, asked: &Reserve, part: Part, at: u64) {
        let loan = &mut self.loans[index];
        loan.used = loan.used.plus(&part.slice());
        let mark = Mark {
            at,
            ..loan.mark.clone()
        };
        let counts_at = loan.last;
        self.requests.push(Request {
            asked: asked.clone(),
            bound: part.bound.get(),
            marks: vec![mark],
            end: End::Open,
            charged: 0,
            settled: None,
            admitted: true,
            part: Some(part),
            detached: false,
            counts_at,
        });
    }

    /// A lease was charged whole.
    pub(super) fn lose(&mut self, record: &Record) {
        let id = record.draft.request.strip_prefix("lease-").unwrap();
        let loan = self
            .loans
            .iter_mut()
            .find(|loan| loan.name() == id)
            .unwrap();
        assert_ne!(loan.state, State::Lost, "{id} was lost twice");
        let mut left = loan.unused();
        loan.state = match loan.state {
            State::Returned => State::Returned,
            _ => State::Lost,
        };
        let of_loan = |part: &Part| part.lease == id;
        for request in &mut self.requests {
            let is_left = request.part.as_ref().is_some_and(of_loan) && !request.detached;
            if is_left && request.end == End::Open {
                request.end = End::Expired;
                request.charged = i128::from(request.bound);
                left = left.plus(&request.part.as_ref().unwrap().slice());
            }
        }
        assert_eq!((record.cost, record.bound), (left.bound, left.bound));
        assert_eq!(record.count, left.requests);
        self.charges
            .push((i128::from(record.cost.get()), self.order));
    }

    /// The request is sent to another model.
    pub(super) fn send(&mut self, index: usize, target: Option<&Target>) {
        let mark = self.mark(target);
        self.requests[index].marks.push(mark);
    }

    pub(super) fn mark(&self, target: Option<&Target>) -> Mark {
        Mark {
            target: target.cloned(),
            at: self.clock,
            spans: self.spans,
            order: self.order,
        }
    }

    /// A record of a charge.
    pub(super) fn charge(&mut self, record: &Record, settle: Option<&Settle>) {
        let cost = i128::from(record.cost.get());
        self.charges.push((cost, self.order));
        let id = &record.draft.request;
        let index = self.find(id).unwrap_or_else(|| {
            let settle = settle.expect("a record of a request that nobody asked");
            let reserve = Reserve {
                draft: settle.draft.clone(),
                ..crate::storage::reservation(id)
            };
            self.open(&reserve, None);
            let index = self.requests.len() - 1;
            self.requests[index].admitted = false;
            index
        });
        let request = &mut self.requests[index];
        let (end, before) = match record.draft.outcome {
            Outcome::Expired => (End::Expired, End::Open),
            Outcome::Late => (End::Corrected, End::Expired),
            _ => (End::Settled, End::Open),
        };
        assert_eq!(request.end, before, "{id} ended twice");
        request.end = end;
        request.charged += cost;
        request.settled = settle.cloned();
        assert_eq!(
            record.bound.get(),
            request.bound,
            "{id} held something else"
        );
        if let Some(settle) = settle {
            let (cost, bound) = (settle.cost.get(), request.bound);
            let absurd = bound > 0 && i128::from(cost) > i128::from(bound) * 1_000;
            let due = if cost < 0 || absurd { bound } else { cost };
            assert_eq!(request.charged, i128::from(due), "{id} is charged wrongly");
        }
    }

    /// Everything ever charged.
    pub(super) fn charged(&self) -> i128 {
        self.charges.iter().map(|(cost, _)| cost).sum()
    }

    /// What was paid in and not spent since.
    pub(super) fn balance(&self) -> Option<i128> {
        let (_, first) = self.payments.first()?;
        let spent = self.charges.iter().filter(|(_, order)| order > first);
        let spent: i128 = spent.map(|(cost, _)| cost).sum();
        Some(self.payments.iter().map(|(paid, _)| paid).sum::<i128>() - spent)
    }

    /// What is held for all open requests.
    pub(super) fn reserved(&self) -> i128 {
        let out = self.loans.iter().filter(|loan| loan.is_out());
        let unused = out.map(|loan| i128::from(loan.unused().bound.get()));
        let bounds = self.running().map(|request| i128::from(request.bound));
        bounds.chain(unused).sum()
    }

    /// Reservations and leases that have not ended.
    pub(super) fn open_reservations(&self) -> usize {
        let own = |request: &&Request| request.part.is_none() || request.detached;
        let has_left = |loan: &&Loan| {
            let is_left = |request: &Request| {
                let part = request.part.as_ref().filter(|_| !request.detached);
                part.is_some_and(|part| part.lease == loan.name())
            };
            loan.is_out() || self.running().any(is_left)
        };
        self.running().filter(own).count() + self.loans.iter().filter(has_left).count()
    }

    pub(super) fn running(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|it| it.end == End::Open)
    }

    /// The limits that speak of a request, as such or sent to `target`.
    pub(super) fn limits<'a>(
        &'a self,
        asked: &'a Reserve,
        target: Option<&'a Target>,
    ) -> impl Iterator<Item = Place<'a, Limit>> {
        self.rules.limits.iter().filter_map(move |rule| {
            let subject = subject(&rule.per, asked, target)?;
            let alike = self.rules.limits.iter().filter(|it| same_flow(it, rule));
            speaks(
                rule.only.as_deref(),
                alike.map(|it| it.only.as_deref()),
                &subject,
            )
            .then_some(Place { rule, subject })
        })
    }

    /// The budgets that speak of a request, as such or sent to `target`.
    pub(super) fn budgets<'a>(
        &'a self,
        asked: &'a Reserve,
        target: Option<&'a Target>,
    ) -> impl Iterator<Item = Place<'a, Budget>> {
        self.rules.budgets.iter().filter_map(move |rule| {
            let subject = subject(&rule.per, asked, target)?;
            let alike = |it: &&Budget| it.per == rule.per && it.period == rule.period;
            let alike = self.rules.budgets.iter().filter(alike);
            speaks(
                rule.only.as_deref(),
                alike.map(|it| it.only.as_deref()),
                &subject,
            )
            .then_some(Place { rule, subject })
        })
    }

    /// Since when the money of a budget is counted; that of the whole org always is.
    fn since(&self, budget: &Budget) -> u64 {
        let is_it = |((per, period), _): &&((Scope, Period), u64)| {
            *per == budget.per && *period == budget.period
        };
        match budget.per {
            Scope::Org => 0,
            _ => self.purses.iter().find(is_it).unwrap().1,
        }
    }

    /// When the period began in which a budget counts a request, and whether it does so for the
    /// model that it was sent to last only.
    pub(super) fn held(&self, index: usize, place: &Place<'_, Budget>) -> Option<(u64, bool)> {
        let Budget { per, period, .. } = place.rule;
        let request = &self.requests[index];
        let since = self.since(place.rule);
        let mark = request.marks(per, &place.subject, since).next()?;
        Some((mark.spans.from(*period), mark.order == self.order))
    }

    /// Whether a limit has counted a request before this moment.
    pub(super) fn counted(&self, index: usize, place: &Place<'_, Limit>) -> bool {
        let flow = self.flows.iter().find(|(it, _)| same_flow(it, place.rule));
        let since = flow.unwrap().1;
        let mut marks = self.requests[index].marks(&place.rule.per, &place.subject, since);
        marks.any(|mark| mark.order < self.order)
    }

    /// What is spent and held of a budget in the period that began at `from`.
    pub(super) fn used(&self, place: &Place<'_, Budget>, from: u64) -> i128 {
        let Budget { per, period, .. } = place.rule;
        let since = self.since(place.rule);
        let here = |request: &&Request| {
            let mark = request.marks(per, &place.subject, since).next();
            mark.is_some_and(|mark| mark.spans.from(*period) == from)
        };
        let mine = self.requests.iter().filter(here);
        let mine = mine.map(|request| request.cost(per, &place.subject));
        let unused = |loan: &Loan| {
            let speaks = subject(per, &loan.asked, None).as_deref() == Some(&place.subject);
            let here = loan.mark.order > since && loan.mark.spans.from(*period) == from;
            let bound = i128::from(loan.unused().bound.get());
            if speaks && here { bound } else { 0 }
        };
        mine.chain(self.loans.iter().map(unused)).sum()
    }

    /// Amounts that a limit counts, with the time from which on it counts them: what leases hold as if
    /// it passed at their end.
    pub(super) fn counting(&self, place: &Place<'_, Limit>) -> Vec<(u64, u64)> {
        let Limit { per, measure, .. } = place.rule;
        let since = self.since_flow(place.rule);
        let unused = self.loans.iter().filter_map(|loan| {
            let speaks = subject(per, &loan.asked, None).as_deref() == Some(&place.subject);
            let counts = loan.is_out() || *measure != Measure::Concurrent;
            let here = speaks && counts && loan.mark.order > since;
            here.then(|| (loan.last, slice_amount(&loan.unused(), *measure)))
        });
        let mut counting = self.counted_at(place, |request, mark| mark.at.max(request.counts_at));
        counting.extend(unused);
        counting.sort_by_key(|(at, _)| *at);
        counting
    }

    /// Amounts that a limit counts, with their time.
    pub(super) fn passed(&self, place: &Place<'_, Limit>) -> Vec<(u64, u64)> {
        self.counted_at(place, |_, mark| mark.at)
    }

    fn since_flow(&self, limit: &Limit) -> u64 {
        let flow = self.flows.iter().find(|(it, _)| same_flow(it, limit));
        flow.unwrap().1
    }

    fn counted_at(
        &self,
        place: &Place<'_, Limit>,
        when: impl Fn(&Request, &Mark) -> u64,
    ) -> Vec<(u64, u64)> {
        let Limit { per, measure, .. } = place.rule;
        let since = self.since_flow(place.rule);
        let mut passed = Vec::new();
        for request in self.requests.iter().filter(|it| it.admitted) {
            let amount = request.amount(*measure, per, &place.subject);
            let often = match measure {
                Measure::Requests(_) => usize::MAX,
                _ => 1,
            };
            let marks = request.marks(per, &place.subject, since).take(often);
            passed.extend(marks.map(|mark| (when(request, mark), amount)));
        }
        passed.sort_by_key(|(at, _)| *at);
        passed
    }
}

impl Request {
    /// Where it is counted for a subject, since it is counted at all.
    fn marks<'a>(
        &'a self,
        per: &'a Scope,
        subject: &'a str,
        since: u64,
    ) -> impl Iterator<Item = &'a Mark> {
        self.marks.iter().filter(move |mark| {
            mark.order > since
                && per.is_of_target() == mark.target.is_some()
                && self::subject(per, &self.asked, mark.target.as_ref()).as_deref() == Some(subject)
        })
    }

    /// Held, or charged to a subject.
    fn cost(&self, per: &Scope, subject: &str) -> i128 {
        match &self.settled {
            _ if self.end == End::Open => i128::from(self.bound),
            Some(settle) if self.end == End::Settled && per.is_of_target() => {
                let calls = settle.draft.attempts.iter();
                let mine = calls.filter(|call| match per {
                    Scope::Model => call.model == subject,
                    _ => call.provider == subject,
                });
                let known = |cost: &i128| (0..=self.charged).contains(cost);
                mine.map(|call| i128::from(call.cost.get()))
                    .map(|cost| Some(cost).filter(known).unwrap_or(self.charged))
                    .sum()
            }
            _ => self.charged,
        }
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.marks.iter().filter_map(|mark| mark.target.as_ref())
    }

    fn amount(&self, measure: Measure, per: &Scope, subject: &str) -> u64 {
        let of = |input: u64, output: u64| amount(measure, input, output);
        let held = needed(&self.asked, measure);
        match (&self.settled, measure) {
            (_, Measure::Concurrent) => u64::from(self.end == End::Open),
            (Some(settle), _) if self.end == End::Settled => {
                let calls = settle.draft.attempts.iter();
                let mine = calls.filter(|call| match per {
                    Scope::Model => call.model == subject,
                    _ => call.provider == subject,
                });
                if per.is_of_target() {
                    let (input, output) = mine.fold((0_u64, 0_u64), |(input, output), call| {
                        let usage = &call.usage;
                        (
                            input.saturating_add(usage.input_tokens),
                            output.saturating_add(usage.output_tokens),
                        )
                    });
                    of(input, output)
                } else {
                    let usage = &settle.draft.usage;
                    of(usage.input_tokens, usage.output_tokens)
                }
            }
            _ => held,
        }
    }
}
