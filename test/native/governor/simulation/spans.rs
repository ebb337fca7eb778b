//! Days, weeks and months in zones of a script, found by walking through time in steps of 15 minutes.

use esclusa::governor::Zones;
use esclusa::governor::rules::Period;

use crate::storage::{DAY, MINUTE, START};

const STEP: u64 = 15 * MINUTE;
const HOUR: i64 = 3_600_000;

/// Zones that exist for this test, and `Nowhere/Unknown`, which does not.
pub(super) const ZONES: [&str; 4] = ["UTC", "Far/East", "Half/West", "Nowhere/Unknown"];

/// Offsets that change in the middle of a day.
pub(super) struct Script;

impl Zones for Script {
    fn offset(&self, zone: &str, at: u64) -> Option<i64> {
        let summer = (at.saturating_sub(START + DAY / 2) / (5 * DAY)) % 2 == 1;
        match zone {
            "UTC" => Some(0),
            "Far/East" => Some(if summer { 14 * HOUR } else { 13 * HOUR }),
            "Half/West" => Some(-9 * HOUR - HOUR / 2),
            _ => None,
        }
    }
}

/// The first and the last moment of day, week and month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans([(u64, u64); 3]);

impl Spans {
    pub(super) fn from(&self, period: Period) -> u64 {
        match period {
            Period::Day => self.0[0].0,
            Period::Week => self.0[1].0,
            Period::Month => self.0[2].0,
            Period::Lifetime => 0,
        }
    }

    pub(super) fn at(self, at: u64, zone: &str) -> Self {
        let mut spans = self.0;
        let periods = [Period::Day, Period::Week, Period::Month];
        for (span, period) in spans.iter_mut().zip(periods) {
            if at >= span.1 {
                let (from, until) = around(at, zone, period);
                *span = (from.max(span.1), until);
            }
        }
        Self(spans)
    }
}

fn around(at: u64, zone: &str, period: Period) -> (u64, u64) {
    let number = |at: u64| number(at, zone, period);
    let mut from = at - at % STEP;
    while number(from - 1) == number(at) {
        from -= STEP;
    }
    let mut until = from + STEP;
    while number(until) == number(at) {
        until += STEP;
    }
    (from, until)
}

fn number(at: u64, zone: &str, period: Period) -> u64 {
    use chrono::{DateTime, Datelike};
    let local = at
        .checked_add_signed(Script.offset(zone, at).unwrap_or_default())
        .unwrap();
    let day = local / DAY;
    match period {
        Period::Day => day,
        // 1970-01-01 was a Thursday.
        Period::Week => (day + 3) / 7,
        Period::Month => {
            let time = DateTime::from_timestamp_millis(i64::try_from(local).unwrap()).unwrap();
            u64::from(time.month())
        }
        Period::Lifetime => 0,
    }
}
