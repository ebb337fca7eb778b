//! What is said of a way that nobody goes.

use serde_json::{Value, json};

use super::*;

fn explain(acme: &Acme, route: &str, body: &Value) -> Value {
    let path = format!("/admin/v1/orgs/acme/routes/{route}/explain");
    let request = Request::new("POST", &path).admin().json(body);
    acme.world.expect(&acme.worker, request, 200).json()
}

#[test]
fn a_way_is_explained_and_nothing_is_counted() {
    let acme = documented();
    let body = json!({ "metadata": { "plan": "free" } });
    let way = explain(&acme, "segments", &body);
    assert_eq!(way["way"], "segments@2; start>segment>small>end");
    let node = &way["nodes"][1];
    assert_eq!(
        (&node["type"], &node["why"]),
        (&json!("conditional"), &json!("The condition holds."))
    );
    let compared = json!({
        "field": "metadata.plan", "operator": "$eq \"free\"", "found": "\"free\"", "holds": true
    });
    assert_eq!(node["compared"][0], compared);
    let candidate = &way["candidates"][0];
    assert_eq!(
        (&candidate["model"], &candidate["kept"]),
        (&json!(MINI), &json!(true))
    );
    assert_eq!(
        (&candidate["timeout_ms"], &candidate["retries"]),
        (&json!(60_000), &json!(4))
    );
    assert!(candidate["bound_usd"].as_str().unwrap().starts_with("0.00"));
    let drawn = explain(&acme, "rollout", &json!({ "random": 9.999 }));
    assert_eq!(drawn["candidates"][0]["node"], "newest");
    let drawn = explain(&acme, "rollout", &json!({ "random": 10 }));
    assert_eq!(
        drawn["nodes"][1]["why"],
        "Drew 10 of 100, which is in `50%`."
    );
    assert!(acme.world.records("acme").is_empty());
    assert!(acme.world.provider.calls.borrow().is_empty());
}

#[test]
fn an_explanation_knows_the_live_state_of_limits() {
    let acme = documented();
    let body = json!({ "metadata": { "user_id": "ann" } });
    for _ in 0..100 {
        let request = metadata(&acme, "quota", &json!({ "user_id": "ann" }));
        answered_by(&acme, request);
    }
    let way = explain(&acme, "quota", &body);
    assert_eq!(
        way["way"],
        "quota@2; start>limit>node_model_openai_mini>end"
    );
    assert_eq!(way["nodes"][1]["why"], "Is beyond the limit.");
    let gate = &way["gates"][0];
    assert_eq!(
        (&gate["node"], &gate["open"], &gate["per"]),
        (&json!("limit"), &json!(false), &json!("metadata:user_id"))
    );
    assert_eq!(
        (&gate["used"], &gate["remaining"]),
        (&json!("100"), &json!("0"))
    );
    assert_eq!(gate["retry_after_ms"], 3_600_000);
    let other = explain(&acme, "quota", &json!({ "metadata": { "user_id": "bob" } }));
    assert_eq!(other["gates"][0]["used"], "0");
    assert_eq!(other["candidates"][0]["model"], LLAMA_SMALL);
    let again = explain(&acme, "quota", &json!({ "metadata": { "user_id": "bob" } }));
    assert_eq!(other, again, "nothing is counted");
    let spent = explain(
        &acme,
        "budget",
        &json!({ "request": { "max_tokens": 4000 } }),
    );
    assert_eq!(spent["gates"][0]["count"], "usd");
    assert_eq!(
        spent["candidates"][0]["node"], "cheap",
        "more than the budget ever admits"
    );
}

#[test]
fn an_explanation_shows_the_gate_that_a_request_comes_to() {
    let acme = with(&json!([
        start("limit"),
        { "id": "limit", "type": "rate",
          "properties": { "limitType": "count", "limit": 1, "window": 60, "key": "operation" },
          "outputs": { "success": { "elementId": "first" }, "fallback": { "elementId": "other" } } },
        model("first", GPT, None),
        model("other", MINI, None),
        end(),
    ]));
    let text = "Translate to French: where is the station?";
    let body = question("dynamic/r", text);
    let response = acme.ask(&body);
    let record = acme.record(&response);
    assert_eq!(record.draft.operation, "chat");
    let taken = record.draft.route.unwrap();
    assert_eq!(taken.operation, "translate", "as conditions see it");
    let way = explain(&acme, "r", &json!({ "request": body }));
    assert_eq!(way["gates"][0]["used"], "1", "{way}");
    assert_eq!(way["way"], "r@2; start>limit>other");
    assert_eq!(acme.ask(&body).told("cf-aig-model"), MINI);
}

