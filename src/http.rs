//! HTTP as the core sees it: a request that is read lazily, a reply that may be a stream, and the
//! table of paths.

pub mod endpoints;
pub mod form;
pub mod gateway;
pub mod reply;
pub mod template;

use futures::future::LocalBoxFuture;

pub use self::endpoints::{EmbedPath, Endpoint, Method, Work, not_allowed, nothing, resolve};
pub use self::form::Form;
pub use self::gateway::Gateway;
pub use self::reply::{Body, Reply};
use crate::error::Error;

/// The largest JSON body that is read, in bytes.
pub const JSON_BODY_LIMIT: usize = 8 * 1024 * 1024;

/// Where a request comes from and where it is served; empty where that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The client's country, two letters, e.g. `IT`.
    pub country: String,
    /// The client's region, e.g. `Lombardy`.
    pub region: String,
    /// The data centre, three letters, e.g. `MXP`.
    pub colo: String,
}

/// A request from a client. Headers and body are read when asked for, since each read crosses from
/// the core to the platform.
pub trait Incoming {
    /// The method.
    fn method(&self) -> Method;

    /// The path, without the query.
    fn path(&self) -> &str;

    /// The query, without the question mark; empty where there is none.
    fn query(&self) -> &str;

    /// A header by its lower-case name.
    fn header(&self, name: &str) -> Option<String>;

    /// All headers, by their names in lower case.
    fn headers(&self) -> Vec<(String, String)>;

    /// Where it comes from and where it is served, as far as the platform tells.
    fn place(&self) -> Place;

    /// The whole body, read once.
    ///
    /// # Errors
    /// `PayloadTooLarge` as soon as more than `limit` bytes are announced or have arrived.
    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>>;

    /// The digest of the whole that it is a part of, where it is.
    fn whole(&self) -> Option<&str> {
        None
    }
}
