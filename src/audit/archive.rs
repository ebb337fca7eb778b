//! Old records: files of compressed NDJSON, some thousand records each, in the order of the chain.
//!
//! A file is written, read back and compared before its records leave the database, so a run that
//! stops anywhere loses nothing, and the next one finds what it had written. Names sort by the last
//! record, so that the file of a record is found with one listing.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Sealed, line};
use crate::error::Error;
use crate::ports::{Files, Ports};

/// How long records stay in the database: 30 days, in milliseconds.
pub const KEPT_MS: u64 = 30 * 86_400_000;

/// Records of one file.
const FILE_RECORDS: u32 = 2_000;

/// Files that one run writes for an org: 80,000 records an hour.
const RUN_FILES: usize = 40;

/// The largest file that is unpacked, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// Which records a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first record.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// When the last one was recorded, Unix milliseconds.
    pub until: u64,
}

impl Span {
    /// The file's name.
    #[must_use]
    pub fn name(&self, org: &str) -> String {
        let Self { first, last, until } = self;
        format!(
            "{}{last:016}-{first:016}-{until:013}.ndjson.gz",
            prefix(org)
        )
    }

    fn parse(org: &str, name: &str) -> Option<Self> {
        let name = name.strip_prefix(&prefix(org))?;
        let mut parts = name.strip_suffix(".ndjson.gz")?.split('-');
        let mut number = || parts.next()?.parse().ok();
        Some(Self {
            last: number()?,
            first: number()?,
            until: number()?,
        })
    }
}

fn prefix(org: &str) -> String {
    format!("audit/records/{org}/")
}

/// The first file with a record after position `after`, and the ones that follow it, a listing's worth.
///
/// # Errors
/// `Unavailable`; `Internal` where a name is none.
pub async fn spans(files: &dyn Files, org: &str, after: u64) -> Result<Vec<Span>, Error> {
    // `~` sorts after everything in a name, so that the file that ends at `after` is passed over.
    let start = format!("{}{after:016}~", prefix(org));
    let names = files.list(&prefix(org), &start).await?;
    let parse = |name: &String| {
        let strange = || Error::internal(format!("{name} is no file of the audit archive"));
        Span::parse(org, name).ok_or_else(strange)
    };
    names.iter().map(parse).collect()
}

/// The records of a file; nothing where it is gone or damaged.
///
/// # Errors
/// `Unavailable`.
pub async fn load(files: &dyn Files, org: &str, span: &Span) -> Result<Option<Vec<Sealed>>, Error> {
    let bytes = files.get(&span.name(org)).await?;
    Ok(bytes.and_then(|bytes| unpack(&bytes)))
}

/// Moves the records of an org that are older than [`KEPT_MS`] out of the database.
///
/// # Errors
/// Where anything is out of reach, or a file is not what was written: the database is left as it is.
pub async fn keep(ports: &Ports, org: &str) -> Result<(), Error> {
    let cutoff = ports.clock.now().saturating_sub(KEPT_MS);
    for _ in 0..RUN_FILES {
        let oldest = ports.audit.read(org, 0, 1).await?;
        let Some(oldest) = oldest.first() else {
            return Ok(());
        };
        if recorded_at(oldest)? >= cutoff {
            return Ok(());
        }
        let records = ports.audit.read(org, 0, FILE_RECORDS).await?;
        let following = spans(&*ports.files, org, oldest.seq.saturating_sub(1)).await?;
        let span = match following.first() {
            // An earlier run had written it, and stopped before it removed the rows.
            Some(written) => {
                check_written(ports, org, written, &records).await?;
                written.clone()
            }
            None => write(ports, org, old(&records, cutoff)?).await?,
        };
        ports.audit.remove(org, span.last).await?;
    }
    Ok(())
}

/// Writes a file and reads it back.
async fn write(ports: &Ports, org: &str, records: &[Sealed]) -> Result<Span, Error> {
    let (Some(first), Some(last)) = (records.first(), records.last()) else {
        return Err(Error::internal("there is nothing to archive"));
    };
    let span = Span {
        first: first.seq,
        last: last.seq,
        until: recorded_at(last)?,
    };
    let bytes = pack(records)?;
    let digest = Sha256::digest(&bytes);
    let name = span.name(org);
    ports.files.put(&name, bytes).await?;
    match ports.files.get(&name).await? {
        Some(stored) if Sha256::digest(&stored) == digest => Ok(span),
        _ => Err(Error::internal(format!("{name} is not what was written"))),
    }
}

/// Checks that a file holds the records of the database that it would replace.
async fn check_written(
    ports: &Ports,
    org: &str,
    span: &Span,
    records: &[Sealed],
) -> Result<(), Error> {
    let archived = load(&*ports.files, org, span).await?.unwrap_or_default();
    let replaced = records.iter().filter(|sealed| sealed.seq <= span.last);
    for sealed in replaced {
        if !archived.contains(sealed) {
            let (name, seq) = (span.name(org), sealed.seq);
            return Err(Error::internal(format!(
                "{name} and the database differ in record {seq}"
            )));
        }
    }
    Ok(())
}

/// The records before the first that is not old, or does not follow.
fn old(records: &[Sealed], cutoff: u64) -> Result<&[Sealed], Error> {
    let mut expected = records.first().map_or(0, |sealed| sealed.seq);
    let mut count: usize = 0;
    for sealed in records {
        if sealed.seq != expected || recorded_at(sealed)? >= cutoff {
            break;
        }
        expected = expected.saturating_add(1);
        count = count.saturating_add(1);
    }
    Ok(records.get(..count).unwrap_or_default())
}

/// When a record was made. The governor's clock never goes back, so this grows along the chain.
///
/// # Errors
/// `Internal` where the text is no record: somebody changed it, and it stays where it is.
pub fn recorded_at(sealed: &Sealed) -> Result<u64, Error> {
    #[derive(Deserialize)]
    struct Time {
        recorded_at: u64,
    }
    let time: Time = serde_json::from_str(&sealed.record)
        .map_err(|error| Error::internal(format!("audit record {}: {error}", sealed.seq)))?;
    Ok(time.recorded_at)
}

fn pack(records: &[Sealed]) -> Result<Vec<u8>, Error> {
    let failed = |error: std::io::Error| Error::internal(format!("gzip: {error}"));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for sealed in records {
        let text = line::write(sealed)?;
        encoder.write_all(text.as_bytes()).map_err(failed)?;
    }
    encoder.finish().map_err(failed)
}

fn unpack(bytes: &[u8]) -> Option<Vec<Sealed>> {
    let mut text = String::new();
    let mut decoder = GzDecoder::new(bytes).take(MOST_BYTES);
    decoder.read_to_string(&mut text).ok()?;
    text.lines().map(line::read).collect()
}

#[cfg(test)]
mod tests;
