//! Records by what they say, newest first: those of the database, and then on into the archive.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::archive::{self, Span};
use super::{Change, Person, Sealed};
use crate::error::Error;
use crate::ports::{AuditFilter, Ports};

/// Files of the archive that one call unpacks at most: 20,000 records.
const CALL_FILES: usize = 10;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The records, newest first, each with who is behind it, unless erased.
    pub records: Vec<(Sealed, Person)>,
    /// Files of the archive that cannot be read.
    pub unreadable: Vec<Span>,
    /// Where to go on: older records may match. Absent at the beginning of the chain.
    pub next_before: Option<u64>,
}

/// What of a record is filtered by.
#[derive(Deserialize)]
struct Said {
    request: String,
    key: String,
    outcome: String,
    operation: String,
    #[serde(default)]
    change: Option<Change>,
}

/// At most as many records as the filter says; fewer where the search has to be gone on with.
///
/// # Errors
/// `Unavailable`.
pub async fn search(ports: &Ports, filter: &AuditFilter) -> Result<Found, Error> {
    let most = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let stored = ports.audit.query(filter).await?;
    let lowest = stored.last().map(|sealed| sealed.seq);
    let mut found = Found {
        records: with_people(ports, &filter.org, stored).await?,
        ..Found::default()
    };
    if found.records.len() >= most {
        found.next_before = lowest;
        return Ok(found);
    }
    let mut before = archived_before(ports, filter).await?;
    before = before.min(lowest.unwrap_or(u64::MAX));
    for _ in 0..CALL_FILES {
        let Some(span) = file_before(ports, &filter.org, before).await? else {
            return Ok(found);
        };
        match archive::load(&*ports.files, &filter.org, &span).await? {
            Some(records) => {
                let records = matching(ports, filter, records, before).await?;
                found.records.extend(records);
            }
            None => found.unreadable.push(span.clone()),
        }
        if found.records.len() >= most {
            found.records.truncate(most);
            found.next_before = found.records.last().map(|(sealed, _)| sealed.seq);
            return Ok(found);
        }
        before = span.first;
    }
    found.next_before = (before > 1).then_some(before);
    Ok(found)
}

/// Records before this one are not in the database, as far as they are asked for.
async fn archived_before(ports: &Ports, filter: &AuditFilter) -> Result<u64, Error> {
    let oldest = ports.audit.read(&filter.org, 0, 1).await?;
    match (oldest.first(), filter.before) {
        (Some(oldest), before) => Ok(before.unwrap_or(u64::MAX).min(oldest.seq)),
        (None, Some(before)) => Ok(before),
        (None, None) => {
            let end = ports.governors.chain(&filter.org, u64::MAX).await?;
            Ok(end.seq.saturating_add(1))
        }
    }
}

/// The last file with a record before this one.
async fn file_before(ports: &Ports, org: &str, before: u64) -> Result<Option<Span>, Error> {
    if before <= 1 {
        return Ok(None);
    }
    let holding = archive::spans(&*ports.files, org, before.saturating_sub(2)).await?;
    if let Some(span) = holding.into_iter().next().filter(|it| it.first < before) {
        return Ok(Some(span));
    }
    // The records right before it are nowhere: whatever is before them.
    let mut last: Option<Span> = None;
    loop {
        let after = last.as_ref().map_or(0, |span| span.last);
        let listed = archive::spans(&*ports.files, org, after).await?;
        let earlier = listed.into_iter().take_while(|span| span.first < before);
        match earlier.last() {
            Some(span) => last = Some(span),
            None => return Ok(last),
        }
    }
}

/// The records of a file that match, newest first.
async fn matching(
    ports: &Ports,
    filter: &AuditFilter,
    mut records: Vec<Sealed>,
    before: u64,
) -> Result<Vec<(Sealed, Person)>, Error> {
    records.retain(|sealed| sealed.seq < before && says(filter, sealed));
    records.reverse();
    let mut records = with_people(ports, &filter.org, records).await?;
    if let Some(user) = &filter.user {
        records.retain(|(_, person)| person.user == *user);
    }
    Ok(records)
}

/// Whether a record says what is asked for. One that is none any more says nothing.
fn says(filter: &AuditFilter, sealed: &Sealed) -> bool {
    let said: Option<Said> = serde_json::from_str(&sealed.record).ok();
    let same = |wanted: &Option<String>, value: fn(&Said) -> Option<&str>| {
        let value = said.as_ref().and_then(value);
        wanted.is_none() || wanted.as_deref() == value
    };
    let change = said.as_ref().and_then(|said| said.change.as_ref());
    same(&filter.request, |said| Some(&said.request))
        && same(&filter.key, |said| Some(&said.key))
        && same(&filter.outcome, |said| Some(&said.outcome))
        && same(&filter.operation, |said| Some(&said.operation))
        && same(&filter.object, |said| {
            Some(said.change.as_ref()?.object.as_str())
        })
        && filter
            .changes
            .is_none_or(|wanted| wanted == change.is_some())
}

/// Records with who is behind them.
async fn with_people(
    ports: &Ports,
    org: &str,
    records: Vec<Sealed>,
) -> Result<Vec<(Sealed, Person)>, Error> {
    let request =
        |sealed: &Sealed| Some(serde_json::from_str::<Said>(&sealed.record).ok()?.request);
    let requests: Vec<String> = records.iter().filter_map(request).collect();
    let people: BTreeMap<String, Person> = if requests.is_empty() {
        BTreeMap::new()
    } else {
        let people = ports.audit.people(org, &requests).await?;
        people.into_iter().collect()
    };
    let named = |sealed: Sealed| {
        let person = request(&sealed).and_then(|id| people.get(&id).cloned());
        (sealed, person.unwrap_or_default())
    };
    Ok(records.into_iter().map(named).collect())
}
