//! The path of a request.

use crate::error::{Error, Kind};
use crate::http::{Incoming, Reply};
use crate::ports::Ports;

/// What an isolate keeps between requests.
#[derive(Default)]
pub struct Isolate;

/// Answers a request.
pub async fn serve(_ports: &Ports, _isolate: &Isolate, incoming: &dyn Incoming) -> Reply {
    let error = Error::new(Kind::NotFound, incoming.path());
    Reply::json(error.status(), &error.message)
}
