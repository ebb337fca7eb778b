//! All records of an org in the order of the chain, wherever they are: files of the archive, the
//! database, the governor's outbox. Records move from each to the one before while they are read.

use std::collections::VecDeque;

use super::Sealed;
use super::archive::{self, Span};
use crate::error::Error;
use crate::ports::Ports;

/// Records read from the database at once.
const PAGE_RECORDS: u32 = 1_000;

/// Where records are, oldest first; the database again, since the outbox may have been emptied into it.
const PLACES: [Place; 4] = [
    Place::Archive,
    Place::Database,
    Place::Outbox,
    Place::Database,
];

/// Where records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Archive,
    Database,
    Outbox,
}

/// What comes next in a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Records in order; none at the end. Where some are missing, the next that are there.
    Records(Vec<Sealed>),
    /// A file of the archive that cannot be read.
    Damaged(Span),
}

impl Step {
    fn first(&self) -> Option<u64> {
        match self {
            Self::Records(records) => records.first().map(|sealed| sealed.seq),
            Self::Damaged(span) => Some(span.first),
        }
    }

    fn last(&self) -> Option<u64> {
        match self {
            Self::Records(records) => records.last().map(|sealed| sealed.seq),
            Self::Damaged(span) => Some(span.last),
        }
    }
}

/// A walk along an org's records. Holds one page of them at a time.
pub struct Trail {
    ports: Ports,
    org: String,
    after: u64,
    place: Place,
    /// Files of the archive that were listed and not yet read.
    listed: VecDeque<Span>,
}

impl Trail {
    /// The records after position `after`.
    #[must_use]
    pub fn new(ports: &Ports, org: &str, after: u64) -> Self {
        Self {
            ports: ports.clone(),
            org: org.to_owned(),
            after,
            place: Place::Archive,
            listed: VecDeque::new(),
        }
    }

    /// Passes over files of the archive that hold nothing recorded at `time` or after.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn skip_until(&mut self, time: u64) -> Result<(), Error> {
        loop {
            if self.listed.is_empty() {
                self.list().await?;
            }
            match self.listed.front() {
                Some(span) if span.until < time => self.after = self.after.max(span.last),
                _ => return Ok(()),
            }
            self.listed.pop_front();
        }
    }

    /// The next records.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn next(&mut self) -> Result<Step, Error> {
        let next = self.after.saturating_add(1);
        let mut nearest = self.read(self.place).await?;
        if nearest.first() != Some(next) {
            for place in PLACES {
                let step = self.read(place).await?;
                if step.first() == Some(next) {
                    self.place = place;
                    nearest = step;
                    break;
                }
                if nearest.first().is_none()
                    || step.first().is_some_and(|it| Some(it) < nearest.first())
                {
                    nearest = step;
                }
            }
        }
        self.after = nearest.last().unwrap_or(self.after).max(self.after);
        Ok(nearest)
    }

    /// What a place has after the last record.
    async fn read(&mut self, place: Place) -> Result<Step, Error> {
        match place {
            Place::Archive => self.unpack().await,
            Place::Database => {
                let page = self.ports.audit.read(&self.org, self.after, PAGE_RECORDS);
                Ok(Step::Records(page.await?))
            }
            Place::Outbox => {
                let mut end = self.ports.governors.chain(&self.org, self.after).await?;
                // What was moved has to be where it was moved to.
                let is_waiting = |seq: u64| end.first.is_some_and(|first| seq >= first);
                end.records.retain(|sealed| is_waiting(sealed.seq));
                Ok(Step::Records(end.records))
            }
        }
    }

    /// The records of the next file.
    async fn unpack(&mut self) -> Result<Step, Error> {
        while self
            .listed
            .front()
            .is_some_and(|span| span.last <= self.after)
        {
            self.listed.pop_front();
        }
        if self.listed.is_empty() {
            self.list().await?;
        }
        let Some(span) = self.listed.front() else {
            return Ok(Step::Records(Vec::new()));
        };
        let records = archive::load(&*self.ports.files, &self.org, span).await?;
        let whole = |records: &Vec<Sealed>| {
            records.first().map(|it| it.seq) == Some(span.first)
                && records.last().map(|it| it.seq) == Some(span.last)
        };
        let Some(mut records) = records.filter(whole) else {
            return Ok(Step::Damaged(span.clone()));
        };
        records.retain(|sealed| sealed.seq > self.after);
        Ok(Step::Records(records))
    }

    async fn list(&mut self) -> Result<(), Error> {
        let spans = archive::spans(&*self.ports.files, &self.org, self.after).await?;
        self.listed = spans.into();
        Ok(())
    }
}
