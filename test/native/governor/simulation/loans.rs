//! Leases as isolates use them: some admit from them at once, some late, some are gone with them.

use esclusa::governor::command::{Command, Reserve, Settle, Tokens};
use esclusa::governor::lease::{Detach, Flush, Granted, Part, Return, Slice};
use esclusa::governor::rules::{Measure, WhenSpent, Window};
use esclusa::money::Nanos;

use super::book::Mark;
use super::life::Life;
use super::windows::{excess, slice_amount};
use crate::storage::SECOND;

/// What is known of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its holder admits from it.
    Good,
    /// Its holder admits no more from it, and has not said so.
    Over,
    Returned,
    Lost,
}

/// A lease.
#[derive(Clone, Debug)]
pub(super) struct Loan {
    pub(super) asked: Reserve,
    pub(super) mark: Mark,
    /// The last moment at which it is good, by the governor's clock.
    pub(super) last: u64,
    /// From when on it is not, by that of its holder.
    until: u64,
    pub(super) granted: Slice,
    pub(super) used: Slice,
    pub(super) state: State,
}

impl Loan {
    pub(super) fn new(asked: &Reserve, granted: Granted, mark: Mark, since: u64) -> Self {
        Self {
            asked: asked.clone(),
            last: mark.at + granted.lasts_ms - 1,
            mark,
            until: since + granted.lasts_ms,
            granted: granted.slice,
            used: Slice::default(),
            state: State::Good,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.asked.draft.request
    }

    pub(super) const fn is_out(&self) -> bool {
        matches!(self.state, State::Good | State::Over)
    }

    /// What is held or charged for nobody.
    pub(super) fn unused(&self) -> Slice {
        match self.state {
            State::Returned => Slice::default(),
            _ => self.granted.minus(&self.used),
        }
    }
}

impl Life<'_> {
    /// What is asked for besides.
    pub(super) fn wish(&self, own: &Reserve) -> Option<Slice> {
        let requests = 1 + self.random.below(12);
        let times = i64::try_from(requests).unwrap();
        let wish = Slice {
            requests,
            bound: own.bound.saturating_mul(times),
            tokens: Tokens {
                input: own.tokens.input.max(1) * requests,
                output: own.tokens.output.max(1) * requests,
            },
        };
        self.random.chance(600).then_some(wish)
    }

    /// No lease is more than a hundredth of what is left, and it is within everything.
    pub(super) fn granted(&mut self, reserve: &Reserve, granted: Granted) {
        let book = &self.book;
        let slice = granted.slice;
        assert!(book.rules.lends(), "{reserve:?} got a lease");
        assert!(slice.requests > 0 && granted.lasts_ms <= 2 * SECOND);
        for place in book.limits(reserve, None) {
            let Some(pace) = place.rule.measure.pace() else {
                continue;
            };
            let length = u64::from(pace.seconds) * SECOND;
            let since = match pace.window {
                Window::Sliding => (book.clock + 1).saturating_sub(length),
                _ => book.clock - book.clock % length,
            };
            let counted = book.counting(&place).into_iter();
            let used: u64 = counted
                .filter(|(at, _)| *at >= since)
                .map(|(_, it)| it)
                .sum();
            let of = slice_amount(&slice, place.rule.measure);
            assert!(
                of * 100 + used <= place.rule.limit,
                "{slice:?} of {:?}",
                place.rule
            );
        }
        for place in book.budgets(reserve, None) {
            let used = book.used(&place, book.spans.from(place.rule.period));
            let most = i128::from(place.rule.amount.get());
            let left = i128::from(slice.bound.get()) * 100;
            let passes = place.rule.when_spent == WhenSpent::Allow;
            assert!(
                passes || slice.bound == Nanos::ZERO || used + left <= most,
                "{slice:?} of {:?}",
                place.rule
            );
        }
        let loan = Loan::new(reserve, granted, book.mark(None), self.real);
        self.book.loans.push(loan);
        self.told("leases");
        for _ in 0..self.random.below(slice.requests + 1) {
            let index = self.book.loans.len() - 1;
            self.admit_from(index);
        }
    }

    /// An isolate admits a request, if it has a lease that is good.
    pub(super) fn lend(&mut self) {
        let real = self.real;
        for loan in &mut self.book.loans {
            if loan.state == State::Good && loan.until <= real {
                loan.state = State::Over;
            }
        }
        let good = |(_, loan): &(usize, &Loan)| loan.state == State::Good;
        let loans: Vec<usize> = self
            .book
            .loans
            .iter()
            .enumerate()
            .filter(good)
            .map(|(index, _)| index)
            .collect();
        if !loans.is_empty() {
            let index = *self.random.pick(&loans);
            self.admit_from(index);
        }
    }

