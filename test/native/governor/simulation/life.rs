//! An org's life of so many steps: the governor on one side, the book on the other.

mod checks;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use esclusa::audit::{Outcome, Record};
use esclusa::governor::Governor;
use esclusa::governor::command::{Command, Extend, Reply, Reserve, Settle, TopUp, Versions};
use esclusa::governor::rules::Measure;
use esclusa::money::Nanos;

use super::book::Book;
use super::loans::Loan;
use super::script::{self, Scale};
use super::spans::Script;
use super::windows::excess;
use crate::random::Random;
use crate::storage::{DAY, Fault, MINUTE, ORG, SECOND, World, activate_rules};

/// What happened, so that a run can show that it saw everything.
pub(super) type Tally = BTreeMap<&'static str, u64>;

/// A request under an idempotency key.
struct Named {
    name: String,
    body: String,
    request: String,
    since: u64,
    kept: bool,
}

pub(super) struct Life<'a> {
    pub(super) random: &'a Random,
    scale: Scale,
    /// Whether rules are wide enough for leases, and those are in force.
    is_leased: bool,
    pub(super) world: World,
    pub(super) book: Book,
    /// Milliseconds that have passed, whatever clocks say.
    pub(super) real: u64,
    versions: Versions,
    revoked: BTreeSet<String>,
    named: Vec<Named>,
    pub(super) asked: Vec<Reserve>,
    ids: u64,
    alerts: u64,
    pub(super) tally: Tally,
}

impl<'a> Life<'a> {
    pub(super) fn new(random: &'a Random) -> Self {
        let zones = Rc::new(Script);
        let governor = Governor::new(ORG, zones.clone());
        Self {
            random,
            // In one life of four, so much that 53 bits are not enough for the sums.
            scale: Scale(if random.chance(250) {
                200_000_000_000_000
            } else {
                1
            }),
            world: World {
                governor,
                zones,
                ..World::empty()
            },
            is_leased: random.chance(400),
            book: Book::default(),
            real: 0,
            versions: Versions::default(),
            revoked: BTreeSet::new(),
            named: Vec::new(),
            asked: Vec::new(),
            ids: 0,
            alerts: 0,
            tally: Tally::new(),
        }
    }

    pub(super) fn run(&mut self, steps: u64) {
        for _ in 0..steps {
            self.step();
        }
        self.rest();
    }

