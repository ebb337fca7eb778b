//! The governor of an org: who is admitted, what is held and charged for whom, and the record of it.
//!
//! A pure state machine. [`Governor::execute`] decides a command without changing anything, appends
//! ONE row to the [`Journal`], and applies what it appended; so a crash at any point leaves either
//! all of a command or nothing of it, and [`Governor::restore`] comes to the same state from the
//! rows. Whatever changes state does so through a row, also what is merely forgotten.
//!
//! **Time** is the governor's own: the caller's, or that of the last row if the caller's went back.
//! What is read does not move it.
//!
//! **Reserve** checks in this order: protocol, active configuration, revoked keys, the versions the
//! plan was made with, repetition, requests per minute, budget. The same request again is admitted
//! again while it is open, without counting twice (a bound above the one held raises it, if the
//! budget carries that); told the same if it was refused; and refused with `NotReserved` once it has
//! ended, so that no work is done twice. A negative bound is refused like one the budget cannot
//! carry; a bound of zero passes an empty budget.
//!
//! **Settle** charges once for a request. One that expired before is corrected by the difference. One
//! that this governor never admitted (or has forgotten as refused) is charged and recorded with a
//! bound of zero, hence flagged as an overrun, so that no spending is lost. Ended ids are forgotten
//! in time; from then on no unknown request that arrived no later than a forgotten one is charged,
//! because it may be a repetition: at worst the correction of a request that expired more than 24 hours
//! (or 20,000 requests) ago is lost, in which case its bound stands.
//!
//! **Kill switches** ([`switches`]) refuse what they turn off; models and providers that are off are passed
//! over. With the org's own ones come those of the deployment, and its configuration, see [`root`].
//!
//! A `Flush` is several commands in one message: a row each, and once each, however often it is told.
//!
//! **Leases** ([`lease`]) are held like reservations. A request that is admitted from one is known here
//! when it ends, by its number.
//!
//! **Refusals** have a record each, up to 100 in a minute per key; the others are counted, and the
//! minute ends with one record of their exact number.
//!
//! **Memory** per org: 20,000 open reservations; 2,000 leases, and 1,000 lost ones for 24 hours; ended ids for 24 hours, at most 20,000; refused ids
//! for 10 minutes, at most 5,000; 1,000 ids of corpus changes; 1,000 tallies of refusals (further
//! keys share one); 61 buckets of the window; today's money and that of days with open reservations.
//! Only revoked keys stay for ever.

mod admission;
mod alerts;
mod budget;
mod calendar;
pub mod command;
mod decide;
pub mod defaults;
mod demand;
pub mod hints;
mod idempotency;
mod journal;
pub mod lease;
mod meters;
mod people;
mod purpose;
mod recent;
mod refusals;
mod reservations;
pub mod root;
pub mod rules;
mod settlement;
mod snapshot;
mod state;
pub mod switches;
mod table;
mod view;
mod wide;
mod window;

use std::rc::Rc;

pub use alerts::Alert;
use calendar::Periods;
pub use calendar::{AlwaysUtc, Zones};
use command::{Command, Envelope, PROTOCOL, Refusal, Reply, Reserve};
use decide::{Answer, Change, Decision, Moment};
use demand::Holds;
use hints::Hints;
use journal::{Ending, Entry, FORMAT, to_json};
pub use journal::{Journal, Row};
use lease::{EFFECTIVE_MS, Flush};
use root::{Freshness, ROOT, Roster};
use state::State;
use switches::Edition;

use crate::audit::Person;
use crate::error::Error;

/// An id that several indices share.
type Id = Rc<str>;

/// The governor of an org, in memory.
pub struct Governor {
    org: String,
    zones: Rc<dyn Zones>,
    seq: u64,
    state: State,
    /// What makes digests of users this org's own. Without it records name no users, and counters
    /// name them as they are.
    salt: Option<String>,
    /// Whether nothing is admitted without a copy of the root's switches that is good.
    watches: bool,
    /// When the last copy was asked for that came, Unix milliseconds.
    copied_at: Option<u64>,
    /// Of the root: who has a copy.
    roster: Roster,
    /// Whether memory and journal are known to agree.
    certain: bool,
    /// What isolates tell one another. No part of the state.
    hints: Hints,
}

impl Governor {
    /// A governor that has seen nothing.
    #[must_use]
    pub fn new(org: &str, zones: Rc<dyn Zones>) -> Self {
        Self {
            org: org.to_owned(),
            zones,
            seq: 0,
            state: State::new(),
            salt: None,
            watches: false,
            copied_at: None,
            roster: Roster::default(),
            certain: true,
            hints: Hints::default(),
        }
    }

