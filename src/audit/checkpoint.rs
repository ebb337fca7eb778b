//! Checkpoints: the end of a chain as it was at some time, signed, kept apart from the records.
//!
//! All of a checkpoint stands in its file's name, so that one listing reads a thousand of them; the
//! file says the same for people. Whoever can change records and files but has not the secret can
//! neither make a checkpoint nor change one.

use hmac::{Hmac, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::verify::{Fault, Finding, Witness};
use crate::error::Error;
use crate::ports::{Files, Ports};

/// The secret that signs checkpoints.
pub const SECRET: &str = "ESCLUSA_AUDIT_SECRET";

/// The end of an org's chain at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// When, Unix milliseconds.
    pub at: u64,
    /// The last record.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl Checkpoint {
    /// The name of its file. Names sort by time.
    fn name(&self, org: &str, signature: &str) -> String {
        let Self { at, seq, hash } = self;
        format!("{}{at:013}-{seq:016}-{hash}-{signature}", prefix(org))
    }

    /// Reads a name back; nothing where it is none, or is not signed with `secret`.
    fn parse(org: &str, secret: &str, name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(&prefix(org))?.split('-');
        let checkpoint = Self {
            at: parts.next()?.parse().ok()?,
            seq: parts.next()?.parse().ok()?,
            hash: parts.next()?.to_owned(),
        };
        let signature = hex::decode(parts.next()?).ok()?;
        let signed = checkpoint.mac(org, secret).ok()?.verify_slice(&signature);
        (signed.is_ok() && parts.next().is_none()).then_some(checkpoint)
    }

    fn mac(&self, org: &str, secret: &str) -> Result<Hmac<Sha256>, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map_err(|error| Error::internal(format!("{SECRET}: {error}")))?;
        let Self { at, seq, hash } = self;
        mac.update(format!("esclusa checkpoint 1\n{org}\n{at}\n{seq}\n{hash}").as_bytes());
        Ok(mac)
    }
}

fn prefix(org: &str) -> String {
    format!("audit/checkpoints/{org}/")
}

/// Signs where an org's chain ends now. Does nothing without the secret: what nobody signed proves
/// nothing.
///
/// # Errors
/// `Unavailable` where the governor or the store of files is out of reach.
pub async fn keep(ports: &Ports, org: &str) -> Result<(), Error> {
    let Some(secret) = ports.secrets.value(SECRET) else {
        return Ok(());
    };
    let end = ports.governors.chain(org, u64::MAX).await?;
    if end.seq == 0 {
        return Ok(());
    }
    let checkpoint = Checkpoint {
        at: ports.clock.now(),
        seq: end.seq,
        hash: end.hash,
    };
    let mac = checkpoint.mac(org, &secret)?;
    let name = checkpoint.name(org, &hex::encode(mac.finalize().into_bytes()));
    let body = serde_json::to_vec(&checkpoint).map_err(|it| Error::internal(it.to_string()))?;
    ports.files.put(&name, body).await
}

/// The checkpoints of an org, oldest first, each different from the one before it; 40 bytes and a
/// hash each.
///
/// # Errors
/// `Unavailable`; in the second place what is wrong with the first bad one.
pub async fn all(
    files: &dyn Files,
    org: &str,
    secret: &str,
) -> Result<Result<Vec<Witness>, Finding>, Error> {
    let mut witnesses: Vec<Witness> = Vec::new();
    let mut after = String::new();
    loop {
        let names = files.list(&prefix(org), &after).await?;
        let Some(last) = names.last() else {
            return Ok(Ok(witnesses));
        };
        after.clone_from(last);
        for name in &names {
            let before = witnesses.last();
            match next(org, secret, name, before) {
                Ok(witness) if before == Some(&witness) => {}
                Ok(witness) => witnesses.push(witness),
                Err(finding) => return Ok(Err(finding)),
            }
        }
    }
}

/// The checkpoint of a name, which continues what was witnessed before.
fn next(org: &str, secret: &str, name: &str, before: Option<&Witness>) -> Result<Witness, Finding> {
    let seq = before.map_or(0, |before| before.seq);
    let forged = || Finding::new(Fault::ForgedCheckpoint, seq, seq);
    let checkpoint = Checkpoint::parse(org, secret, name).ok_or_else(forged)?;
    let witness = Witness {
        seq: checkpoint.seq,
        hash: checkpoint.hash,
    };
    match before {
        Some(before) if witness.seq < before.seq => {
            let from = witness.seq.saturating_add(1);
            Err(Finding::new(Fault::CutTail, from, before.seq))
        }
        Some(before) if witness.seq == before.seq && witness != *before => {
            Err(Finding::new(Fault::Rechained, witness.seq, witness.seq))
        }
        _ => Ok(witness),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(at: u64, seq: u64, hash: &str, secret: &str) -> String {
        let checkpoint = Checkpoint {
            at,
            seq,
            hash: hash.to_owned(),
        };
        let mac = checkpoint.mac("acme", secret).unwrap();
        checkpoint.name("acme", &hex::encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn a_checkpoint_is_read_from_its_name() {
        let name = named(1_700_000_000_000, 12, "ab", "secret");
        let witness = next("acme", "secret", &name, None).unwrap();
        assert_eq!((witness.seq, witness.hash.as_str()), (12, "ab"));
    }

    #[test]
    fn names_sort_by_time() {
        let mut names = [named(2_000, 1, "ff", "s"), named(10_000, 2, "00", "s")];
        names.sort();
        assert!(names[0].contains("2000-"), "{names:?}");
    }

    #[test]
    fn what_was_not_signed_so_is_forged() {
        let good = named(1_700_000_000_000, 12, "ab", "secret");
        let cases = [
            ("acme", "other", good.clone()),
            ("bolt", "secret", good.replace("acme", "bolt")),
            ("acme", "secret", good.replace("-ab-", "-cd-")),
            ("acme", "secret", good.replace("12-ab", "11-ab")),
            ("acme", "secret", good.replace("17000", "17001")),
            ("acme", "secret", format!("{good}-")),
            ("acme", "secret", "audit/checkpoints/acme/".to_owned()),
        ];
        for (org, secret, name) in cases {
            let finding = next(org, secret, &name, None).unwrap_err();
            assert_eq!(finding.fault, Fault::ForgedCheckpoint, "{name}");
        }
    }

    #[test]
    fn a_chain_that_became_shorter_or_another_is_found_by_checkpoints_alone() {
        let before = next("acme", "s", &named(1, 12, "ab", "s"), None).unwrap();
        let then = |seq, hash| next("acme", "s", &named(2, seq, hash, "s"), Some(&before));
        assert_eq!(then(12, "ab").unwrap(), before);
        assert_eq!(then(13, "cd").unwrap().seq, 13);
        assert_eq!(then(11, "ab").unwrap_err().fault, Fault::CutTail);
        assert_eq!(then(12, "cd").unwrap_err().fault, Fault::Rechained);
    }
}
