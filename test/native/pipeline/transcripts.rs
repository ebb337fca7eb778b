//! Prompts and answers are stored only for orgs that want it, as they want it, as long as they want
//! it.

use esclusa::upkeep::hourly;
use serde_json::{Value, json};

use super::support::*;

const SECRET: &str = "Call Ann at +39 06 1234 5678 or ann@example.com";

fn storing(store: &str) -> Acme {
    Acme::with(&json!({ "transcripts": { "store": store, "days": 7 } }))
}

fn path(response: &Response) -> String {
    let request = response.told("x-request-id");
    format!("/admin/v1/orgs/acme/transcripts/{request}")
}

fn transcript(acme: &Acme, response: &Response) -> Value {
    let get = Request::new("GET", &path(response)).admin();
    acme.world.expect(&acme.worker, get, 200).json()
}

fn is_stored(acme: &Acme, response: &Response) -> bool {
    let get = Request::new("GET", &path(response)).admin();
    let status = acme.world.send(&acme.worker, get).status;
    assert!([200, 404].contains(&status), "{status}");
    status == 200
}

fn files(acme: &Acme) -> usize {
    let files = acme.world.files.files.borrow();
    let names = files.keys().filter(|name| name.starts_with("transcripts/"));
    names.count()
}

#[test]
fn nothing_is_stored_unless_the_org_says_so() {
    for acme in [Acme::new(), storing("off")] {
        let answer = acme.ask(&question(GLM, SECRET));
        assert!(!is_stored(&acme, &answer));
        let everything = acme.world.files.files.borrow();
        assert!(everything.is_empty(), "{:?}", everything.keys());
    }
}

#[test]
fn all_of_it_is_stored_where_the_org_wants_that() {
    let acme = storing("full");
    acme.world.provider.once(GLM, Act::Say(SECRET.to_owned()));
    let answer = acme.ask(&question(GLM, SECRET));
    let stored = transcript(&acme, &answer);
    assert_eq!(stored["prompt"]["messages"][0]["content"], SECRET);
    assert_eq!(stored["answer"][0]["text"], SECRET);
    assert_eq!(stored["outcome"], "answered");
    assert_eq!(stored["request"], answer.told("x-request-id"));
    let record = serde_json::to_string(&acme.record(&answer)).unwrap();
    assert!(!record.contains("Ann"), "never in the record: {record}");
}

#[test]
fn what_is_personal_is_masked_where_the_org_wants_that() {
    let acme = storing("redacted");
    for streamed_too in [false, true] {
        acme.world.provider.once(GLM, Act::Say(SECRET.to_owned()));
        let mut body = question(GLM, SECRET);
        body["stream"] = json!(streamed_too);
        body["user"] = json!("ann@example.com");
        let answer = acme.ask(&body);
        assert_eq!(answer.answer(), SECRET, "the client gets it as it is");
        let stored = transcript(&acme, &answer);
        let masked = "Call Ann at +[NUMBER] or [EMAIL]";
        assert_eq!(stored["prompt"]["messages"][0]["content"], masked);
        assert_eq!(stored["answer"][0]["text"], masked, "also over chunks");
        assert!(!stored.to_string().contains("example.com"), "{stored}");
    }
}

#[test]
fn failures_cached_answers_and_other_work_have_theirs() {
    let acme = storing("full");
    let faq = acme.ask(&faq());
    let hit = acme.ask(&super::support::faq());
    assert_eq!(hit.told("x-ai-cache-status"), "HIT");
    let (first, second) = (transcript(&acme, &faq), transcript(&acme, &hit));
    assert_eq!(first["answer"], second["answer"]);
    assert_eq!(second["outcome"], "cached");
    acme.world
        .provider
        .once("openai/gpt-4o", Act::Status(400, "{}"));
    let failed = acme.send(&question("openai/gpt-4o", "Hello"));
    let stored = transcript(&acme, &failed);
    assert_eq!(stored["outcome"], "failed");
    assert_eq!(stored.get("answer"), None);
    let embedded = acme.posted("/v1/embeddings", &json!({ "model": EMBED, "input": "Hi" }));
    let stored = transcript(&acme, &embedded);
    assert_eq!(
        (&stored["prompt"]["input"], stored.get("answer")),
        (&json!("Hi"), None)
    );
    let ranked = json!({ "model": RERANK, "query": "q", "documents": ["a", "b"] });
    let ranked = acme.posted("/v1/rerank", &ranked);
    assert!(transcript(&acme, &ranked)["answer"]["results"].is_array());
    let heard = acme.upload(
        "/v1/audio/transcriptions",
        &[("model", WHISPER)],
        &[("file", b"RIFF\xff")],
    );
    let stored = transcript(&acme, &heard);
    assert!(
        stored["prompt"]["omitted_bytes"].as_u64().unwrap() > 4,
        "{stored}"
    );
    assert!(stored["answer"]["text"].is_string(), "{stored}");
}

