use std::cell::RefCell;

use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt, stream};
use proptest::prelude::*;

use crate::ports::{HttpCall, ModelCall, Models, Unreachable, Upstream};
use crate::providers::send;

const KEY: &str = "sk-sk-secret-sk-0001";

/// Chunks, or the failure of a whole call.
type Script = Result<Vec<Result<Vec<u8>, String>>, String>;

/// What came back of a body.
type Chunks = Vec<Result<Vec<u8>, Unreachable>>;

/// Answers with these chunks, or not at all.
struct Scripted(RefCell<Option<Script>>);

impl Models for Scripted {
    fn run(&self, _: ModelCall) -> LocalBoxFuture<'_, Result<Upstream, Unreachable>> {
        let script = self.0.take().unwrap();
        async move {
            let chunks = script.map_err(Unreachable)?;
            let chunks = chunks.into_iter().map(|chunk| chunk.map_err(Unreachable));
            Ok(Upstream {
                status: 200,
                content_type: format!("text/plain; key={KEY}"),
                retry_after: None,
                body: stream::iter(chunks.collect::<Vec<_>>()).boxed_local(),
            })
        }
        .boxed_local()
    }
}

fn call(secret: &str) -> ModelCall {
    ModelCall::Http(HttpCall {
        url: "https://api.example/v1".to_owned(),
        headers: Vec::new(),
        body: None,
        secret: Some(secret.to_owned()),
    })
}

fn sent(secret: &str, script: Script) -> Result<(String, Chunks), Unreachable> {
    let models = Scripted(RefCell::new(Some(script)));
    let upstream = send(&models, call(secret)).now_or_never().unwrap()?;
    let chunks = upstream.body.collect().now_or_never().unwrap();
    Ok((upstream.content_type, chunks))
}

fn joined(chunks: Chunks) -> String {
    let bytes: Vec<u8> = chunks.into_iter().flat_map(Result::unwrap).collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_quoted_key_is_masked_wherever_it_is_cut() {
    let body = format!("a{KEY}{KEY}b sk-sk-sk-{KEY} sk-sk");
    let expected = "a[redacted][redacted]b sk-sk-sk-[redacted] sk-sk";
    for size in 1..=body.len() {
        let chunks = body.as_bytes().chunks(size);
        let chunks = chunks.map(|chunk| Ok(chunk.to_vec())).collect();
        let (content_type, chunks) = sent(KEY, Ok(chunks)).unwrap();
        assert_eq!(joined(chunks), expected, "in chunks of {size}");
        assert_eq!(content_type, "text/plain; key=[redacted]");
    }
}

#[test]
fn an_error_that_quotes_the_key_is_masked() {
    let refused = sent(KEY, Err(format!("invalid header: Bearer {KEY}"))).unwrap_err();
    assert_eq!(refused.0, "invalid header: Bearer [redacted]");
    let broken = vec![Ok(b"a".to_vec()), Err(format!("lost {KEY}"))];
    let (_, chunks) = sent(KEY, Ok(broken)).unwrap();
    assert_eq!(chunks[1], Err(Unreachable("lost [redacted]".to_owned())));
}

#[test]
fn a_chunk_is_not_held_back_longer_than_it_must() {
    let chunks = vec![Ok(b"hello ".to_vec()), Ok(b"world".to_vec())];
    let (_, chunks) = sent(KEY, Ok(chunks)).unwrap();
    let chunks: Vec<Vec<u8>> = chunks.into_iter().map(Result::unwrap).collect();
    assert_eq!(chunks, [b"hello ".to_vec(), b"world".to_vec()]);
}

#[test]
fn a_key_that_may_be_any_word_masks_nothing() {
    let (_, chunks) = sent("ollama", Ok(vec![Ok(b"ollama is fine".to_vec())])).unwrap();
    assert_eq!(joined(chunks), "ollama is fine");
}

proptest! {
    #[test]
    fn other_bytes_pass_unchanged(bytes in "[a-ks-]{0,60}", size in 1_usize..9) {
        let chunks = bytes.as_bytes().chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
        let (_, chunks) = sent(KEY, Ok(chunks)).unwrap();
        prop_assert_eq!(joined(chunks), bytes);
    }
}
