//! Walking a chain: record by record, without any I/O, in the memory of one record and its witnesses.
//!
//! A hash that does not follow from its record is seen at once; whether the record or the hash was
//! changed, the next record tells. A suffix whose hashes were all computed anew is consistent in
//! itself: only a [`Witness`] from elsewhere, or the end that the governor knows, contradicts it. So
//! does a tail that was cut.

use std::collections::VecDeque;

use serde::Serialize;

use super::{Sealed, chain_hash};

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The record's text is not the one that was sealed.
    AlteredRecord,
    /// The hash beside a record is not the one it was sealed with.
    AlteredHash,
    /// A file of the archive cannot be read.
    DamagedArchive,
    /// A checkpoint has no valid signature, or says that the chain had become shorter.
    ForgedCheckpoint,
    /// Records are missing, or out of order.
    Gap,
    /// Records and hashes agree with each other, but not with what was witnessed.
    Rechained,
    /// The last records are missing.
    CutTail,
    /// There are records after the last that the governor made.
    Surplus,
}

/// The first bad record of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// The first record that is bad, or may be.
    pub seq: u64,
    /// The last record of which that is known to hold.
    pub through: u64,
    /// The same for people.
    pub message: String,
}

impl Finding {
    /// A finding about the records from `seq` through `through`.
    #[must_use]
    pub fn new(fault: Fault, seq: u64, through: u64) -> Self {
        let message = match fault {
            Fault::AlteredRecord => format!("Record {seq} is not the text that was sealed."),
            Fault::AlteredHash => format!("The hash of record {seq} was changed."),
            Fault::DamagedArchive => {
                format!("The archive of records {seq} to {through} cannot be read.")
            }
            Fault::ForgedCheckpoint => {
                format!("A checkpoint at record {seq} is not one that this deployment signed.")
            }
            Fault::Gap => format!("Records {seq} to {through} are missing or out of order."),
            Fault::Rechained => format!(
                "The chain was computed anew somewhere from record {seq} on: its hash at record {through} is not the one that was witnessed."
            ),
            Fault::Surplus => {
                format!("The governor has made no record {seq}, nor any after it.")
            }
            Fault::CutTail => format!("The last records, {seq} to {through}, are missing."),
        };
        Self {
            fault,
            seq,
            through,
            message,
        }
    }
}

/// The hash that a record had, told by somebody else than the keeper of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The record's position.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

/// A record whose hash does not follow from it.
#[derive(Debug)]
struct Doubt {
    computed: String,
    stated: String,
}

impl Doubt {
    /// Which of the two was changed, by a hash that is known to be right.
    fn settle(&self, seq: u64, right: &str) -> Finding {
        let fault = if right == self.computed {
            Fault::AlteredHash
        } else {
            Fault::AlteredRecord
        };
        Finding::new(fault, seq, seq)
    }

    /// Which of the two was changed, by the record that follows.
    fn settle_by(&self, seq: u64, next: &Sealed) -> Finding {
        let follows = |hash: &str| chain_hash(hash, &next.record) == next.hash;
        let fault = if !follows(&self.stated) && follows(&self.computed) {
            Fault::AlteredHash
        } else {
            Fault::AlteredRecord
        };
        Finding::new(fault, seq, seq)
    }
}

/// A walk along a chain.
#[derive(Debug)]
pub struct Walk {
    seq: u64,
    hash: String,
    /// The last record that a witness confirmed, or where the walk began.
    confirmed: u64,
    /// Witnesses of what is still to come, in order.
    witnesses: VecDeque<Witness>,
    doubt: Option<Doubt>,
}

impl Walk {
    /// A walk that begins after record `seq`, whose hash is `hash`.
    #[must_use]
    pub fn new((seq, hash): (u64, String), mut witnesses: Vec<Witness>) -> Self {
        witnesses.retain(|witness| witness.seq > seq);
        witnesses.sort_by_key(|witness| witness.seq);
        Self {
            seq,
            hash,
            confirmed: seq,
            witnesses: witnesses.into(),
            doubt: None,
        }
    }

    /// The last record that was taken, with its hash.
    #[must_use]
    pub fn place(&self) -> (u64, &str) {
        (self.seq, &self.hash)
    }

    /// Whether nothing is wrong with the last record: what is, is told by the next or by the end.
    #[must_use]
    pub const fn is_certain(&self) -> bool {
        self.doubt.is_none()
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// The first bad record, once it is certain what is wrong with it.
    pub fn take(&mut self, sealed: &Sealed) -> Result<(), Finding> {
        if let Some(doubt) = &self.doubt {
            return Err(doubt.settle_by(self.seq, sealed));
        }
        let expected = self.seq.saturating_add(1);
        if sealed.seq != expected {
            let through = sealed.seq.saturating_sub(1).max(expected);
            return Err(Finding::new(Fault::Gap, expected, through));
        }
        let computed = chain_hash(&self.hash, &sealed.record);
        self.seq = expected;
        if computed != sealed.hash {
            self.doubt = Some(Doubt {
                computed: computed.clone(),
                stated: sealed.hash.clone(),
            });
        }
        self.hash = computed;
        self.hear()
    }

    /// Ends the walk at the chain's `end`, as its governor knows it.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn finish(&self, end: &Witness) -> Result<(), Finding> {
        if let Some(doubt) = &self.doubt {
            return Err(doubt.settle(self.seq, &end.hash));
        }
        let next = self.seq.saturating_add(1);
        let last = self.witnesses.back().map_or(0, |witness| witness.seq);
        if self.seq < end.seq.max(last) {
            return Err(Finding::new(Fault::CutTail, next, end.seq.max(last)));
        }
        if self.seq == end.seq && self.hash != end.hash {
            let from = self.confirmed.saturating_add(1);
            return Err(Finding::new(Fault::Rechained, from, end.seq));
        }
        Ok(())
    }

    /// Asks the witnesses of the record that was just taken.
    fn hear(&mut self) -> Result<(), Finding> {
        while self.witnesses.front().is_some_and(|it| it.seq <= self.seq) {
            let Some(witness) = self.witnesses.pop_front() else {
                break;
            };
            if let Some(doubt) = &self.doubt {
                return Err(doubt.settle(self.seq, &witness.hash));
            }
            if witness.hash != self.hash {
                let from = self.confirmed.saturating_add(1);
                return Err(Finding::new(Fault::Rechained, from, self.seq));
            }
            self.confirmed = self.seq;
        }
        Ok(())
    }
}

/// Walks records that follow `head`; gives the new head.
///
/// # Errors
/// [`Finding`] names the first bad record.
pub fn verify<'a>(
    head: (u64, String),
    records: impl IntoIterator<Item = &'a Sealed>,
) -> Result<(u64, String), Finding> {
    let mut walk = Walk::new(head, Vec::new());
    for sealed in records {
        walk.take(sealed)?;
    }
    let (seq, hash) = walk.place();
    let hash = hash.to_owned();
    walk.finish(&Witness {
        seq,
        hash: hash.clone(),
    })?;
    Ok((seq, hash))
}

#[cfg(test)]
mod tests;
