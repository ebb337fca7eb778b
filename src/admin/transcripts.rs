//! What was asked and answered, where the org stores it.

use super::Asked;
use crate::audit::Change;
use crate::error::{Error, Kind};
use crate::http::Reply;
use crate::request::act::{administer, note_change};
use crate::request::exchange::Exchange;
use crate::request_files::TRANSCRIPTS;
use crate::transcript;

/// The transcript of a request.
pub(super) async fn get(asked: Asked<'_>) -> Result<Reply, Error> {
    let stored = transcript::read(asked.ports.files.as_ref(), asked.org, asked.name).await?;
    let bytes = stored.ok_or_else(none)?;
    Ok(Reply::bytes(200, "application/json", bytes))
}

/// Removes the transcript of a request, also where there is none.
pub(super) async fn remove(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let request = asked.name;
    let name = TRANSCRIPTS.name(&act.org, request).ok_or_else(none)?;
    let change = Change {
        object: format!("transcript/{request}"),
        ..Change::default()
    };
    note_change(act, change);
    administer(act, 204, None).await?;
    act.ports.files.delete(&[name]).await?;
    Ok(Reply::empty(204))
}

fn none() -> Error {
    let message =
        "There is no transcript of this request: the org stores none, or its time is over.";
    Error::new(Kind::NotFound, message)
}
