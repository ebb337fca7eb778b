mod bad_input;
mod properties;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::walk::{Chance, Choice, Circumstances, End, Market};
use super::*;
use crate::audit::Scalar;
use crate::config::{catalogue, tenant};
use crate::governor::rules::Window;
use crate::http::Place;
use crate::protocol::Needs;
use crate::protocol::json::Object;

/// The problems of a document with one route, as `path: reason`; the path from the route on.
fn problems(route: &Json) -> Vec<String> {
    let document = json!({ "routes": { "r": route } }).to_string();
    let parsed = tenant::parse(&document, catalogue().unwrap());
    let problems = parsed.err().unwrap_or_default();
    let shown = |problem: &crate::config::Problem| {
        let path = problem
            .path
            .strip_prefix("routes.r")
            .unwrap_or(&problem.path);
        format!("{}: {}", path.trim_start_matches('.'), problem.reason)
    };
    problems.iter().map(shown).collect()
}

fn route(elements: &Json) -> Route {
    let document = json!({ "routes": { "r": { "elements": elements } } }).to_string();
    let config = tenant::parse(&document, catalogue().unwrap()).unwrap();
    Route::clone(&config.routes()["r"])
}

/// What Cloudflare's API answers of a route, or of one of its versions.
fn told_by_the_api(elements: &Json) -> [Json; 3] {
    let comment = Json::Null;
    let data = elements.to_string();
    let deployment = json!({
        "comment": comment, "created_at": "2026-11-01", "deployment_id": "d", "version_id": "v",
    });
    let version = json!({
        "active": "true", "comment": comment, "created_at": "2026-11-01", "data": data,
        "is_valid": true, "version_id": "v",
    });
    let created = json!({
        "account_tag": "t", "created_at": "2026-11-01", "elements": elements, "gateway_id": "g",
        "id": "i", "modified_at": "2026-11-02", "name": "r",
    });
    let with = |more: &Json| {
        let mut told = created.clone();
        let more = more.as_object().unwrap().clone();
        told.as_object_mut().unwrap().extend(more);
        told
    };
    let route = with(&json!({ "deployment": deployment, "version": version }));
    [route, with(&version), created]
}

#[test]
fn a_route_is_taken_in_whatever_the_api_puts_around_it() {
    let model = json!({ "id": "m", "type": "model",
        "properties": { "provider": "openai", "model": "gpt-4o" } });
    let elements = json!([start("m"), model]);
    let [route, version, created] = told_by_the_api(&elements);
    for told in [route, version, created] {
        let errors = json!([]);
        let forms = [
            json!({ "success": true, "result": told, "errors": errors, "messages": errors }),
            json!({ "success": true, "route": told }),
            told,
        ];
        for form in forms {
            assert_eq!(problems(&form), [""; 0], "{form}");
        }
    }
    let drawn = json!({ "elements": elements, "colour": 1 });
    assert!(problems(&drawn)[0].starts_with("colour: is not known here"));
}

/// The condition of a route that asks it first, and whether it can be saved.
fn condition(condition: &Json) -> Condition {
    let elements = json!([
        { "id": "start", "type": "start", "outputs": { "next": { "elementId": "if" } } },
        { "id": "if", "type": "conditional", "properties": { "condition": condition },
          "outputs": { "true": { "elementId": "m" }, "false": { "elementId": "m" } } },
        { "id": "m", "type": "model", "properties": { "provider": "openai", "model": "gpt-4o" } },
    ]);
    match &route(&elements).nodes[1].work {
        Work::Conditional { condition, .. } => condition.clone(),
        other => panic!("{other:?}"),
    }
}

struct Nothing;

impl Market for Nothing {
    fn cost(&self, _: &str) -> Option<Nanos> {
        None
    }

    fn latency_ms(&self, _: &str) -> Option<u32> {
        None
    }

    fn is_down(&self, _: &str) -> bool {
        false
    }
}

