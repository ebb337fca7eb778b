//! Calls a model, and keeps the key that opened it out of whatever comes back: some providers quote
//! it in their errors.

use futures::stream::{self, LocalBoxStream, StreamExt};
use memchr::memmem;

use crate::ports::{ModelCall, Models, Unreachable, Upstream};

/// What stands in the place of a key.
const MASK: &str = "[redacted]";
/// Shorter keys are those of one's own machine, and may be part of any text.
const SHORTEST_KEY: usize = 8;

/// What a body is read as.
type Chunks = LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>;

/// Calls a model. The key of the call is in nothing that comes back.
///
/// # Errors
/// Where no answer came.
pub async fn send(models: &dyn Models, call: ModelCall) -> Result<Upstream, Unreachable> {
    let secret = match &call {
        ModelCall::Binding(_) => None,
        ModelCall::Http(call) => call.secret.clone(),
    };
    let Some(key) = secret.filter(|key| key.len() >= SHORTEST_KEY) else {
        return models.run(call).await;
    };
    let masked = |text: &str| text.replace(&key, MASK);
    match models.run(call).await {
        Ok(upstream) => Ok(Upstream {
            content_type: masked(&upstream.content_type),
            body: without(key.into_bytes(), upstream.body),
            ..upstream
        }),
        Err(Unreachable(text)) => Err(Unreachable(masked(&text))),
    }
}

/// The same bytes with every occurrence of the key masked, wherever the chunks are cut.
fn without(key: Vec<u8>, body: Chunks) -> Chunks {
    let masking = Masking {
        key,
        held: Vec::new(),
        body,
        ended: false,
    };
    stream::unfold(masking, |mut masking| async {
        let chunk = masking.next().await?;
        Some((chunk, masking))
    })
    .boxed_local()
}

struct Masking {
    key: Vec<u8>,
    /// The end of what was read, where it may be the beginning of the key.
    held: Vec<u8>,
    body: Chunks,
    ended: bool,
}

impl Masking {
    async fn next(&mut self) -> Option<Result<Vec<u8>, Unreachable>> {
        while !self.ended {
            match self.body.next().await {
                Some(Ok(chunk)) => {
                    let safe = self.mask(chunk);
                    if !safe.is_empty() {
                        return Some(Ok(safe));
                    }
                }
                Some(Err(Unreachable(text))) => {
                    self.ended = true;
                    let key = String::from_utf8_lossy(&self.key);
                    return Some(Err(Unreachable(text.replace(key.as_ref(), MASK))));
                }
                None => self.ended = true,
            }
        }
        let rest = std::mem::take(&mut self.held);
        (!rest.is_empty()).then_some(Ok(rest))
    }

    /// What of the bytes so far can be given out.
    fn mask(&mut self, chunk: Vec<u8>) -> Vec<u8> {
        let mut bytes = if self.held.is_empty() {
            chunk
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend(chunk);
            held
        };
        if memmem::find(&bytes, &self.key).is_some() {
            bytes = replaced(&bytes, &self.key);
        }
        let kept = bytes.len().saturating_sub(self.beginning(&bytes));
        self.held = bytes.split_off(kept);
        bytes
    }

    /// How many bytes at the end may be the beginning of the key.
    fn beginning(&self, bytes: &[u8]) -> usize {
        let longest = self.key.len().saturating_sub(1).min(bytes.len());
        let begins = |length: &usize| {
            let start = bytes.len().saturating_sub(*length);
            bytes
                .get(start..)
                .is_some_and(|end| self.key.starts_with(end))
        };
        (1..=longest).rev().find(begins).unwrap_or(0)
    }
}

fn replaced(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memmem::find(rest, key) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        masked.extend_from_slice(before);
        masked.extend_from_slice(MASK.as_bytes());
        rest = from.get(key.len()..).unwrap_or_default();
    }
    masked.extend_from_slice(rest);
    masked
}
