//! The body of a request on its way in: digested where the client names the request with an
//! `Idempotency-Key`, noted where the org stores transcripts. The body is read where the request is
//! parsed, once.

use std::cell::RefCell;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::error::Error;
use crate::governor::command::Idempotency;
use crate::http::{Incoming, Method, Place};
use crate::request::exchange::Exchange;
use crate::request::idempotency::{digest, name};
use crate::transcript::Transcript;

/// A request whose body is seen when it is read.
pub struct BodyWatch<'a> {
    incoming: &'a dyn Incoming,
    name: Option<String>,
    digest: RefCell<Option<String>>,
    transcript: RefCell<Option<Transcript>>,
}

impl<'a> BodyWatch<'a> {
    /// Watches a request of a known caller.
    ///
    /// # Errors
    /// `InvalidRequest` for a malformed `Idempotency-Key`.
    pub fn new(exchange: &Exchange, incoming: &'a dyn Incoming) -> Result<Self, Error> {
        Ok(Self {
            incoming,
            name: name(incoming, &exchange.draft.key)?,
            digest: RefCell::default(),
            transcript: RefCell::new(exchange.transcript.clone()),
        })
    }

    /// Notes what was seen.
    pub fn note(self, exchange: &mut Exchange) {
        exchange.transcript = self.transcript.into_inner();
        let whole = self.incoming.whole().map(ToOwned::to_owned);
        let body = whole.or(self.digest.into_inner());
        exchange.idempotency = self.name.zip(body).map(|(name, body)| Idempotency {
            name,
            body,
            lost: None,
        });
    }
}

impl Incoming for BodyWatch<'_> {
    fn method(&self) -> Method {
        self.incoming.method()
    }

    fn path(&self) -> &str {
        self.incoming.path()
    }

    fn query(&self) -> &str {
        self.incoming.query()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.incoming.header(name)
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.incoming.headers()
    }

    fn place(&self) -> Place {
        self.incoming.place()
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>> {
        let read = async move {
            let bytes = self.incoming.body(limit).await?;
            if self.name.is_some() {
                let digest = digest(self.incoming, &bytes);
                self.digest.replace(Some(digest));
            }
            if let Some(transcript) = self.transcript.borrow_mut().as_mut() {
                transcript.hear(&bytes);
            }
            Ok(bytes)
        };
        read.boxed_local()
    }
}
