//! When a stream has begun, so that no other model can take over: with what says something to the
//! client, not with figures.

use esclusa::audit::{Attempt, Record};
use esclusa::usage::Usage;
use serde_json::{Value, json};

use super::super::support::*;

const FLASH: &str = "google/gemini-2.5-flash";
const GPT: &str = "openai/gpt-4o";
/// Longer than any first event is waited for.
const NEVER_MS: u64 = 1_000_000;

const ROLE: &str = r#"{"service_tier":"default","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}"#;
const USED: &str = r#"{"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":70}}"#;
const TEXT: &str = r#"{"choices":[{"index":0,"delta":{"content":"Hello"}}]}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const ERROR: &str = r#"{"error":{"message":"overloaded","code":3040}}"#;

fn events(data: &[&str]) -> String {
    let written = data.iter().map(|data| format!("data: {data}\n\n"));
    written.collect::<Vec<_>>().concat()
}

/// Each a part of its own.
fn parts(data: &[&str]) -> Vec<(u64, String)> {
    data.iter().map(|data| (1, events(&[data]))).collect()
}

/// An org whose light questions go to `model` first.
fn first(model: &str) -> Acme {
    Acme::with(&json!({ "tiers": { "light": [model, LLAMA_SMALL] } }))
}

/// The failed attempt before the one that answered.
fn failed(record: &Record) -> &Attempt {
    let [failed, answered] = record.draft.attempts.as_slice() else {
        panic!("{record:?}");
    };
    assert_eq!(
        (answered.model.as_str(), answered.result.as_str()),
        (LLAMA_SMALL, "ok")
    );
    failed
}

fn used(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage {
        input_tokens,
        output_tokens,
        ..Usage::default()
    }
}

#[test]
fn an_error_after_figures_falls_back_and_the_figures_are_charged() {
    for act in [
        Act::Raw(events(&[ROLE, USED, ERROR])),
        Act::Timed(parts(&[ROLE, USED, ERROR])),
    ] {
        let acme = first(GPT);
        acme.world.provider.once(GPT, act);
        let response = acme.ask(&streamed("light", "Hello"));
        assert!(!response.text().contains("error"), "{}", response.text());
        assert_eq!(response.answer().matches("You asked").count(), 1);
        let record = acme.record(&response);
        let attempt = failed(&record);
        assert_eq!(
            (attempt.result.as_str(), attempt.usage, attempt.bounded),
            ("capacity", used(900, 70), false)
        );
        assert_eq!(attempt.cost.get(), 900 * 2_500 + 70 * 10_000);
        let [attempt, answered] = record.draft.attempts.as_slice() else {
            panic!("{record:?}");
        };
        assert_eq!(record.cost, attempt.cost.saturating_add(answered.cost));
        assert_eq!(record.draft.usage, attempt.usage.plus(answered.usage));
        acme.check_released();
    }
}

#[test]
fn an_error_after_the_role_alone_costs_nothing() {
    let acme = first(GPT);
    let act = Act::Timed(parts(&[ROLE, ERROR]));
    acme.world.provider.once(GPT, act);
    let record = acme.record(&acme.ask(&streamed("light", "Hello")));
    assert_eq!(failed(&record).cost.get(), 0);
    assert_eq!(record.flags, []);
}

#[test]
fn a_call_that_gemini_failed_to_write_falls_back_streamed_and_whole() {
    const BODY: &str = r#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}],"usageMetadata":{"promptTokenCount":400,"candidatesTokenCount":30}}"#;
    let acme = first(FLASH);
    let key = "AIza-very-secret-0123456789".to_owned();
    let mut secrets = acme.world.secrets.0.borrow_mut();
    secrets.insert("GOOGLE_API_KEY".to_owned(), key);
    drop(secrets);
    let act = Act::Raw(events(&[BODY]));
    acme.world.provider.once(FLASH, act);
    let response = acme.ask(&streamed("light", "Hello"));
    assert!(!response.text().contains("error"), "{}", response.text());
    let record = acme.record(&response);
    let attempt = failed(&record);
    assert_eq!(
        (attempt.result.as_str(), attempt.usage),
        ("malformed", used(400, 30))
    );
    // $0.30 and $2.50 per million.
    assert_eq!(attempt.cost.get(), 400 * 300 + 30 * 2_500);
    acme.check_released();
}

