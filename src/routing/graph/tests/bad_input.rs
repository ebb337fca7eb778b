//! Every route that cannot be saved is refused with its place and a reason.

mod conditions;

use serde_json::{Value as Json, json};

use super::{catalogue, limit, model, problems, start, tenant};

/// Of a route of these elements the one problem.
fn problem(elements: &Json) -> String {
    let mut found = problems(&json!({ "elements": elements }));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn check(elements: &Json, expected: &str) {
    assert_eq!(problem(elements), expected);
}

#[test]
fn circles_are_named() {
    check(
        &json!([
            start("a"),
            model("a", Some("b")),
            model("b", Some("c")),
            model("c", Some("a"))
        ]),
        "elements: go in a circle: `a` → `b` → `c` → `a`",
    );
    check(
        &json!([start("a"), model("a", Some("a"))]),
        "elements: go in a circle: `a` → `a`",
    );
    let unreached = json!([
        start("m"),
        model("m", None),
        model("x", Some("y")),
        model("y", Some("x"))
    ]);
    assert!(problem(&unreached).contains("circle: `x` → `y` → `x`"));
}

#[test]
fn a_section_of_very_many_routes_is_refused_soon() {
    let names = (0..40_000).map(|it| format!("\"{it}\":0"));
    let section = names.collect::<Vec<_>>().join(",");
    let document = format!("{{\"routes\":{{{section},\"7\":1,\"7\":2}}}}");
    let parsed = tenant::parse(&document, catalogue().unwrap());
    let found: Vec<String> = parsed
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    let twice = "config: routes.7: appears twice";
    assert_eq!(found, [twice, twice, "config: routes: expected at most 50"]);
}

#[test]
fn a_route_has_one_start() {
    check(
        &json!([model("a", None)]),
        "elements: has no element of the type `start`",
    );
    let second =
        json!({ "id": "again", "type": "start", "outputs": { "next": { "elementId": "a" } } });
    check(
        &json!([start("a"), second, model("a", None)]),
        "elements[1].type: is the second `start` of the route",
    );
}

#[test]
fn every_way_leads_somewhere() {
    check(
        &json!([{ "id": "s", "type": "start" }, model("a", None)]),
        "elements[0].outputs.next: is missing: the way of a request would end here",
    );
    let condition = json!({ "id": "if", "type": "conditional",
        "properties": { "condition": { "user": "ann" } },
        "outputs": { "true": { "elementId": "a" } } });
    check(
        &json!([start("if"), condition, model("a", None)]),
        "elements[1].outputs.false: is missing: the way of a request would end here",
    );
    check(
        &json!([start("nowhere"), model("a", None)]),
        "elements[0].outputs.next.elementId: no element has the id `nowhere`",
    );
    check(
        &json!([start("a"), model("a", None), model("lost", None)]),
        "elements[2]: no way leads to `lost`: connect or remove it",
    );
    check(
        &json!([start("end"), { "id": "end", "type": "end" }]),
        "elements: no way leads to an element of the type `model`",
    );
    let onwards = json!({ "id": "a", "type": "model", "properties": { "model": "openai/gpt-4o" },
        "outputs": { "success": { "elementId": "b" } } });
    assert!(
        problems(&json!({ "elements": [start("a"), onwards, model("b", None)] }))[0]
            .starts_with("elements[1].outputs.success: expected an element of the type `end`")
    );
}

#[test]
fn ids_and_outputs_are_those_that_there_are() {
    check(
        &json!([start("a"), model("a", None), model("a", None)]),
        "elements[2].id: `a` is the id of another element",
    );
    for id in [
        json!(""),
        json!("a b"),
        json!("a/b"),
        json!("a>b"),
        json!("x".repeat(65)),
        json!(7),
        json!(null),
    ] {
        let odd = json!({ "id": id, "type": "end" });
        let found = problems(&json!({ "elements": [start("a"), model("a", None), odd] }));
        assert!(
            found
                .iter()
                .any(|it| it.starts_with("elements[2].id: expected")),
            "{found:?}"
        );
    }
    let odd = json!({ "id": "a", "type": "model", "properties": { "model": "openai/gpt-4o" },
        "outputs": { "failure": { "elementId": "a" } } });
    check(
        &json!([start("a"), odd]),
        "elements[1].outputs.failure: an element of the type `model` has no such output",
    );
    let text = r#"{"elements":[{"id":"s","type":"start","outputs":{"next":{"elementId":"p"}}},
        {"id":"p","type":"percentage","outputs":{"50%":{"elementId":"a"},"50%":{"elementId":"a"}}},
        {"id":"a","type":"model","properties":{"model":"openai/gpt-4o"}}]}"#;
    let document = format!(r#"{{"routes":{{"r":{text}}}}}"#);
    let parsed = crate::config::tenant::parse(&document, crate::config::catalogue().unwrap());
    let found = parsed.unwrap_err();
    assert_eq!(found[0].path, "routes.r.elements[1].outputs.50%");
    assert_eq!(found[0].reason, "appears twice");
}