    /// The same governor, that admits nothing unless it knows the [`root`]'s switches.
    #[must_use]
    pub fn watching(self) -> Self {
        let watches = true;
        Self { watches, ..self }
    }

    /// The same governor with the org's salt, see [`digest`](crate::audit::person::digest).
    #[must_use]
    pub fn salted(self, salt: String) -> Self {
        let salt = Some(salt);
        Self { salt, ..self }
    }

    /// The end of the audit chain: position and hash of the last record.
    #[must_use]
    pub fn head(&self) -> (u64, &str) {
        (self.state.chain.seq, &self.state.chain.hash)
    }

    /// Everything ever charged, in nano-dollars: the sum over all records' costs.
    #[must_use]
    pub const fn charged(&self) -> i128 {
        self.state.charged.get()
    }

    /// Decides a command, appends its row, applies it. A refusal that begins a new minute first
    /// closes the old one with a row of its own; commands that change nothing append none.
    ///
    /// # Errors
    /// Where the journal fails. Nothing has changed in memory, the row may be stored or not: the
    /// governor refuses to go on until it was restored from storage.
    pub fn execute(
        &mut self,
        envelope: &Envelope,
        now: u64,
        journal: &mut dyn Journal,
    ) -> Result<Reply, Error> {
        if envelope.protocol != PROTOCOL {
            return Ok(Reply::Unsupported { protocol: PROTOCOL });
        }
        self.check_certain()?;
        let at = self.state.time(now);
        let periods = self.periods(at);
        let moment = Moment {
            at,
            periods: &periods,
        };
        let unnamed = |salt: &String| people::unnamed(&envelope.command, salt);
        let unnamed = self.salt.as_ref().map(unnamed);
        let command = unnamed.as_ref().unwrap_or(&envelope.command);
        let decision = match self.silence(command, now, at) {
            Some(refused) => refused,
            None => decide::decide(&self.state, command, moment),
        };
        let answer = self.carry_out(decision, at, journal)?;
        match command {
            Command::Flush(flush) => self.flush(flush, moment, journal)?,
            Command::Settle(settle) => self.hints.hear(&settle.sightings, at),
            Command::Copy { org } => self.roster.note(org, at),
            _ => {}
        }
        Ok(self.reply(answer, at))
    }

    /// How good the copy of the root's switches is, of a governor that admits nothing without.
    #[must_use]
    pub fn freshness(&self, now: u64) -> Freshness {
        if self.watches {
            root::freshness(self.copied_at, now)
        } else {
            Freshness::Fresh
        }
    }

    /// A copy of the root's switches has come that was asked for at `asked_at`, Unix milliseconds, and was
    /// [adopted](Command::Adopt).
    pub fn note_copy(&mut self, asked_at: u64) {
        self.copied_at = Some(asked_at);
    }

    /// Refuses what must not be answered without the switches of the deployment.
    fn silence(&self, command: &Command, now: u64, at: u64) -> Option<Decision> {
        // What shows the org shows what is known of it.
        let shows = matches!(command, Command::Inspect { .. });
        if shows || !command.asks_the_root() || self.freshness(now) != Freshness::Gone {
            return None;
        }
        let refused = (Refusal::RootSilent, Holds::default());
        match command {
            Command::Reserve(reserve) if self.state.open.contains(&reserve.draft.request) => None,
            Command::Reserve(Reserve { draft, .. }) => {
                Some(decide::refused_admission(&self.state, draft, refused, at))
            }
            _ => Some(Decision::unchanged(Answer::Refused(refused.0, refused.1))),
        }
    }

    /// Appends and applies what was decided.
    fn carry_out(
        &mut self,
        Decision { change, answer }: Decision,
        at: u64,
        journal: &mut dyn Journal,
    ) -> Result<Answer, Error> {
        if let Some(change) = change {
            if let Some(closing) = decide::closing_before(&self.state, &change.event, at) {
                self.commit(closing, at, journal)?;
            }
            self.commit(change, at, journal)?;
        }
        Ok(answer)
    }

    /// Ends requests and leases, each as if it were told alone.
    fn flush(
        &mut self,
        flush: &Flush,
        moment: Moment<'_>,
        journal: &mut dyn Journal,
    ) -> Result<(), Error> {
        for settle in &flush.settlements {
            let decision = settlement::settlement(&self.state, settle, moment);
            self.carry_out(decision, moment.at, journal)?;
            self.hints.hear(&settle.sightings, moment.at);
        }
        for told in &flush.returns {
            let decision = lease::settled::giving_back(&self.state, told);
            self.carry_out(decision, moment.at, journal)?;
        }
        Ok(())
    }