#[test]
fn an_explanation_says_why_models_are_not_asked() {
    let acme = with(&json!([
        start("blind"),
        model("blind", LLAMA_SMALL, Some("small")),
        model("small", LLAMA, Some("large")),
        model("large", GPT, None),
        end(),
    ]));
    let image =
        json!([{ "type": "image_url", "image_url": { "url": "https://example.com/a.png" } }]);
    let body = json!({ "request": { "messages": [{ "role": "user", "content": image }] } });
    let way = explain(&acme, "r", &body);
    let kept: Vec<bool> = (0..3)
        .map(|it| way["candidates"][it]["kept"].as_bool().unwrap())
        .collect();
    assert_eq!(kept, [false, false, true]);
    assert!(
        way["candidates"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("vision")
    );
    assert!(way.get("refused").is_none());
    let short = with(&json!([
        start("blind"),
        model("blind", LLAMA_SMALL, None),
        end()
    ]));
    let refused = explain(&short, "r", &body);
    assert_eq!(refused["refused"]["status"], 400);
    assert_eq!(refused["end"], "with a model that leads nowhere else");
}

#[test]
fn an_explanation_fills_the_prompt_as_the_request_would() {
    let elements = json!([start("only"), model("only", LLAMA_SMALL, None), end()]);
    let quote = json!({
        "tier": "light",
        "prompt": {
            "versions": { "1": "You sell to {{ audience }}." },
            "variables": { "audience": { "required": true } },
        },
    });
    let acme = Acme::with(&json!({
        "limits": [],
        "operations": { "quote": quote },
        "routes": { "r": { "elements": elements } },
    }));
    let asked = |variables: &Value| {
        let headers = json!({ "X-AI-Operation": "quote", "X-AI-Variables": variables.to_string() });
        json!({ "request": ask("r"), "headers": headers })
    };
    let bound = |audience: &str| {
        let way = explain(&acme, "r", &asked(&json!({ "audience": audience })));
        assert_eq!(way.get("refused"), None, "{way}");
        assert_eq!(way["candidates"][0]["kept"], true, "{way}");
        let bound = way["candidates"][0]["bound_usd"].as_str().unwrap();
        bound.parse::<f64>().unwrap()
    };
    assert!(bound("nurses") < bound(&"nurses ".repeat(60)));
    let request = acme
        .request(&ask("r"))
        .header("x-ai-operation", "quote")
        .header("x-ai-variables", r#"{"audience":"nurses"}"#);
    assert_eq!(answered_by(&acme, request), LLAMA_SMALL);
    let unfilled = explain(&acme, "r", &asked(&json!({})));
    assert_eq!(unfilled["refused"]["status"], 400, "{unfilled}");
    let path = "/admin/v1/orgs/acme/routes/r/explain";
    let malformed = Request::new("POST", path).admin().json(&asked(&json!([])));
    let refused = acme.world.send(&acme.worker, malformed);
    check_error(&refused, 400, "invalid_request");
    let param = &refused.json()["error"]["param"];
    assert_eq!(param, "headers.x-ai-variables");
}

#[test]
fn bad_questions_about_routes_are_refused() {
    let acme = documented();
    let ask = |path: &str, body: &Value| {
        let request = Request::new("POST", path).admin().json(body);
        acme.world.send(&acme.worker, request)
    };
    let path = "/admin/v1/orgs/acme/routes/segments/explain";
    for (body, param) in [
        (json!({ "random": 100 }), "random"),
        (json!({ "random": "half" }), "random"),
        (
            json!({ "request": { "messages": "Hi" } }),
            "request.messages",
        ),
        (json!({ "colour": 1 }), "colour"),
        (json!({ "metadata": { "a": [] } }), "metadata.a"),
    ] {
        let refused = ask(path, &body);
        assert_eq!(refused.status, 400, "{body}: {}", refused.text());
        assert_eq!(
            refused.json()["error"]["param"],
            param,
            "{}",
            refused.text()
        );
    }
    assert_eq!(
        ask("/admin/v1/orgs/acme/routes/nowhere/explain", &json!({})).status,
        404
    );
    assert_eq!(
        ask("/admin/v1/orgs/nobody/routes/segments/explain", &json!({})).status,
        404
    );
    assert_eq!(
        ask("/admin/v1/routes/segments/explain", &json!({})).status,
        400
    );
    assert_eq!(
        ask("/admin/v1/routes/segments/explain?org=acme", &json!({})).status,
        200
    );
    let request = Request::new("POST", path).key(&acme.key).json(&json!({}));
    assert_eq!(acme.world.send(&acme.worker, request).status, 401);
}
