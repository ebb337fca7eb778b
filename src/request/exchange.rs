//! One request under way: what it knows of itself, for its record and its headers.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::audit::{Attempt, Draft, Outcome, PassedOver, Person};
use crate::auth::{Principal, Rights};
use crate::config::attempts::MOST_MS;
use crate::config::{self, Attempts, Catalogue};
use crate::error::Error;
use crate::governor::command::{Command, Idempotency, Reply, Subjects};
use crate::governor::hints::{Hint, Sighting};
use crate::governor::lease::Part;
use crate::http::Incoming;
use crate::isolate::{OrgView, SharedHolder, SharedNotice};
use crate::money::Nanos;
use crate::ports::{Entropy, Ports};
use crate::protocol::Answer;
use crate::providers::Failure;
use crate::request::attempts::leave::Leave;
use crate::request::extend::Raised;
use crate::request::route::Taken;
use crate::request_files::day;
use crate::routing::health::SharedHealth;
use crate::routing::instructions::Occasion;
use crate::routing::plan::Candidate;
use crate::transcript::Transcript;
use crate::usage::Usage;

/// Milliseconds a request may take in all.
pub const DEADLINE_MS: u64 = MOST_MS;
/// By what Cloudflare knows a session.
const SESSION: &str = "cf-aig-session-id";

/// A request whose caller is known.
pub struct Exchange {
    /// The world.
    pub ports: Ports,
    /// The caller's org.
    pub org: String,
    /// What the caller may besides asking.
    pub rights: Rights,
    /// Whom it counts for, beyond what the record says.
    pub subjects: Subjects,
    /// The candidate that the governor admitted it for.
    pub admitted_for: usize,
    /// Whether the governor wants to be asked before another candidate is.
    pub guarded: bool,
    /// By how much attempts had to raise what the governor holds.
    pub raised: Raised,
    /// Where the org is admitted from leases, what this isolate holds.
    pub holder: Option<SharedHolder>,
    /// Whether the org's rules let requests be admitted from leases.
    pub lends: bool,
    /// How the org wants models to be asked.
    pub attempts: Attempts,
    /// What this isolate knows of deployments.
    pub health: SharedHealth,
    /// The leave to ask whose answer is on its way.
    pub leave: Option<Box<Leave>>,
    /// Models that turned out to fail, or to answer again.
    pub sightings: Vec<Sighting>,
    /// The lease that it was admitted from.
    pub part: Option<Part>,
    /// What of the org this isolate knows to be switched off.
    pub switches: SharedNotice,
    /// The way it takes through a route.
    pub taken: Option<Box<Taken>>,
    /// The client's own name for it.
    pub idempotency: Option<Idempotency>,
    /// How it ended, once it is settled: for whoever watches its answer go out.
    pub ended: Rc<Cell<Option<Outcome>>>,
    /// Whether its operation's guard should have judged something of it and did not.
    pub unjudged: bool,
    /// Its texts, where the org stores them.
    pub transcript: Option<Transcript>,
    /// The record so far.
    pub draft: Draft,
    /// The catalogue of the org, as its plan has it.
    catalogue: Option<Arc<Catalogue>>,
    phase_began: u64,
}

impl Exchange {
    /// Begins the record of a request that arrived at `arrived` (Unix milliseconds).
    #[must_use]
    pub fn begin(ports: &Ports, id: &str, arrived: u64, principal: &Principal) -> Self {
        let draft = Draft {
            request: id.to_owned(),
            at: arrived,
            key: principal.key.clone(),
            ..Draft::default()
        };
        Self {
            ports: ports.clone(),
            org: principal.org.clone(),
            rights: principal.rights,
            subjects: Subjects::default(),
            admitted_for: 0,
            guarded: false,
            raised: Raised::default(),
            holder: None,
            lends: false,
            attempts: Attempts::default(),
            health: SharedHealth::default(),
            leave: None,
            sightings: Vec::new(),
            part: None,
            switches: SharedNotice::default(),
            taken: None,
            idempotency: None,
            ended: Rc::default(),
            unjudged: false,
            transcript: None,
            draft,
            catalogue: None,
            phase_began: arrived,
        }
    }