#[test]
fn refused_requests_leave_none() {
    let acme = storing("full");
    let refused = acme.send(&json!({ "model": GLM, "messages": "none" }));
    assert_eq!(refused.status, 400);
    assert!(!is_stored(&acme, &refused));
}

#[test]
fn a_store_that_fails_keeps_no_answer_back() {
    let acme = storing("full");
    acme.world.shared.faults.once(Port::Files, Fault::Down);
    let answer = acme.ask(&question(GLM, "Hello"));
    assert!(!is_stored(&acme, &answer));
    let log = acme.world.shared.log.borrow().join("\n");
    assert!(log.contains("could not be stored"), "{log}");
}

#[test]
fn transcripts_go_when_their_time_is_over() {
    let acme = storing("full");
    acme.ask(&question(GLM, "Hello"));
    let upkeep = || {
        let ports = acme.worker.ports.clone();
        acme.world
            .shared
            .executor
            .block_on(async move { hourly(&ports).await });
    };
    acme.world.shared.clock.jump(7 * 86_400_000);
    upkeep();
    assert_eq!(files(&acme), 1, "of the eighth day back");
    acme.world.shared.clock.jump(86_400_000);
    upkeep();
    assert_eq!(files(&acme), 0);
}

#[test]
fn an_administrator_removes_one_and_an_erased_user_takes_all() {
    let acme = storing("full");
    let ask = |user: &str, text: &str| {
        let request = acme.request(&question(GLM, text)).header("x-ai-user", user);
        let request = request.header("idempotency-key", text);
        acme.world.expect(&acme.worker, request, 200)
    };
    let answers: Vec<Response> = (0..5).map(|turn| ask("ann", &format!("a{turn}"))).collect();
    let other = ask("bob", "b");
    let remove = Request::new("DELETE", &path(&answers[0])).admin();
    acme.world.expect(&acme.worker, remove.clone(), 204);
    acme.world.expect(&acme.worker, remove, 204);
    assert!(!is_stored(&acme, &answers[0]));
    let erase = Request::new("DELETE", "/admin/v1/orgs/acme/users/ann/records").admin();
    let erased = acme.world.expect(&acme.worker, erase, 200).json();
    assert_eq!(erased["erased_requests"], 5);
    assert!(answers.iter().all(|answer| !is_stored(&acme, answer)));
    assert!(is_stored(&acme, &other));
    let kept = acme.world.files.files.borrow();
    let kept: Vec<&String> = kept
        .keys()
        .filter(|name| name.contains("idempotency/"))
        .collect();
    assert_eq!(kept.len(), 1, "the kept answers too: {kept:?}");
}

#[test]
fn another_org_finds_nothing() {
    let acme = storing("full");
    let answer = acme.ask(&question(GLM, "Hello"));
    acme.world.org(&acme.worker, "other", &json!({}));
    let request = answer.told("x-request-id");
    let get = Request::new(
        "GET",
        &format!("/admin/v1/orgs/other/transcripts/{request}"),
    );
    assert_eq!(
        acme.world.send(&acme.worker, get.clone().admin()).status,
        404
    );
    assert_eq!(
        acme.world.send(&acme.worker, get.key(&acme.key)).status,
        401
    );
}

#[test]
fn a_malformed_section_is_refused_with_its_path() {
    let acme = Acme::new();
    for (section, path) in [
        (json!({ "store": "all" }), "transcripts"),
        (json!({ "days": 0 }), "transcripts.days"),
        (json!({ "keep": 3 }), "transcripts"),
        (Value::Null, "transcripts"),
    ] {
        let put = Request::new("PUT", "/admin/v1/orgs/acme/config").admin();
        let put = put.json(&json!({ "transcripts": section }));
        let refused = acme.world.send(&acme.worker, put);
        assert_eq!(refused.status, 400, "{section}");
        assert!(refused.text().contains(path), "{}", refused.text());
    }
}

/// The isolate that answers still remembers the configuration of before.
#[test]
fn what_an_org_does_not_want_any_more_is_not_stored_of_the_next_request() {
    for (now, stored) in [("off", false), ("redacted", true)] {
        let acme = storing("full");
        let before = acme.ask(&question(GLM, SECRET));
        assert!(is_stored(&acme, &before));
        let other = acme.world.worker(2);
        let config = json!({ "transcripts": { "store": now, "days": 7 } });
        acme.world.configure(&other, "acme", &config);
        let after = acme.ask(&question(GLM, &format!("{SECRET}!")));
        assert_eq!(is_stored(&acme, &after), stored, "{now}");
        if stored {
            let prompt = transcript(&acme, &after)["prompt"].to_string();
            assert!(!prompt.contains("ann@example.com"), "{prompt}");
        }
    }
}
