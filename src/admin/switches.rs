//! Kill switches: those of an org are its governor's, those of the deployment the root's. Once a change
//! has answered, nothing is admitted as it was before.
//!
//! They are turned without the database, too: when things go wrong is when they are wanted.

mod names;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use self::names::{Meant, meant};
use super::Asked;
use super::page::{page, paged, parameters};
use super::spread::spread;
use crate::audit::Change;
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Reply as Verdict};
use crate::governor::root::ROOT;
use crate::governor::switches::{Edition, Subject, Switch, Turn};
use crate::http::{Method, Reply};
use crate::ports::Ports;
use crate::request::act::{administer, effective, note_change};
use crate::request::exchange::Exchange;

const WHY_LIMIT: usize = 500;
/// How often a switch is turned while others turn some too.
const MOST_TRIES: u32 = 10;

/// How a switch is turned on.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct On {
    #[serde(default)]
    why: String,
    /// When it goes off by itself, Unix milliseconds.
    #[serde(default)]
    until: Option<u64>,
    /// Whether streams that run are broken off.
    #[serde(default)]
    abort: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    switch: &'a Subject,
    on: bool,
    #[serde(flatten)]
    details: Option<&'a Switch>,
    /// Whether the configuration knows what it turns off, where that says.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<bool>,
    /// Since when nothing is admitted as it was before the change, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<u64>,
}

/// The switches that are on, of an org or, for [`ROOT`], of the deployment.
pub(super) async fn list(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, []) = page(asked.incoming.query(), [])?;
    let edition = edition(asked.ports, asked.scope()).await?;
    let on = edition.on(asked.ports.clock.now());
    let shown = on.map(|(subject, switch)| Shown {
        switch: subject,
        on: true,
        details: Some(switch),
        known: None,
        effective_at: None,
    });
    let mut shown: Vec<Shown> = shown.collect();
    shown.retain(|it| {
        page.after
            .as_ref()
            .is_none_or(|after| it.switch.to_string() > *after)
    });
    shown.sort_by_key(|it| it.switch.to_string());
    Ok(paged(shown, &page, |shown| shown.switch.to_string()))
}

/// Turns a switch on or off. On is turned only what the configuration knows, or with `?unlisted=true`.
pub(super) async fn turn(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let written = subject(asked.name, act.org == ROOT)?;
    note(act, &written);
    let (on, meant) = if asked.incoming.method() == Method::Delete {
        (None, meant_off(act, asked, written).await?)
    } else {
        let on = switch(asked).await?;
        (Some(on), meant_on(act, asked, written).await?)
    };
    let Meant { subject, known } = meant;
    note(act, &subject);
    if let Some(switch) = &on {
        act.draft.note.clone_from(&switch.why);
    }
    let own_ms = insist(act, &subject, on.as_ref()).await?;
    let spread_ms = match act.org.as_str() {
        ROOT => spread(&act.ports).await,
        _ => 0,
    };
    let effective_at = effective(act, own_ms.max(spread_ms)).await;
    let shown = Shown {
        switch: &subject,
        on: on.is_some(),
        details: on.as_ref(),
        known,
        effective_at: Some(effective_at),
    };
    Ok(Reply::json(200, &shown))
}

fn note(act: &mut Exchange, subject: &Subject) {
    note_change(
        act,
        Change {
            object: format!("switch/{subject}"),
            ..Change::default()
        },
    );
}

/// What is to be off.
async fn meant_on(act: &Exchange, asked: Asked<'_>, written: Subject) -> Result<Meant, Error> {
    let unlisted = is_unlisted(asked)?;
    let meant = meant(asked, &act.org, written).await?;
    if meant.known == Some(false) && !unlisted {
        return Err(names::unknown(&act.org, &meant.subject));
    }
    Ok(meant)
}

/// What is not to be off any more: a switch that is on, as it is written.
async fn meant_off(act: &Exchange, asked: Asked<'_>, written: Subject) -> Result<Meant, Error> {
    let meant = meant(asked, &act.org, written.clone()).await?;
    let is_alias = meant.subject != written;
    if is_alias {
        let edition = edition(asked.ports, &act.org).await?;
        if edition.switches.contains_key(&written) {
            return Ok(Meant {
                subject: written,
                ..meant
            });
        }
    }
    Ok(meant)
}

/// `?unlisted=true`: a name that the configuration does not know is meant all the same.
fn is_unlisted(asked: Asked<'_>) -> Result<bool, Error> {
    let [unlisted] = parameters(asked.incoming.query(), ["unlisted"])?;
    unlisted.map_or(Ok(false), |text| {
        let malformed = |_| Error::invalid("unlisted", "`unlisted` is `true` or `false`.");
        text.parse().map_err(malformed)
    })
}

/// Turns the switch as the newest edition has it: again where others turned some meanwhile.
async fn insist(act: &mut Exchange, subject: &Subject, on: Option<&Switch>) -> Result<u64, Error> {
    let mut tries = MOST_TRIES;
    loop {
        let edition = edition(&act.ports, &act.org).await?;
        let turn = Turn {
            subject: subject.clone(),
            on: on.cloned(),
            of: Some(edition.number),
        };
        tries = tries.saturating_sub(1);
        match administer(act, 200, Some(Command::Turn(turn))).await {
            Err(error) if error.kind == Kind::Conflict && tries > 0 => {}
            done => return done,
        }
    }
}

/// What a path names: percent-encoded or not.
fn subject(name: &str, is_root: bool) -> Result<Subject, Error> {
    let name = percent_decode_str(name).decode_utf8_lossy();
    let subject: Subject = name.parse().map_err(|error| {
        Error::new(Kind::NotFound, format!("There is no such switch: {error}."))
    })?;
    let elsewhere = match subject {
        Subject::Everything if !is_root => "/admin/v1/switches/everything",
        Subject::Org | Subject::Key(_) if is_root => "/admin/v1/orgs/{org}/switches/…",
        _ => return Ok(subject),
    };
    let message = format!("The switch `{subject}` is at {elsewhere}.");
    Err(Error::new(Kind::NotFound, message))
}

async fn switch(asked: Asked<'_>) -> Result<Switch, Error> {
    let On { why, until, abort } = asked.read().await?;
    if why.len() > WHY_LIMIT {
        let message = format!("A reason has at most {WHY_LIMIT} bytes.");
        return Err(Error::invalid("why", message));
    }
    let at = asked.ports.clock.now();
    if until.is_some_and(|until| until <= at) {
        let message = "`until` is past: it is the time, in Unix milliseconds, at which the switch goes off by itself.";
        return Err(Error::invalid("until", message));
    }
    Ok(Switch {
        by: asked.actor.name.clone(),
        at,
        why,
        until,
        abort,
    })
}

/// The switches of an org; of the root with the deployment's configuration.
pub(super) async fn edition(ports: &Ports, org: &str) -> Result<Edition, Error> {
    match ports.governors.execute(org, Command::Switches).await? {
        Verdict::Switches(edition) => Ok(edition),
        verdict => Err(Error::internal(format!(
            "the governor answered {verdict:?}"
        ))),
    }
}
