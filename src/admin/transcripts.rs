//! What was asked and answered, where the org stores it.

use crate::audit::Change;
use crate::error::{Error, Kind};
use crate::http::Reply;
use crate::ports::{Org, Ports};
use crate::request::act::{administer, note_change};
use crate::request::exchange::Exchange;
use crate::request_files::TRANSCRIPTS;
use crate::transcript;

/// The transcript of a request.
pub(super) async fn get(ports: &Ports, org: Org, request: &str) -> Result<Reply, Error> {
    let stored = transcript::read(ports.files.as_ref(), &org.id, request).await?;
    let bytes = stored.ok_or_else(|| {
        let message =
            "There is no transcript of this request: the org stores none, or its time is over.";
        Error::new(Kind::NotFound, message)
    })?;
    Ok(Reply::bytes(200, "application/json", bytes))
}

/// Removes the transcript of a request, also where there is none.
pub(super) async fn remove(act: &mut Exchange, request: &str) -> Result<Reply, Error> {
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
