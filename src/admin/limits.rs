//! The live state of an org's limits, budgets and balance, as its governor has it now.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Asked;
use crate::error::Error;
use crate::governor::command::{
    BudgetState, Command, CreditState, LimitState, Reply as Verdict, State,
};
use crate::http::Reply;
use crate::money::Nanos;

/// Subjects of a rule that are shown.
const MOST_SUBJECTS: usize = 200;

#[derive(Serialize)]
struct Live {
    org: String,
    config_version: u64,
    corpus_version: u64,
    limits: Vec<Limit>,
    budgets: Vec<Budget>,
    credits: Option<Credits>,
    open_reservations: u64,
    /// The names of rules of which more subjects are counted than shown.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    cut: BTreeSet<String>,
}

#[derive(Serialize)]
struct Limit {
    name: String,
    per: String,
    subject: String,
    count: String,
    window_seconds: Option<u32>,
    #[serde(rename = "limit")]
    most: u64,
    used: u64,
    remaining: u64,
    reset_seconds: u64,
}

/// One without a name limits nothing: it says what the whole org has spent.
#[derive(Serialize)]
struct Budget {
    name: String,
    per: String,
    subject: String,
    period: String,
    limit_usd: Option<String>,
    spent_usd: String,
    reserved_usd: String,
    remaining_usd: Option<String>,
    reset_seconds: Option<u64>,
    refuses: bool,
}

#[derive(Serialize)]
struct Credits {
    balance_usd: String,
    reserved_usd: String,
    remaining_usd: String,
    required: bool,
}

/// Every limit and budget with used, reserved, remaining and reset.
pub(super) async fn get(asked: Asked<'_>) -> Result<Reply, Error> {
    // One more tells that there are more.
    let inspect = Command::Inspect {
        most: MOST_SUBJECTS.saturating_add(1),
    };
    match asked.ports.governors.execute(asked.org, inspect).await? {
        Verdict::State { state } => Ok(Reply::json(200, &live(asked.org.to_owned(), state))),
        verdict => Err(Error::internal(format!(
            "the governor answered {verdict:?}"
        ))),
    }
}

fn live(org: String, state: State) -> Live {
    let mut cut = BTreeSet::new();
    let limits = state.limits.into_iter().map(limit).collect();
    let limits = shortened(limits, &mut cut, |limit: &Limit| &limit.name);
    let budgets = state.budgets.into_iter().map(budget).collect();
    let budgets = shortened(budgets, &mut cut, |budget: &Budget| &budget.name);
    Live {
        org,
        config_version: state.versions.config,
        corpus_version: state.versions.corpus,
        limits,
        budgets,
        credits: state.credits.as_ref().map(credits),
        open_reservations: state.open_reservations,
        cut,
    }
}

/// The first subjects of each rule; names the rules that have more.
fn shortened<T>(rows: Vec<T>, cut: &mut BTreeSet<String>, name: fn(&T) -> &String) -> Vec<T> {
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let count = shown.entry(name(&row).clone()).or_default();
        if *count < MOST_SUBJECTS {
            *count = count.saturating_add(1);
            kept.push(row);
        } else {
            cut.insert(name(&row).clone());
        }
    }
    kept
}

fn limit(state: LimitState) -> Limit {
    Limit {
        remaining: state.remaining(),
        name: state.name,
        per: state.per.to_string(),
        subject: state.subject,
        count: state.count,
        window_seconds: state.seconds,
        most: state.limit,
        used: state.used,
        reset_seconds: state.reset,
    }
}

fn budget(state: BudgetState) -> Budget {
    Budget {
        remaining_usd: state.remaining().map(Nanos::to_usd),
        name: state.name,
        per: state.per.to_string(),
        subject: state.subject,
        period: state.period,
        limit_usd: state.limit.map(Nanos::to_usd),
        spent_usd: state.spent.to_usd(),
        reserved_usd: state.reserved.to_usd(),
        reset_seconds: state.reset,
        refuses: state.refuses,
    }
}

fn credits(state: &CreditState) -> Credits {
    Credits {
        balance_usd: state.balance.to_usd(),
        reserved_usd: state.reserved.to_usd(),
        remaining_usd: state.remaining().to_usd(),
        required: state.required,
    }
}
