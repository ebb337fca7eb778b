//! Charges: catalogue price times usage, exactly, once.

mod unusable;

use esclusa::audit::Flag;
use esclusa::money::Nanos;
use esclusa::usage::Usage;
use serde_json::json;

use super::support::*;

/// Charges a call of `model` with this usage; gives nano-dollars.
fn charge(model: &str, input: u64, cached: u64, output: u64) -> i64 {
    let acme = Acme::new();
    let usage = Usage {
        input_tokens: input,
        cached_input_tokens: cached,
        output_tokens: output,
        ..Usage::default()
    };
    acme.world.provider.once(model, Act::Use(usage));
    let response = acme.ask(&question(model, "Hello"));
    let record = acme.record(&response);
    assert_eq!(record.draft.usage, usage);
    assert_eq!(response.told("x-ai-cost-usd"), record.cost.to_usd());
    record.cost.get()
}

#[test]
fn a_charge_is_the_price_times_the_usage() {
    // 1,000 × $0.051 + 200 × $0.335, per million.
    assert_eq!(charge(QWEN, 1_000, 0, 200), 118_000);
    assert_eq!(charge(LLAMA, 123, 0, 45), 123 * 293 + 45 * 2_253);
    // 7 × 0.35 + 3 × 0.75 = 4.7 µ$, no rounding needed.
    assert_eq!(charge(OSS, 7, 0, 3), 4_700);
}

#[test]
fn cached_tokens_have_their_price_once() {
    assert_eq!(
        charge("openai/gpt-4o", 1_000, 900, 10),
        100 * 2_500 + 900 * 1_250 + 10 * 10_000
    );
    // No price for cached tokens: that of the others.
    assert_eq!(charge(QWEN, 1_000, 900, 10), 1_000 * 51 + 10 * 335);
}

#[test]
fn helpers_are_part_of_the_charge() {
    let acme = Acme::learned();
    let response = acme.ask(&faq());
    let record = acme.record(&response);
    let attempts = &record.draft.attempts;
    let price = |tokens: u64, nanos_per_million: u64| {
        i64::try_from((tokens * nanos_per_million).div_ceil(1_000_000)).unwrap()
    };
    let query = QUESTION.len() as u64;
    let embed = query.div_ceil(4);
    let rerank = (RETURNS.len() as u64 + query).div_ceil(4);
    assert_eq!(
        (attempts[0].model.as_str(), attempts[1].model.as_str()),
        (EMBED, RERANK)
    );
    assert_eq!(attempts[0].cost.get(), price(embed, 11_800_000));
    assert_eq!(attempts[1].cost.get(), price(rerank, 3_100_000));
    let sum: i64 = attempts.iter().map(|attempt| attempt.cost.get()).sum();
    assert_eq!(record.cost.get(), sum);
    assert_eq!(
        record.flags,
        [Flag::Estimated],
        "nobody said what they used"
    );
    assert!(!attempts[2].usage.estimated, "but for the answer's");
    let spent = acme
        .world
        .records("acme")
        .iter()
        .map(|record| record.cost.get())
        .sum();
    assert_eq!(acme.spent(), Nanos::new(spent).to_usd());
}

#[test]
fn the_bound_covers_the_worst_of_a_grounded_request() {
    let acme = Acme::new();
    let long = "battery days return ".repeat(600);
    for index in 0..8 {
        acme.world.learn(
            &acme.worker,
            &acme.key,
            &format!("d{index}"),
            &format!("{index} {long}"),
        );
    }
    let calls = acme.world.provider.calls.borrow().len();
    // A model that uses a token for each byte of its prompt, and every token it may.
    let whole = acme.ask(&faq());
    let prompt = acme
        .world
        .provider
        .calls
        .borrow()
        .last()
        .unwrap()
        .input
        .to_string();
    assert!(acme.world.provider.calls.borrow().len() > calls);
    let usage = Usage {
        input_tokens: prompt.len() as u64 - 100,
        output_tokens: 1_024,
        ..Usage::default()
    };
    acme.world.provider.once(QWEN, Act::Hang);
    acme.world.provider.once(LLAMA_SMALL, Act::Use(usage));
    let request = acme.request(&faq()).header("cf-aig-skip-cache", "true");
    let response = acme.world.expect(&acme.worker, request, 200);
    assert_eq!(response.told("x-ai-sources"), whole.told("x-ai-sources"));
    assert_ne!(response.told("x-ai-sources"), "0");
    let record = acme.record(&response);
    assert!(
        record.cost <= record.bound,
        "{} of {}",
        record.cost,
        record.bound
    );
    assert_eq!(record.flags, [Flag::Estimated, Flag::Bounded]);
}

