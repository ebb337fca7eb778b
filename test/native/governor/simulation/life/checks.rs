//! What must be true of an admission, a refusal and the live state, by the book.

use esclusa::audit::CacheStatus;
use esclusa::governor::command::{Refusal, Reserve, State, Target};
use esclusa::governor::rules::{Budget, WhenSpent};
use esclusa::money::Nanos;

use super::super::book::Place;
use super::super::windows::{excess, is_full, needed};
use super::{Life, Named};

impl Life<'_> {
    /// Nothing is admitted beyond a limit in any window, nor beyond a budget.
    pub(super) fn check_place(&self, reserve: &Reserve, target: Option<&Target>, bound: i64) {
        for place in self.book.limits(reserve, target) {
            let passed = self.book.counting(&place);
            let over = excess(&passed, place.rule, self.book.clock);
            assert_eq!(
                over, None,
                "{:?} for {}: {passed:?}",
                place.rule, place.subject
            );
        }
        for place in self.book.budgets(reserve, target) {
            let from = self.book.spans.from(place.rule.period);
            if place.rule.when_spent != WhenSpent::Allow {
                assert!(!reserve.unpriced, "{:?}: no price", place.rule);
            }
            self.check_budget(&place, from, bound, reserve.route.as_deref());
        }
    }

    pub(super) fn check_budget(
        &self,
        place: &Place<'_, Budget>,
        from: u64,
        by: i64,
        route: Option<&str>,
    ) {
        let passes = match &place.rule.when_spent {
            WhenSpent::Allow => true,
            WhenSpent::Downgrade(cheaper) => route == Some(cheaper),
            WhenSpent::CacheOnly | WhenSpent::Refuse => false,
        };
        if by > 0 && !passes {
            let used = self.book.used(place, from);
            let most = i128::from(place.rule.amount.get());
            assert!(
                used <= most,
                "{used} of {:?} for {}",
                place.rule,
                place.subject
            );
        }
    }

    pub(super) fn check_balance(&self, reserve: &Reserve, by: i64) {
        if self.book.rules.prepaid {
            assert!(!reserve.unpriced);
            let balance = self.book.balance().unwrap_or(0);
            assert!(
                by == 0 || self.book.reserved() <= balance,
                "beyond the balance of {balance}"
            );
        }
    }

    pub(super) fn check_raise(&self, index: usize, by: i64, route: Option<&str>) {
        let asked = self.book.requests[index].asked.clone();
        for place in self.book.budgets(&asked, None) {
            if let Some((from, _)) = self.book.held(index, &place) {
                self.check_budget(&place, from, by, route);
            }
        }
        self.check_balance(
            &Reserve {
                unpriced: false,
                ..asked
            },
            by,
        );
    }

    pub(super) fn check_refusal(&mut self, reserve: &Reserve, reason: &Refusal) {
        let book = &self.book;
        let targets = || reserve.candidates.iter().map(Some).chain([None]);
        let bound = i128::from(reserve.bound.get());
        let explained = match reason {
            Refusal::BudgetExhausted { budget, .. } => {
                let is_it = |place: &Place<'_, Budget>| place.rule.name == *budget;
                let full = |place: Place<'_, Budget>| {
                    let used = book.used(&place, book.spans.from(place.rule.period));
                    used + bound > i128::from(place.rule.amount.get())
                        || reserve.draft.cache == CacheStatus::Hit
                };
                bound < 0
                    || targets().any(|target| book.budgets(reserve, target).filter(is_it).any(full))
            }
            Refusal::CreditsExhausted => book.reserved() + bound > book.balance().unwrap_or(0),
            Refusal::IdempotencyKeyReused | Refusal::StillRunning => {
                let asked = reserve.idempotency.as_ref().unwrap();
                let reused = *reason == Refusal::IdempotencyKeyReused;
                let is_it = |it: &Named| it.name == asked.name && (it.body != asked.body) == reused;
                self.named.iter().any(is_it)
            }
            Refusal::KeyRevoked => self.revoked.contains(&reserve.draft.key),
            Refusal::NotActive => self.versions.config == 0,
            // Its life has no switches.
            Refusal::Killed { .. }
            | Refusal::NotReserved
            | Refusal::RootSilent
            | Refusal::SwitchesTurned
            | Refusal::TooManySwitches => false,
            Refusal::RateLimited { limit, .. } => targets().any(|target| {
                let mut full = book
                    .limits(reserve, target)
                    .filter(|place| place.rule.name == *limit);
                full.any(|place| {
                    let needed = needed(reserve, place.rule.measure);
                    is_full(&book.counting(&place), place.rule, needed, book.clock)
                })
            }),
            Refusal::TooLarge { most, needed, .. } => needed > most,
            Refusal::Unpriced => reserve.unpriced,
        };
        assert!(explained, "{reserve:?} was refused: {reason:?}");
        self.told("refused");
    }

    pub(super) fn check_downgrade(&mut self, reserve: &Reserve, route: &str) {
        let full = |place: Place<'_, Budget>| {
            let spans = self.book.spans.at(
                self.world.now.max(self.book.clock),
                &self.book.rules.time_zone,
            );
            let used = self.book.used(&place, spans.from(place.rule.period));
            matches!(&place.rule.when_spent, WhenSpent::Downgrade(cheaper) if cheaper == route)
                && used + i128::from(reserve.bound.get()) > i128::from(place.rule.amount.get())
        };
        let mut targets = reserve.candidates.iter().map(Some).chain([None]);
        let explained = targets.any(|target| self.book.budgets(reserve, target).any(full));
        assert!(
            explained || self.book.find(&reserve.draft.request).is_some(),
            "{reserve:?}"
        );
        self.told("downgrades");
    }

    pub(super) fn check_state(&self, state: &State) {
        let book = &self.book;
        assert_eq!(state.open_reservations, book.open_reservations() as u64);
        let shown = |amount: i128| {
            let clamped = amount.clamp(i64::MIN.into(), i64::MAX.into());
            Nanos::new(i64::try_from(clamped).unwrap())
        };
        if let Some(credits) = &state.credits {
            assert_eq!(credits.balance, shown(book.balance().unwrap_or(0)));
            assert_eq!(credits.reserved, shown(book.reserved()));
        }
        assert_eq!(book.charged(), self.world.governor.charged());
        let lifetime = state
            .budgets
            .iter()
            .find(|it| it.name.is_empty() && it.reset.is_none());
        let lifetime = lifetime.unwrap();
        assert_eq!(
            (lifetime.spent, lifetime.reserved),
            (shown(book.charged()), shown(book.reserved()))
        );
        let now = self.world.now.max(book.clock);
        let spans = book.spans.at(now, &book.rules.time_zone);
        for budget in state.budgets.iter().filter(|it| !it.name.is_empty()) {
            assert!(budget.spent >= Nanos::ZERO && budget.reserved >= Nanos::ZERO);
            let rule = book
                .rules
                .budgets
                .iter()
                .find(|rule| rule.name == budget.name)
                .unwrap();
            let place = Place {
                rule,
                subject: budget.subject.clone(),
            };
            // Beyond what can be shown.
            if budget.spent.max(budget.reserved) == Nanos::MAX {
                continue;
            }
            let used = i128::from(budget.spent.get()) + i128::from(budget.reserved.get());
            assert_eq!(
                used,
                book.used(&place, spans.from(rule.period)),
                "{budget:?}"
            );
        }
    }
}