    /// Notes of what state of the org its plan is.
    pub fn plan_for(&mut self, view: &OrgView) {
        self.catalogue = Some(Arc::clone(view.config.catalogue()));
        // The request was heard under what this isolate remembered, which may have wanted more of it.
        let wanted = view.config.transcripts().detail;
        self.transcript = self.transcript.take().and_then(|it| it.at_most(wanted));
        self.draft.versions = view.versions;
        self.draft.stale_config = view.stale.map(|stale| stale.version);
        self.holder.clone_from(&view.holder);
        self.attempts = view.config.attempts();
        self.health = Rc::clone(&view.health);
        self.lends = view.config.rules().lends();
        self.switches = Rc::clone(&view.switches);
    }

    /// The catalogue of the org; the deployment's before there is a plan.
    ///
    /// # Errors
    /// `Internal`, see [`config::catalogue`].
    pub fn catalogue(&self) -> Result<Arc<Catalogue>, Error> {
        match &self.catalogue {
            Some(catalogue) => Ok(Arc::clone(catalogue)),
            None => config::catalogue().map(Arc::clone),
        }
    }

    /// Where its settlement may wait for others: not that of a change, or of what may be repeated by its
    /// name.
    #[must_use]
    pub fn settles_later(&self) -> Option<SharedHolder> {
        let may_wait = self.idempotency.is_none() && self.draft.change.is_none();
        self.holder.clone().filter(|_| may_wait)
    }

    /// The request comes to a candidate.
    pub fn come_to(&self, candidate: &Candidate) {
        if let (Some(taken), Some(step)) = (&self.taken, &candidate.step) {
            taken.reach(step);
        }
    }

    /// Notes how much of its way through a route it has come to.
    pub fn note_way(&mut self) {
        self.draft.route = self.taken.as_deref().map(Taken::told);
    }

    /// What the prompts of its org may say of it. A session is known by the header that Cloudflare has for it.
    #[must_use]
    pub fn occasion(&self, incoming: &dyn Incoming) -> Occasion {
        let session = || incoming.header(SESSION).filter(|name| !name.is_empty());
        let user = Some(self.subjects.user.clone()).filter(|user| !user.is_empty());
        let follower = user.or_else(session);
        Occasion {
            org: self.org.clone(),
            today: day(self.draft.at).unwrap_or_default(),
            follower: follower.unwrap_or_else(|| self.draft.request.clone()),
        }
    }

    /// Notes that the phase `name` has ended now.
    pub fn end_phase(&mut self, name: &str) {
        let now = self.ports.clock.now();
        let milliseconds = now.saturating_sub(self.phase_began);
        self.draft.phases.push((name.to_owned(), milliseconds));
        self.phase_began = now;
    }

    /// What all calls so far cost together.
    #[must_use]
    pub fn cost(&self) -> Nanos {
        let costs = self.draft.attempts.iter().map(|attempt| attempt.cost);
        costs.fold(Nanos::ZERO, Nanos::saturating_add)
    }

    /// Notes that an answer on its way has gone on for now.
    pub fn goes_on(&mut self) {
        if let Some(mut leave) = self.leave.take() {
            leave.prove(self);
            self.leave = Some(leave);
        }
    }

    /// Notes that the whole of an answer on its way has come.
    pub fn complete(&mut self) {
        if let Some(mut leave) = self.leave.take() {
            leave.ended(self);
        }
    }

    /// Notes that an answer on its way broke off.
    pub fn break_off(&mut self, failure: &Failure) {
        if let Some(mut leave) = self.leave.take() {
            leave.failed(self, failure);
        }
    }

