//! What the headers of any request tell about it, for its record.

use std::collections::BTreeMap;

use crate::audit::Scalar;
use crate::error::Error;
use crate::http::Incoming;
use crate::protocol::json::{Object, Shape, shape, text};
use crate::request::exchange::Exchange;
use crate::request::header::{flag, parsed};

/// The caller's own id of a request.
pub const EVENT_ID: &str = "cf-aig-event-id";
/// The caller's own values about a request.
const METADATA: &str = "cf-aig-metadata";
/// Values of the metadata.
const MOST_VALUES: usize = 5;
/// Bytes of the metadata.
const MOST_METADATA_BYTES: usize = 2_048;
/// Characters of the caller's own id.
const MOST_ID_CHARACTERS: usize = 128;

/// Notes them.
///
/// Every request has its record, which holds no text of anybody's: `cf-aig-collect-log: false` and
/// `cf-aig-collect-log-payload` are read, and change nothing.
///
/// # Errors
/// `InvalidRequest`, with the header's name.
pub fn note_headers(exchange: &mut Exchange, incoming: &dyn Incoming) -> Result<(), Error> {
    let draft = &mut exchange.draft;
    draft.trace = incoming.header("traceparent").as_deref().and_then(trace_id);
    let retries = incoming.header("x-stainless-retry-count");
    draft.sdk_retries = retries.and_then(|count| count.parse().ok()).unwrap_or(0);
    let expected = || format!("1 to {MOST_ID_CHARACTERS} visible ASCII characters");
    draft.event = parsed(incoming, EVENT_ID, event_id, expected)?;
    let expected = || {
        format!(
            "a JSON object of at most {MOST_VALUES} strings, numbers and booleans and {MOST_METADATA_BYTES} bytes, with names that do not begin with `cf.`"
        )
    };
    draft.metadata = parsed(incoming, METADATA, metadata, expected)?.unwrap_or_default();
    flag(incoming, "cf-aig-collect-log")?;
    flag(incoming, "cf-aig-collect-log-payload")?;
    Ok(())
}

/// The caller's own id of a request, where it is a valid one.
#[must_use]
pub fn event_id(text: &str) -> Option<String> {
    let fits = (1..=MOST_ID_CHARACTERS).contains(&text.len());
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    (fits && visible).then(|| text.to_owned())
}

fn metadata(text: &str) -> Option<BTreeMap<String, Scalar>> {
    let object = Object::parse(text).filter(|_| text.len() <= MOST_METADATA_BYTES)?;
    let values: Option<BTreeMap<_, _>> = object
        .entries()
        .map(|(name, raw)| Some((metadata_name(name)?, scalar(raw)?)))
        .collect();
    values.filter(|values| values.len() <= MOST_VALUES)
}

/// Cloudflare keeps the names under `cf.` for itself.
fn metadata_name(name: &str) -> Option<String> {
    let own = !name.is_empty() && !name.starts_with("cf.");
    own.then(|| name.to_owned())
}

fn scalar(raw: &serde_json::value::RawValue) -> Option<Scalar> {
    match shape(raw) {
        Shape::Boolean => Some(Scalar::Boolean(raw.get() == "true")),
        Shape::Number => raw.get().parse().ok().map(Scalar::Number),
        Shape::String => text(raw).map(Scalar::Text),
        _ => None,
    }
}

/// The trace id of a W3C `traceparent` (`00-{32 hex}-{16 hex}-{2 hex}`), where it is a valid one.
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
fn trace_id(header: &str) -> Option<String> {
    let mut parts = header.trim().split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lower_hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let valid = lower_hex(version, 2)
        && version != "ff"
        && lower_hex(trace, 32)
        && trace.bytes().any(|byte| byte != b'0')
        && lower_hex(parent, 16)
        && lower_hex(flags, 2);
    valid.then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_trace_ids_are_taken() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let good = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(trace_id(&good).as_deref(), Some(trace));
        let zero = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        for bad in [
            "",
            "00",
            "00-x-y-z",
            &zero,
            &good.to_uppercase(),
            &good.replacen("00", "ff", 1),
        ] {
            assert_eq!(trace_id(bad), None, "{bad}");
        }
    }
}
