use serde_json::{Value as Json, json};

use super::super::{model, start};
use super::problem;

#[test]
fn conditions_make_sense() {
    let with = |condition: Json| {
        let node = json!({ "id": "if", "type": "conditional", "properties": { "condition": condition },
            "outputs": { "true": { "elementId": "m" }, "false": { "elementId": "m" } } });
        let found = problem(&json!([start("if"), node, model("m", None)]));
        found
            .strip_prefix("elements[1].properties.condition")
            .unwrap()
            .to_owned()
    };
    let many: Vec<Json> = (0..101)
        .map(|it| json!({ "user": it.to_string() }))
        .collect();
    let values: Vec<Json> = (0..101).map(|it| json!(it)).collect();
    let cases = [
        (json!({}), ": expected a comparison"),
        (json!([]), ": expected an object"),
        (
            json!({ "plan": "free" }),
            ".plan: expected body.NAME, headers.NAME, metadata.NAME",
        ),
        (
            json!({ "headers.authorization": { "$exists": true } }),
            ".headers.authorization: this header holds a secret",
        ),
        (
            json!({ "user": { "$regex": "^a" } }),
            ".user.$regex: expected $eq, $ne",
        ),
        (
            json!({ "user": { "name": "ann" } }),
            ".user.name: expected $eq, $ne",
        ),
        (
            json!({ "user": ["ann"] }),
            ".user: expected a value, or an object of operators",
        ),
        (json!({ "user": {} }), ".user: expected a comparison"),
        (
            json!({ "user": { "$in": "ann" } }),
            ".user.$in: expected a list of 1 to 100 values",
        ),
        (
            json!({ "user": { "$in": [] } }),
            ".user.$in: expected a list of 1 to 100 values",
        ),
        (
            json!({ "body.n": { "$in": values } }),
            ".body.n.$in: expected a list of 1 to 100 values",
        ),
        (
            json!({ "user": { "$exists": 1 } }),
            ".user.$exists: expected true or false",
        ),
        (
            json!({ "body.n": { "$gt": true } }),
            ".body.n.$gt: expected a number or a text",
        ),
        (
            json!({ "context_tokens": { "$gt": "8000" } }),
            ".context_tokens.$gt: expected a number",
        ),
        (
            json!({ "capabilities": "telepathy" }),
            ".capabilities: expected audio, json, tools or vision",
        ),
        (
            json!({ "tier": "gigantic" }),
            ".tier: expected the name of a tier",
        ),
        (
            json!({ "operation": "teleport" }),
            ": there is no operation `teleport`",
        ),
        (
            json!({ "time.weekday": "caturday" }),
            ".time.weekday: expected a day from monday to sunday",
        ),
        (
            json!({ "stream": "yes" }),
            ".stream: expected true or false",
        ),
        (
            json!({ "$or": [] }),
            ".$or: expected a list of 1 to 100 conditions",
        ),
        (
            json!({ "$and": many }),
            ".$and: expected a list of 1 to 100 conditions",
        ),
        (
            json!({ "body.n": "x".repeat(1_025) }),
            ".body.n: expected at most 1024 bytes",
        ),
    ];
    for (condition, expected) in cases {
        let found = with(condition.clone());
        assert!(found.starts_with(expected), "{condition}: {found}");
    }
}

#[test]
fn conditions_are_not_endless() {
    let mut deep = json!({ "user": "ann" });
    for _ in 0..20 {
        deep = json!({ "$and": [deep] });
    }
    let node = json!({ "id": "if", "type": "conditional", "properties": { "condition": deep },
        "outputs": { "true": { "elementId": "m" }, "false": { "elementId": "m" } } });
    let found = problem(&json!([start("if"), node, model("m", None)]));
    assert!(found.contains("nests deeper than 16"), "{found}");
}