fn walked(route: &Route, facts: &Facts<'_>, closed: &[&str], draw: u32) -> Way {
    let closed = |gate: &str| closed.contains(&gate);
    let circumstances = Circumstances {
        closed: &closed,
        chance: Chance::Fixed(draw),
        market: &Nothing,
    };
    walk(route, facts, &circumstances)
}

fn ids(route: &Route, way: &Way) -> Vec<String> {
    let nodes = way.nodes.iter();
    nodes
        .map(|(index, _)| route.nodes[*index].id.clone())
        .collect()
}

const BODY: &str = r#"{"model":"dynamic/r","temperature":0.7,"user":null,"stop":["a","b"],"nested":{"deep":[{"x":1}]},"seed":1e3}"#;

fn facts() -> Facts<'static> {
    Facts {
        body: Object::parse(BODY).unwrap(),
        headers: BTreeMap::from([
            ("x-team".to_owned(), "red".to_owned()),
            ("x-age".to_owned(), "18".to_owned()),
            ("x-beta".to_owned(), "true".to_owned()),
        ]),
        metadata: BTreeMap::from([
            ("plan".to_owned(), Scalar::Text("pro".to_owned())),
            ("seats".to_owned(), Scalar::Number(5.into())),
            ("beta".to_owned(), Scalar::Boolean(true)),
        ]),
        operation: "faq".to_owned(),
        tier: "light".to_owned(),
        user: "ann".to_owned(),
        key: "k1".to_owned(),
        place: Place {
            country: "IT".to_owned(),
            region: "Lombardy".to_owned(),
            colo: "MXP".to_owned(),
        },
        budget_left: Some(Nanos::new(2_500_000_000)),
        // Saturday, 2026-11-21 20:07.
        local_time: 1_795_291_620_000,
        context_tokens: 1_200,
        needs: Needs {
            tools: true,
            json: true,
            ..Needs::default()
        },
        stream: true,
    }
}

