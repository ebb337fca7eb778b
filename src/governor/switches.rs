//! Kill switches: what is off, since when, who turned it off, and why.
//!
//! An org's own are part of its state. Those of the whole deployment are part of the state of the
//! [root](super::root), of which each org's governor has a copy.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::command::{Activate, Refusal, Target};
use crate::audit::Draft;

/// Switches of an org, and of the deployment, that may be on at once.
pub const MOST_SWITCHES: usize = 1_000;
/// Bytes of a name: no model's id has more.
const NAME_LIMIT: usize = 300;

/// What a switch turns off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// The whole deployment.
    Everything,
    /// A key of the org.
    Key(String),
    /// A model, by its id.
    Model(String),
    /// An operation.
    Operation(String),
    /// The org.
    Org,
    /// A provider, by its slug.
    Provider(String),
}

impl Subject {
    /// Whether it is something that answers, of which there may be others.
    #[must_use]
    pub const fn is_of_target(&self) -> bool {
        matches!(self, Self::Model(_) | Self::Provider(_))
    }

    fn is_of(&self, target: &Target) -> bool {
        match self {
            Self::Model(id) => *id == target.model,
            Self::Provider(slug) => *slug == target.provider,
            _ => false,
        }
    }

    fn bars(&self, draft: &Draft) -> bool {
        match self {
            Self::Everything | Self::Org => true,
            Self::Key(id) => *id == draft.key,
            Self::Operation(name) => *name == draft.operation,
            Self::Model(_) | Self::Provider(_) => false,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scope, name) = match self {
            Self::Everything => return formatter.write_str("everything"),
            Self::Org => return formatter.write_str("org"),
            Self::Key(id) => ("key", id),
            Self::Model(id) => ("model", id),
            Self::Operation(name) => ("operation", name),
            Self::Provider(slug) => ("provider", slug),
        };
        write!(formatter, "{scope}/{name}")
    }
}

/// A text that names nothing a switch could turn off.
#[derive(Debug, thiserror::Error)]
#[error("a switch is `everything`, `org`, or `provider/…`, `model/…`, `operation/…` or `key/…`")]
pub struct NoSubject;

impl FromStr for Subject {
    type Err = NoSubject;

    fn from_str(text: &str) -> Result<Self, NoSubject> {
        let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_graphic());
        let (scope, name) = match text.split_once('/') {
            None if text == "everything" => return Ok(Self::Everything),
            None if text == "org" => return Ok(Self::Org),
            Some((_, name)) if name.is_empty() || !is_plain(name) => return Err(NoSubject),
            Some((scope, name)) if name.len() <= NAME_LIMIT => (scope, name.to_owned()),
            _ => return Err(NoSubject),
        };
        match scope {
            "key" => Ok(Self::Key(name)),
            "model" => Ok(Self::Model(name)),
            "operation" => Ok(Self::Operation(name)),
            "provider" => Ok(Self::Provider(name)),
            _ => Err(NoSubject),
        }
    }
}

impl TryFrom<String> for Subject {
    type Error = NoSubject;

    fn try_from(text: String) -> Result<Self, NoSubject> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// A switch that is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Who turned it on.
    pub by: String,
    /// When, Unix milliseconds.
    pub at: u64,
    /// Why. Never told to callers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// When it goes off by itself, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Whether streams that run are broken off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abort: bool,
}

impl Switch {
    /// Whether it has not gone off by itself.
    #[must_use]
    pub fn is_on(&self, at: u64) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// A switch is turned on, or off where nothing is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What it is about.
    pub subject: Subject,
    /// How it is turned on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Switch>,
    /// The [edition](Edition::number) that it is a change of, so that what arrives late undoes nothing
    /// that was turned since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
}

/// All switches of an org, or of the deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// Counts the changes, from 1; 0 where no switch was ever turned.
    pub number: u64,
    /// Those that are on, by what they turn off; also some that have gone off by themselves.
    pub switches: BTreeMap<Subject, Switch>,
    /// The configuration that is in force with them, in what the root gives, once there was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Box<Activate>>,
}

impl Edition {
    /// Those that are on.
    pub fn on(&self, at: u64) -> impl Iterator<Item = (&Subject, &Switch)> {
        self.switches.iter().filter(move |(_, it)| it.is_on(at))
    }

    /// The version of the deployment's configuration; 0 where there was none yet.
    #[must_use]
    pub fn deployment_version(&self) -> u64 {
        self.deployment.as_ref().map_or(0, |it| it.version)
    }

    /// Whether the root has changed between another edition and this one. Both numbers only grow.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        self.number > other.number || self.deployment_version() > other.deployment_version()
    }

    /// Whether a turn would change nothing.
    pub(super) fn has(&self, turn: &Turn) -> bool {
        self.switches.get(&turn.subject) == turn.on.as_ref()
    }

    /// Whether a turn is a change of an earlier edition.
    pub(super) fn is_past(&self, turn: &Turn) -> bool {
        turn.of.is_some_and(|number| number != self.number)
    }

    /// Whether there is no room for one more.
    pub(super) fn is_full(&self, turn: &Turn, at: u64) -> bool {
        turn.on.is_some()
            && !self.switches.contains_key(&turn.subject)
            && self.on(at).count() >= MOST_SWITCHES
    }

    fn turn(&mut self, turn: Turn, at: u64) {
        self.number = self.number.saturating_add(1);
        self.switches.retain(|_, switch| switch.is_on(at));
        match turn.on {
            Some(switch) => drop(self.switches.insert(turn.subject, switch)),
            None => drop(self.switches.remove(&turn.subject)),
        }
    }
}

