//! Routes: what Cloudflare's documentation has runs unchanged, limits divert, and every answer says
//! which way it went.

mod balances;
mod explain;
mod limits;

use esclusa::audit::Outcome;
use esclusa::usage::Usage;
use serde_json::{Value, json};

use super::support::*;

const SEGMENTS: &str = include_str!("../routes/segments.json");
const ROLLOUT: &str = include_str!("../routes/rollout.json");
const QUOTA: &str = include_str!("../routes/quota.json");
const BUDGET: &str = include_str!("../routes/budget.json");
const GPT: &str = "openai/gpt-4o";
const MINI: &str = "openai/gpt-4o-mini";
const CLAUDE: &str = "anthropic/claude-sonnet-4-5";

fn routes(routes: &[(&str, &str)]) -> Value {
    let parsed = |(name, text): &(&str, &str)| {
        let route: Value = serde_json::from_str(text).unwrap();
        ((*name).to_owned(), route)
    };
    let routes: serde_json::Map<String, Value> = routes.iter().map(parsed).collect();
    json!({ "limits": [], "budgets": [], "routes": routes })
}

fn documented() -> Acme {
    Acme::with(&routes(&[
        ("segments", SEGMENTS),
        ("rollout", ROLLOUT),
        ("quota", QUOTA),
        ("budget", BUDGET),
    ]))
}

