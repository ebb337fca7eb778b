//! Streams that do not end as they should, or must not be held back or mixed up.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use esclusa::audit::{Flag, Outcome};
use serde_json::Value;

use super::support::*;
use super::world::http::Opened;

/// Opens a stream and reads `chunks` of it.
fn open(acme: &Acme, body: &Value, chunks: usize) -> Opened {
    let (worker, request) = (acme.worker.clone(), acme.request(body));
    acme.world.shared.executor.block_on(async move {
        let mut opened = worker.open(request).await;
        for _ in 0..chunks {
            assert!(opened.read().await);
        }
        opened
    })
}

#[test]
fn a_cut_stream_ends_with_an_error_event() {
    for (act, model) in [
        (Act::Cut(3), QWEN),
        (Act::Cut(3), LLAMA_SMALL),
        (Act::ErrorEvent(3), QWEN),
        (Act::Stall(3), "openai/gpt-4o"),
    ] {
        let acme = Acme::new();
        acme.world.provider.once(model, act.clone());
        let response = acme.ask(&streamed(model, "Tell me a long story about it"));
        let events = response.events();
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        assert_eq!(last["error"]["code"], "upstream_failed", "{act:?}: {last}");
        assert!(!response.text().contains("[DONE]"), "{act:?}");
        assert!(
            response.text().matches("content").count() >= 3,
            "what came was delivered"
        );
        assert_eq!(
            acme.world.provider.answered_by(),
            [model],
            "no second beginning"
        );
        let record = acme.record(&response);
        assert_eq!(record.draft.outcome, Outcome::Truncated);
        assert!(record.cost.get() > 0, "what was used is charged");
        assert_eq!(record.flags, [Flag::Estimated]);
        assert_eq!(acme.spent(), record.cost.to_usd());
        acme.check_released();
    }
}

#[test]
fn a_cut_stream_is_not_kept() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Cut(4));
    acme.ask(&streamed("operation/faq", QUESTION));
    assert!(acme.world.cache.answers().is_empty());
    let again = acme.ask(&faq());
    assert_eq!(again.told("x-ai-cache-status"), "MISS");
}

#[test]
fn a_client_that_goes_is_charged_what_came() {
    for chunks in [0, 1, 3] {
        let acme = Acme::new();
        let opened = open(&acme, &streamed("operation/faq", QUESTION), chunks);
        let id = opened.response.clone();
        drop(opened);
        acme.world.shared.executor.run_ready();
        let record = acme.record(&id);
        assert_eq!(record.draft.outcome, Outcome::ClientGone);
        assert!(record.cost.get() > 0);
        assert!(record.cost <= record.bound);
        acme.check_released();
        assert!(
            acme.world.cache.answers().is_empty(),
            "half an answer is not kept"
        );
    }
}

#[test]
fn a_client_that_goes_at_the_very_end_is_settled_once() {
    let acme = Acme::new();
    let body = streamed("light", "Hello");
    let response = acme.ask(&body);
    // Every number of chunks that may have been read, up to all.
    let chunks = response.text().matches("\n\n").count();
    for read in 0..chunks {
        let (worker, request) = (acme.worker.clone(), acme.request(&body));
        let opened = acme.world.shared.executor.block_on(async move {
            let mut opened = worker.open(request).await;
            for _ in 0..read {
                opened.read().await;
            }
            opened
        });
        let id = opened.response.clone();
        drop(opened);
        acme.world.shared.executor.run_ready();
        acme.record(&id);
        acme.check_released();
    }
}

#[test]
fn a_client_that_goes_while_it_is_settled_is_charged_what_it_used() {
    // Some of these moments lie between the last event and the governor's reply.
    for moment in (0..150).step_by(5) {
        let acme = Acme::new();
        let body = streamed("light", "Hello");
        let whole = acme.ask(&body);
        let chunks = whole.text().matches("\n\n").count();
        let mut opened = open(&acme, &body, chunks - 3);
        let id = opened.response.clone();
        let (shared, executor) = (&acme.world.shared, &acme.world.shared.executor);
        shared.latency.set(50);
        let read = async move { while opened.read().await {} };
        let last = executor.spawn(1, Box::pin(read));
        executor.pass(moment);
        executor.cancel(last);
        executor.pass(2_000);
        shared.latency.set(0);
        let record = acme.record(&id);
        assert!(record.cost < record.bound, "after {moment} ms: {record:?}");
        acme.check_released();
    }
}