#[test]
fn shares_add_up() {
    let split = |outputs: Json| json!([start("p"), { "id": "p", "type": "percentage", "outputs": outputs }, model("a", None)]);
    let to = json!({ "elementId": "a" });
    check(
        &split(json!({ "10%": to, "50%": to })),
        "elements[1].outputs: add up to 60 %, not 100 %: give an output `else` what is left",
    );
    check(
        &split(json!({ "60%": to, "40.5%": to })),
        "elements[1].outputs: add up to 100.5 %, not 100 %: give an output `else` what is left",
    );
    check(
        &split(json!({ "60%": to, "70%": to, "else": to })),
        "elements[1].outputs: add up to 130 %, which is more than 100 %",
    );
    check(
        &split(json!({})),
        "elements[1].outputs: add up to 0 %, not 100 %: give an output `else` what is left",
    );
    for name in [
        "ten", "10", "-5%", "%", "10.1234%", "1e1%", "101%", " 10 %x",
    ] {
        let found = problem(&split(json!({ name: to, "else": to })));
        let expected =
            format!("elements[1].outputs.{name}: expected a share like `10%`, or `else`");
        assert_eq!(found, expected);
    }
    let six: serde_json::Map<String, Json> =
        (1..=6).map(|it| (format!("{it}%"), to.clone())).collect();
    check(
        &split(Json::Object(six)),
        "elements[1].outputs: expected at most 5 outputs beside `else`",
    );
    for fine in [
        json!({ "100%": to }),
        json!({ "else": to }),
        json!({ "0%": to, "100%": to, "else": to }),
    ] {
        assert_eq!(
            problems(&json!({ "elements": split(fine) })),
            Vec::<String>::new()
        );
    }
}

#[test]
fn models_must_be_there_and_answer_conversations() {
    let of = |provider: &str, model: &str| {
        let properties = json!({ "provider": provider, "model": model });
        problem(&json!([start("a"), { "id": "a", "type": "model", "properties": properties }]))
    };
    assert!(of("openai", "gpt-99").starts_with(
        "elements[1].properties.model: the model `openai/gpt-99` cannot be used here"
    ));
    assert!(
        of("skynet", "t-800")
            .starts_with("elements[1].properties.provider: there is no provider `skynet`")
    );
    assert_eq!(
        of("workers-ai", "@cf/baai/bge-m3"),
        "elements[1].properties.model: the model `@cf/baai/bge-m3` is of the kind `embedding`, which does not answer conversations"
    );
    let none =
        json!([start("a"), { "id": "a", "type": "model", "properties": { "provider": "openai" } }]);
    check(
        &none,
        "elements[1].properties.model: is missing: the name of a model",
    );
    for (name, value) in [
        ("timeout", json!(0)),
        ("timeout", json!(900_000)),
        ("retries", json!(11)),
        ("retries", json!("4")),
    ] {
        let properties = json!({ "provider": "openai", "model": "gpt-4o", name: value });
        let found =
            problem(&json!([start("a"), { "id": "a", "type": "model", "properties": properties }]));
        assert!(
            found.starts_with(&format!(
                "elements[1].properties.{name}: expected an integer"
            )),
            "{found}"
        );
    }
    let odd = json!({ "provider": "openai", "model": "gpt-4o", "temperature": 1 });
    check(
        &json!([start("a"), { "id": "a", "type": "model", "properties": odd }]),
        "elements[1].properties.temperature: is not known here, where there is what an element of the type `model` has",
    );
}