#[test]
fn no_call_is_made_before_the_worst_is_held() {
    // In one the first candidate is the dearest, in the other the second.
    for body in [faq(), question("light", "Hello")] {
        let acme = Acme::learned();
        acme.world.provider.once(QWEN, Act::Status(500, "broken"));
        // The dearest candidate, and both helpers.
        let worst = acme.record(&acme.ask(&body)).bound.get();
        let records = acme.world.records("acme");
        let spent: i64 = records.iter().map(|record| record.cost.get()).sum();
        let calls = acme.world.provider.calls.borrow().len();
        for (missing, status) in [(1, 402), (0, 200)] {
            let budget = Nanos::new(spent + worst - missing);
            let config = json!({ "budgets": [{ "usd": budget.to_usd(), "period": "day" }] });
            acme.world.configure(&acme.worker, "acme", &config);
            let response = acme.send(&body);
            assert_eq!(response.status, status, "{}", response.text());
            let made = acme.world.provider.calls.borrow().len() > calls;
            assert_eq!(made, status == 200);
        }
    }
}

#[test]
fn without_usage_it_is_estimated_and_flagged() {
    for body in [question(QWEN, "Hello there"), streamed(QWEN, "Hello there")] {
        let acme = Acme::new();
        acme.world.provider.once(QWEN, Act::Unmetered);
        let response = acme.ask(&body);
        let record = acme.record(&response);
        assert!(record.cost.get() > 0 && record.cost < record.bound);
        assert_eq!(record.flags, [Flag::Estimated]);
    }
}

#[test]
fn an_estimate_counts_the_passages_too() {
    let acme = Acme::new();
    let long = "battery days return ".repeat(200);
    acme.world.learn(&acme.worker, &acme.key, "returns", &long);
    acme.world.provider.once(QWEN, Act::Unmetered);
    let response = acme.ask(&faq());
    let body = response.json();
    let sources = body["sources"].as_array().unwrap().iter();
    let bytes: usize = sources
        .map(|source| source["passage"].as_str().unwrap().len())
        .sum();
    assert!(bytes > 1_000);
    let record = acme.record(&response);
    let answer = record.draft.attempts.last().unwrap();
    assert!(answer.usage.input_tokens > bytes as u64 / 4, "{answer:?}");
}

#[test]
fn usage_beyond_the_bound_is_charged_whole_and_flagged() {
    let acme = Acme::new();
    let usage = Usage {
        input_tokens: 1_000_000,
        output_tokens: 1_000_000,
        ..Usage::default()
    };
    acme.world.provider.once(QWEN, Act::Use(usage));
    let response = acme.ask(&question("light", "Hello"));
    let record = acme.record(&response);
    assert_eq!(record.cost.get(), 51_000_000 + 335_000_000);
    assert_eq!(record.flags, [Flag::Overrun]);
    assert_eq!(acme.spent(), record.cost.to_usd());
}

#[test]
fn a_repeated_settlement_charges_once() {
    for fault in [
        Fault::Lost,
        Fault::AfterAppend,
        Fault::BeforeAppend,
        Fault::Evict,
    ] {
        let acme = Acme::new();
        acme.world.provider.once(QWEN, Act::Slow(1));
        let (world, executor) = (&acme.world, &acme.world.shared.executor);
        let (worker, request) = (
            acme.worker.clone(),
            acme.request(&question("light", "Hello")),
        );
        let (done, reply) = futures::channel::oneshot::channel();
        let task = async move {
            let _ = done.send(worker.open(request).await.finish().await);
        };
        executor.spawn(1, Box::pin(task));
        executor.run_ready();
        // Admitted; now the model answers and the settlement meets the fault.
        world.shared.faults.once(Port::Governor, fault);
        let response = executor.block_on(async { reply.await.unwrap() });
        assert_eq!(response.status, 200, "{fault:?}: {}", response.text());
        let record = acme.record(&response);
        assert_eq!(acme.spent(), record.cost.to_usd(), "{fault:?}");
        acme.check_released();
    }
}

#[test]
fn a_settlement_that_comes_after_the_deadline_corrects_the_charge() {
    let acme = Acme::new();
    let executor = &acme.world.shared.executor;
    let (worker, request) = (
        acme.worker.clone(),
        acme.request(&streamed("light", "Hello")),
    );
    let mut opened = executor.block_on(async move {
        let mut opened = worker.open(request).await;
        opened.read().await;
        opened
    });
    // The client reads nothing for longer than its reservation lasts.
    executor.pass(400_000);
    assert_eq!(acme.limits()["open_reservations"], 0);
    let expired = acme.world.records("acme").pop().unwrap();
    assert_eq!(expired.cost, expired.bound);
    executor.block_on(async move { while opened.read().await {} });
    let records = acme.world.records("acme");
    let sum: i64 = records.iter().map(|record| record.cost.get()).sum();
    assert_eq!(records.len(), 2);
    assert!(records[1].cost.get() < 0, "{records:?}");
    assert!(sum > 0);
    assert_eq!(acme.spent(), Nanos::new(sum).to_usd());
}

/// A key that may say what answers cost.
fn cost_setter(acme: &Acme) -> String {
    let new = Request::new("POST", "/admin/v1/orgs/acme/keys").admin();
    let scopes = json!({ "scopes": ["inference", "custom-cost"] });
    let key = acme.world.expect(&acme.worker, new.json(&scopes), 201);
    key.json()["key"].as_str().unwrap().to_owned()
}

