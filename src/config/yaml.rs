//! YAML to JSON text, with the line of every value, so that a document that people write is read by
//! the one parser that all documents have, and its problems say where they are.
//!
//! Of YAML 1.2 (<https://yaml.org/spec/1.2.2/>, core schema) everything that JSON can say is taken, in
//! block or flow style; JSON itself is YAML too. Anchors, aliases and tags are refused: a few lines of
//! aliases can stand for gigabytes. So are several documents in one, repeated keys, and numbers that
//! JSON has not.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::malformed::Malformed;

/// Bytes of a document: some hundred operations and models.
pub const MOST_BYTES: usize = 512 * 1024;
/// Values in values.
const MOST_DEPTH: usize = 32;
/// Values of a document.
const MOST_VALUES: usize = 50_000;
/// Bytes of a key: no name that a document may have is longer.
const MOST_KEY_BYTES: usize = 300;
/// Bytes of the paths of all values, each of which is kept with its line: a long key around many short
/// values would stand for gigabytes.
const MOST_PATH_BYTES: usize = 4 * 1024 * 1024;

/// A document that was YAML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The same as JSON text.
    pub json: String,
    lines: BTreeMap<String, usize>,
}

impl Document {
    /// The line (from 1) of the value at a path such as `tiers.light[1]`, or of the nearest value around
    /// it; of the whole document where there is none.
    #[must_use]
    pub fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            let Some(end) = path.rfind(['.', '[']) else {
                return self.lines.get("").copied().unwrap_or(1);
            };
            path = path.get(..end).unwrap_or_default();
        }
    }
}

/// Reads YAML, or JSON.
///
/// # Errors
/// The first thing that is malformed or not taken, with its line.
pub fn parse(text: &str) -> Result<Document, Malformed> {
    if text.len() > MOST_BYTES {
        let reason = format!("the document is larger than {} KiB", MOST_BYTES / 1024);
        return Err(Malformed { line: 1, reason });
    }
    let mut writer = Writer::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| malformed(&error))?;
        let line = span.start.line();
        let written = writer.take(event, span);
        written.map_err(|reason| Malformed { line, reason })?;
    }
    Ok(writer.document)
}

fn malformed(error: &ScanError) -> Malformed {
    Malformed {
        line: error.marker().line(),
        reason: error.info().to_owned(),
    }
}

/// A list or a mapping that is being written.
enum Open {
    List {
        path: String,
        length: usize,
    },
    /// `key` is the path of the value that comes next, once its key has been read.
    Mapping {
        path: String,
        seen: BTreeSet<String>,
        key: Option<String>,
    },
}

#[derive(Default)]
struct Writer {
    document: Document,
    open: Vec<Open>,
    documents: usize,
    values: usize,
    path_bytes: usize,
}

impl Writer {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), String> {
        let line = span.start.line();
        match event {
            Event::Alias(_) => Err(unshared()),
            Event::DocumentStart(_) => {
                self.documents = self.documents.saturating_add(1);
                match self.documents {
                    1 => Ok(()),
                    _ => Err("expected one document, without `---` in its middle".to_owned()),
                }
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let path = self.place(line)?;
                self.document.json.push('{');
                self.push(Open::Mapping {
                    path,
                    seen: BTreeSet::new(),
                    key: None,
                })
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let path = self.place(line)?;
                self.document.json.push('[');
                self.push(Open::List { path, length: 0 })
            }
            Event::MappingEnd => {
                self.open.pop();
                self.document.json.push('}');
                Ok(())
            }
            Event::SequenceEnd => {
                self.open.pop();
                self.document.json.push(']');
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some())?;
                self.scalar(&text, style, line)
            }
            Event::DocumentEnd | Event::Nothing | Event::StreamEnd | Event::StreamStart => Ok(()),
        }
    }

    fn push(&mut self, open: Open) -> Result<(), String> {
        self.open.push(open);
        if self.open.len() > MOST_DEPTH {
            return Err(format!("nested deeper than {MOST_DEPTH} levels"));
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, line: usize) -> Result<(), String> {
        if let Some(Open::Mapping {
            path,
            seen,
            key: key @ None,
        }) = self.open.last_mut()
        {
            if text.len() > MOST_KEY_BYTES {
                return Err(format!("a key is longer than {MOST_KEY_BYTES} bytes"));
            }
            if !seen.insert(text.to_owned()) {
                return Err(format!("the key `{text}` appears twice"));
            }
            if seen.len() > 1 {
                self.document.json.push(',');
            }
            *key = Some(join(path, text));
            push_string(&mut self.document.json, text);
            self.document.json.push(':');
            return Ok(());
        }
        self.place(line)?;
        match style {
            ScalarStyle::Plain => self.document.json.push_str(&resolve(text)?),
            _ => push_string(&mut self.document.json, text),
        }
        Ok(())
    }

    /// The path of the value that begins here.
    fn place(&mut self, line: usize) -> Result<String, String> {
        self.values = self.values.saturating_add(1);
        if self.values > MOST_VALUES {
            return Err(format!("more than {MOST_VALUES} values"));
        }
        let path = match self.open.last_mut() {
            None => String::new(),
            Some(Open::List { path, length }) => {
                if *length > 0 {
                    self.document.json.push(',');
                }
                let path = format!("{path}[{length}]");
                *length = length.saturating_add(1);
                path
            }
            Some(Open::Mapping { key, .. }) => {
                let key = key.take();
                key.ok_or("a key is a text, not a list or a mapping")?
            }
        };
        self.path_bytes = self.path_bytes.saturating_add(path.len());
        if self.path_bytes > MOST_PATH_BYTES {
            return Err("keys that are too long hold too many values".to_owned());
        }
        self.document.lines.insert(path.clone(), line);
        Ok(path)
    }
}

/// Whether a value stands for itself alone.
fn plain(anchor: usize, tagged: bool) -> Result<(), String> {
    if anchor != 0 {
        return Err(unshared());
    }
    if tagged {
        return Err("tags (`!…`) are not taken".to_owned());
    }
    Ok(())
}

fn unshared() -> String {
    "anchors and aliases (`&`, `*`) are not taken: repeat the value".to_owned()
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn push_string(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

/// The JSON of a plain scalar, by the core schema (YAML 1.2.2, 10.3.2).
fn resolve(text: &str) -> Result<String, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok("null".to_owned()),
        "true" | "True" | "TRUE" => return Ok("true".to_owned()),
        "false" | "False" | "FALSE" => return Ok("false".to_owned()),
        _ => {}
    }
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    let special = [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&bare);
    let radix = text.starts_with("0x") || text.starts_with("0o");
    if special || (radix && digits_after(text)) {
        return Err(format!(
            "`{text}` is no number that JSON has: quote it or write it in decimal"
        ));
    }
    if !is_number(bare) {
        return Ok(serde_json::Value::from(text).to_string());
    }
    // What JSON writes the same way; `007` or `.5` are numbers in YAML alone.
    let number = text.strip_prefix('+').unwrap_or(text);
    match serde_json::from_str::<&serde_json::value::RawValue>(number) {
        Ok(_) => Ok(number.to_owned()),
        Err(_) => Err(format!(
            "`{text}` is no number that JSON has: quote it or write it in full"
        )),
    }
}

fn digits_after(text: &str) -> bool {
    let digits = text.get(2..).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `[0-9]+ ( \. [0-9]* )? | \. [0-9]+`, with an exponent or without.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some = !whole.is_empty() || !fraction.is_empty();
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    some && digits(whole) && digits(fraction) && exponent
}

#[cfg(test)]
mod tests;