    /// Charges reservations that are past their deadline at their bound and closes minutes of
    /// refusals: a row and a record each.
    ///
    /// # Errors
    /// As [`execute`](Self::execute); what was appended before the failure stays done.
    pub fn tick(&mut self, now: u64, journal: &mut dyn Journal) -> Result<(), Error> {
        self.check_certain()?;
        let at = self.state.time(now);
        while let Some(change) = decide::due(&self.state, at) {
            self.commit(change, at, journal)?;
        }
        Ok(())
    }

    /// The first alert that was not delivered, and where it is to be sent.
    #[must_use]
    pub fn undelivered(&self) -> Option<(&str, &Alert)> {
        let url = self.state.rules.webhook.as_deref()?;
        let alerts = &self.state.alerts;
        Some((url, alerts.after(alerts.delivered()).next()?))
    }

    /// When [`tick`](Self::tick) has something to do next, Unix milliseconds; it may be past.
    #[must_use]
    pub fn next_due(&self) -> Option<u64> {
        decide::next_due(&self.state)
    }

    fn check_certain(&self) -> Result<(), Error> {
        if self.certain {
            return Ok(());
        }
        let detail = "governor: restore from storage after a failed append";
        Err(Error::internal(detail))
    }

    fn commit(
        &mut self,
        mut change: Change,
        at: u64,
        journal: &mut dyn Journal,
    ) -> Result<(), Error> {
        let person = change.ending.as_mut().map(taken).unwrap_or_default();
        let seal = |ending| self.state.chain.seal(&self.org, at, ending);
        let sealed = change.ending.map(seal).transpose()?;
        let periods = match self.state.rules_after(&change.event) {
            // No request was counted in the periods so far, so nothing is lost with them.
            Some(rules) if !self.state.used => {
                Periods::default().at(at, &rules.time_zone, &self.zones)
            }
            _ => self.periods(at),
        };
        let entry = Entry {
            version: FORMAT,
            at,
            periods: (periods != self.state.periods).then_some(periods),
            head: sealed.as_ref().map(|sealed| sealed.hash.clone()),
            person,
            event: change.event,
        };
        let row = Row {
            seq: self.seq.saturating_add(1),
            entry: to_json(&entry)?,
            sealed,
        };
        self.certain = false;
        journal.append(&row)?;
        self.certain = true;
        self.seq = row.seq;
        self.state.apply(entry);
        Ok(())
    }

    /// Its switches; of the root with the deployment's configuration.
    fn edition(&self) -> Edition {
        let own = self.state.switches.own.clone();
        if self.org != ROOT {
            return own;
        }
        Edition {
            deployment: self.state.activated().map(Box::new),
            ..own
        }
    }

    /// The periods of budgets that an instant lies in.
    fn periods(&self, at: u64) -> Periods {
        let state = &self.state;
        state.periods.at(at, &state.rules.time_zone, &self.zones)
    }

    fn reply(&self, answer: Answer, at: u64) -> Reply {
        let periods = self.periods(at);
        let moment = Moment {
            at,
            periods: &periods,
        };
        let state = |shown| view::of_places(&self.state, &shown, moment);
        let versions = self.state.versions;
        match answer {
            Answer::Admitted {
                candidate,
                shown,
                lease,
            } => Reply::Admitted {
                candidate,
                lease,
                guarded: self.state.rules.guards_targets()
                    || self.state.switches.guards_targets(at),
                state: state(shown),
                hints: self.hints.at(at),
            },
            Answer::Alerts { after } => Reply::Alerts {
                alerts: self.state.alerts.after(after).cloned().collect(),
                delivered: self.state.alerts.delivered(),
            },
            Answer::Done => Reply::Done {
                versions,
                effective_ms: if self.state.leases.any_used() {
                    EFFECTIVE_MS
                } else {
                    0
                },
                switches: self.state.switches.notice(at),
            },
            Answer::Considered(closed, shown) => Reply::Considered {
                closed,
                state: view::of_gates(&self.state, &shown, moment),
            },
            Answer::Divert(gates) => Reply::Divert { gates },
            Answer::Downgrade(route) => Reply::Downgrade { route },
            Answer::Holders => Reply::Holders(self.roster.holders(at)),
            Answer::Refused(reason, shown) => Reply::Refused {
                reason,
                state: state(shown),
            },
            Answer::Replay(request, age_ms) => Reply::Replay {
                age_ms,
                request: request.to_string(),
            },
            Answer::Settled(shown) => Reply::Settled {
                state: state(shown),
                hints: self.hints.at(at),
            },
            Answer::Stale => Reply::Stale { versions },
            Answer::State { most } => Reply::State {
                state: view::of_all(&self.state, most, moment),
            },
            Answer::Switches => Reply::Switches(self.edition()),
        }
    }
}

/// Takes what is personal out of a record to be.
fn taken(ending: &mut Ending) -> Person {
    std::mem::take(&mut ending.draft.person)
}