#[test]
fn models_must_be_able_to_do_what_leads_to_them() {
    let condition = |asked: Json| {
        json!({ "id": "if", "type": "conditional",
            "properties": { "condition": { "capabilities": asked, "user": "ann" } },
            "outputs": { "true": { "elementId": "blind" }, "false": { "elementId": "m" } } })
    };
    let blind = json!({ "id": "blind", "type": "model",
        "properties": { "model": "@cf/meta/llama-3.1-8b-instruct-fast" }, "outputs": {} });
    for asked in [json!({ "$eq": "vision" }), json!({ "$in": ["vision"] })] {
        check(
            &json!([start("if"), condition(asked), blind, model("m", None)]),
            "elements[1].outputs.true: leads requests that need `vision` to @cf/meta/llama-3.1-8b-instruct-fast only, which cannot do `vision`",
        );
    }
    let either = condition(json!({ "$in": ["vision", "tools"] }));
    let elements = json!([start("if"), either, blind, model("m", None)]);
    assert!(problems(&json!({ "elements": elements })).is_empty());
}

#[test]
fn limits_say_how_much_of_what_in_which_time() {
    let with = |change: Json| {
        let mut limit = limit("l", "m", "m");
        for (name, value) in change.as_object().unwrap() {
            limit["properties"][name] = value.clone();
        }
        let found = problems(&json!({ "elements": [start("l"), limit, model("m", None)] }));
        found.into_iter().next().unwrap_or_default()
    };
    let cases = [
        (
            json!({ "limit": -1 }),
            "limit: expected 0 to 1000000000000 requests",
        ),
        (
            json!({ "limit": 1.5 }),
            "limit: expected 0 to 1000000000000 requests",
        ),
        (
            json!({ "limitType": "cost", "limit": -1 }),
            "limit: expected 0 or more US dollars",
        ),
        (
            json!({ "limitType": "cost", "limit": "a lot" }),
            "limit: expected 0 or more US dollars",
        ),
        (
            json!({ "limitType": "tokens" }),
            "limitType: expected count or cost",
        ),
        (
            json!({ "window": 0 }),
            "window: expected an integer from 1 to 2678400",
        ),
        (
            json!({ "technique": "leaky" }),
            "technique: expected sliding or fixed",
        ),
        (
            json!({ "period": "month" }),
            "period: requests are counted in a `window` of seconds, only costs in a period",
        ),
        (
            json!({ "limitType": "cost", "period": "year" }),
            "period: expected day, week, month or lifetime",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(
            with(change.clone()),
            format!("elements[1].properties.{expected}"),
            "{change}"
        );
    }
    for key in ["body.temperature", "metadata.", "cookie", "model"] {
        let found = with(json!({ "key": key }));
        assert!(
            found.starts_with("elements[1].properties.key: expected metadata.NAME"),
            "{found}"
        );
    }
    for key in [
        "headers.Authorization",
        "header.x-api-key",
        "headers.cookie",
    ] {
        let found = with(json!({ "key": key }));
        let expected =
            "elements[1].properties.key: this header holds a secret, by which nothing is counted";
        assert_eq!(found, expected, "{key}");
    }
    let bare = json!({ "id": "l", "type": "rate", "properties": { "limit": 1 },
        "outputs": { "success": { "elementId": "m" } } });
    check(
        &json!([start("l"), bare, model("m", None)]),
        "elements[1].properties.window: is missing: the seconds in which the limit counts",
    );
}

#[test]
fn enormous_routes_are_refused() {
    let chain: Vec<Json> = (0..101)
        .map(|it| {
            model(
                &format!("m{it}"),
                (it < 100).then(|| format!("m{}", it + 1)).as_deref(),
            )
        })
        .collect();
    let elements: Vec<Json> = std::iter::once(start("m0")).chain(chain).collect();
    check(
        &json!(elements),
        "elements: expected a list of 1 to 100 elements",
    );
    let fat = json!({ "name": "x".repeat(70_000), "elements": [start("a"), model("a", None)] });
    assert_eq!(problems(&fat), [": is larger than 65536 bytes"]);
}

#[test]
fn what_is_no_route_is_refused() {
    let cases = [
        (json!(7), ": expected an object"),
        (json!({}), "elements: is missing"),
        (
            json!({ "elements": {} }),
            "elements: expected a list of 1 to 100 elements",
        ),
        (
            json!({ "elements": [7] }),
            "elements[0]: expected an object",
        ),
        (
            json!({ "elements": [start("a"), model("a", None)], "colour": 1 }),
            "colour: is not known here",
        ),
        (
            json!({ "elements": [start("a"), { "id": "a" }] }),
            "elements[1].type: is missing",
        ),
        (
            json!({ "elements": [start("a"), { "id": "a", "type": "oracle" }] }),
            "elements[1].type: expected start, conditional",
        ),
        (
            json!({ "elements": [start("a"), { "id": "a", "type": "hedge" }] }),
            "elements[1].type: `hedge` is not served here yet",
        ),
        (
            json!({ "elements": [start("a"), { "id": "a", "type": "shadow" }] }),
            "elements[1].type: `shadow` is not served here yet",
        ),
        (
            json!({ "elements": [start("a"), { "id": "a", "type": "cascade" }] }),
            "elements[1].type: `cascade` is not served here yet",
        ),
        (
            json!({ "result": { "elements": 1 }, "success": true }),
            "result.elements: expected a list",
        ),
    ];
    for (route, expected) in cases {
        let found = problems(&route);
        assert!(found[0].starts_with(expected), "{route}: {found:?}");
    }
    let named = |name: &str| {
        let document =
            json!({ "routes": { name: { "elements": [start("a"), model("a", None)] } } });
        crate::config::tenant::parse(&document.to_string(), crate::config::catalogue().unwrap())
    };
    assert!(named("support-v2.1_x").is_ok());
    for name in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
        assert!(named(name).is_err(), "{name}");
    }
}