#[test]
fn silence_after_figures_is_no_longer_than_before_a_first_event() {
    for said in [&[ROLE][..], &[USED], &[ROLE, USED]] {
        let acme = first(GPT);
        let mut told = parts(said);
        told.push((NEVER_MS, events(&[TEXT])));
        acme.world.provider.once(GPT, Act::Timed(told));
        let begun = acme.world.shared.clock.elapsed();
        let response = acme.ask(&streamed("light", "Hello"));
        let took = acme.world.shared.clock.elapsed() - begun;
        assert!((30_000..31_000).contains(&took), "{took}: {said:?}");
        assert!(!response.text().contains("error"), "{}", response.text());
        let records = acme.world.records("acme");
        let attempt = failed(records.last().unwrap());
        assert_eq!(
            (attempt.result.as_str(), attempt.bounded),
            ("timeout", true)
        );
        assert!(attempt.cost.get() > 900 * 2_500);
        let expected = if said.contains(&USED) {
            used(900, 70)
        } else {
            Usage::default()
        };
        assert_eq!(attempt.usage, expected);
        acme.check_released();
    }
}

#[test]
fn a_stream_is_as_quick_as_its_first_word_and_passes_whole() {
    let acme = Acme::new();
    let mut told = parts(&[ROLE]);
    told.push((2_000, events(&[TEXT, STOP, USED, "[DONE]"])));
    acme.world.provider.once(GPT, Act::Timed(told));
    let response = acme.ask(&streamed(GPT, "Hello"));
    assert_eq!(response.events()[..3], [ROLE, TEXT, STOP]);
    let record = acme.record(&response);
    let [attempt] = record.draft.attempts.as_slice() else {
        panic!("{record:?}");
    };
    assert!(attempt.milliseconds >= 2_000, "{attempt:?}");
    assert_eq!(record.draft.usage, used(900, 70), "counted once");
}

#[test]
fn an_answer_of_no_words_is_an_answer() {
    for said in [
        &[ROLE, STOP, USED, "[DONE]"][..],
        &[ROLE, USED, "[DONE]"],
        &[ROLE, "[DONE]"],
    ] {
        let acme = first(GPT);
        acme.world.provider.once(GPT, Act::Timed(parts(said)));
        let response = acme.ask(&streamed("light", "Hello"));
        assert_eq!(response.told("cf-aig-model"), GPT, "{said:?}");
        assert_eq!(response.answer(), "");
        let data = response.events();
        assert_eq!(data.last().map(String::as_str), Some("[DONE]"));
        let is_error = |data: &String| {
            let event: Value = serde_json::from_str(data).unwrap_or_default();
            !event["error"].is_null()
        };
        assert!(!data.iter().any(is_error), "{data:?}");
    }
}

#[test]
fn figures_alone_are_no_answer() {
    let acme = first(GPT);
    let act = Act::Timed(parts(&[USED, "[DONE]"]));
    acme.world.provider.once(GPT, act);
    let record = acme.record(&acme.ask(&streamed("light", "Hello")));
    let attempt = failed(&record);
    assert_eq!(
        (attempt.result.as_str(), attempt.usage),
        ("malformed", used(900, 70))
    );
}

#[test]
fn figures_without_end_are_no_answer() {
    let acme = first(GPT);
    let some = events(&[USED; 1_000]);
    let much = (0..200).map(|_| (1, some.clone())).collect();
    acme.world.provider.once(GPT, Act::Timed(much));
    let response = acme.ask(&streamed("light", "Hello"));
    let record = acme.record(&response);
    let attempt = failed(&record);
    assert_eq!(
        (attempt.result.as_str(), attempt.usage),
        ("malformed", used(900, 70))
    );
    assert!(attempt.milliseconds < 200, "not all of it was read");
}
