//! Routes: what Cloudflare's documentation has runs unchanged, limits divert, and every answer says
//! which way it went.

use esclusa::audit::Outcome;
use esclusa::usage::Usage;
use serde_json::{Value, json};

use super::support::*;

mod explain;
mod limits;

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
fn a_split_is_the_same_for_a_user_each_time() {
    let acme = with(&json!([
        start("ab"),
        { "id": "ab", "type": "split", "properties": { "by": "user" },
          "outputs": { "50%": { "elementId": "a" }, "else": { "elementId": "b" } } },
        model("a", GPT, None),
        model("b", MINI, None),
        end(),
    ]));
    let of = |user: &str| answered_by(&acme, acme.request(&ask("r")).header("x-ai-user", user));
    let users: Vec<String> = (0..60).map(|number| format!("user {number}")).collect();
    let first: Vec<String> = users.iter().map(|user| of(user)).collect();
    let again: Vec<String> = users.iter().map(|user| of(user)).collect();
    assert_eq!(first, again);
    let with_a = first.iter().filter(|model| *model == GPT).count();
    assert!((15..=45).contains(&with_a), "{with_a} of 60");
}

#[test]
fn splits_of_two_routes_are_independent() {
    let elements = json!([
        start("ab"),
        { "id": "ab", "type": "split", "properties": { "by": "user" },
          "outputs": { "50%": { "elementId": "a" }, "else": { "elementId": "b" } } },
        model("a", GPT, None),
        model("b", MINI, None),
        end(),
    ]);
    let route = json!({ "elements": elements }).to_string();
    let acme = Acme::with(&routes(&[("one", &route), ("two", &route)]));
    let of = |route: &str, user: &str| {
        answered_by(&acme, acme.request(&ask(route)).header("x-ai-user", user))
    };
    let users = (0..60).map(|number| format!("user {number}"));
    let same = users.filter(|user| of("one", user) == of("two", user));
    let same = same.count();
    assert!((15..=45).contains(&same), "{same} of 60");
}

/// A route that prefers what answers sooner.
fn quickest() -> Acme {
    with(&json!([
        start("lb"),
        { "id": "lb", "type": "load_balance", "properties": { "strategy": "least_latency" },
          "outputs": { "a": { "elementId": "a" }, "b": { "elementId": "b" } } },
        model("a", GPT, None),
        model("b", MINI, None),
        end(),
    ]))
}

#[test]
fn one_request_finds_out_how_quick_a_model_is_and_the_others_do_not_wait() {
    let acme = quickest();
    acme.world.provider.always(GPT, Act::Slow(20_000));
    let executor = &acme.world.shared.executor;
    for _ in 0..10 {
        let (worker, request) = (acme.worker.clone(), acme.request(&ask("r")));
        let task = async move {
            let response = worker.open(request).await.finish().await;
            assert_eq!(response.status, 200);
        };
        executor.spawn(1, Box::pin(task));
        executor.pass(100);
    }
    let asked = acme.world.provider.answered_by();
    let slow = asked.iter().filter(|model| *model == GPT).count();
    assert_eq!((slow, asked.len()), (1, 10));
    executor.pass(30_000);
}

#[test]
fn a_model_that_was_slow_once_is_looked_at_again() {
    let acme = quickest();
    acme.world.provider.once(GPT, Act::Slow(5_000));
    acme.world.provider.always(MINI, Act::Slow(400));
    let answers = || answered_by(&acme, acme.request(&ask("r")));
    assert_eq!(
        (answers(), answers(), answers()),
        (GPT.into(), MINI.into(), MINI.into())
    );
    for _ in 0..9 {
        acme.world.shared.executor.pass(20_000);
        assert_eq!(answers(), MINI);
    }
    acme.world.shared.executor.pass(60_000);
    let later = [answers(), answers(), answers()];
    assert!(later.contains(&GPT.to_owned()), "{later:?}");
    assert_eq!(answers(), GPT, "it is quick now");
}

#[test]
fn a_balance_prefers_and_falls_over_to_the_others() {
    let balance = |properties: &Value| {
        with(&json!([
            start("lb"),
            { "id": "lb", "type": "load_balance", "properties": properties,
              "outputs": { "a": { "elementId": "a" }, "b": { "elementId": "b" }, "c": { "elementId": "c" } } },
            model("a", GPT, None),
            model("b", MINI, None),
            model("c", LLAMA_SMALL, None),
            end(),
        ]))
    };
    let cheapest = balance(&json!({ "strategy": "least_cost" }));
    assert_eq!(
        answered_by(&cheapest, cheapest.request(&ask("r"))),
        LLAMA_SMALL
    );
    cheapest
        .world
        .provider
        .always(LLAMA_SMALL, Act::Status(500, "{}"));
    let other = answered_by(&cheapest, cheapest.request(&ask("r")));
    assert_eq!(other, MINI, "the next cheapest takes over");
    let weighted =
        balance(&json!({ "strategy": "weights", "weights": { "a": 0, "b": 3, "c": 1 } }));
    let mut minis = 0;
    for _ in 0..200 {
        let model = answered_by(&weighted, weighted.request(&ask("r")));
        assert_ne!(model, GPT);
        minis += u32::from(model == MINI);
    }
    assert!((120..=180).contains(&minis), "{minis} of 200");
}

#[test]
fn a_balance_learns_who_answers_soonest() {
    let acme = with(&json!([
        start("lb"),
        { "id": "lb", "type": "load_balance", "properties": { "strategy": "least_latency" },
          "outputs": { "a": { "elementId": "a" }, "b": { "elementId": "b" } } },
        model("a", GPT, None),
        model("b", MINI, None),
        end(),
    ]));
    acme.world.provider.always(GPT, Act::Slow(900));
    acme.world.provider.always(MINI, Act::Slow(100));
    let asked: Vec<String> = (0..4)
        .map(|_| answered_by(&acme, acme.request(&ask("r"))))
        .collect();
    assert_eq!(asked, [GPT, MINI, MINI, MINI], "each is tried once");
    acme.world.provider.always(MINI, Act::Status(500, "{}"));
    for _ in 0..10 {
        assert_eq!(answered_by(&acme, acme.request(&ask("r"))), GPT);
    }
    let calls = acme.world.provider.calls.borrow();
    let of_mini = calls.iter().filter(|call| call.model == MINI).count();
    assert!(of_mini <= 3 + 6, "its breaker is open: {of_mini}");
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
