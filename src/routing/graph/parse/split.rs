//! Elements of which one output is taken by shares: `percentage`, and our own `split` and
//! `load_balance`.

use super::{Known, Parts, Reader};
use crate::config::fields::Fields;
use crate::routing::graph::condition::Field;
use crate::routing::graph::{
    Balance, NodeIndex, Split, Strategy, WHOLE, Work, of_percent, percent,
};

/// The output that takes what the others leave.
const ELSE: &str = "else";
/// Outputs beside that one.
const MOST_OUTPUTS: usize = 5;
/// The header by which Cloudflare knows a session.
const SESSION: &str = "cf-aig-session-id";
/// Weights of a balance.
const WEIGHTS: std::ops::RangeInclusive<u64> = 0..=1_000_000;

impl Reader<'_> {
    /// Outputs are named by their shares: `"10%"`.
    pub(super) fn split(&mut self, parts: &mut Parts) -> Option<Split> {
        let rest = parts.optional(ELSE);
        let at = format!("{}.outputs", parts.at);
        let named = std::mem::take(&mut parts.outputs);
        if named.len() > MOST_OUTPUTS {
            let reason = format!("expected at most {MOST_OUTPUTS} outputs beside `{ELSE}`");
            self.report.add(at, reason);
            return None;
        }
        let mut outputs = Vec::new();
        let mut whole = true;
        for (name, target) in named {
            if let Some(share) = share(&name) {
                outputs.push((name, share, target.index));
            } else {
                let reason = format!("expected a share like `10%`, or `{ELSE}`");
                self.report.add(format!("{at}.{name}"), reason);
                whole = false;
            }
        }
        let shares = outputs.iter().map(|(_, share, _)| *share);
        let sum = shares.fold(0, u32::saturating_add);
        if whole && !self.adds_up(sum, rest, &at) {
            return None;
        }
        if let Some(rest) = rest {
            outputs.push((ELSE.to_owned(), WHOLE.saturating_sub(sum), rest.index));
        }
        whole.then_some(Split { outputs })
    }

    fn adds_up(&mut self, sum: u32, rest: Option<Known>, at: &str) -> bool {
        let reason = match rest {
            Some(_) if sum > WHOLE => {
                format!("add up to {} %, which is more than 100 %", percent(sum))
            }
            None if sum != WHOLE => {
                let sum = percent(sum);
                format!("add up to {sum} %, not 100 %: give an output `{ELSE}` what is left")
            }
            _ => return true,
        };
        self.report.add(at, reason);
        false
    }

    pub(super) fn sticky(&mut self, parts: &mut Parts) -> Option<Work> {
        let fields = &mut parts.properties;
        let by = fields.text("by", self.report);
        let by = match by.as_deref() {
            Some("session") => Some(Field::Header(SESSION.to_owned())),
            Some(name) => name.parse().ok().filter(is_subject),
            None => None,
        };
        if by.is_none() {
            let reason = "expected user, session, key, metadata.NAME, headers.NAME or body.NAME";
            self.report.add(fields.place("by"), reason);
        }
        let split = self.split(parts);
        Some(Work::Split(by?, split?))
    }

    pub(super) fn balance(&mut self, parts: &mut Parts) -> Option<Balance> {
        let fields = &mut parts.properties;
        let strategy = fields.text("strategy", self.report);
        let strategy = match strategy.as_deref() {
            Some("least_cost") => Some(Strategy::LeastCost),
            Some("least_latency") => Some(Strategy::LeastLatency),
            Some("weights") => Some(Strategy::Weights),
            _ => None,
        };
        if strategy.is_none() {
            let reason = "expected weights, least_latency or least_cost";
            self.report.add(fields.place("strategy"), reason);
        }
        let place = fields.place("weights");
        let weights_at = place.clone();
        let mut weights = match fields.take("weights") {
            Some(raw) => Fields::of(&raw, place, self.report)?,
            None => Fields::none(place),
        };
        if parts.outputs.is_empty() {
            let reason = "expected at least one output";
            self.report.add(format!("{}.outputs", parts.at), reason);
            return None;
        }
        let mut outputs: Vec<(String, u32, NodeIndex)> = Vec::new();
        for (name, target) in std::mem::take(&mut parts.outputs) {
            let weight = weights.integer(&name, &WEIGHTS, self.report).unwrap_or(1);
            outputs.push((name, u32::try_from(weight).unwrap_or(1), target.index));
        }
        weights.finish("a weight for each output", self.report);
        let strategy = strategy?;
        let is_nothing = outputs.iter().all(|(_, weight, _)| *weight == 0);
        if is_nothing && strategy == Strategy::Weights {
            self.report.add(weights_at, "add up to 0");
            return None;
        }
        Some(Balance { strategy, outputs })
    }
}

/// Whether a field tells requests of one subject from those of another.
const fn is_subject(field: &Field) -> bool {
    matches!(
        field,
        Field::Body(_) | Field::Header(_) | Field::Key | Field::Metadata(_) | Field::User
    )
}

/// The share of an output of this name: `12.5%`.
fn share(name: &str) -> Option<u32> {
    of_percent(name.strip_suffix('%')?.trim())
}
