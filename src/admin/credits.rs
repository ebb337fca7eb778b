//! Money that an org pays in advance.

use serde::{Deserialize, Deserializer};

use super::{Asked, limits};
use crate::audit::Change;
use crate::error::Error;
use crate::governor::command::{Command, TopUp};
use crate::http::Reply;
use crate::money::Nanos;
use crate::request::act::{administer, effective, note_change};
use crate::request::exchange::Exchange;

const ID_LIMIT: usize = 100;
const NOTE_LIMIT: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payment {
    /// Names it, so that a repetition counts once.
    id: String,
    #[serde(deserialize_with = "usd")]
    usd: Nanos,
    #[serde(default)]
    note: String,
}

fn usd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
    let text = String::deserialize(deserializer)?;
    Nanos::from_usd(&text).map_err(serde::de::Error::custom)
}

/// Adds to the balance, once for an id, with a record; a negative amount takes back. Shows the live
/// state afterwards.
pub(super) async fn pay(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let Payment { id, usd, note } = asked.read().await?;
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if id.is_empty() || id.len() > ID_LIMIT || !is_plain(&id) {
        let message = format!("A payment's id has 1 to {ID_LIMIT} visible ASCII characters.");
        return Err(Error::invalid("id", message));
    }
    if note.len() > NOTE_LIMIT {
        let message = format!("A note has at most {NOTE_LIMIT} bytes.");
        return Err(Error::invalid("note", message));
    }
    let change = Change {
        object: format!("payment/{id}"),
        ..Change::default()
    };
    note_change(act, change);
    let payment = TopUp {
        id,
        amount: usd,
        note,
    };
    let effective_ms = administer(act, 200, Some(Command::TopUp(payment))).await?;
    effective(act, effective_ms).await;
    limits::get(asked).await
}