#[test]
fn a_stream_past_its_time_ends() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Stall(2));
    let begun = acme.world.shared.clock.elapsed();
    let response = acme.ask(&streamed("light", "Hello"));
    assert_eq!(acme.world.shared.clock.elapsed() - begun, 300_000);
    assert_eq!(acme.record(&response).draft.outcome, Outcome::Truncated);
    acme.check_released();
}

#[test]
fn a_request_dropped_before_its_answer_is_charged_at_its_bound() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Hang);
    let (worker, request) = (
        acme.worker.clone(),
        acme.request(&question("light", "Hello")),
    );
    let executor = &acme.world.shared.executor;
    let task = executor.spawn(1, Box::pin(async move { drop(worker.open(request).await) }));
    executor.run_ready();
    assert_eq!(acme.limits()["open_reservations"], 1);
    assert!(executor.cancel(task));
    executor.pass(400_000);
    let record = acme.world.records("acme").pop().unwrap();
    assert_eq!(record.draft.outcome, Outcome::Expired);
    assert_eq!(
        (record.cost, record.flags.as_slice()),
        (record.bound, &[Flag::Bounded][..])
    );
    acme.check_released();
}

#[test]
fn a_silent_provider_is_bridged_by_comments() {
    // Before the first event and after some; a model that thinks may be silent for long.
    for act in [Act::Slow(130_000), Act::Pause(2, 130_000)] {
        let acme = Acme::new();
        acme.world.provider.once(OSS, act.clone());
        let begun = acme.world.shared.clock.elapsed();
        let (worker, request) = (acme.worker.clone(), acme.request(&streamed(OSS, "Hello")));
        let clock = acme.world.shared.clock.clone();
        let gaps = acme.world.shared.executor.block_on(async move {
            let mut opened = worker.open(request).await;
            let mut times = vec![clock.elapsed()];
            while opened.read().await {
                times.push(clock.elapsed());
            }
            let text = opened.response.text().to_owned();
            assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
            assert!(
                text.matches(": keep-alive\n\n").count() >= 130_000 / 15_000,
                "{text}"
            );
            times
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .collect::<Vec<_>>()
        });
        assert!(acme.world.shared.clock.elapsed() - begun >= 130_000);
        assert!(gaps.iter().all(|gap| *gap <= 15_000), "{act:?}: {gaps:?}");
        acme.check_released();
    }
}

#[test]
fn a_failure_after_the_headers_is_an_error_event() {
    let acme = Acme::new();
    acme.world.provider.always("openai/gpt-4o", Act::Stall(0));
    let response = acme.ask(&streamed("openai/gpt-4o", "Hello"));
    let events = response.events();
    let [only] = events.as_slice() else {
        panic!("{events:?}");
    };
    let error: Value = serde_json::from_str(only).unwrap();
    assert_eq!(error["error"]["code"], "upstream_failed");
    assert_eq!(acme.record(&response).draft.outcome, Outcome::Failed);
    acme.check_released();
}

#[test]
fn a_client_that_goes_before_the_first_event_ends_the_call() {
    let acme = Acme::new();
    acme.world.provider.once(OSS, Act::Slow(60_000));
    let opened = open(&acme, &streamed(OSS, "Hello"), 2);
    assert_eq!(acme.world.provider.open_calls(), 1);
    drop(opened);
    acme.world.shared.executor.run_ready();
    assert_eq!(acme.world.provider.open_calls(), 0);
}

