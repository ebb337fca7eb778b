//! A record as a line of NDJSON, in archives and exports: `{"seq":1,"hash":"…","record":{…}}`.
//!
//! The record's text stands there as it was sealed, byte by byte. A text that would not fit into a
//! line, which none has that was sealed here, is written as a JSON string, so that what somebody
//! altered is kept as it was found.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::Sealed;
use crate::error::Error;

#[derive(Serialize, Deserialize)]
struct Line<R> {
    seq: u64,
    hash: String,
    record: R,
}

/// A record's line with its line feed.
///
/// # Errors
/// [`Kind::Internal`](crate::error::Kind::Internal) where JSON cannot be written.
pub fn write(sealed: &Sealed) -> Result<String, Error> {
    let line = Line {
        seq: sealed.seq,
        hash: sealed.hash.clone(),
        record: embedded(&sealed.record)?,
    };
    let mut text = serde_json::to_string(&line).map_err(unwritable)?;
    text.push('\n');
    Ok(text)
}

/// Reads a line back; nothing where it is none.
#[must_use]
pub fn read(line: &str) -> Option<Sealed> {
    let line: Line<Box<RawValue>> = serde_json::from_str(line).ok()?;
    let text = line.record.get();
    let record = if text.starts_with('"') {
        serde_json::from_str(text).ok()?
    } else {
        text.to_owned()
    };
    Some(Sealed {
        seq: line.seq,
        record,
        hash: line.hash,
    })
}

/// The text as a value of its own where it is one, else as a string.
///
/// # Errors
/// As [`write`].
pub fn embedded(record: &str) -> Result<Box<RawValue>, Error> {
    let fits = record.starts_with('{') && record.ends_with('}') && !record.contains(['\n', '\r']);
    let value = fits.then(|| RawValue::from_string(record.to_owned()).ok());
    value
        .flatten()
        .map_or_else(|| to_raw_value(record).map_err(unwritable), Ok)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn unwritable(error: serde_json::Error) -> Error {
    Error::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(record: &str) -> Sealed {
        Sealed {
            seq: 7,
            record: record.to_owned(),
            hash: "ab".to_owned(),
        }
    }

    #[test]
    fn a_record_stands_in_its_line_as_it_was_sealed() {
        let line = write(&sealed(r#"{"a": 1.50,"b":"é"}"#)).unwrap();
        let expected = "{\"seq\":7,\"hash\":\"ab\",\"record\":{\"a\": 1.50,\"b\":\"é\"}}\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn any_text_comes_back_as_it_was() {
        let texts = [
            "{}",
            r#"{"a": 1.50,"b":"é\u0000"}"#,
            "",
            "no JSON",
            "{\"a\":\n1}",
            "{\"a\"}",
            " {} ",
            r#""text""#,
            "7",
        ];
        for text in texts {
            let line = write(&sealed(text)).unwrap();
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert_eq!(read(&line), Some(sealed(text)), "{line}");
        }
    }

    #[test]
    fn what_is_no_line_is_nothing() {
        for text in ["", "{}", "[]", r#"{"seq":"1","hash":"","record":{}}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