    fn step(&mut self) {
        let pause = script::pause(self.random);
        self.world.now = self.world.now.saturating_add_signed(pause);
        self.real += u64::try_from(pause).unwrap_or(0);
        match self.random.below(1_000) {
            0..=319 => self.reserve(),
            320..=399 => self.lend(),
            400..=599 => self.settle(),
            600..=674 => self.flush(),
            675..=699 => self.give_back(),
            700..=799 => self.extend(),
            800..=879 => self.tick(),
            880..=894 => self.activate(),
            895..=909 => self.top_up(),
            910..=919 => self.change_corpus(),
            920..=939 => self.refuse(),
            940..=941 => self.revoke(),
            942..=969 => self.inspect(),
            970..=984 => self.world.crash(),
            _ => self.snapshot(),
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(super) fn told(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn fault(&mut self) -> Option<Fault> {
        let fault = match self.random.below(40) {
            0 => Some(Fault::Before),
            1 => Some(Fault::After),
            _ => None,
        };
        if fault.is_some() {
            self.told("faults");
        }
        fault
    }

    /// Runs a command, again after a fault; gives the reply and the records that were written, or
    /// nothing where no row was.
    pub(super) fn send(&mut self, command: &Command) -> (Reply, Option<Vec<Record>>) {
        let rows = self.world.storage.rows.len();
        self.world.storage.fault = self.fault();
        let reply = self.world.try_run(command.clone()).unwrap_or_else(|_| {
            self.world.crash();
            self.world.run(command.clone())
        });
        self.world.storage.fault = None;
        (reply, self.written(rows))
    }

    fn written(&mut self, before: usize) -> Option<Vec<Record>> {
        let rows = &self.world.storage.rows[before..];
        if rows.is_empty() {
            return None;
        }
        self.book.moved(self.world.now);
        let sealed = rows.iter().filter_map(|row| row.sealed.as_ref());
        let parse = |text: &str| serde_json::from_str(text).unwrap();
        Some(sealed.map(|sealed| parse(&sealed.record)).collect())
    }

    fn snapshot(&mut self) {
        self.world.storage.snapshot = Some(self.world.governor.snapshot().unwrap());
    }

    fn activate(&mut self) {
        let version = self.random.below(self.versions.config + 3);
        let rules = script::rules(self.random, self.scale, self.is_leased);
        if self.book.requests.is_empty() && version > self.versions.config {
            self.book.begin(&rules);
        }
        let may_be_used = self.book.loans.iter().any(Loan::is_out);
        let (reply, written) = self.send(&activate_rules(version, rules.clone()));
        let Reply::Done { effective_ms, .. } = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(effective_ms > 2 * SECOND, may_be_used);
        assert_eq!(written.is_some(), version > self.versions.config);
        if written.is_some() {
            self.versions.config = version;
            self.book.activate(&rules);
            self.end_loans();
            self.told("activations");
        }
    }

    fn change_corpus(&mut self) {
        let id = self.random.below(30).to_string();
        let (_, written) = self.send(&Command::ChangeCorpus { id });
        self.versions.corpus += u64::from(written.is_some());
    }

    fn revoke(&mut self) {
        let key = format!("s{}", self.random.below(3));
        self.send(&Command::RevokeKey { key: key.clone() });
        self.revoked.insert(key);
    }

    fn top_up(&mut self) {
        let amount = script::money(self.random, self.scale, 2_000);
        let amount = if self.random.chance(100) {
            Nanos::new(-amount.get())
        } else {
            amount
        };
        let id = self.random.below(60).to_string();
        let note = String::new();
        let (_, written) = self.send(&Command::TopUp(TopUp { id, amount, note }));
        if written.is_some() {
            self.book.pay(amount.get());
        }
    }

    fn refuse(&mut self) {
        self.ids += 1;
        let draft = script::draft(self.random, self.ids, self.world.now);
        self.send(&Command::Refuse { draft });
    }

    fn tick(&mut self) {
        let rows = self.world.storage.rows.len();
        self.world.storage.fault = self.fault();
        if self
            .world
            .governor
            .tick(self.world.now, &mut self.world.storage)
            .is_err()
        {
            self.world.crash();
            self.world.tick();
        }
        self.world.storage.fault = None;
        for record in self.written(rows).into_iter().flatten() {
            if record.draft.outcome == Outcome::Expired {
                self.book.charge(&record, None);
                self.named
                    .retain(|it| it.kept || it.request != record.draft.request);
                self.told("expired");
            }
            if record.draft.outcome == Outcome::LeaseLost {
                self.book.lose(&record);
                self.told("lost leases");
            }
        }
    }

    fn reserve(&mut self) {
        let versions = if self.random.chance(20) {
            Versions::default()
        } else {
            self.versions
        };
        let again = self.repeatable().filter(|_| self.random.chance(120));
        let reserve = if let Some(again) = again {
            let by = Nanos::new(i64::from(self.random.chance(300)));
            Reserve {
                bound: again.bound.saturating_add(by),
                planned: versions,
                ..again
            }
        } else {
            self.ids += 1;
            let draft = script::draft(self.random, self.ids, self.world.now);
            let asked = script::reserve(self.random, draft, self.scale, versions);
            let lease = self.wish(&asked);
            Reserve { lease, ..asked }
        };
        let known = self.book.find(&reserve.draft.request);
        let (reply, written) = self.send(&Command::Reserve(reserve.clone()));
        match (reply, known) {
            (Reply::Admitted { candidate, .. }, Some(index)) => {
                let first = self.book.requests[index].targets().next();
                let again = reserve.candidates.get(candidate);
                assert_eq!(again, first.filter(|_| again.is_some()), "another model");
                self.repeated(index, &reserve);
            }
            (
                Reply::Admitted {
                    candidate, lease, ..
                },
                None,
            ) => {
                self.admitted(&reserve, candidate);
                if let Some(granted) = lease {
                    self.granted(&reserve, granted);
                }
            }
            (Reply::Refused { reason, .. }, None) if written.is_some() => {
                self.check_refusal(&reserve, &reason);
            }
            (Reply::Replay { request, .. }, _) => {
                let body = &reserve.idempotency.as_ref().unwrap().body;
                let kept = |it: &Named| it.kept && it.request == request && it.body == *body;
                assert!(self.named.iter().any(kept), "{request} has no kept answer");
                self.told("replays");
            }
            (Reply::Stale { versions }, _) => {
                assert_eq!(versions, self.versions);
                assert_ne!(reserve.planned, versions);
            }
            (Reply::Downgrade { route }, _) => self.check_downgrade(&reserve, &route),
            (reply, _) => assert!(matches!(reply, Reply::Refused { .. }), "{reply:?}"),
        }
    }

    /// A request whose reply may have been lost. Its id is remembered for a day after its end.
    fn repeatable(&self) -> Option<Reserve> {
        let recent = self.asked.len().saturating_sub(20);
        let again = self.asked.get(recent + self.random.index(20))?;
        let index = self.book.find(&again.draft.request)?;
        let is_direct = self.book.requests[index].part.is_none();
        let is_recent = again.draft.at + DAY / 2 > self.book.clock;
        (is_direct && is_recent).then(|| again.clone())
    }

    fn repeated(&mut self, index: usize, reserve: &Reserve) {
        let by = reserve.bound.get() - self.book.requests[index].bound;
        self.told("repetitions");
        if by > 0 {
            self.book.requests[index].bound += by;
            self.check_raise(index, by, reserve.route.as_deref());
        }
    }

    fn admitted(&mut self, reserve: &Reserve, candidate: usize) {
        let id = &reserve.draft.request;
        assert_eq!(reserve.planned, self.versions, "{id}: a stale plan");
        assert!(self.versions.config > 0 && !self.revoked.contains(&reserve.draft.key));
        if let Some(idempotency) = &reserve.idempotency {
            let now = self.book.clock;
            let taken = |it: &Named| it.name == idempotency.name && it.since + DAY > now;
            assert!(!self.named.iter().any(taken), "{id}: its name is taken");
            self.named.retain(|it| it.name != idempotency.name);
            self.named.push(Named {
                name: idempotency.name.clone(),
                body: idempotency.body.clone(),
                request: id.clone(),
                since: now,
                kept: false,
            });
        }
        let target = reserve.candidates.get(candidate);
        self.book.open(reserve, target);
        self.asked.push(reserve.clone());
        self.told("admitted");
        let bound = reserve.bound.get();
        assert!(bound >= 0, "{id}: less than nothing");
        self.check_place(reserve, None, bound);
        self.check_place(reserve, target, bound);
        self.check_balance(reserve, bound);
    }

    /// An id that was admitted lately, or one that never was.
    fn recent(&mut self) -> Reserve {
        let recent = self.asked.len().saturating_sub(25);
        if self.asked.is_empty() || self.random.chance(30) {
            self.ids += 1;
            let draft = script::draft(self.random, self.ids, self.world.now);
            return script::reserve(self.random, draft, self.scale, self.versions);
        }
        self.random.pick(&self.asked[recent..]).clone()
    }

    fn extend(&mut self) {
        let id = self.recent().draft.request;
        let target = self.random.chance(500).then(|| script::target(self.random));
        let by = match self.random.below(12) {
            0 => Nanos::new(-1),
            1 => Nanos::MAX,
            2..=4 => Nanos::ZERO,
            _ => script::money(self.random, self.scale, 20),
        };
        if self.random.chance(700) {
            self.detach(&id);
        }
        let step = u32::try_from(self.random.below(6)).unwrap();
        let extend = Extend {
            request: id.clone(),
            step,
            by,
            target: target.clone(),
            ..Extend::default()
        };
        let (reply, written) = self.send(&Command::Extend(extend));
        if written.is_none() {
            return;
        }
        assert!(matches!(reply, Reply::Admitted { .. }), "{reply:?}");
        self.told("extended");
        let index = self.book.find(&id).unwrap();
        self.book.requests[index].bound += by.get();
        if target.is_some() {
            self.book.send(index, target.as_ref());
        }
        self.check_raise(index, by.get(), None);
        let request = self.book.requests[index].clone();
        for place in self
            .book
            .budgets(&request.asked, target.as_ref())
            .filter(|_| target.is_some())
        {
            if let Some((from, is_new)) = self.book.held(index, &place) {
                let by = if is_new { request.bound } else { by.get() };
                self.check_budget(&place, from, by, None);
            }
        }
        for place in self
            .book
            .limits(&request.asked, target.as_ref())
            .filter(|_| target.is_some())
        {
            let anew = matches!(place.rule.measure, Measure::Requests(_));
            if anew || !self.book.counted(index, &place) {
                let passed = self.book.passed(&place);
                let over = excess(&passed, place.rule, self.book.clock);
                assert_eq!(over, None, "{:?} for {}", place.rule, place.subject);
            }
        }
    }

    fn settle(&mut self) {
        let settle = self.settlement();
        let (reply, written) = self.send(&Command::Settle(settle.clone()));
        assert!(matches!(reply, Reply::Settled { .. }));
        for record in written.into_iter().flatten() {
            self.ended(&settle, &record);
        }
    }

    /// The end of some request.
    pub(super) fn settlement(&mut self) -> Settle {
        let asked = self.recent();
        let known = self
            .book
            .find(&asked.draft.request)
            .map(|index| &self.book.requests[index]);
        let bound = known.map_or(10, |request| request.bound);
        script::settle(self.random, asked.draft.clone(), bound, known)
    }

    pub(super) fn ended(&mut self, settle: &Settle, record: &Record) {
        let is_late = record.draft.outcome == Outcome::Late;
        self.told(if is_late { "late" } else { "settled" });
        self.book.charge(record, Some(settle));
        if !is_late {
            let id = &settle.draft.request;
            self.named.retain(|it| it.request != *id || settle.kept);
            let mine = self.named.iter_mut().filter(|it| it.request == *id);
            mine.for_each(|it| it.kept = true);
        }
    }

    fn inspect(&mut self) {
        let state = self.world.state();
        self.check_state(&state);
        let Reply::Alerts { alerts, .. } = self.world.read(Command::Alerts { after: self.alerts })
        else {
            panic!("no alerts")
        };
        for alert in alerts {
            self.alerts += 1;
            assert_eq!(alert.id, self.alerts, "an alert is lost");
            let threshold = i128::from(alert.limit.get()) * i128::from(alert.threshold);
            assert!(
                i128::from(alert.spent.get()) * 100 >= threshold,
                "{alert:?}"
            );
            self.told("alerts");
        }
    }

    /// All quiet: everything has ended once, nothing is held, and memory is what storage gives.
    fn rest(&mut self) {
        self.world.now = self.world.now.max(self.book.clock) + 2 * DAY + MINUTE + SECOND;
        self.tick();
        let state = self.world.state();
        self.check_state(&state);
        assert_eq!(self.book.running().count(), 0, "something has not ended");
        assert!(
            state
                .budgets
                .iter()
                .all(|budget| budget.reserved == Nanos::ZERO)
        );
        assert_eq!(self.world.governor.next_due(), None);
        self.world.check();
        if self.book.charged() > 20_000_000_000_000_000 {
            self.told("lives beyond $20 M");
        }
    }
}