#[test]
fn a_stream_of_the_callers_own_wire_passes_as_it_came() {
    let acme = Acme::new();
    let strange = r#"{"id":"x","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"a","strange":[1.0]}}],"obfuscation":"zz"}"#;
    let end = r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let usage = r#"{"id":"x","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}"#;
    let stream = format!("data: {strange}\n\ndata: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    acme.world
        .provider
        .always("openai/gpt-4o", Act::Raw(stream));
    let response = acme.ask(&streamed("openai/gpt-4o", "Hello"));
    let events = response.events();
    assert_eq!(events[..2], [strange, end]);
    let told: Value = serde_json::from_str(&events[2]).unwrap();
    let record = acme.record(&response);
    assert_eq!(told["usage"]["cost_usd"], record.cost.to_usd());
    assert_eq!(record.draft.usage.output_tokens, 4);
    assert_eq!(events[3], "[DONE]");
    let mut unasked = streamed("openai/gpt-4o", "Hello");
    unasked.as_object_mut().unwrap().remove("stream_options");
    let events = acme.ask(&unasked).events();
    assert_eq!(events, [strange, end, "[DONE]"], "usage is for who asks");
}

#[test]
fn a_frame_is_not_held_back() {
    // Written anew, and passed on as it came.
    for model in [QWEN, "openai/gpt-4o"] {
        let acme = Acme::new();
        acme.world.provider.once(model, Act::Pause(3, 5_000));
        let (worker, request) = (acme.worker.clone(), acme.request(&streamed(model, "Hello")));
        let clock = acme.world.shared.clock.clone();
        let begun = clock.elapsed();
        let early = acme.world.shared.executor.block_on(async move {
            let mut opened = worker.open(request).await;
            let mut early = opened.response.clone();
            while opened.read().await && clock.elapsed() - begun < 50 {
                early = opened.response.clone();
            }
            assert!(clock.elapsed() - begun >= 5_000, "the provider was silent");
            early
        });
        assert!(early.events().len() >= 3, "{model}: {}", early.text());
        assert!(!early.answer().is_empty(), "{model}");
    }
}

#[test]
fn five_hundred_streams_of_which_half_are_dropped_never_mix() {
    const STREAMS: usize = 500;
    let acme = Acme::new();
    let (shared, executor) = (&acme.world.shared, &acme.world.shared.executor);
    shared.latency.set(40);
    let read: Rc<RefCell<BTreeMap<usize, Response>>> = Rc::default();
    let ended: Rc<RefCell<Vec<usize>>> = Rc::default();
    let tasks: Vec<_> = (0..STREAMS)
        .map(|number| {
            let body = streamed(QWEN, &format!("<{number}> is the mark of <{number}> alone"));
            let (worker, request) = (acme.worker.clone(), acme.request(&body));
            let (read, ended) = (Rc::clone(&read), Rc::clone(&ended));
            let task = async move {
                let mut opened = worker.open(request).await;
                while opened.read().await {
                    read.borrow_mut().insert(number, opened.response.clone());
                }
                ended.borrow_mut().push(number);
            };
            executor.spawn(1, Box::pin(task))
        })
        .collect();
    let mut dropped = 0;
    for task in tasks {
        executor.pass(1);
        if shared.random.chance(500) && executor.cancel(task) {
            dropped += 1;
        }
    }
    executor.pass(400_000);
    assert!((150..350).contains(&dropped), "{dropped}");
    assert_eq!(ended.borrow().len() + dropped, STREAMS);
    let halves = read.borrow().len() - ended.borrow().len();
    assert!(halves > 50, "dropped in their middle: {halves}");
    for (number, response) in read.borrow().iter() {
        let answer = response.answer();
        let mark = format!("<{number}>");
        let whole = ended.borrow().contains(number);
        assert!(!whole || answer.matches(&mark).count() == 2, "{answer}");
        let strange = answer.replace(&mark, "");
        assert!(!strange.contains('>'), "{number}: {answer}");
    }
    shared.latency.set(0);
    acme.check_released();
}

#[test]
fn a_stream_that_lasts_is_held_for_as_long() {
    let acme = Acme::new();
    acme.world.provider.once(OSS, Act::Drip(50_000));
    let begun = acme.world.shared.clock.elapsed();
    let response = acme.ask(&streamed(OSS, "Tell me a long story about it"));
    let took = acme.world.shared.clock.elapsed() - begun;
    assert!(took > 600_000, "{took}");
    assert!(response.text().ends_with("data: [DONE]\n\n"));
    let record = acme.record(&response);
    assert_eq!(record.draft.outcome, Outcome::Answered, "it never expired");
    assert!(record.flags.is_empty(), "{:?}", record.flags);
    acme.check_released();
}

#[test]
fn a_stream_ends_once_it_is_silent_for_minutes_or_lasts_an_hour() {
    for (act, least, most) in [
        (Act::Pause(3, 1_000_000), 240_000, 310_000),
        (Act::Drip(230_000), 3_500_000, 3_700_000),
    ] {
        let acme = Acme::new();
        acme.world.provider.once(OSS, act.clone());
        let begun = acme.world.shared.clock.elapsed();
        let response = acme.ask(&streamed(OSS, "Tell me a long story about it"));
        let took = acme.world.shared.clock.elapsed() - begun;
        assert!((least..most).contains(&took), "{act:?}: {took}");
        assert!(!response.text().contains("[DONE]"), "{act:?}");
        assert_eq!(acme.record(&response).draft.outcome, Outcome::Truncated);
        acme.check_released();
    }
}
