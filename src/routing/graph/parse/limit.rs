//! Elements that limit: `rate`, as Cloudflare's API has it, `rate_limit`, as its documentation does, and
//! `budget`. Beyond Cloudflare's windows a cost may be counted in a `period` of the org's calendar.

use serde_json::value::RawValue;

use super::{Parts, Reader};
use crate::auth;
use crate::config::fields::Fields;
use crate::governor::rules::{Limit, Measure, Pace, Period, Scope, Window};
use crate::money::Nanos;
use crate::protocol::json::{Shape, shape, text};
use crate::routing::graph::{Gate, Quota, Work};

/// Requests that a limit may admit.
const COUNTS: std::ops::RangeInclusive<u64> = 0..=1_000_000_000_000;
/// Seconds of a window: a month at most.
const SECONDS: std::ops::RangeInclusive<u64> = 1..=31 * 86_400;

impl Reader<'_> {
    pub(super) fn limit(&mut self, id: &str, is_budget: bool, parts: &mut Parts) -> Option<Work> {
        let success = parts.output("success", self.report);
        let fallback = parts.optional("fallback").map(|it| it.index);
        let name = format!("{}/{id}", self.route);
        let quota = self.quota(&name, is_budget, &mut parts.properties);
        Some(Work::Limit {
            gate: Gate {
                name,
                quota: quota?,
            },
            success: success?,
            fallback,
        })
    }

    fn quota(&mut self, name: &str, is_budget: bool, fields: &mut Fields) -> Option<Quota> {
        let costs = self.counts_costs(is_budget, fields);
        let per = self.per(fields);
        let Some(limit) = fields.take("limit") else {
            fields.missing("limit", "how much is admitted", self.report);
            return None;
        };
        let limit_at = fields.place("limit");
        let (costs, per) = (costs?, per?);
        let per = Scope::Gate(name.to_owned(), Box::new(per));
        if let Some(name) = fields.text("period", self.report) {
            let period = self.period(&name, costs, fields);
            let amount = self.dollars(&limit, limit_at)?;
            return Some(Quota::Money {
                per,
                amount,
                period: period?,
            });
        }
        let pace = self.pace(fields);
        let (measure, limit): (fn(Pace) -> Measure, u64) = if costs {
            let amount = self.dollars(&limit, limit_at)?;
            (Measure::Cost, u64::try_from(amount.get()).ok()?)
        } else {
            (Measure::Requests, self.count(&limit, limit_at)?)
        };
        Some(Quota::Flow(Limit {
            name: name.to_owned(),
            per,
            only: None,
            measure: measure(pace?),
            limit,
        }))
    }

    fn counts_costs(&mut self, is_budget: bool, fields: &mut Fields) -> Option<bool> {
        match fields.text("limitType", self.report).as_deref() {
            None => Some(is_budget),
            Some("count") => Some(false),
            Some("cost") => Some(true),
            Some(_) => {
                let reason = "expected count or cost";
                self.report.add(fields.place("limitType"), reason);
                None
            }
        }
    }

    /// Whom it counts apart; without a key everybody together.
    fn per(&mut self, fields: &mut Fields) -> Option<Scope> {
        let key = fields.text("key", self.report).unwrap_or_default();
        let per = match key.as_str() {
            "" | "org" => Some(Scope::Org),
            "address" | "ip" => Some(Scope::Address),
            "body.user" | "user" => Some(Scope::User),
            "key" => Some(Scope::Key),
            "operation" => Some(Scope::Operation),
            "tier" => Some(Scope::Tier),
            key => match key.split_once('.') {
                Some((_, "")) => None,
                Some(("metadata", name)) => Some(Scope::Metadata(name.to_owned())),
                Some(("headers" | "header", name)) => {
                    Some(Scope::Header(name.to_ascii_lowercase()))
                }
                _ => None,
            },
        };
        if let Some(Scope::Header(name)) = &per
            && auth::is_secret(name)
        {
            let reason = "this header holds a secret, by which nothing is counted";
            self.report.add(fields.place("key"), reason);
            return None;
        }
        if per.is_none() {
            let reason = "expected metadata.NAME, headers.NAME, user, key, operation, tier or address; without a key everybody is counted together";
            self.report.add(fields.place("key"), reason);
        }
        per
    }

    /// The period that is named instead of a window.
    fn period(&mut self, name: &str, costs: bool, fields: &Fields) -> Option<Period> {
        let known = Period::ALL.into_iter().find(|it| it.as_str() == name);
        let reason = match known {
            Some(_) if !costs => {
                "requests are counted in a `window` of seconds, only costs in a period"
            }
            Some(period) => return Some(period),
            None => "expected day, week, month or lifetime",
        };
        self.report.add(fields.place("period"), reason);
        None
    }

    /// The documentation says `interval`, the API `window`.
    fn pace(&mut self, fields: &mut Fields) -> Option<Pace> {
        let seconds = ["window", "interval"]
            .into_iter()
            .find_map(|name| fields.integer(name, &SECONDS, self.report));
        let window = match fields.text("technique", self.report).as_deref() {
            None | Some("sliding") => Window::Sliding,
            Some("fixed") => Window::Fixed,
            Some(_) => {
                let reason = "expected sliding or fixed";
                self.report.add(fields.place("technique"), reason);
                return None;
            }
        };
        if seconds.is_none() {
            fields.missing(
                "window",
                "the seconds in which the limit counts",
                self.report,
            );
        }
        let seconds = u32::try_from(seconds?).ok()?;
        Some(Pace { seconds, window })
    }

    fn count(&mut self, raw: &RawValue, at: String) -> Option<u64> {
        let count = raw.get().parse().ok().filter(|it| COUNTS.contains(it));
        if count.is_none() {
            let reason = format!("expected 0 to {} requests", COUNTS.end());
            self.report.add(at, reason);
        }
        count
    }

    /// US dollars, as a number or, so that none is rounded, as a text.
    fn dollars(&mut self, raw: &RawValue, at: String) -> Option<Nanos> {
        let written = match shape(raw) {
            Shape::Number => Some(raw.get().to_owned()),
            Shape::String => text(raw),
            _ => None,
        };
        let amount = written.and_then(|text| Nanos::from_decimal_usd(&text).ok());
        if amount.is_none() {
            self.report.add(at, "expected 0 or more US dollars");
        }
        amount
    }
}
