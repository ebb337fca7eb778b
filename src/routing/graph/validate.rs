//! Whether a route can be walked: it comes to an end whichever way it takes, all of it can be reached,
//! and what it leads to can answer.

use std::collections::BTreeSet;

use super::condition::Field;
use super::{Condition, NodeIndex, Route, Strategy, Work};
use crate::config::problem::Report;
use crate::config::{Capability, Catalogue, ModelKind};

/// Checks it; says whether it can be walked. Models that are gone do not keep it from that.
pub(super) fn check(route: &Route, at: &str, catalogue: &Catalogue, report: &mut Report) -> bool {
    if let Some(circle) = circle(route) {
        let names: Vec<String> = circle.iter().map(|index| name(route, *index)).collect();
        let reason = format!("go in a circle: {}", names.join(" → "));
        report.add(at, reason);
        return false;
    }
    let reached = reachable(route, route.start);
    for (index, node) in route.nodes.iter().enumerate() {
        // Editors draw an end to which no output needs to lead.
        if !reached.contains(&index) && node.work != Work::End {
            let reason = format!("no way leads to `{}`: connect or remove it", node.id);
            report.add(format!("{at}[{index}]"), reason);
        }
    }
    if models(route, &reached).is_empty() {
        report.add(at, "no way leads to an element of the type `model`");
    }
    for index in reached {
        check_node(route, index, at, catalogue, report);
    }
    true
}

fn check_node(
    route: &Route,
    index: NodeIndex,
    at: &str,
    catalogue: &Catalogue,
    report: &mut Report,
) {
    match route.node(index).map(|node| &node.work) {
        Some(Work::Conditional {
            condition, then, ..
        }) => {
            for capability in demanded(condition) {
                let behind = models(route, &reachable(route, *then));
                if !behind.is_empty() && !behind.iter().any(|it| can(it, capability, catalogue)) {
                    let reason = format!(
                        "leads requests that need `{0}` to {1} only, which cannot do `{0}`",
                        capability.as_str(),
                        behind.join(", ")
                    );
                    report.add(format!("{at}[{index}].outputs.true"), reason);
                }
            }
        }
        Some(Work::Balance(balance)) if balance.strategy != Strategy::Weights => {
            for (name, _, target) in &balance.outputs {
                if model(route, *target).is_none() {
                    let reason = "expected an element of the type `model`, whose cost and latency can be told";
                    report.add(format!("{at}[{index}].outputs.{name}"), reason);
                }
            }
        }
        _ => {}
    }
}

/// What requests of which a condition holds need of a model.
fn demanded(condition: &Condition) -> Vec<Capability> {
    let names = condition.demands(&Field::Capabilities);
    let all = [
        Capability::Audio,
        Capability::Json,
        Capability::Tools,
        Capability::Vision,
    ];
    let wanted = |it: &Capability| names.contains(&it.as_str());
    all.into_iter().filter(wanted).collect()
}

/// One that is not known has its own problem.
fn can(name: &str, capability: Capability, catalogue: &Catalogue) -> bool {
    let named = catalogue.named(name, ModelKind::Chat);
    named.map_or(true, |named| named.model.can(capability))
}

fn model(route: &Route, index: NodeIndex) -> Option<&str> {
    match &route.node(index)?.work {
        Work::Model { model, .. } => Some(model),
        _ => None,
    }
}

fn models<'a>(route: &'a Route, nodes: &BTreeSet<NodeIndex>) -> Vec<&'a str> {
    let models = nodes.iter().filter_map(|index| model(route, *index));
    models.collect()
}

fn name(route: &Route, index: NodeIndex) -> String {
    let node = route.node(index);
    node.map_or_else(String::new, |node| format!("`{}`", node.id))
}

/// Every node to which a way leads from one, itself included.
fn reachable(route: &Route, from: NodeIndex) -> BTreeSet<NodeIndex> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(index) = open.pop() {
        if reached.insert(index)
            && let Some(node) = route.node(index)
        {
            open.extend(node.targets());
        }
    }
    reached
}

/// A way that comes back to where it was, with that node at both ends.
fn circle(route: &Route) -> Option<Vec<NodeIndex>> {
    let mut done = BTreeSet::new();
    for from in 0..route.nodes.len() {
        let found = circle_from(route, from, &mut done);
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Follows every way from a node, depth first, on a stack of its own: a route may be long.
fn circle_from(
    route: &Route,
    from: NodeIndex,
    done: &mut BTreeSet<NodeIndex>,
) -> Option<Vec<NodeIndex>> {
    let targets = |index: NodeIndex| route.node(index).map(super::Node::targets);
    let mut way: Vec<(NodeIndex, Vec<NodeIndex>)> = vec![(from, targets(from)?)];
    while let Some((index, left)) = way.last_mut() {
        let Some(next) = left.pop() else {
            done.insert(*index);
            way.pop();
            continue;
        };
        if done.contains(&next) {
            continue;
        }
        let nodes = way.iter().map(|(index, _)| *index);
        if way.iter().any(|(index, _)| *index == next) {
            let circle = nodes.skip_while(|index| *index != next).chain([next]);
            return Some(circle.collect());
        }
        way.push((next, targets(next)?));
    }
    None
}
