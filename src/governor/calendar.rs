//! When days, weeks and months begin in a time zone. The zone's rules come from outside, as offsets
//! from UTC at an instant ([`Zones`]); the calendar is computed here.

use std::rc::Rc;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use super::rules::Period;

const HOUR: i64 = 3_600_000;
/// No zone's days are longer than this, a change of its rules included.
const LONGEST_DAY: i64 = 36 * HOUR;

/// The rules of time zones.
pub trait Zones {
    /// Milliseconds by which local time in the IANA zone is ahead of UTC at the instant `at` (Unix
    /// milliseconds); `None` where the zone is not known.
    fn offset(&self, zone: &str, at: u64) -> Option<i64>;
}

/// Every zone is UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysUtc;

impl Zones for AlwaysUtc {
    fn offset(&self, _: &str, _: u64) -> Option<i64> {
        Some(0)
    }
}

/// A stretch of time: from its first millisecond to the first one after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) from: u64,
    pub(super) until: u64,
}

/// The periods that an instant lies in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Periods {
    day: Span,
    week: Span,
    month: Span,
}

impl Periods {
    pub(super) const fn of(&self, period: Period) -> Span {
        match period {
            Period::Day => self.day,
            Period::Week => self.week,
            Period::Month => self.month,
            Period::Lifetime => Span {
                from: 0,
                until: u64::MAX,
            },
        }
    }

    /// The periods at `at`, which is not before these. One that goes on is left as it is, whatever
    /// became of the zone; a new one begins where the last ended, or later.
    pub(super) fn at(&self, at: u64, zone: &str, zones: &Rc<dyn Zones>) -> Self {
        let next = |old: Span, period| {
            if at < old.until {
                return old;
            }
            let span = span(period, at, zone, zones.as_ref());
            Span {
                from: span.from.max(old.until),
                until: span.until,
            }
        };
        Self {
            day: next(self.day, Period::Day),
            week: next(self.week, Period::Week),
            month: next(self.month, Period::Month),
        }
    }
}

/// The period around an instant. A zone that is not known is UTC.
fn span(period: Period, at: u64, zone: &str, zones: &dyn Zones) -> Span {
    let offset = |instant: i64| {
        let instant = u64::try_from(instant).unwrap_or_default();
        zones.offset(zone, instant).unwrap_or_default()
    };
    let now = i64::try_from(at).unwrap_or(i64::MAX);
    let bounds = local_date(now.saturating_add(offset(now)))
        .and_then(|date| first_days(period, date))
        .map(|(first, next)| (first_instant(first, &offset), first_instant(next, &offset)));
    // An instant beyond the calendar: one period for all of them.
    let (from, until) = bounds.unwrap_or((0, i64::MAX));
    Span {
        from: u64::try_from(from).unwrap_or_default(),
        until: u64::try_from(until).unwrap_or(u64::MAX),
    }
}

fn local_date(local: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_millis(local).map(|time| time.date_naive())
}

/// The first day of the period around a date, and of the next one.
fn first_days(period: Period, date: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    match period {
        Period::Day => Some((date, date.checked_add_days(Days::new(1))?)),
        Period::Week => {
            let since_monday = u64::from(date.weekday().num_days_from_monday());
            let monday = date.checked_sub_days(Days::new(since_monday))?;
            Some((monday, monday.checked_add_days(Days::new(7))?))
        }
        Period::Month => {
            let first = date.with_day(1)?;
            Some((first, first.checked_add_months(Months::new(1))?))
        }
        Period::Lifetime => None,
    }
}

/// The first instant whose local date is `date`: midnight, or where clocks jump over midnight the
/// end of that jump; where a day's midnight comes twice, the first. Searched, since offsets change at
/// instants that only the zone knows.
fn first_instant(date: NaiveDate, offset: &impl Fn(i64) -> i64) -> i64 {
    let midnight = date.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
    let begun = |instant: i64| {
        local_date(instant.saturating_add(offset(instant))).is_some_and(|local| local >= date)
    };
    let guess = midnight.saturating_sub(offset(midnight));
    if begun(guess) && !begun(guess.saturating_sub(1)) {
        return guess;
    }
    let mut before = midnight.saturating_sub(LONGEST_DAY);
    let mut after = midnight.saturating_add(LONGEST_DAY);
    while after.saturating_sub(before) > 1 {
        let middle = before.midpoint(after);
        if begun(middle) {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

#[cfg(test)]
mod tests;
