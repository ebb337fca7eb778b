//! Forms with a file.

use esclusa::error::Error;
use esclusa::http::{Form, Incoming, Method};
use esclusa::protocol::Dialect;
use esclusa::protocol::audio::transcription::{Into, parse};
use futures::FutureExt;
use futures::future::{LocalBoxFuture, ready};

use super::chats::check_refusal;

/// A form whose boundary is `X`.
pub(crate) fn transcription(bytes: &[u8]) {
    let arrived = Arrived(bytes);
    let form = Form::read(&arrived)
        .now_or_never()
        .expect("nothing to wait for");
    for into in [Into::Transcript, Into::English] {
        let parsed = form.as_ref().map_err(Error::clone);
        if let Err(error) = parsed.and_then(|form| parse(form, into)) {
            check_refusal(Dialect::default(), &error);
        }
    }
}

struct Arrived<'a>(&'a [u8]);

impl Incoming for Arrived<'_> {
    fn method(&self) -> Method {
        Method::Post
    }

    fn path(&self) -> &str {
        "/v1/audio/transcriptions"
    }

    fn query(&self) -> &str {
        ""
    }

    fn header(&self, name: &str) -> Option<String> {
        (name == "content-type").then(|| "multipart/form-data; boundary=X".to_owned())
    }

    fn body(&self, _limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>> {
        ready(Ok(self.0.to_vec())).boxed_local()
    }
}
