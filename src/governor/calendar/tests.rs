use super::*;

/// Zones with the few changes that the tests cross: (from, offset in hours).
struct Scripted;

impl Zones for Scripted {
    fn offset(&self, zone: &str, at: u64) -> Option<i64> {
        let changes: &[(&str, i64)] = match zone {
            "Europe/Rome" => &[
                ("2026-01-01T00:00Z", 1),
                ("2026-03-29T01:00Z", 2),
                ("2026-10-25T01:00Z", 1),
            ],
            // Clocks jump from midnight to one.
            "America/Santiago" => &[
                ("2026-01-01T00:00Z", -3),
                ("2026-04-05T03:00Z", -4),
                ("2026-09-06T04:00Z", -3),
            ],
            // Samoa left out a day.
            "Pacific/Apia" => &[("2011-01-01T00:00Z", -10), ("2011-12-30T10:00Z", 14)],
            "Asia/Tokyo" => &[("2011-01-01T00:00Z", 9)],
            _ => return None,
        };
        let past = changes.iter().rev().find(|(from, _)| at >= instant(from));
        Some(past.map_or(0, |(_, hours)| HOUR.saturating_mul(*hours)))
    }
}

fn instant(text: &str) -> u64 {
    let text = format!("{}:00Z", text.trim_end_matches('Z'));
    let time = DateTime::parse_from_rfc3339(&text).unwrap();
    u64::try_from(time.timestamp_millis()).unwrap()
}

fn bounds(period: Period, at: &str, zone: &str) -> (u64, u64) {
    let span = span(period, instant(at), zone, &Scripted);
    (span.from, span.until)
}

#[track_caller]
fn expect(period: Period, at: &str, zone: &str, from: &str, until: &str) {
    assert_eq!(
        bounds(period, at, zone),
        (instant(from), instant(until)),
        "{period:?} of {at} in {zone}"
    );
}

#[test]
fn periods_are_those_of_the_zone() {
    use Period::{Day, Month, Week};
    let (rome, tokyo) = ("Europe/Rome", "Asia/Tokyo");
    let at = "2026-11-21T23:30Z";
    expect(Day, at, rome, "2026-11-21T23:00Z", "2026-11-22T23:00Z");
    expect(Day, at, tokyo, "2026-11-21T15:00Z", "2026-11-22T15:00Z");
    expect(Week, at, rome, "2026-11-15T23:00Z", "2026-11-22T23:00Z");
    expect(Month, at, rome, "2026-10-31T23:00Z", "2026-11-30T23:00Z");
    expect(
        Month,
        "2026-12-31T16:00Z",
        tokyo,
        "2026-12-31T15:00Z",
        "2027-01-31T15:00Z",
    );
}

#[test]
fn days_in_which_clocks_change_are_shorter_or_longer() {
    use Period::{Day, Month};
    let rome = "Europe/Rome";
    expect(
        Day,
        "2026-03-29T12:00Z",
        rome,
        "2026-03-28T23:00Z",
        "2026-03-29T22:00Z",
    );
    expect(
        Day,
        "2026-10-25T12:00Z",
        rome,
        "2026-10-24T22:00Z",
        "2026-10-25T23:00Z",
    );
    expect(
        Month,
        "2026-10-25T12:00Z",
        rome,
        "2026-09-30T22:00Z",
        "2026-10-31T23:00Z",
    );
}

#[test]
fn a_day_without_midnight_begins_when_the_clocks_have_jumped() {
    let zone = "America/Santiago";
    expect(
        Period::Day,
        "2026-09-06T12:00Z",
        zone,
        "2026-09-06T04:00Z",
        "2026-09-07T03:00Z",
    );
    expect(
        Period::Day,
        "2026-09-06T03:59Z",
        zone,
        "2026-09-05T04:00Z",
        "2026-09-06T04:00Z",
    );
}

#[test]
fn a_midnight_that_comes_twice_begins_its_day_once() {
    let zone = "America/Santiago";
    expect(
        Period::Day,
        "2026-04-05T12:00Z",
        zone,
        "2026-04-05T04:00Z",
        "2026-04-06T04:00Z",
    );
}

#[test]
fn a_day_that_was_left_out_is_nobodys() {
    let zone = "Pacific/Apia";
    expect(
        Period::Day,
        "2011-12-30T09:59Z",
        zone,
        "2011-12-29T10:00Z",
        "2011-12-30T10:00Z",
    );
    expect(
        Period::Day,
        "2011-12-30T10:00Z",
        zone,
        "2011-12-30T10:00Z",
        "2011-12-31T10:00Z",
    );
}

#[test]
fn an_unknown_zone_is_utc() {
    expect(
        Period::Day,
        "2026-11-21T23:30Z",
        "Nowhere",
        "2026-11-21T00:00Z",
        "2026-11-22T00:00Z",
    );
}

#[test]
fn a_new_zone_counts_when_the_period_ends() {
    let zones: Rc<dyn Zones> = Rc::new(Scripted);
    let first = Periods::default().at(instant("2026-11-21T12:00Z"), "Europe/Rome", &zones);
    let same = first.at(instant("2026-11-21T22:59Z"), "Asia/Tokyo", &zones);
    assert_eq!(same, first);
    let next = first.at(instant("2026-11-21T23:00Z"), "Asia/Tokyo", &zones);
    assert_eq!(next.of(Period::Day).from, instant("2026-11-21T23:00Z"));
    assert_eq!(next.of(Period::Day).until, instant("2026-11-22T15:00Z"));
    assert_eq!(next.of(Period::Month), first.of(Period::Month));
}

#[test]
fn instants_beyond_the_calendar_do_not_fail() {
    let span = span(Period::Day, u64::MAX, "UTC", &AlwaysUtc);
    assert!(span.until > 1 << 62);
}
