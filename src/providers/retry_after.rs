//! When a provider wants to be asked again: `Retry-After`, in seconds or as a date
//! (<https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>).

use chrono::DateTime;

/// The seconds that a header says, at `now` (Unix milliseconds). Of the forms of a date it is the one that
/// may be sent; one that is past is now.
#[must_use]
pub fn retry_after(header: &str, now: u64) -> Option<u64> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(seconds);
    }
    let date = DateTime::parse_from_rfc2822(header).ok()?;
    let at = u64::try_from(date.timestamp_millis()).unwrap_or_default();
    Some(at.saturating_sub(now).div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT
    const DATE: u64 = 784_111_777_000;

    #[test]
    fn seconds_and_dates_are_understood() {
        let cases = [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(20)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994", None),
        ];
        for (header, expected) in cases {
            assert_eq!(retry_after(header, DATE - 19_500), expected, "{header}");
        }
    }
}
