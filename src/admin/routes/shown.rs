//! A way with its reasons, as JSON.

use serde::Serialize;

use crate::error::Error;
use crate::governor::command::{BudgetState, Closed, LimitState, State};
use crate::money::Nanos;
use crate::routing::graph::walk::{Choice, End, Step};
use crate::routing::graph::{Facts, Node, Route, Way, Work, percent};

/// Everything that is known of a way.
pub(super) struct Told<'a> {
    pub(super) org: &'a str,
    /// Of the configuration.
    pub(super) version: u64,
    pub(super) route: &'a Route,
    pub(super) way: &'a Way,
    pub(super) facts: &'a Facts<'a>,
    /// What one attempt may cost, or why it is not asked, and whether it is known to fail now.
    pub(super) candidates: Vec<(&'a Step, Option<Nanos>, Option<String>, bool)>,
    pub(super) closed: &'a [Closed],
    pub(super) state: State,
    /// Why the request would be refused.
    pub(super) failure: Option<Error>,
}

/// What an administrator reads.
#[derive(Serialize)]
pub(super) struct Explained {
    org: String,
    route: String,
    config_version: u64,
    /// The value of `x-ai-route`, were every model asked.
    way: String,
    nodes: Vec<NodeShown>,
    candidates: Vec<CandidateShown>,
    gates: Vec<GateShown>,
    /// How the way ends.
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<RefusalShown>,
}

#[derive(Serialize)]
struct NodeShown {
    id: String,
    #[serde(rename = "type")]
    work: &'static str,
    why: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compared: Vec<ComparisonShown>,
}

#[derive(Serialize)]
struct ComparisonShown {
    field: String,
    operator: String,
    /// As JSON; absent where the request has nothing there.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    holds: bool,
}

#[derive(Serialize)]
struct CandidateShown {
    node: String,
    model: String,
    kept: bool,
    /// Why it is not asked, or is asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_usd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
}

#[derive(Serialize)]
struct GateShown {
    node: String,
    open: bool,
    /// Whom it counts apart.
    per: String,
    count: &'static str,
    limit: String,
    used: String,
    remaining: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

#[derive(Serialize)]
struct RefusalShown {
    status: u16,
    message: String,
}

impl Explained {
    pub(super) fn new(told: &Told<'_>) -> Self {
        let nodes: Vec<NodeShown> = nodes(told);
        let ids: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
        let name = &told.route.name;
        Self {
            way: format!("{name}@{}; {}", told.version, ids.join(">")),
            candidates: told
                .candidates
                .iter()
                .map(|it| candidate(told, it))
                .collect(),
            gates: gates(told),
            end: match told.way.end {
                End::Closed(_) => "at a closed limit that leads nowhere else",
                End::Ended => "at an end",
                End::Exhausted => "with a model that leads nowhere else",
            },
            refused: told.failure.as_ref().map(|error| RefusalShown {
                status: error.status(),
                message: error.message.clone(),
            }),
            org: told.org.to_owned(),
            route: name.clone(),
            config_version: told.version,
            nodes,
        }
    }
}

fn nodes(told: &Told<'_>) -> Vec<NodeShown> {
    let nodes = told.way.nodes.iter();
    let nodes = nodes.filter_map(|(index, choice)| Some((told.route.node(*index)?, choice)));
    nodes
        .map(|(node, choice)| shown(node, choice, told.facts))
        .collect()
}

fn shown(node: &Node, choice: &Choice, facts: &Facts<'_>) -> NodeShown {
    let compared = match &node.work {
        Work::Conditional { condition, .. } => condition.explain(facts),
        _ => Vec::new(),
    };
    let compared = compared.into_iter().map(|it| ComparisonShown {
        field: it.field,
        operator: it.operator,
        found: it.found,
        holds: it.holds,
    });
    NodeShown {
        id: node.id.clone(),
        work: node.work.name(),
        why: why(node, choice, facts),
        compared: compared.collect(),
    }
}

fn why(node: &Node, choice: &Choice, facts: &Facts<'_>) -> String {
    match choice {
        Choice::Condition(true) => "The condition holds.".to_owned(),
        Choice::Condition(false) => "The condition does not hold.".to_owned(),
        Choice::Drawn(output, draw) => {
            let by = match &node.work {
                Work::Split(by, _) if facts.find(by).subject().is_some() => format!(" for {by}"),
                _ => String::new(),
            };
            format!(
                "Drew {} of 100{by}, which is in `{output}`.",
                percent(*draw)
            )
        }
        Choice::Only => match node.work {
            Work::End => "The way ends.".to_owned(),
            Work::Model { .. } => "Is asked where none before it answers.".to_owned(),
            _ => "Goes on.".to_owned(),
        },
        Choice::Open(true) => "Is within the limit.".to_owned(),
        Choice::Open(false) => "Is beyond the limit.".to_owned(),
        Choice::Order(outputs) => format!("Prefers {}, in this order.", outputs.join(", ")),
    }
}

fn candidate(
    told: &Told<'_>,
    (step, bound, dropped, is_down): &(&Step, Option<Nanos>, Option<String>, bool),
) -> CandidateShown {
    let index = told.way.nodes.get(step.nodes.saturating_sub(1));
    let node = index.and_then(|(index, _)| told.route.node(*index));
    let failing = || is_down.then(|| "It is known to fail now, and is asked last.".to_owned());
    CandidateShown {
        node: node.map_or_else(String::new, |node| node.id.clone()),
        model: step.model.clone(),
        kept: dropped.is_none(),
        reason: dropped.clone().or_else(failing),
        bound_usd: bound.map(Nanos::to_usd),
        timeout_ms: step.terms.timeout_ms,
        retries: step.terms.retries,
    }
}

fn gates(told: &Told<'_>) -> Vec<GateShown> {
    let limits = told.state.limits.iter().map(|limit| of_limit(told, limit));
    let budgets = told
        .state
        .budgets
        .iter()
        .map(|budget| of_budget(told, budget));
    limits.chain(budgets).collect()
}

fn of_limit(told: &Told<'_>, limit: &LimitState) -> GateShown {
    let counts_money = limit.count == "nano_usd";
    let amount = |amount: u64| {
        if counts_money {
            Nanos::new(i64::try_from(amount).unwrap_or(i64::MAX)).to_usd()
        } else {
            amount.to_string()
        }
    };
    GateShown {
        count: if counts_money { "usd" } else { "requests" },
        limit: amount(limit.limit),
        used: amount(limit.used),
        remaining: amount(limit.remaining()),
        ..gate(told, &limit.name, limit.per.subject().to_string())
    }
}

fn of_budget(told: &Told<'_>, budget: &BudgetState) -> GateShown {
    let used = budget.spent.saturating_add(budget.reserved);
    GateShown {
        limit: budget.limit.unwrap_or_default().to_usd(),
        used: used.to_usd(),
        remaining: budget.remaining().unwrap_or_default().to_usd(),
        ..gate(told, &budget.name, budget.per.subject().to_string())
    }
}

fn gate(told: &Told<'_>, name: &str, per: String) -> GateShown {
    let closed = told.closed.iter().find(|closed| closed.gate == name);
    GateShown {
        node: name.rsplit('/').next().unwrap_or_default().to_owned(),
        open: closed.is_none(),
        per,
        count: "usd",
        limit: String::new(),
        used: String::new(),
        remaining: String::new(),
        retry_after_ms: closed.and_then(|closed| closed.retry_after_ms),
    }
}
