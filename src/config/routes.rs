//! The section `routes` of an org's document: routes by name, each in the form in which Cloudflare's
//! dashboard and API give it, see [`graph`](crate::routing::graph).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::catalog::Catalogue;
use super::fields::Fields;
use super::problem::Report;
use crate::governor::rules::{Budget, Rules, WhenSpent};
use crate::routing::graph::{Gate, Quota, Route, parse};

/// Routes of an org.
const MOST_ROUTES: usize = 50;
/// Limit nodes of all routes: each is a rule that every request is held against.
const MOST_GATES: usize = 50;
/// Characters of a name.
const LONGEST_NAME: usize = 64;

/// The routes of an org, by name.
pub type Routes = BTreeMap<String, Arc<Route>>;

/// Reads the section. A route that cannot be walked is left out.
pub(super) fn build(section: &RawValue, catalogue: &Catalogue, report: &mut Report) -> Routes {
    let mut routes = Routes::new();
    let Some(fields) = Fields::of(section, "routes", report) else {
        return routes;
    };
    let entries = fields.into_left();
    if entries.len() > MOST_ROUTES {
        report.add("routes", format!("expected at most {MOST_ROUTES}"));
        return routes;
    }
    for (name, raw) in entries {
        if !is_name(&name) {
            let reason =
                format!("expected a name of 1 to {LONGEST_NAME} letters, digits, `-`, `_` and `.`");
            report.add("routes", reason);
            continue;
        }
        let at = format!("routes.{name}");
        if let Some(route) = parse(&name, &raw, &at, catalogue, report) {
            routes.insert(name, Arc::new(route));
        }
    }
    let gates = routes.values().flat_map(|route| route.gates()).count();
    if gates > MOST_GATES {
        let reason = format!("have {gates} elements that limit: expected at most {MOST_GATES}");
        report.add("routes", reason);
    }
    routes
}

/// The rules with those of the routes' gates.
pub(super) fn with_gates(mut rules: Rules, routes: &Routes) -> Rules {
    let gates = routes.values().flat_map(|route| route.gates());
    for Gate { name, quota } in gates.take(MOST_GATES) {
        match quota {
            Quota::Flow(limit) => rules.limits.push(limit.clone()),
            Quota::Money {
                per,
                amount,
                period,
            } => rules.budgets.push(Budget {
                name: name.clone(),
                per: per.clone(),
                only: None,
                period: *period,
                amount: *amount,
                thresholds: Vec::new(),
                // Who finds it spent takes another way.
                when_spent: WhenSpent::Allow,
            }),
        }
    }
    rules
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}
