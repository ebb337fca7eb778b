//! `GET /openapi.json`: what describes all paths, `docs/openapi.json`. The build embeds it compressed,
//! so that whoever asks a deployment is told what that very code does; a test holds the file against
//! the tables that the router goes by.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::error::Error;
use crate::http::Reply;

const EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

/// The description.
///
/// # Errors
/// `Internal` where the embedded file is broken, which the build refuses.
pub fn document() -> Result<Reply, Error> {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(EMBEDDED).read_to_end(&mut bytes);
    read.map_err(|error| Error::internal(format!("openapi.json: {error}")))?;
    Ok(Reply::bytes(200, "application/json", bytes))
}

#[cfg(test)]
mod generate;