#[test]
fn our_own_elements_are_checked_as_well() {
    let balance = |properties: Json, target: &str| {
        json!([start("b"), { "id": "b", "type": "load_balance", "properties": properties,
            "outputs": { "one": { "elementId": target } } },
            { "id": "l", "type": "rate", "properties": { "limit": 1, "window": 1 },
              "outputs": { "success": { "elementId": "m" } } }, model("m", None)])
    };
    let first = |elements: Json| problems(&json!({ "elements": elements })).remove(0);
    assert!(
        first(balance(json!({ "strategy": "luck" }), "l")).contains("strategy: expected weights")
    );
    assert!(
        first(balance(json!({ "strategy": "least_cost" }), "l"))
            .contains("outputs.one: expected an element of the type `model`")
    );
    let heavy = json!({ "strategy": "weights", "weights": { "two": 1 } });
    assert!(first(balance(heavy, "l")).contains("weights.two: is not known here"));
    let weightless = json!({ "strategy": "weights", "weights": { "one": 0 } });
    assert_eq!(
        first(balance(weightless, "l")),
        "elements[1].properties.weights: add up to 0"
    );
    let split = json!([start("s"), { "id": "s", "type": "split", "properties": { "by": "country" },
        "outputs": { "else": { "elementId": "m" } } }, model("m", None)]);
    assert!(problem(&split).contains("by: expected user, session"));
}

#[test]
fn a_limit_of_the_org_is_no_gate() {
    let document =
        r#"{"limits":[{"per":"gate:r/l user","count":"requests","limit":1,"seconds":60}]}"#;
    let parsed = crate::config::tenant::parse(document, crate::config::catalogue().unwrap());
    assert_eq!(parsed.unwrap_err()[0].path, "limits[0].per");
}
