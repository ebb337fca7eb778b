//! Routes: graphs of an org's own that choose the models of a request, in the form of Cloudflare's
//! dynamic routes (<https://developers.cloudflare.com/ai-gateway/features/dynamic-routing/>).
//!
//! ```json
//! {
//!   "elements": [
//!     { "id": "start", "type": "start", "outputs": { "next": { "elementId": "plan" } } },
//!     { "id": "plan", "type": "conditional",
//!       "properties": { "condition": { "metadata.plan": { "$eq": "paid" } } },
//!       "outputs": { "true": { "elementId": "large" }, "false": { "elementId": "small" } } },
//!     { "id": "large", "type": "model",
//!       "properties": { "provider": "openai", "model": "gpt-4o", "timeout": 60000, "retries": 2 },
//!       "outputs": { "success": { "elementId": "end" }, "fallback": { "elementId": "small" } } },
//!     { "id": "small", "type": "model",
//!       "properties": { "provider": "openai", "model": "gpt-4o-mini" },
//!       "outputs": { "success": { "elementId": "end" } } },
//!     { "id": "end", "type": "end" }
//!   ]
//! }
//! ```
//!
//! A route is read and checked when it is saved ([`parse`]) and walked for each request ([`walk`]), before
//! anything is asked of a model: the models on the way, in the order of their `fallback` outputs, are
//! the candidates of the request's plan.

pub mod condition;
pub mod facts;
mod parse;
mod validate;
pub mod walk;

pub use self::condition::Condition;
pub use self::facts::Facts;
pub(crate) use self::parse::parse;
pub use self::walk::{Way, walk};
use crate::governor::rules::{Limit, Measure, Period, Scope};
use crate::money::Nanos;

/// The whole of a [`Split`], in thousandths of a per cent.
pub const WHOLE: u32 = 100_000;

/// A part of [`WHOLE`] in per cent, e.g. `12.5`.
#[must_use]
pub fn percent(part: u32) -> String {
    let whole = part.checked_div(1_000).unwrap_or_default();
    let rest = part.checked_rem(1_000).unwrap_or_default();
    let text = format!("{whole}.{rest:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The part of [`WHOLE`] that so many per cent are; `None` where that is none, or is finer than a
/// thousandth.
#[must_use]
pub fn of_percent(text: &str) -> Option<u32> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = |digits: &str| {
        (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_plain(whole) || !is_plain(rest) {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let rest: u32 = format!("{rest:0<3}").parse().ok()?;
    let part = whole.checked_mul(1_000)?.checked_add(rest)?;
    (part <= WHOLE).then_some(part)
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name in its org.
    pub name: String,
    /// Its nodes, in the order of the document.
    pub nodes: Vec<Node>,
    /// Where it begins.
    pub start: NodeIndex,
}

/// A node's place among those of its route.
pub type NodeIndex = usize;

/// A node of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id, unique in the route.
    pub id: String,
    /// What it does.
    pub work: Work,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// `load_balance`: one output after the other.
    Balance(Balance),
    /// `conditional`: one of two outputs.
    Conditional {
        /// What is asked.
        condition: Condition,
        /// Where it holds.
        then: NodeIndex,
        /// Where it does not.
        otherwise: NodeIndex,
    },
    /// `end`: no further.
    End,
    /// `rate`, `rate_limit` and `budget`: counted by the org's governor.
    Limit {
        /// What is counted.
        gate: Gate,
        /// Within the limit.
        success: NodeIndex,
        /// Beyond it; the route ends where there is none.
        fallback: Option<NodeIndex>,
    },
    /// `model`: is asked.
    Model {
        /// The model's name, as [`named`](crate::config::Catalogue::named) reads it.
        model: String,
        /// What holds of asking it.
        terms: Terms,
        /// Where it fails; the route ends where there is none.
        fallback: Option<NodeIndex>,
    },
    /// `percentage`: an output by chance.
    Percentage(Split),
    /// `split`: an output that stays the same for a subject.
    Split(condition::Field, Split),
    /// `start`: the next.
    Start(NodeIndex),
}

/// What holds of asking one model of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Milliseconds to the first byte of an attempt.
    pub timeout_ms: Option<u64>,
    /// Attempts after the first.
    pub retries: Option<u32>,
}

/// Outputs with their shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The name of each output, its share of [`WHOLE`], and where it leads; what they leave is the last's.
    pub outputs: Vec<(String, u32, NodeIndex)>,
}

/// Outputs of which one is preferred; the others follow where it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Which.
    pub strategy: Strategy,
    /// The name of each output, its weight, and where it leads.
    pub outputs: Vec<(String, u32, NodeIndex)>,
}

/// Which output of a balance is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// `least_cost`: the one whose model costs this request least.
    LeastCost,
    /// `least_latency`: the one whose model answers soonest, as far as this isolate knows.
    LeastLatency,
    /// `weights`: by chance, in proportion to the weights.
    Weights,
}

/// What a limit node counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Its name in the org: the route's and the node's.
    pub name: String,
    /// What it admits.
    pub quota: Quota,
}

/// What a gate admits of each subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quota {
    /// So much in a window, requests or costs.
    Flow(Limit),
    /// So much money in a period of the org's calendar.
    Money {
        /// Whom it counts apart.
        per: Scope,
        /// How much.
        amount: Nanos,
        /// For how long.
        period: Period,
    },
}

impl Gate {
    /// Whether it counts money.
    #[must_use]
    pub const fn counts_money(&self) -> bool {
        match &self.quota {
            Quota::Flow(limit) => matches!(limit.measure, Measure::Cost(_)),
            Quota::Money { .. } => true,
        }
    }
}

impl Route {
    /// A node.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// The gates of its limit nodes.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.nodes.iter().filter_map(|node| match &node.work {
            Work::Limit { gate, .. } => Some(gate),
            _ => None,
        })
    }

    /// Whether its way depends on what is left of the org's budgets.
    #[must_use]
    pub fn asks_budget(&self) -> bool {
        let asks = |condition: &Condition| condition.asks(&condition::Field::BudgetLeft);
        self.nodes.iter().any(|node| match &node.work {
            Work::Conditional { condition, .. } => asks(condition),
            _ => false,
        })
    }
}

impl Work {
    /// The type of its element; of limits the one that Cloudflare's API has.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Balance(_) => "load_balance",
            Self::Conditional { .. } => "conditional",
            Self::End => "end",
            Self::Limit { .. } => "rate",
            Self::Model { .. } => "model",
            Self::Percentage(_) => "percentage",
            Self::Split(..) => "split",
            Self::Start(_) => "start",
        }
    }
}

impl Node {
    /// Where it leads, in the order of the outputs.
    #[must_use]
    pub fn targets(&self) -> Vec<NodeIndex> {
        let of = |outputs: &[(String, u32, NodeIndex)]| outputs.iter().map(|it| it.2).collect();
        match &self.work {
            Work::Balance(balance) => of(&balance.outputs),
            Work::Conditional {
                then, otherwise, ..
            } => vec![*then, *otherwise],
            Work::End => Vec::new(),
            Work::Limit {
                success, fallback, ..
            } => [Some(*success), *fallback].into_iter().flatten().collect(),
            Work::Model { fallback, .. } => fallback.iter().copied().collect(),
            Work::Percentage(split) | Work::Split(_, split) => of(&split.outputs),
            Work::Start(next) => vec![*next],
        }
    }
}

#[cfg(test)]
mod tests;
