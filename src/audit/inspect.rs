//! Whether an org's audit trail is what was recorded: the whole chain against its governor's end and
//! the checkpoints.

use serde::Serialize;

use super::trail::{Step, Trail};
use super::verify::{Fault, Finding, Walk, Witness};
use super::{GENESIS, checkpoint};
use crate::error::Error;
use crate::ports::{ChainEnd, Ports};

/// Records that one call walks at most, so that it stays within the platform's bounds.
const CALL_RECORDS: u64 = 100_000;

/// What was found.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    object: &'static str,
    /// The org.
    pub org: String,
    /// Whether every record that was looked at is as it was recorded.
    pub verified: bool,
    /// Records that were looked at and are good.
    pub records: u64,
    /// The last record that the governor has made, with its hash.
    pub head: End,
    /// Checkpoints that were looked at; absent where none can be read without the secret.
    pub checkpoints: Option<usize>,
    /// The first bad record.
    pub finding: Option<Finding>,
    /// What the reader must know about the answer.
    pub notes: Vec<String>,
    /// Where the chain goes on: the parameter `after` of the next call. Absent at its end.
    pub next_after: Option<String>,
}

/// A place in a chain.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// The record's position.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

/// Where a walk begins: after a record, whose hash an earlier call had found good.
pub type Start = (u64, String);

/// Reads `SEQ-HASH`, as [`Report::next_after`] has it.
#[must_use]
pub fn parse_start(text: &str) -> Option<Start> {
    let (seq, hash) = text.split_once('-')?;
    let is_hash = hash.len() == GENESIS.len() && hash.bytes().all(|it| it.is_ascii_hexdigit());
    is_hash.then(|| Some((seq.parse().ok()?, hash.to_owned())))?
}

/// Walks an org's chain.
///
/// # Errors
/// `Unavailable` where records are out of reach. What is wrong with them is a [`Report`].
pub async fn inspect(ports: &Ports, org: &str, start: Option<Start>) -> Result<Report, Error> {
    // Before the end of the chain, which is then not older than any of them.
    let checkpoints = match ports.secrets.value(checkpoint::SECRET) {
        Some(secret) => Some(checkpoint::all(&*ports.files, org, &secret).await?),
        None => None,
    };
    let end = ports.governors.chain(org, 0).await?;
    let start = start.unwrap_or_else(|| (0, GENESIS.to_owned()));
    let mut report = Report::new(org, &end, checkpoints.is_some());
    let witnesses = match checkpoints.transpose() {
        Ok(witnesses) => witnesses.unwrap_or_default(),
        Err(finding) => {
            report.finding = Some(finding);
            return Ok(report);
        }
    };
    if report.checkpoints.is_some() {
        report.checkpoints = Some(witnesses.len());
    }
    let mut walk = Walk::new(start.clone(), with_outbox(witnesses, &end));
    let walked = walk_along(ports, org, &mut walk, &end).await?;
    let (seq, hash) = walk.place();
    report.records = seq.saturating_sub(start.0);
    match walked {
        Ok(true) => {
            report.finding = surplus(ports, org, end.seq).await?;
            report.verified = report.finding.is_none();
        }
        Ok(false) => {
            report.verified = true;
            report.next_after = Some(format!("{seq}-{hash}"));
            report
                .notes
                .push("The chain goes on: ask again with `after`.".to_owned());
        }
        Err(finding) => {
            report.records = finding.seq.saturating_sub(1).saturating_sub(start.0);
            report.finding = Some(finding);
        }
    }
    Ok(report)
}

impl Report {
    fn new(org: &str, end: &ChainEnd, is_signed: bool) -> Self {
        let unsigned = format!(
            "The secret {} is not set: there are no checkpoints, so a suffix that was computed anew and a cut tail are checked against the governor's object only.",
            checkpoint::SECRET
        );
        Self {
            object: "audit.verification",
            org: org.to_owned(),
            verified: false,
            records: 0,
            head: End {
                seq: end.seq,
                hash: end.hash.clone(),
            },
            checkpoints: is_signed.then_some(0),
            finding: None,
            notes: if is_signed {
                Vec::new()
            } else {
                vec![unsigned]
            },
            next_after: None,
        }
    }
}

/// Walks to the end, or as far as one call may. `true` at the end.
async fn walk_along(
    ports: &Ports,
    org: &str,
    walk: &mut Walk,
    end: &ChainEnd,
) -> Result<Result<bool, Finding>, Error> {
    let begin = walk.place().0;
    let most = begin.saturating_add(CALL_RECORDS);
    let mut trail = Trail::new(ports, org, begin);
    let last = Witness {
        seq: end.seq,
        hash: end.hash.clone(),
    };
    while walk.place().0 < end.seq {
        if walk.place().0 >= most && walk.is_certain() {
            return Ok(Ok(false));
        }
        let records = match trail.next().await? {
            Step::Records(records) if records.is_empty() => break,
            Step::Records(records) => records,
            Step::Damaged(span) => {
                let finding = Finding::new(Fault::DamagedArchive, span.first, span.last);
                return Ok(Err(finding));
            }
        };
        // What was recorded since the walk began has no witness yet.
        let known = records.iter().filter(|sealed| sealed.seq <= end.seq);
        for sealed in known {
            if let Err(finding) = walk.take(sealed) {
                return Ok(Err(finding));
            }
        }
        if records.last().is_some_and(|sealed| sealed.seq > end.seq) {
            break;
        }
    }
    Ok(walk.finish(&last).map(|()| true))
}

/// Records after the chain's end, as it is now: some may have been made since the walk began.
async fn surplus(ports: &Ports, org: &str, walked: u64) -> Result<Option<Finding>, Error> {
    let Step::Records(records) = Trail::new(ports, org, walked).next().await? else {
        return Ok(None);
    };
    let Some(last) = records.last() else {
        return Ok(None);
    };
    let end = ports.governors.chain(org, u64::MAX).await?.seq;
    let first = end.saturating_add(1);
    Ok((last.seq > end).then(|| Finding::new(Fault::Surplus, first, last.seq)))
}

/// Checkpoints along with what the governor's object still has itself.
fn with_outbox(mut witnesses: Vec<Witness>, end: &ChainEnd) -> Vec<Witness> {
    witnesses.extend(end.records.iter().map(|sealed| Witness {
        seq: sealed.seq,
        hash: sealed.hash.clone(),
    }));
    witnesses
}
