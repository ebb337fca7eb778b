//! What a governor knows as text, and a governor of that and of the rows that came after.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::Governor;
use super::calendar::Zones;
use super::journal::{FORMAT, check_format, parse_entry, to_json};
use super::root::Roster;
use super::state::State;
use crate::error::Error;

/// What [`Governor::snapshot`] writes.
#[derive(Serialize)]
struct Snapshot<'a> {
    version: u32,
    org: &'a str,
    seq: u64,
    state: &'a State,
}

/// The part of a snapshot that every version has.
#[derive(Deserialize)]
struct SnapshotHead {
    version: u32,
    org: String,
    seq: u64,
}

#[derive(Deserialize)]
struct SnapshotBody {
    state: State,
}

impl Governor {
    /// The governor that wrote `snapshot` and after it `rows`: (seq, entry) in order. Rows that the
    /// snapshot covers are skipped.
    ///
    /// # Errors
    /// [`Kind::Internal`](crate::error::Kind::Internal) where a text is damaged, of a newer version
    /// or of another org, or a row is missing.
    pub fn restore<T: AsRef<str>>(
        org: &str,
        zones: Rc<dyn Zones>,
        snapshot: Option<&str>,
        rows: impl IntoIterator<Item = (u64, T)>,
    ) -> Result<Self, Error> {
        let mut governor = match snapshot {
            Some(text) => Self::from_snapshot(org, zones, text)?,
            None => Self::new(org, zones),
        };
        for (seq, entry) in rows {
            governor.replay(seq, entry.as_ref())?;
        }
        governor.roster = Roster::new(governor.state.copied_until);
        Ok(governor)
    }

    /// Everything this governor knows, as JSON text: about 100 bytes per ended and 600 per open
    /// request, so up to 13 MB with all memory full. A value in the object's storage holds 2 MB
    /// (developers.cloudflare.com/durable-objects/platform/limits): store it in pieces.
    ///
    /// # Errors
    /// [`Kind::Internal`](crate::error::Kind::Internal) where JSON cannot be written.
    pub fn snapshot(&self) -> Result<String, Error> {
        to_json(&Snapshot {
            version: FORMAT,
            org: &self.org,
            seq: self.seq,
            state: &self.state,
        })
    }

    /// The last row of the journal that this governor has applied; 0 before the first.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    fn from_snapshot(org: &str, zones: Rc<dyn Zones>, text: &str) -> Result<Self, Error> {
        let damaged = |error| Error::internal(format!("governor: snapshot: {error}"));
        let head: SnapshotHead = serde_json::from_str(text).map_err(damaged)?;
        check_format(head.version)?;
        if head.org != org {
            let detail = format!("governor: snapshot of {} restored as {org}", head.org);
            return Err(Error::internal(detail));
        }
        let body: SnapshotBody = serde_json::from_str(text).map_err(damaged)?;
        Ok(Self {
            seq: head.seq,
            state: body.state,
            ..Self::new(org, zones)
        })
    }

    fn replay(&mut self, seq: u64, text: &str) -> Result<(), Error> {
        if seq <= self.seq {
            return Ok(());
        }
        let expected = self.seq.saturating_add(1);
        if seq != expected {
            let detail = format!("governor: journal row {expected} is missing before {seq}");
            return Err(Error::internal(detail));
        }
        self.state.apply(parse_entry(seq, text)?);
        self.seq = seq;
        Ok(())
    }
}
