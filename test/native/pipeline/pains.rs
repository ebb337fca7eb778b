//! What users of other gateways suffer from, kept away here: budgets, limits, accounting (pains 1 to
//! 14). What other files have by another name is listed in docs/FAULTS.md.

use std::collections::BTreeSet;

use esclusa::audit::{Outcome, Record};
use esclusa::money::{Nanos, Rate};
use esclusa::usage::{Price, Usage};
use serde_json::{Value, json};

use super::support::*;

fn unlimited() -> Acme {
    Acme::with(&json!({ "limits": [], "budgets": [] }))
}

fn count(responses: &[Response], status: u16) -> usize {
    let same = responses.iter().filter(|it| it.status == status);
    same.count()
}

fn isolates(acme: &Acme, number: u64) -> Vec<Worker> {
    (1..=number).map(|group| acme.world.worker(group)).collect()
}

fn used(input: u64, output: u64) -> Usage {
    Usage {
        input_tokens: input,
        output_tokens: output,
        ..Usage::default()
    }
}

/// Pain 1: check, then record.
#[test]
fn of_500_at_once_over_ten_isolates_exactly_those_are_admitted_that_the_budget_carries() {
    // Pictures cost what they are bounded by.
    let budget = Nanos::new(100 * 633_600);
    let budget = json!({ "usd": budget.to_usd(), "period": "day" });
    let acme = Acme::with(&json!({ "limits": [], "budgets": [budget] }));
    acme.world.shared.latency.set(20);
    let workers = isolates(&acme, 10);
    let requests = (0..500).map(|index| {
        let body = json!({ "prompt": format!("picture {index}"), "model": FLUX });
        let request = Request::new("POST", "/v1/images/generations").key(&acme.key);
        (workers[index % 10].clone(), request.json(&body))
    });
    let responses = acme.world.send_all(requests.collect());
    acme.world.shared.latency.set(0);
    assert_eq!((count(&responses, 200), count(&responses, 402)), (100, 400));
    assert_eq!(acme.spent(), budget["usd"].as_str().unwrap());
    acme.check_released();
}

/// Pain 2: whoever is new has no budget.
#[test]
fn the_first_request_of_an_unknown_user_meets_the_general_budget() {
    let nothing = json!({ "per": "user", "usd": "0", "period": "month" });
    let acme = Acme::with(&json!({ "budgets": [nothing] }));
    for user in ["new", "newer"] {
        let request = acme.request(&question("light", "Hello"));
        let refused = acme
            .world
            .send(&acme.worker, request.header("x-ai-user", user));
        check_error(&refused, 402, "budget_exhausted");
    }
    assert!(acme.world.provider.calls.borrow().is_empty());
}

/// Pain 3: reservations that leak.
#[test]
fn after_a_thousand_mixed_endings_nothing_is_held_and_records_are_the_ledger() {
    let acme = unlimited();
    let executor = &acme.world.shared.executor;
    acme.world.shared.latency.set(3);
    for index in 0..1_000_u64 {
        match index % 5 {
            1 => acme.world.provider.once(QWEN, Act::Status(500, "broken")),
            2 => acme.world.provider.once(QWEN, Act::Hang),
            3 => acme.world.governors.evict_all(),
            _ => {}
        }
        let body = streamed("light", &format!("Question {index}"));
        let (worker, request) = (acme.worker.clone(), acme.request(&body));
        let task = async move {
            let mut opened = worker.open(request).await;
            while opened.read().await {}
        };
        let task = executor.spawn(1, Box::pin(task));
        executor.pass(index % 37);
        if index % 5 == 4 {
            executor.cancel(task);
        }
    }
    executor.pass(800_000);
    acme.world.shared.latency.set(0);
    acme.check_released();
    let records = acme.world.records("acme");
    let ends = records
        .iter()
        .filter(|it| it.draft.outcome != Outcome::Late);
    let object = acme.world.governors.of("acme");
    let admitted = object.borrow().ledger().admitted.len();
    assert!((900..=1_000).contains(&admitted), "{admitted}");
    assert_eq!(ends.count(), admitted);
    let outcomes: BTreeSet<String> = records
        .iter()
        .map(|it| format!("{:?}", it.draft.outcome))
        .collect();
    assert!(outcomes.len() > 2, "{outcomes:?}");
    let sum: i64 = records.iter().map(|it| it.cost.get()).sum();
    assert_eq!(acme.spent(), Nanos::new(sum).to_usd());
}

/// Pain 5: free models blocked by an empty budget.
#[test]
fn a_free_model_answers_where_nothing_may_be_spent() {
    let acme = Acme::with(&json!({ "budgets": [{ "usd": "0", "period": "day" }] }));
    let paid = acme.send(&question(QWEN, "Hello"));
    check_error(&paid, 402, "budget_exhausted");
    acme.ask(&question("ollama/llama3.2:3b", "Hello"));
    assert_eq!(acme.spent(), "0");
}

