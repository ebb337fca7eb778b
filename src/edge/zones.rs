//! The rules of time zones: those of `Intl`, so that the Wasm carries no database of them.

use js_sys::{Array, Date, Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::governor::Zones;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Intl, js_name = DateTimeFormat)]
    type DateTimeFormat;

    #[wasm_bindgen(catch, constructor, js_namespace = Intl, js_class = DateTimeFormat)]
    fn new(locale: &str, options: &Object) -> Result<DateTimeFormat, JsValue>;

    #[wasm_bindgen(catch, method, js_name = formatToParts)]
    fn format_to_parts(this: &DateTimeFormat, date: &Date) -> Result<Array, JsValue>;
}

/// The zones that `Intl` knows.
pub(super) struct IntlZones;

impl Zones for IntlZones {
    fn offset(&self, zone: &str, at: u64) -> Option<i64> {
        let parts = parts(zone, at).ok()?;
        let value = parts.iter().find_map(|part| {
            let text = |name: &str| Reflect::get(&part, &name.into()).ok()?.as_string();
            (text("type")? == "timeZoneName").then(|| text("value"))?
        })?;
        milliseconds(&value)
    }
}

/// The date in the zone, with the offset as its zone's name, e.g. `GMT+02:00`.
fn parts(zone: &str, at: u64) -> Result<Array, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"timeZone".into(), &zone.into())?;
    Reflect::set(&options, &"timeZoneName".into(), &"longOffset".into())?;
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 287396")]
    let date = Date::new(&JsValue::from_f64(at as f64));
    DateTimeFormat::new("en-US", &options)?.format_to_parts(&date)
}

/// Reads `GMT`, `GMT+02:00` or `GMT-00:44:30`.
fn milliseconds(offset: &str) -> Option<i64> {
    let offset = offset.strip_prefix("GMT")?;
    let (sign, digits) = match offset.split_at_checked(1) {
        None => return Some(0),
        Some(("-" | "\u{2212}", digits)) => (-1, digits),
        Some((_, digits)) => (1, digits),
    };
    let mut seconds: i64 = 0;
    for (part, unit) in digits.split(':').zip([3_600_i64, 60, 1]) {
        let part: i64 = part.parse().ok()?;
        seconds = seconds.checked_add(part.checked_mul(unit)?)?;
    }
    seconds.checked_mul(1_000)?.checked_mul(sign)
}