#[test]
fn comparisons_are_those_of_mongodb() {
    let cases = [
        (json!({ "metadata.plan": "pro" }), true),
        (json!({ "metadata.plan": { "$eq": "free" } }), false),
        (json!({ "metadata.plan": { "$ne": "free" } }), true),
        (json!({ "metadata.plan": { "$in": ["free", "pro"] } }), true),
        (
            json!({ "metadata.plan": { "$nin": ["free", "pro"] } }),
            false,
        ),
        (json!({ "metadata.plan": { "$gt": "planet" } }), true),
        (json!({ "metadata.seats": { "$gte": 5, "$lt": 6 } }), true),
        (json!({ "metadata.seats": { "$gt": 5 } }), false),
        (json!({ "metadata.seats": { "$gt": "4" } }), false),
        (json!({ "metadata.seats": 5.0 }), true),
        (json!({ "metadata.beta": true }), true),
        (json!({ "metadata.seats": { "$not": { "$gt": 5 } } }), true),
        (
            json!({ "$and": [{ "metadata.beta": true }, { "stream": true }] }),
            true,
        ),
        (
            json!({ "$or": [{ "metadata.beta": false }, { "stream": true }] }),
            true,
        ),
        (
            json!({ "$nor": [{ "metadata.beta": false }, { "stream": true }] }),
            false,
        ),
        (json!({ "$not": { "stream": false } }), true),
        (json!({ "body.temperature": { "$lte": 0.7 } }), true),
        (json!({ "body.seed": 1000 }), true),
        (json!({ "body.stop": "b" }), true),
        (json!({ "body.stop": { "$in": ["c"] } }), false),
        (json!({ "body.stop": { "$ne": "b" } }), false),
        (json!({ "body.stop.1": "b" }), true),
        (json!({ "body.nested.deep.0.x": { "$exists": true } }), true),
        (
            json!({ "body.nested.deep.1.x": { "$exists": false } }),
            true,
        ),
        (json!({ "body.nested": { "$exists": true } }), true),
        (json!({ "body.nested": { "$gt": 0 } }), false),
        (json!({ "headers.X-Team": "red" }), true),
        (json!({ "headers.x-age": { "$gte": 18 } }), true),
        (json!({ "headers.x-age": { "$gt": 18 } }), false),
        (json!({ "headers.x-age": "18" }), true),
        (json!({ "headers.x-team": { "$gt": 1 } }), false),
        (json!({ "headers.x-beta": true }), true),
        (
            json!({ "operation": "faq", "tier": "light", "user": "ann", "key": "k1" }),
            true,
        ),
        (
            json!({ "country": { "$in": ["IT", "ES"] }, "region": "Lombardy", "colo": "MXP" }),
            true,
        ),
        (json!({ "capabilities": "tools" }), true),
        (json!({ "capabilities": "vision" }), false),
        (
            json!({ "capabilities": { "$nin": ["vision", "audio"] } }),
            true,
        ),
        (json!({ "context_tokens": { "$lt": 8000 } }), true),
        (
            json!({ "budget_left_usd": { "$lt": 2.6, "$gte": 2.5 } }),
            true,
        ),
        (
            json!({ "time.hour": 20, "time.minute": 7, "time.weekday": "saturday" }),
            true,
        ),
        (
            json!({ "time.date": { "$gte": "2026-11-21", "$lt": "2026-11-22" } }),
            true,
        ),
        (
            json!({ "time.weekday": { "$in": ["monday", "friday"] } }),
            false,
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(condition(&json).holds(&facts()), expected, "{json}");
    }
}

#[test]
fn what_is_absent_makes_a_comparison_false() {
    for field in [
        "metadata.none",
        "body.none.of.it",
        "body.messages.0",
        "headers.none",
    ] {
        let cases = [
            (json!({ "$eq": "x" }), false),
            (json!({ "$ne": "x" }), true),
            (json!({ "$gt": 0 }), false),
            (json!({ "$lte": 0 }), false),
            (json!({ "$in": ["x", 1] }), false),
            (json!({ "$nin": ["x", 1] }), true),
            (json!({ "$exists": true }), false),
            (json!({ "$exists": false }), true),
            (json!(null), true),
            (json!({ "$not": { "$gt": 0 } }), true),
        ];
        for (operators, expected) in cases {
            let json = json!({ field: operators });
            assert_eq!(condition(&json).holds(&facts()), expected, "{json}");
        }
    }
    // Null is nothing.
    assert!(condition(&json!({ "body.user": { "$exists": false } })).holds(&facts()));
    let nothing = Facts::default();
    for name in ["user", "country", "region", "colo", "key"] {
        let json = json!({ name: { "$exists": true } });
        assert!(!condition(&json).holds(&nothing), "{name}");
    }
    assert!(!condition(&json!({ "budget_left_usd": { "$lt": 1 } })).holds(&nothing));
}

#[test]
fn a_condition_says_what_it_compared() {
    let condition =
        condition(&json!({ "metadata.plan": { "$in": ["free", "team"] }, "user": "ann" }));
    let explained = condition.explain(&facts());
    let lines: Vec<String> = explained
        .iter()
        .map(|it| {
            let found = it.found.as_deref().unwrap_or("nothing");
            format!("{} {}: {found}, {}", it.field, it.operator, it.holds)
        })
        .collect();
    let expected = [
        r#"metadata.plan $in ["free", "team"]: "pro", false"#,
        r#"user $eq "ann": "ann", true"#,
    ];
    assert_eq!(lines, expected);
}

fn model(id: &str, fallback: Option<&str>) -> Json {
    let mut outputs = json!({});
    if let Some(fallback) = fallback {
        outputs["fallback"] = json!({ "elementId": fallback });
    }
    let properties = json!({ "provider": "openai", "model": "gpt-4o" });
    json!({ "id": id, "type": "model", "properties": properties, "outputs": outputs })
}

fn start(next: &str) -> Json {
    json!({ "id": "start", "type": "start", "outputs": { "next": { "elementId": next } } })
}

fn limit(id: &str, success: &str, fallback: &str) -> Json {
    json!({ "id": id, "type": "rate",
        "properties": { "limitType": "count", "key": "metadata.team", "limit": 2, "window": 60 },
        "outputs": { "success": { "elementId": success }, "fallback": { "elementId": fallback } } })
}

#[test]
fn a_walk_goes_through_open_gates_and_around_closed_ones() {
    let route = route(&json!([
        start("one"),
        limit("one", "a", "two"),
        limit("two", "b", "c"),
        model("a", Some("two")),
        model("b", None),
        model("c", None),
    ]));
    let way = walked(&route, &facts(), &[], 0);
    assert_eq!(ids(&route, &way), ["start", "one", "a", "two", "b"]);
    assert_eq!(way.gates, ["r/one", "r/two"]);
    let gates: Vec<usize> = way.steps.iter().map(|step| step.gates).collect();
    assert_eq!(gates, [1, 2], "b is behind both");
    let nodes: Vec<usize> = way.steps.iter().map(|step| step.nodes).collect();
    assert_eq!(nodes, [3, 5]);
    assert_eq!(way.end, End::Exhausted);
    let around = walked(&route, &facts(), &["r/one"], 0);
    assert_eq!(ids(&route, &around), ["start", "one", "two", "b"]);
    assert_eq!(around.gates, ["r/two"]);
    let last = walked(&route, &facts(), &["r/one", "r/two"], 0);
    assert_eq!(ids(&route, &last), ["start", "one", "two", "c"]);
    assert!(last.gates.is_empty());
}

#[test]
fn shares_are_exact() {
    let route = route(&json!([
        start("p"),
        { "id": "p", "type": "percentage", "outputs": {
            "12.5%": { "elementId": "a" }, "0.001%": { "elementId": "b" }, "else": { "elementId": "c" } } },
        model("a", None), model("b", None), model("c", None),
    ]));
    let taken = |draw: u32| {
        let way = walked(&route, &facts(), &[], draw);
        ids(&route, &way).pop().unwrap()
    };
    let drawn: Vec<String> = [0, 1, 12_500, 12_501, 99_999].map(taken).into();
    assert_eq!(
        drawn,
        ["b", "a", "a", "c", "c"],
        "in the order of the document"
    );
    let way = walked(&route, &facts(), &[], 12_500);
    assert_eq!(way.nodes[1].1, Choice::Drawn("12.5%".to_owned(), 12_500));
}

#[test]
fn gates_become_rules_of_the_governor() {
    let elements = json!([
        start("n"),
        { "id": "n", "type": "rate_limit", "properties": {
            "limitType": "cost", "key": "metadata.team", "limit": 1.5, "interval": 3600, "technique": "fixed" },
          "outputs": { "success": { "elementId": "y" } } },
        { "id": "y", "type": "budget", "properties": { "limit": "10", "period": "month", "key": "user" },
          "outputs": { "success": { "elementId": "m" } } },
        model("m", None),
    ]);
    let document =
        json!({ "limits": [], "budgets": [], "routes": { "r": { "elements": elements } } });
    let config = tenant::parse(&document.to_string(), catalogue().unwrap()).unwrap();
    let rules = config.rules();
    let limit = &rules.limits[0];
    assert_eq!(limit.per.to_string(), "gate:r/n metadata:team");
    assert_eq!(
        (limit.limit, limit.measure.as_str()),
        (1_500_000_000, "nano_usd")
    );
    assert_eq!(limit.measure.pace().unwrap().window, Window::Fixed);
    let budget = &rules.budgets[0];
    assert_eq!(budget.per.to_string(), "gate:r/y user");
    assert_eq!(
        (budget.amount, budget.period),
        (Nanos::new(10_000_000_000), Period::Month)
    );
    let read: Vec<String> = [&limit.per, &budget.per].map(ToString::to_string).into();
    for text in read {
        assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
    }
}