/// A route of these elements.
fn with(elements: &Value) -> Acme {
    let elements = elements.to_string();
    Acme::with(&routes(&[("r", &format!(r#"{{"elements":{elements}}}"#))]))
}

fn start(next: &str) -> Value {
    json!({ "id": "start", "type": "start", "outputs": { "next": { "elementId": next } } })
}

fn model(id: &str, model: &str, fallback: Option<&str>) -> Value {
    let mut outputs = json!({ "success": { "elementId": "end" } });
    if let Some(fallback) = fallback {
        outputs["fallback"] = json!({ "elementId": fallback });
    }
    json!({ "id": id, "type": "model", "properties": { "model": model }, "outputs": outputs })
}

fn end() -> Value {
    json!({ "id": "end", "type": "end" })
}

fn ask(route: &str) -> Value {
    let mut body = question(&format!("dynamic/{route}"), "What is a neuron?");
    body["max_tokens"] = json!(100);
    body
}

fn metadata(acme: &Acme, route: &str, metadata: &Value) -> Request {
    acme.request(&ask(route))
        .header("cf-aig-metadata", &metadata.to_string())
}

fn answered_by(acme: &Acme, request: Request) -> String {
    let response = acme.world.expect(&acme.worker, request, 200);
    response.told("cf-aig-model").to_owned()
}

#[test]
fn segments_get_their_models() {
    let acme = documented();
    for (plan, model, node) in [("free", MINI, "small"), ("paid", GPT, "large")] {
        let request = metadata(&acme, "segments", &json!({ "plan": plan }));
        let response = acme.world.expect(&acme.worker, request, 200);
        assert_eq!(response.told("cf-aig-model"), model);
        assert_eq!(response.told("cf-aig-provider"), "openai");
        let way = format!("start>segment>{node}");
        assert_eq!(response.told("x-ai-route"), format!("segments@2; {way}"));
        let taken = acme.record(&response).draft.route.unwrap();
        assert_eq!(
            (taken.name.as_str(), taken.nodes.join(">")),
            ("segments", way)
        );
    }
    let without = acme.request(&ask("segments"));
    assert_eq!(answered_by(&acme, without), GPT, "absent is not `free`");
}

#[test]
fn a_model_that_fails_leads_to_its_fallback_and_the_record_says_so() {
    let acme = documented();
    acme.world.provider.always(GPT, Act::Status(500, "{}"));
    let response = acme
        .world
        .expect(&acme.worker, acme.request(&ask("segments")), 200);
    assert_eq!(response.told("cf-aig-model"), MINI);
    assert_eq!(response.told("cf-aig-step"), "1");
    assert_eq!(
        response.told("x-ai-route"),
        "segments@2; start>segment>large>small"
    );
    acme.world.provider.always(MINI, Act::Status(500, "{}"));
    let failed = acme.send(&ask("segments"));
    assert_eq!(failed.status, 502);
    let taken = acme.record(&failed).draft.route.unwrap();
    assert_eq!(taken.nodes, ["start", "segment", "large", "small"]);
}

#[test]
fn a_rollout_splits_as_it_says() {
    let acme = documented();
    let mut counts = [0_u32; 3];
    for _ in 0..400 {
        let model = answered_by(&acme, acme.request(&ask("rollout")));
        let index = [CLAUDE, GPT, LLAMA].iter().position(|it| *it == model);
        counts[index.unwrap()] += 1;
    }
    // Four standard deviations around 40, 200 and 160.
    let expected = [16..=64, 160..=240, 121..=199];
    for (count, expected) in counts.iter().zip(expected) {
        assert!(expected.contains(count), "{counts:?}");
    }
}

#[test]
fn conditions_see_the_whole_request() {
    let when = |condition: &Value| {
        with(&json!([
            start("if"),
            { "id": "if", "type": "conditional", "properties": { "condition": condition },
              "outputs": { "true": { "elementId": "yes" }, "false": { "elementId": "no" } } },
            model("yes", GPT, None),
            model("no", MINI, None),
            end(),
        ]))
    };
    let tool = json!([{ "type": "function", "function": { "name": "f", "parameters": {} } }]);
    let mut with_tools = ask("r");
    with_tools["tools"] = tool;
    let mut hot = ask("r");
    hot["temperature"] = json!(0.9);
    let plain = ask("r");
    let mut long = ask("r");
    long["messages"][0]["content"] = json!("word ".repeat(5_000));
    let cases = [
        (json!({ "body.temperature": { "$gt": 0.5 } }), &hot, &plain),
        (
            json!({ "body.messages.0.role": "user", "body.tools": { "$exists": true } }),
            &with_tools,
            &plain,
        ),
        (json!({ "capabilities": "tools" }), &with_tools, &plain),
        (json!({ "context_tokens": { "$gte": 2000 } }), &long, &plain),
    ];
    for (condition, yes, no) in cases {
        let acme = when(&condition);
        assert_eq!(answered_by(&acme, acme.request(yes)), GPT, "{condition}");
        assert_eq!(answered_by(&acme, acme.request(no)), MINI, "{condition}");
    }
    let by_header = when(
        &json!({ "headers.x-tier": { "$in": ["gold", "silver"] }, "headers.x-age": { "$gte": 18 } }),
    );
    let request = |tier: &str, age: &str| {
        let request = by_header.request(&plain).header("x-tier", tier);
        request.header("x-age", age)
    };
    assert_eq!(answered_by(&by_header, request("gold", "18")), GPT);
    assert_eq!(answered_by(&by_header, request("gold", "9")), MINI);
    assert_eq!(answered_by(&by_header, request("tin", "40")), MINI);
    let by_place = when(
        &json!({ "$or": [{ "country": "IT" }, { "colo": "MXP" }], "region": { "$ne": "Lazio" } }),
    );
    let from = |country: &str, region: &str, colo: &str| {
        answered_by(
            &by_place,
            by_place.request(&plain).from(country, region, colo),
        )
    };
    assert_eq!(from("IT", "Lombardy", "FCO"), GPT);
    assert_eq!(from("IT", "Lazio", "MXP"), MINI);
    assert_eq!(from("", "", ""), MINI, "unknown is no country");
    let by_operation = when(&json!({ "operation": "summarize", "user": "ann", "stream": false }));
    let asked = |operation: &str, user: &str| {
        let request = by_operation
            .request(&plain)
            .header("x-ai-operation", operation);
        answered_by(&by_operation, request.header("x-ai-user", user))
    };
    assert_eq!(asked("summarize", "ann"), GPT);
    assert_eq!(asked("faq", "ann"), MINI);
    assert_eq!(asked("summarize", "bob"), MINI);
}

#[test]
fn a_model_is_asked_again_as_often_as_its_route_says() {
    let mut only = model("only", GPT, None);
    only["properties"]["retries"] = json!(1);
    let acme = with(&json!([start("only"), only, end()]));
    acme.world.provider.once(GPT, Act::Status(500, "{}"));
    let response = acme.ask(&ask("r"));
    assert_eq!(response.told("x-ai-attempts"), "2");
    assert_eq!(response.told("x-ai-route"), "r@2; start>only");
}

#[test]
fn a_route_s_own_time_holds_for_its_model() {
    let mut slow = model("slow", GPT, Some("quick"));
    slow["properties"]["timeout"] = json!(1_000);
    let acme = with(&json!([
        start("slow"),
        slow,
        model("quick", MINI, None),
        end()
    ]));
    acme.world.provider.always(GPT, Act::Slow(1_500));
    let response = acme.ask(&ask("r"));
    assert_eq!(response.told("cf-aig-model"), MINI);
    assert_eq!(acme.record(&response).draft.attempts[0].result, "timeout");
}

#[test]
fn a_route_is_neither_templated_nor_grounded_unasked() {
    let acme = documented();
    acme.world
        .learn(&acme.worker, &acme.key, "returns", RETURNS);
    acme.world.provider.calls.borrow_mut().clear();
    let mut body = ask("segments");
    body["messages"][0]["content"] = json!(QUESTION);
    acme.ask(&body);
    let calls = acme.world.provider.calls.borrow();
    assert_eq!(calls.len(), 1, "nothing was embedded");
    let messages = calls[0].input["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[test]
fn answers_of_different_ways_are_cached_apart() {
    let acme = documented();
    let send = |plan: &str| {
        let request = metadata(&acme, "segments", &json!({ "plan": plan }));
        let request = request.header("cf-aig-cache-ttl", "3600");
        acme.world.expect(&acme.worker, request, 200)
    };
    assert_eq!(send("free").told("cf-aig-cache-status"), "MISS");
    let paid = send("paid");
    assert_eq!(paid.told("cf-aig-cache-status"), "MISS");
    assert_eq!(paid.told("cf-aig-model"), GPT);
    let again = send("free");
    assert_eq!(again.told("cf-aig-cache-status"), "HIT");
    assert_eq!(again.told("x-ai-route"), "segments@2; start>segment>small");
}

#[test]
fn routes_serve_streams_and_the_compat_path() {
    let acme = documented();
    let mut body = ask("segments");
    body["stream"] = json!(true);
    let streamed = acme.ask(&body);
    assert!(
        streamed
            .told("x-ai-route")
            .starts_with("segments@2; start>")
    );
    assert!(!streamed.answer().is_empty());
    let compat = acme.posted(
        "/v1/acme/my-gateway/compat/chat/completions",
        &ask("segments"),
    );
    assert_eq!(compat.told("cf-aig-model"), GPT);
    let messages = json!({
        "model": "dynamic/segments", "max_tokens": 50,
        "messages": [{ "role": "user", "content": "Hi" }]
    });
    let messages = acme.posted("/v1/messages", &messages);
    assert_eq!(messages.told("cf-aig-model"), GPT);
}

#[test]
fn a_new_route_is_live_at_the_next_request_everywhere() {
    let acme = documented();
    let other = acme.world.worker(2);
    let request = || metadata(&acme, "segments", &json!({ "plan": "free" }));
    let before = acme.world.expect(&other, request(), 200);
    assert_eq!(before.told("cf-aig-model"), MINI);
    let swapped = SEGMENTS.replace("\"free\"", "\"paid\"");
    let config = routes(&[("segments", &swapped), ("newest", SEGMENTS)]);
    acme.world.configure(&acme.worker, "acme", &config);
    let after = acme.world.expect(&other, request(), 200);
    assert_eq!(after.told("cf-aig-model"), GPT);
    assert!(after.told("x-ai-route").starts_with("segments@3;"));
    let third = acme.world.worker(3);
    acme.world.expect(&third, request(), 200);
    let newest = metadata(&acme, "newest", &json!({ "plan": "free" }));
    acme.world.expect(&other, newest, 200);
}

#[test]
fn a_route_that_leads_to_nothing_says_why() {
    let acme = documented();
    let missing = acme.send(&ask("nowhere"));
    let message = check_error(&missing, 404, "model_not_found");
    assert!(message.contains("no route `nowhere`"), "{message}");
    let deny = with(&json!([
        start("if"),
        { "id": "if", "type": "conditional", "properties": { "condition": { "user": "ann" } },
          "outputs": { "true": { "elementId": "model" }, "false": { "elementId": "end" } } },
        model("model", MINI, None),
        end(),
    ]));
    let refused = deny.send(&ask("r"));
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("before it comes to any model"));
    assert!(deny.world.provider.calls.borrow().is_empty());
    let image =
        json!([{ "type": "image_url", "image_url": { "url": "https://example.com/a.png" } }]);
    let blind = with(&json!([
        start("a"),
        model("a", LLAMA, Some("b")),
        model("b", LLAMA_SMALL, None),
        end(),
    ]));
    let mut body = ask("r");
    body["messages"][0]["content"] = image;
    let refused = blind.send(&body);
    let message = check_error(&refused, 400, "invalid_request");
    assert!(
        message.contains(LLAMA) && message.contains(LLAMA_SMALL),
        "{message}"
    );
    assert!(message.contains("vision"), "{message}");
    let mut long = ask("r");
    long["messages"][0]["content"] = json!("word ".repeat(200_000));
    let refused = blind.send(&long);
    let message = check_error(&refused, 400, "invalid_request");
    assert!(message.contains("tokens"), "{message}");
}

#[test]
fn models_that_cannot_serve_a_request_are_passed_over() {
    let acme = with(&json!([
        start("small"),
        model("small", LLAMA, Some("large")),
        model("large", GPT, None),
        end(),
    ]));
    let mut long = ask("r");
    long["messages"][0]["content"] = json!("word ".repeat(25_000));
    let response = acme.ask(&long);
    assert_eq!(response.told("cf-aig-model"), GPT);
    assert_eq!(response.told("x-ai-route"), "r@2; start>small>large");
}

#[test]
fn routes_answer_conversations_only() {
    let acme = documented();
    let body = json!({ "model": "dynamic/segments", "input": "Hello" });
    let refused = acme.post("/v1/embeddings", &body);
    let message = check_error(&refused, 400, "invalid_request");
    assert!(message.contains("embed"), "{message}");
}

#[test]
fn an_org_s_routes_are_its_own() {
    let acme = documented();
    let other = acme.world.org(&acme.worker, "globex", &json!({}));
    let request = Request::chat(&other, &ask("segments"));
    acme.world.expect(&acme.worker, request, 404);
}