    fn admit_from(&mut self, index: usize) {
        let id = self.next_id();
        let loan = &self.book.loans[index];
        let left = loan.unused();
        if left.requests == 0 || left.tokens.input == 0 || left.tokens.output == 0 {
            return;
        }
        let most = |amount: i64| amount.min(loan.asked.bound.get() * 2 + 1);
        let below = |most: u64| 1 + self.random.below(most.min(60));
        let bound = self.random.below(most(left.bound.get()).unsigned_abs() + 1);
        let part = Part {
            lease: loan.name().to_owned(),
            number: u32::try_from(loan.used.requests).unwrap(),
            bound: Nanos::new(i64::try_from(bound).unwrap()),
            tokens: Tokens {
                input: below(left.tokens.input),
                output: below(left.tokens.output),
            },
        };
        let mut asked = loan.asked.clone();
        asked.draft.request = format!("r{id}");
        asked.draft.at = self.world.now;
        (asked.bound, asked.tokens, asked.lease) = (part.bound, part.tokens, None);
        let at = self.world.now.max(self.book.clock);
        self.book.lend(index, &asked, part, at);
        self.asked.push(asked.clone());
        self.told("admitted from leases");
        let counted = |measure| matches!(measure, Measure::Concurrent | Measure::Requests(_));
        for place in self
            .book
            .limits(&asked, None)
            .filter(|it| counted(it.rule.measure))
        {
            let passed = self.book.passed(&place);
            let over = excess(&passed, place.rule, at);
            assert_eq!(over, None, "{:?}: {passed:?}", place.rule);
        }
    }

    /// No holder admits any more from what it was granted under other rules.
    pub(super) fn end_loans(&mut self) {
        for loan in self
            .book
            .loans
            .iter_mut()
            .filter(|it| it.state == State::Good)
        {
            loan.state = State::Over;
        }
    }

    /// The holder of a lease says what it used, or is gone.
    pub(super) fn give_back(&mut self) {
        let out = |(_, loan): &(usize, &Loan)| loan.is_out();
        let loans: Vec<usize> = self
            .book
            .loans
            .iter()
            .enumerate()
            .filter(out)
            .map(|(index, _)| index)
            .collect();
        if loans.is_empty() {
            return;
        }
        let index = *self.random.pick(&loans);
        if self.random.chance(200) {
            self.book.loans[index].state = State::Over;
            return;
        }
        let loan = &self.book.loans[index];
        let told = Return {
            lease: loan.name().to_owned(),
            used: loan.used,
        };
        let flush = Flush {
            settlements: Vec::new(),
            returns: vec![told.clone(), told],
        };
        let (_, written) = self.send(&Command::Flush(flush));
        assert_eq!(written, Some(Vec::new()), "a return has no record");
        self.book.loans[index].state = State::Returned;
        self.told("returns");
    }

    /// Several ends at once, some of them twice, in any order.
    pub(super) fn flush(&mut self) {
        let mut settlements: Vec<Settle> = Vec::new();
        for _ in 0..=self.random.below(4) {
            let settle = self.settlement();
            let same = |it: &&Settle| it.draft.request == settle.draft.request;
            let first = settlements.iter().find(same).cloned();
            settlements.push(first.unwrap_or(settle));
        }
        let returns = Vec::new();
        let flush = Flush {
            settlements: settlements.clone(),
            returns,
        };
        let (_, written) = self.send(&Command::Flush(flush));
        for record in written.into_iter().flatten() {
            let of_record = |it: &&Settle| it.draft.request == record.draft.request;
            let settle = settlements.iter().find(of_record).unwrap().clone();
            self.ended(&settle, &record);
        }
    }

    /// A request of a lease gets a reservation of its own, so that it can be raised.
    pub(super) fn detach(&mut self, id: &str) {
        let Some(index) = self.book.find(id) else {
            return;
        };
        let request = &self.book.requests[index];
        let Some(part) = request.part.clone().filter(|_| !request.detached) else {
            return;
        };
        let detach = Detach {
            draft: request.asked.draft.clone(),
            part,
            deadline_ms: self.random.below(300 * SECOND),
        };
        let (_, written) = self.send(&Command::Detach(detach));
        if written.is_some() {
            self.book.requests[index].detached = true;
            self.told("detached");
        }
    }
}