/// Pain 6: a limit for each replica.
#[test]
fn eight_isolates_share_one_limit() {
    let limit = json!({ "count": "requests", "limit": 100, "seconds": 60 });
    let acme = Acme::with(&json!({ "limits": [limit], "budgets": [] }));
    let workers = isolates(&acme, 8);
    let mut admitted = Vec::new();
    for second in 0..90_u64 {
        for (index, worker) in workers.iter().enumerate() {
            let body = question("light", &format!("{second} {index}"));
            let response = acme.world.send(worker, acme.request(&body));
            if response.status == 200 {
                admitted.push(second);
            }
        }
        acme.world.shared.executor.pass(1_000);
    }
    for begin in 0..31 {
        let minute = begin..begin + 60;
        let within = admitted.iter().filter(|it| minute.contains(*it)).count();
        assert!(within <= 100, "{within} from second {begin} on");
    }
    assert!(admitted.len() > 100, "and it opens again");
}

/// Pain 7: streams counted otherwise, or twice.
#[test]
fn a_stream_takes_as_many_tokens_of_a_limit_as_a_whole_answer() {
    let limit = json!({ "count": "tokens", "limit": 1_000_000, "seconds": 60 });
    let acme = Acme::with(&json!({ "limits": [limit] }));
    let taken = || acme.limits()["limits"][0]["used"].as_u64().unwrap();
    for (times, body) in [(1, question(QWEN, "Same")), (2, streamed(QWEN, "Same"))] {
        acme.world.provider.once(QWEN, Act::Use(used(120, 34)));
        acme.ask(&body);
        assert_eq!(taken(), times * 154);
    }
}

/// Pain 8: refused requests that prolong their own refusal.
#[test]
fn ten_times_the_limit_leaves_the_next_minute_whole() {
    let limit = json!({ "count": "requests", "limit": 10, "seconds": 60 });
    let acme = Acme::with(&json!({ "limits": [limit] }));
    let burst = || {
        let send = |index| acme.send(&question("light", &format!("Question {index}")));
        let responses: Vec<Response> = (0..100).map(send).collect();
        count(&responses, 200)
    };
    assert_eq!(burst(), 10);
    acme.world.shared.executor.pass(60_000);
    assert_eq!(burst(), 10);
}

/// Pain 9: charged for what the provider refused.
#[test]
fn what_a_provider_refuses_costs_nothing() {
    for status in [400, 401, 403, 404, 413, 422, 429, 500, 503] {
        let acme = Acme::new();
        acme.world.provider.always(QWEN, Act::Status(status, "no"));
        for body in [question(QWEN, "Hello"), streamed(QWEN, "Hello")] {
            let response = acme.send(&body);
            assert_ne!(response.status, 200);
            let record = acme.record(&response);
            assert_eq!((record.cost, record.flags), (Nanos::ZERO, vec![]));
        }
        assert_eq!(acme.spent(), "0", "{status}");
        acme.check_released();
    }
}

/// Reads so many chunks of a stream, then leaves.
fn left(acme: &Acme, body: &Value, chunks: usize) -> Response {
    let (worker, request) = (acme.worker.clone(), acme.request(body));
    let executor = &acme.world.shared.executor;
    let opened = executor.block_on(async move {
        let mut opened = worker.open(request).await;
        for _ in 0..chunks {
            assert!(opened.read().await);
        }
        opened
    });
    let response = opened.response.clone();
    drop(opened);
    executor.run_ready();
    response
}

/// Pain 10: whoever leaves pays nothing.
#[test]
fn whoever_leaves_a_stream_has_a_record_of_what_came() {
    for chunks in [1, 2, 4] {
        let acme = Acme::new();
        let response = left(&acme, &streamed(QWEN, "Hello, how are you?"), chunks);
        let came: usize = response
            .events()
            .iter()
            .filter_map(|event| serde_json::from_str::<Value>(event).ok())
            .filter_map(|event| Some(event["choices"][0]["delta"]["content"].as_str()?.len()))
            .sum();
        let record = acme.record(&response);
        assert_eq!(record.draft.outcome, Outcome::ClientGone);
        let tokens = record.draft.usage.output_tokens;
        assert!(
            tokens >= came.div_ceil(4) as u64,
            "{tokens} of {came} bytes"
        );
        assert!(record.cost > Nanos::ZERO);
        acme.check_released();
    }
}

/// Pain 11: counting a prompt of which the client has left, while others wait. The prompt's bytes were
/// counted before; what is left to do is one settlement.
#[test]
fn leaving_with_five_megabytes_is_one_settlement() {
    let acme = unlimited();
    let picture = format!("data:image/png;base64,{}", "A".repeat(5 << 20));
    let mut body = streamed("openai/gpt-4o", "");
    body["messages"][0]["content"] = json!([
        { "type": "text", "text": "What is this?" },
        { "type": "image_url", "image_url": { "url": picture } },
    ]);
    for _ in 0..30 {
        let response = left(&acme, &body, 1);
        assert_eq!(response.status, 200, "{}", response.text());
    }
    let records = acme.world.records("acme");
    let gone = |record: &&Record| record.draft.outcome == Outcome::ClientGone;
    assert_eq!(records.iter().filter(gone).count(), 30);
    acme.check_released();
}