#[test]
fn a_caller_that_may_says_what_an_answer_costs() {
    let usage = Usage {
        input_tokens: 1_000,
        cached_input_tokens: 900,
        output_tokens: 10,
        ..Usage::default()
    };
    let cases = [
        (r#"{"total_cost":0.25}"#, 250_000_000),
        (r#"{"total_cost":0}"#, 0),
        (
            r#"{"per_token_in":1e-6,"per_token_out":0.000002,"per_cache_read_token":5e-7}"#,
            100 * 1_000 + 900 * 500 + 10 * 2_000,
        ),
    ];
    for (custom, nanos) in cases {
        let acme = Acme::new();
        let key = cost_setter(&acme);
        acme.world.provider.once("openai/gpt-4o", Act::Use(usage));
        let request = Request::chat(&key, &question("openai/gpt-4o", "Hello"));
        let request = request.header("cf-aig-custom-cost", custom);
        let response = acme.world.expect(&acme.worker, request, 200);
        let record = acme.record(&response);
        assert_eq!(record.cost, Nanos::new(nanos), "{custom}");
        assert!(record.flags.is_empty(), "within its bound: {custom}");
        assert_eq!(record.draft.policy, ["custom cost"]);
        assert_eq!(acme.spent(), Nanos::new(nanos).to_usd());
        let embed = Request::new("POST", "/v1/embeddings").key(&key);
        let embed = embed.json(&json!({ "model": EMBED, "input": "Hi" }));
        let embed = embed.header("cf-aig-custom-cost", r#"{"total_cost":0.5}"#);
        let embedded = acme.world.expect(&acme.worker, embed, 200);
        assert_eq!(acme.record(&embedded).cost, Nanos::new(500_000_000));
        acme.check_released();
    }
}

#[test]
fn a_custom_cost_is_held_against_the_budget() {
    let acme = Acme::with(&json!({ "budgets": [{ "usd": "1.00", "period": "day" }] }));
    let key = cost_setter(&acme);
    let ask = |custom: &str| {
        let request = Request::chat(&key, &question(GLM, "Hello"));
        let request = request.header("cf-aig-custom-cost", custom);
        acme.world.send(&acme.worker, request).status
    };
    let statuses = [
        ask(r#"{"total_cost":0.6}"#),
        ask(r#"{"total_cost":0.6}"#),
        ask(r#"{"total_cost":0.4}"#),
        ask(r#"{"per_token_out":1e-3}"#),
        ask(r#"{"total_cost":0}"#),
    ];
    assert_eq!(statuses, [200, 402, 200, 402, 200]);
    assert_eq!(acme.spent(), "1");
}

#[test]
fn a_key_that_may_not_say_costs_is_refused() {
    let acme = Acme::new();
    let body = question(GLM, "Hello");
    let request = acme.request(&body);
    let request = request.header("cf-aig-custom-cost", r#"{"total_cost":0}"#);
    let refused = acme.world.send(&acme.worker, request);
    let message = check_error(&refused, 403, "forbidden");
    assert!(message.contains("custom-cost"), "{message}");
    let request = Request::chat(&cost_setter(&acme), &body);
    let request = request.header("cf-aig-custom-cost", "cheap");
    let refused = acme.world.send(&acme.worker, request);
    check_error(&refused, 400, "invalid_request");
    assert_eq!(refused.json()["error"]["param"], "cf-aig-custom-cost");
}

#[test]
fn what_a_caller_says_that_an_answer_costs_is_not_charged_for_refusals() {
    const TOTAL: &str = r#"{"total_cost":0.25}"#;
    let acme = Acme::with(&json!({ "budgets": [{ "usd": "0.30", "period": "day" }] }));
    let key = cost_setter(&acme);
    let ask = || {
        let request = Request::chat(&key, &question("light", "Hello"));
        request.header("cf-aig-custom-cost", TOTAL)
    };
    for model in [QWEN, LLAMA_SMALL, "openai/gpt-4.1-nano"] {
        acme.world.provider.always(model, Act::Status(429, "busy"));
    }
    let refused = acme.world.expect(&acme.worker, ask(), 429);
    assert_eq!(acme.record(&refused).cost, Nanos::ZERO);
    for model in [LLAMA_SMALL, "openai/gpt-4.1-nano"] {
        acme.world.provider.always(model, Act::Answer);
    }
    let answered = acme.world.expect(&acme.worker, ask(), 200);
    let record = acme.record(&answered);
    let costs: Vec<i64> = record
        .draft
        .attempts
        .iter()
        .map(|attempt| attempt.cost.get())
        .collect();
    assert!(costs.len() > 1, "{costs:?}");
    assert_eq!(costs.iter().sum::<i64>(), 250_000_000, "{costs:?}");
    assert_eq!(acme.spent(), "0.25");
    acme.check_released();
}