/// What isolates are told of the switches with every reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Grows with every change: a notice of a lower number is older.
    pub number: u64,
    /// The models and providers that are off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<Subject>,
    /// Of what running streams are broken off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abort: Vec<Subject>,
}

impl Notice {
    /// Whether no switch was ever turned.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.number == 0
    }

    /// Takes in a notice, unless it is older.
    pub fn hear(&mut self, other: &Self) {
        if other.number >= self.number {
            self.clone_from(other);
        }
    }

    /// What turns off a model that may answer or help.
    #[must_use]
    pub fn off(&self, target: &Target) -> Option<&Subject> {
        self.off.iter().find(|subject| subject.is_of(target))
    }

    /// What breaks off the stream of a request that `target` answers.
    #[must_use]
    pub fn aborts(&self, draft: &Draft, target: &Target) -> Option<&Subject> {
        let is_meant = |subject: &&Subject| subject.bars(draft) || subject.is_of(target);
        self.abort.iter().find(is_meant)
    }
}

/// What a governor knows of switches.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Switches {
    /// Its own.
    pub(super) own: Edition,
    /// Those of the deployment, as they were copied last.
    #[serde(default)]
    pub(super) copied: Edition,
}

impl Switches {
    pub(super) fn turn(&mut self, turn: Turn, at: u64) {
        self.own.turn(turn, at);
    }

    /// Takes in what the root gives. A configuration stays until a later one comes.
    pub(super) fn adopt(&mut self, edition: Edition) {
        let known = self.copied.deployment_version();
        let newer = edition.deployment.filter(|it| it.version > known);
        self.copied = Edition {
            deployment: newer.or_else(|| self.copied.deployment.take()),
            ..edition
        };
    }

    /// Why a request may not go on whoever answers it.
    pub(super) fn bars(&self, draft: &Draft, at: u64) -> Option<Refusal> {
        let mut all = self.all(at);
        let (subject, switch) = all.find(|(subject, _)| subject.bars(draft))?;
        Some(refusal(subject, switch, at))
    }

    /// Why a model may not be asked.
    pub(super) fn bars_target(&self, target: &Target, at: u64) -> Option<Refusal> {
        let mut all = self.all(at);
        let (subject, switch) = all.find(|(subject, _)| subject.is_of(target))?;
        Some(refusal(subject, switch, at))
    }

    /// Whether some models may not be asked.
    pub(super) fn guards_targets(&self, at: u64) -> bool {
        self.all(at).any(|(subject, _)| subject.is_of_target())
    }

    /// What isolates are told.
    pub(super) fn notice(&self, at: u64) -> Notice {
        let off = self.all(at).filter(|(subject, _)| subject.is_of_target());
        let abort = self.all(at).filter(|(_, switch)| switch.abort);
        Notice {
            number: self.own.number.saturating_add(self.copied.number),
            off: off.map(|(subject, _)| subject.clone()).collect(),
            abort: abort.map(|(subject, _)| subject.clone()).collect(),
        }
    }

    fn all(&self, at: u64) -> impl Iterator<Item = (&Subject, &Switch)> {
        self.copied.on(at).chain(self.own.on(at))
    }
}

fn refusal(subject: &Subject, switch: &Switch, at: u64) -> Refusal {
    Refusal::Killed {
        subject: subject.clone(),
        left_ms: switch.until.map(|until| until.saturating_sub(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_its_name() {
        let names = [
            "everything",
            "org",
            "key/4f2a96cd01b7",
            "model/@cf/meta/llama-3.1-8b-instruct-fast",
            "operation/faq",
            "provider/workers-ai",
        ];
        for name in names {
            let subject: Subject = name.parse().unwrap();
            assert_eq!(subject.to_string(), name);
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        let long = format!("model/{}", "x".repeat(301));
        let names = [
            "",
            "all",
            "org/",
            "key/",
            "model/ ",
            "tier/light",
            "model/é",
            &long,
        ];
        for name in names {
            assert!(name.parse::<Subject>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_newer_notice_is_not_undone_by_an_older() {
        let off = |number, off: &[&str]| Notice {
            number,
            off: off.iter().map(|name| name.parse().unwrap()).collect(),
            abort: Vec::new(),
        };
        let mut notice = Notice::default();
        notice.hear(&off(2, &["model/a"]));
        notice.hear(&off(1, &[]));
        assert_eq!(notice, off(2, &["model/a"]));
        notice.hear(&off(3, &[]));
        assert_eq!(notice, off(3, &[]));
    }
}
