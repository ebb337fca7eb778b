//! Values of a caller's headers, read once: what is malformed is refused with the header's name.

use std::ops::RangeInclusive;

use crate::error::Error;
use crate::http::Incoming;

/// A whole number in `range`.
///
/// # Errors
/// `InvalidRequest`.
pub fn number(
    incoming: &dyn Incoming,
    name: &str,
    range: RangeInclusive<u64>,
) -> Result<Option<u64>, Error> {
    let expected = || {
        let (least, most) = (range.start(), range.end());
        format!("a whole number from {least} to {most}")
    };
    let read = |text: &str| text.parse().ok().filter(|value| range.contains(value));
    parsed(incoming, name, read, expected)
}

/// `true` or `false`.
///
/// # Errors
/// `InvalidRequest`.
pub fn flag(incoming: &dyn Incoming, name: &str) -> Result<Option<bool>, Error> {
    parsed(
        incoming,
        name,
        |text| text.parse().ok(),
        || "`true` or `false`".to_owned(),
    )
}

/// What `read` makes of a header.
///
/// # Errors
/// `InvalidRequest`, which says what is expected, where it makes nothing of it.
pub fn parsed<T>(
    incoming: &dyn Incoming,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
    expected: impl Fn() -> String,
) -> Result<Option<T>, Error> {
    given(incoming.header(name).as_deref(), name, read, expected)
}

/// The same of a header's value, where it is given.
///
/// # Errors
/// As [`parsed`].
pub fn given<T>(
    value: Option<&str>,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
    expected: impl Fn() -> String,
) -> Result<Option<T>, Error> {
    let Some(text) = value else {
        return Ok(None);
    };
    let value = read(text.trim());
    value.map(Some).ok_or_else(|| malformed(name, &expected()))
}

fn malformed(name: &str, expected: &str) -> Error {
    Error::invalid(name, format!("The header `{name}` takes {expected}."))
}