    /// Notes a call of a model.
    pub fn note(&mut self, attempt: Attempt) {
        self.draft.usage = self.draft.usage.plus(attempt.usage);
        self.draft.attempts.push(attempt);
    }

    /// Notes a model that is not asked, and why.
    pub fn pass_over(&mut self, model: &str, reason: &str) {
        self.draft.passed_over.push(PassedOver {
            model: model.to_owned(),
            reason: reason.to_owned(),
        });
    }

    /// Charges the last answer, a `candidate`'s, with what it turned out to have used.
    pub fn charge(&mut self, candidate: &Candidate, usage: Usage) {
        let cost = candidate.cost(&usage);
        self.draft.usage = self.draft.usage.plus(usage);
        let mut attempts = self.draft.attempts.iter_mut().rev();
        if let Some(attempt) = attempts.find(|attempt| attempt.purpose == "answer") {
            attempt.usage = usage;
            attempt.cost = cost;
        }
    }

    /// Notes once what was decided about it, however often it is planned.
    pub fn note_policy(&mut self, policy: String) {
        if !self.draft.policy.contains(&policy) {
            self.draft.policy.push(policy);
        }
    }

    /// Notes that a spent budget wants a cheaper route.
    pub fn note_downgrade(&mut self, route: &str) {
        self.draft.policy.push(format!("downgraded to {route}"));
    }

    /// Notes what was answered, where the org stores that.
    pub fn say(&mut self, answer: &Answer) {
        if let Some(transcript) = &mut self.transcript {
            transcript.say(answer);
        }
    }

    /// Notes how the request failed.
    pub fn fail(&mut self, outcome: Outcome, error: &Error) {
        self.draft.outcome = outcome;
        self.draft.status = error.status();
        self.draft.error = Some(error.kind);
    }

    /// Tells the governor who asked, which is kept apart from the record.
    pub(crate) fn named(&self, mut command: Command) -> Command {
        let draft = match &mut command {
            Command::Administer(act) => &mut act.draft,
            Command::Detach(detach) => &mut detach.draft,
            Command::Refuse { draft } => draft,
            Command::Reserve(reserve) => &mut reserve.draft,
            Command::Settle(settle) => &mut settle.draft,
            _ => return command,
        };
        draft.person = self.person();
        command
    }

    /// Who asked.
    #[must_use]
    pub fn person(&self) -> Person {
        Person {
            user: self.subjects.user.clone(),
            address: self.subjects.address.clone(),
        }
    }

    /// Asks the org's governor.
    ///
    /// # Errors
    /// `Unavailable` where it cannot be reached or speaks another version.
    pub async fn govern(&self, command: Command) -> Result<Reply, Error> {
        let command = self.named(command);
        let reply = self.ports.governors.execute(&self.org, command).await?;
        hear(&self.switches, &reply);
        if let Reply::Admitted { hints, .. } | Reply::Settled { hints, .. } = &reply {
            self.heed(hints);
        }
        match reply {
            Reply::Unsupported { protocol } => Err(Error::unavailable(
                "A new version is being deployed. Retry shortly.",
                format!("the governor speaks protocol {protocol}"),
            )),
            reply => Ok(reply),
        }
    }

    /// Takes what other isolates have seen for what it is: worth a probe, at a moment of one's own.
    fn heed(&self, hints: &[Hint]) {
        let now = self.ports.clock.now();
        for hint in hints {
            let chance = chance(self.ports.entropy.as_ref());
            self.health.borrow_mut().told(hint, now, chance);
        }
    }
}

/// Anything from 0 to 255; 0 where the platform has no randomness.
#[must_use]
pub fn chance(entropy: &dyn Entropy) -> u8 {
    entropy.bytes().map_or(0, |[first, ..]| first)
}

/// Takes in what a reply says of switches.
pub(crate) fn hear(switches: &SharedNotice, reply: &Reply) {
    if let Some(notice) = reply.notice() {
        switches.borrow_mut().hear(notice);
    }
}
