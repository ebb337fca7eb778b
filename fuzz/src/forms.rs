//! Forms with a file.

use esclusa::error::Error;
use esclusa::http::{Form, Incoming, Method, Place};
use esclusa::protocol::Dialect;
use esclusa::protocol::audio::transcription::{Into, TranscriptionRequest, parse};
use esclusa::providers::openai_media::encode_transcription;
use futures::FutureExt;
use futures::future::{LocalBoxFuture, ready};

use super::chats::{MODEL, check_refusal};

/// Where one part of a form ends: what arrives.
const ARRIVED: &str = "X";
/// The same for what is sent: a random one, so that nothing holds it.
const SENT: &str = "3f9c1d";

/// A form is refused, or reaches a provider whole.
pub(crate) fn transcription(bytes: &[u8]) {
    for into in [Into::Transcript, Into::English] {
        match read(ARRIVED, bytes, into) {
            Err(error) => check_refusal(Dialect::default(), &error),
            Ok(request) if holds(bytes, SENT) => drop(request),
            Ok(request) => sent_again(&request),
        }
    }
}

fn sent_again(request: &TranscriptionRequest) {
    let sent = encode_transcription(MODEL, request, SENT);
    let again = read(SENT, &sent.bytes, request.into).expect("a form");
    assert_eq!(again.sound, request.sound);
    assert_eq!(again.prompt, request.prompt);
    assert_eq!(again.temperature, request.temperature);
    if request.into == Into::Transcript {
        assert_eq!(again.language, request.language);
        assert_eq!(again.words, request.words);
    }
}

fn read(boundary: &str, bytes: &[u8], into: Into) -> Result<TranscriptionRequest, Error> {
    let arrived = Arrived { boundary, bytes };
    let form = Form::read(&arrived).now_or_never();
    parse(&form.expect("nothing to wait for")?, into)
}

fn holds(bytes: &[u8], boundary: &str) -> bool {
    let mut places = bytes.windows(boundary.len());
    places.any(|place| place == boundary.as_bytes())
}

struct Arrived<'a> {
    boundary: &'a str,
    bytes: &'a [u8],
}

impl Incoming for Arrived<'_> {
    fn method(&self) -> Method {
        Method::Post
    }

    fn path(&self) -> &'static str {
        "/v1/audio/transcriptions"
    }

    fn query(&self) -> &'static str {
        ""
    }

    fn header(&self, name: &str) -> Option<String> {
        (name == "content-type").then(|| format!("multipart/form-data; boundary={}", self.boundary))
    }

    fn headers(&self) -> Vec<(String, String)> {
        let value = self.header("content-type");
        value
            .map(|value| ("content-type".to_owned(), value))
            .into_iter()
            .collect()
    }

    fn place(&self) -> Place {
        Place::default()
    }

    fn body(&self, _limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>> {
        ready(Ok(self.bytes.to_vec())).boxed_local()
    }
}
