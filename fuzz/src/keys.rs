//! What stands before a body: keys and paths.

use esclusa::auth::{PresentedKey, foreign_key, is_id, mint};
use esclusa::error::Error;
use esclusa::http::{Incoming, Method, Place, resolve};
use futures::FutureExt;
use futures::future::{LocalBoxFuture, ready};

/// A header is a well-formed key or refused; a key that was minted is read, and no other one like it.
pub(crate) fn key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    read(&text);
    let mut parts = text.split_whitespace();
    let (org, id) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    if is_id(org) && is_id(id) {
        minted(org, id, bytes);
    }
}

fn read(text: &str) -> Option<PresentedKey> {
    let headers = Headers(text);
    let _ = foreign_key(&headers);
    match PresentedKey::of(&headers) {
        Ok(key) => {
            assert!(is_id(&key.org) && is_id(&key.id), "{key:?}");
            Some(key)
        }
        Err(error) => {
            assert_eq!(error.status(), 401, "{error}");
            None
        }
    }
}

fn minted(org: &str, id: &str, bytes: &[u8]) {
    let mut secret = [0; 32];
    for (place, byte) in secret.iter_mut().zip(bytes) {
        *place = *byte;
    }
    let (key, digest) = mint(org, id, secret);
    let found = read(&format!("Bearer {key}")).expect("a key of our own");
    assert_eq!((found.org.as_str(), found.id.as_str()), (org, id));
    assert_eq!(found.digest, digest);
    let mistyped = format!("{key}0");
    assert_eq!(read(&mistyped), None, "{mistyped}");
}

/// A path is one of ours, or unknown, or does not take the method.
pub(crate) fn path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for method in [Method::Get, Method::Post, Method::Put, Method::Delete] {
        if let Err(error) = resolve(method, &text) {
            assert!(matches!(error.status(), 404 | 405), "{error}");
            assert_eq!(error.status() == 405, error.allow.is_some(), "{error}");
        }
    }
}

/// A request that has only the header of a key.
struct Headers<'a>(&'a str);

impl Incoming for Headers<'_> {
    fn method(&self) -> Method {
        Method::Post
    }

    fn path(&self) -> &'static str {
        "/v1/chat/completions"
    }

    fn query(&self) -> &'static str {
        ""
    }

    fn header(&self, name: &str) -> Option<String> {
        (name == "authorization").then(|| self.0.to_owned())
    }

    fn headers(&self) -> Vec<(String, String)> {
        let value = self.header("authorization");
        value
            .map(|value| ("authorization".to_owned(), value))
            .into_iter()
            .collect()
    }

    fn place(&self) -> Place {
        Place::default()
    }

    fn body(&self, _limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>> {
        ready(Ok(Vec::new())).boxed_local()
    }
}
