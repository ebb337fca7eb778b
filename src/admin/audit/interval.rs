//! The time between two instants, as a query names them.

use chrono::{DateTime, NaiveDate};

use crate::audit::export::Interval;
use crate::error::Error;

/// From the first instant, or the beginning; before the second, or without an end.
///
/// # Errors
/// `InvalidRequest`.
pub(super) fn parse(from: Option<&str>, to: Option<&str>) -> Result<Interval, Error> {
    let instant = |name: &str, text: Option<&str>| text.map(|text| instant(name, text)).transpose();
    let interval = Interval {
        from: instant("from", from)?.unwrap_or(0),
        to: instant("to", to)?.unwrap_or(u64::MAX),
    };
    if interval.from >= interval.to {
        return Err(Error::invalid("to", "`to` is later than `from`."));
    }
    Ok(interval)
}

/// Unix milliseconds of `2026-11-21T14:00:00Z`, of the beginning of `2026-11-21` in UTC, or of
/// milliseconds themselves.
fn instant(name: &str, text: &str) -> Result<u64, Error> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis());
    let day = || {
        let day: NaiveDate = text.parse().ok()?;
        Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
    };
    let milliseconds = time.ok().or_else(day).and_then(|it| u64::try_from(it).ok());
    milliseconds.or_else(|| text.parse().ok()).ok_or_else(|| {
        let message = format!(
            "`{name}` is a time such as 2026-11-21T14:00:00Z, a day such as 2026-11-21, or Unix milliseconds."
        );
        Error::invalid(name, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_days_and_milliseconds_are_understood() {
        let of = |from, to| parse(Some(from), Some(to)).map(|it| (it.from, it.to));
        let day = 1_795_219_200_000;
        let hour = of("2026-11-21", "2026-11-21T02:00:00+01:00").unwrap();
        assert_eq!(hour, (day, day + 3_600_000));
        assert_eq!(of("5", "6").unwrap(), (5, 6));
        let all = parse(None, None).unwrap();
        assert_eq!((all.from, all.to), (0, u64::MAX));
    }

    #[test]
    fn what_is_no_time_is_named() {
        for bad in ["", "yesterday", "-5", "2026-13-01", "1969-12-31"] {
            let error = parse(Some(bad), None).unwrap_err();
            assert_eq!(error.param.as_deref(), Some("from"), "{bad}");
        }
        assert_eq!(
            parse(Some("6"), Some("6")).unwrap_err().param.as_deref(),
            Some("to")
        );
    }
}