/// Pain 12: cached tokens billed twice. The figures are those of the reports.
#[test]
fn cached_tokens_are_billed_once_to_the_nano_dollar() {
    let rate = |text: &str| Rate::from_usd_per_million(text).unwrap();
    let price = |input: &str, cached: &str, output: &str| Price {
        input: rate(input),
        cached_input: Some(rate(cached)),
        output: rate(output),
        ..Price::default()
    };
    let cached = |input, cached, output| Usage {
        cached_input_tokens: cached,
        ..used(input, output)
    };
    // Anthropic's: 3 fresh, 12,304 written, 550 out.
    let sonnet = Price {
        cache_write: Some(rate("3.75")),
        ..price("3", "0.30", "15")
    };
    let written = Usage {
        cache_write_tokens: 12_304,
        ..used(3 + 12_304, 550)
    };
    // A sound of which a part was cached: no token has two prices.
    let flash = Price {
        audio_input: Some(rate("1")),
        ..price("0.30", "0.03", "2.50")
    };
    let overlapping = Usage {
        audio_input_tokens: 600,
        ..cached(1_000, 900, 0)
    };
    let cases = [
        (sonnet, written, "0.054399"),
        (
            price("1.25", "0.625", "10"),
            cached(262_960, 257_955, 1_744),
            "0.184918125",
        ),
        (
            price("1.4", "0.26", "4.4"),
            cached(27_147, 27_146, 351),
            "0.00860376",
        ),
        (
            price("2.5", "1.25", "10"),
            cached(2_006, 1_920, 300),
            "0.005615",
        ),
        (
            price("5", "0.50", "25"),
            cached(98_805, 66_360, 5_120),
            "0.323405",
        ),
        (flash, overlapping, "0.000127"),
    ];
    for (price, usage, usd) in cases {
        assert_eq!(price.cost(&usage).to_usd(), usd, "{usage:?}");
    }
}

/// Pain 12, as the provider reports it and the caller pays it.
#[test]
fn what_was_written_to_a_providers_cache_is_charged_at_its_own_price() {
    const SONNET: &str = "anthropic/claude-sonnet-4-5";
    for body in [question(SONNET, "Hello"), streamed(SONNET, "Hello")] {
        let acme = Acme::new();
        let usage = Usage {
            cache_write_tokens: 12_304,
            ..used(3 + 12_304, 550)
        };
        acme.world.provider.once(SONNET, Act::Use(usage));
        acme.ask(&body);
        assert_eq!(acme.spent(), "0.054399");
    }
}

/// Pain 13: rows lost, or there twice.
#[test]
fn ten_thousand_calls_are_ten_thousand_rows_whatever_the_log_does() {
    let world = World::new(13);
    let worker = world.worker(1);
    let config = json!({ "limits": [], "budgets": [] });
    let orgs: Vec<String> = (0..10).map(|index| format!("org-{index}")).collect();
    let keys: Vec<String> = orgs
        .iter()
        .map(|org| world.org(&worker, org, &config))
        .collect();
    let mut told = BTreeSet::new();
    let random = &world.shared.random;
    for index in 0..10_000 {
        let body = question("light", &format!("Question {index}"));
        let request = Request::chat(&keys[index % 10], &body);
        let response = world.expect(&worker, request, 200);
        assert!(told.insert(response.told("x-request-id").to_owned()));
        if index % 100 == 0 {
            for _ in 0..2 {
                if random.chance(500) {
                    world
                        .shared
                        .faults
                        .once(Port::Audit, *random.pick(&[Fault::Down, Fault::Lost]));
                }
            }
            world.shared.executor.pass(1_000);
        }
    }
    world.shared.executor.pass(120_000);
    let records: Vec<_> = orgs
        .iter()
        .flat_map(|org| world.stored_records(org))
        .collect();
    assert_eq!(records.len(), 10_000);
    let recorded: BTreeSet<String> = records.into_iter().map(|it| it.draft.request).collect();
    assert_eq!(recorded, told);
}

/// Pain 14: counters that a deployment sets back.
#[test]
fn limits_and_budgets_outlive_a_deployment() {
    let limit = json!({ "count": "requests", "limit": 5, "seconds": 60 });
    let acme = Acme::with(&json!({ "limits": [limit] }));
    let send = |worker: &Worker, index: u64| {
        let body = question("light", &format!("Question {index}"));
        acme.world.send(worker, acme.request(&body)).status
    };
    let before: Vec<u16> = (0..3).map(|index| send(&acme.worker, index)).collect();
    let spent = acme.spent();
    acme.world.governors.evict_all();
    let fresh = acme.world.worker(2);
    assert_eq!(acme.spent(), spent);
    let after: Vec<u16> = (3..7).map(|index| send(&fresh, index)).collect();
    assert_eq!(
        [before, after].concat(),
        [200, 200, 200, 200, 200, 429, 429]
    );
}
