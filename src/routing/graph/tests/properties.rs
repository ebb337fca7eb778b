//! Whatever is drawn, a route that can be saved leads every request to an end.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test is a failure of that test"
)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::walk::{Chance, Circumstances, End};
use super::{Facts, Nothing, Route, Way, Work, facts, tenant, walk};
use crate::config::catalogue;

/// An element of which each output leads to one of so many.
fn element(id: usize, count: usize, onwards: bool) -> impl Strategy<Value = Json> {
    let last = count - 1;
    let first = if onwards { last.min(id + 1) } else { 0 };
    let target = move || (first..count).prop_map(|it| json!({ "elementId": it.to_string() }));
    let drawn = (0_u8..6, target(), target(), any::<bool>(), 0_u8..=100);
    drawn.prop_map(move |(kind, one, other, has_other, number)| {
        let (work, properties, outputs) = match kind {
            0 => (
                "conditional",
                json!({ "condition": condition(number) }),
                json!({ "true": one, "false": other }),
            ),
            1 => ("percentage", json!({}), json!({ format!("{number}%"): one, "else": other })),
            2 => (
                "rate",
                json!({ "limit": number, "window": 60, "key": "user" }),
                either(json!({ "success": one }), has_other.then_some(other)),
            ),
            3 => (
                "model",
                json!({ "provider": "openai", "model": if number > 50 { "gpt-4o" } else { "gpt-4o-mini" } }),
                either(json!({}), has_other.then_some(other)),
            ),
            4 => (
                "load_balance",
                json!({ "strategy": "weights", "weights": { "a": number } }),
                json!({ "a": one, "b": other }),
            ),
            _ => ("split", json!({ "by": "user" }), json!({ "30%": one, "else": other })),
        };
        json!({ "id": id.to_string(), "type": work, "properties": properties, "outputs": outputs })
    })
}

fn either(mut outputs: Json, fallback: Option<Json>) -> Json {
    if let Some(fallback) = fallback {
        outputs["fallback"] = fallback;
    }
    outputs
}

fn condition(number: u8) -> Json {
    match number % 4 {
        0 => json!({ "metadata.plan": "pro" }),
        1 => json!({ "capabilities": { "$nin": ["vision"] } }),
        2 => json!({ "body.none": { "$gt": 1 } }),
        _ => json!({ "$or": [{ "user": "bob" }, { "time.hour": { "$gte": 8 } }] }),
    }
}

/// Elements that lead anywhere, or only onwards; the last two are a model and an end.
fn elements(onwards: bool) -> impl Strategy<Value = Vec<Json>> {
    (3_usize..14).prop_flat_map(move |count| {
        let drawn: Vec<_> = (1..count - 2)
            .map(|id| element(id, count, onwards))
            .collect();
        drawn.prop_map(move |mut drawn| {
            let start =
                json!({ "id": "0", "type": "start", "outputs": { "next": { "elementId": "1" } } });
            drawn.insert(0, start);
            let (model, end) = (count - 2, count - 1);
            drawn.push(json!({ "id": model.to_string(), "type": "model",
                "properties": { "provider": "openai", "model": "gpt-4o" },
                "outputs": { "fallback": { "elementId": end.to_string() } } }));
            drawn.push(json!({ "id": end.to_string(), "type": "end" }));
            drawn
        })
    })
}

fn parsed(elements: &[Json]) -> Option<Route> {
    let document = json!({ "routes": { "r": { "elements": elements } } });
    let config = tenant::parse(&document.to_string(), catalogue().unwrap()).ok()?;
    config.routes().get("r").map(|route| Route::clone(route))
}

fn way(route: &Route, facts: &Facts<'_>, closed: &BTreeSet<String>, seed: u64) -> Way {
    let closed = |gate: &str| closed.contains(gate);
    let circumstances = Circumstances {
        closed: &closed,
        chance: Chance::Seed(seed),
        market: &Nothing,
    };
    walk(route, facts, &circumstances)
}

/// What holds of every way.
fn check(route: &Route, way: &Way, closed: &BTreeSet<String>) {
    let visited: BTreeSet<usize> = way.nodes.iter().map(|(node, _)| *node).collect();
    assert_eq!(visited.len(), way.nodes.len(), "no node twice");
    assert_eq!(way.nodes[0].0, route.start);
    assert!(way.gates.iter().all(|gate| !closed.contains(gate)));
    let (last, _) = way.nodes.last().unwrap();
    let ends = match &route.nodes[*last].work {
        Work::End | Work::Model { .. } => true,
        Work::Limit { gate, .. } => closed.contains(&gate.name),
        _ => false,
    };
    // What a balance would have taken next may lead to where the way has been.
    let led = !way.steps.is_empty() || matches!(way.end, End::Closed(_));
    assert!(ends || led, "{:?}", route.nodes[*last]);
    for step in &way.steps {
        let (node, _) = way.nodes[step.nodes - 1];
        assert!(
            matches!(&route.nodes[node].work, Work::Model { model, .. } if *model == step.model)
        );
        assert!(step.gates <= way.gates.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Reading ends and never panics; what it lets pass can be walked, closing one gate after the other
    /// until none is left to close.
    #[test]
    fn a_route_that_can_be_saved_leads_to_an_end(
        elements in prop_oneof![elements(true), elements(false)],
        seed: u64,
    ) {
        if let Some(route) = parsed(&elements) {
            let mut closed = BTreeSet::new();
            loop {
                let way = way(&route, &facts(), &closed, seed);
                check(&route, &way, &closed);
                prop_assert_eq!(&way, &super::properties::way(&route, &facts(), &closed, seed));
                let Some(gate) = way.gates.first() else {
                    break;
                };
                closed.insert(gate.clone());
            }
        }
    }

    /// Most of those that only lead onwards can be saved, or the test above would test nothing.
    #[test]
    fn ways_that_lead_onwards_are_never_circles(elements in elements(true)) {
        let problems = super::problems(&json!({ "elements": elements }));
        prop_assert!(problems.iter().all(|it| !it.contains("circle")), "{:?}", problems);
    }

    /// No text is too odd to be read as a route.
    #[test]
    fn no_document_breaks_the_reader(text in "[\\[\\]{}\":,a-z0-9$.%]{0,60}", key in "\\PC{0,20}") {
        let value: Json = serde_json::from_str(&text).unwrap_or(Json::String(text));
        let condition = json!({ key.clone(): value.clone(), "$and": [{ key: value.clone() }] });
        super::problems(&json!({ "elements": value }));
        super::problems(&json!({ "elements": [
            { "id": "s", "type": "start", "outputs": { "next": value } },
            { "id": "if", "type": "conditional", "properties": { "condition": condition }, "outputs": value },
            { "id": "l", "type": "rate", "properties": value, "outputs": { "success": value } },
        ] }));
    }
}
