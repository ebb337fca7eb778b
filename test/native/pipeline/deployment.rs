//! The deployment's configuration: live in every org and isolate from the answer on, under that of each
//! org, and served on when something fails.

use std::cell::RefCell;
use std::rc::Rc;

use esclusa::governor::root::ROOT;
use serde_json::{Value, json};

use super::support::*;

mod failures;

/// Milliseconds between two requests of an isolate.
const PACE_MS: u64 = 50;

fn request(method: &str, path: &str) -> Request {
    Request::new(method, &format!("/admin/v1/config{path}")).admin()
}

fn put(acme: &Acme, config: &Value) -> Value {
    let put = request("PUT", "").json(config);
    acme.world.expect(&acme.worker, put, 200).json()
}

fn get(acme: &Acme, path: &str) -> Value {
    let get = request("GET", path);
    acme.world.expect(&acme.worker, get, 200).json()
}

fn light(model: &str) -> Value {
    json!({ "tiers": { "light": [model] }, "limits": [], "budgets": [] })
}

/// Orgs without a word of their own, two isolates that remember both.
struct Two {
    acme: Acme,
    bolt: String,
    workers: Vec<Worker>,
}

impl Two {
    fn new() -> Self {
        let acme = Acme::new();
        let bolt = acme.world.org(&acme.worker, "bolt", &json!({}));
        put(&acme, &light(LLAMA_SMALL));
        let workers = vec![acme.worker.clone(), acme.world.worker(2)];
        let two = Self {
            acme,
            bolt,
            workers,
        };
        two.check(LLAMA_SMALL);
        two
    }

    fn ask(&self, worker: &Worker, key: &str) -> Response {
        let asked = Request::new("POST", "/v1/chat/completions").key(key);
        let asked = asked.json(&question("light", "Hello"));
        self.acme.world.expect(worker, asked, 200)
    }

    /// Who answers in every org and isolate.
    fn check(&self, model: &str) {
        for worker in &self.workers {
            for key in [&self.acme.key, &self.bolt] {
                let answer = self.ask(worker, key);
                assert_eq!(told(&answer), (model, None));
            }
        }
    }
}

/// The model that answers, and whether by a configuration that is not in force.
fn told(answer: &Response) -> (&str, Option<&str>) {
    (answer.told("cf-aig-model"), answer.header("x-ai-config"))
}

#[test]
fn a_change_is_live_in_every_org_and_isolate_with_the_answer() {
    let two = Two::new();
    for model in [QWEN, GLM, LLAMA_SMALL] {
        let saved = put(&two.acme, &light(model));
        assert_eq!(saved["version"], saved["in_force"]);
        two.check(model);
    }
    assert_eq!(get(&two.acme, "")["version"], 4);
    let answer = two.ask(&two.workers[1], &two.acme.key);
    let versions = two.acme.record(&answer).draft.versions;
    assert_eq!((versions.config, versions.deployment), (2, 4));
    // An isolate and an org that come later know it too.
    let late = two.acme.world.worker(3);
    let cold = two.acme.world.org(&late, "cold", &json!({}));
    assert_eq!(told(&two.ask(&late, &cold)), (LLAMA_SMALL, None));
}

#[test]
fn fallbacks_are_the_deployments_where_an_org_has_none() {
    let two = Two::new();
    let mut config = light(LLAMA_SMALL);
    config["fallbacks"] = json!({ "light": ["anthropic/claude-haiku-4-5"] });
    put(&two.acme, &config);
    two.acme
        .world
        .provider
        .always(LLAMA_SMALL, Act::Status(500, "broken"));
    two.check("anthropic/claude-haiku-4-5");
}

/// An isolate that asks for an org each 50 ms for 20 s: when each request was sent, and who answered.
fn load(two: &Two, worker: &Worker, key: &str) -> Rc<RefCell<Vec<(u64, String)>>> {
    let told: Rc<RefCell<Vec<(u64, String)>>> = Rc::default();
    for index in 0..400 {
        let (shared, worker) = (Rc::clone(&two.acme.world.shared), worker.clone());
        let asked = Request::new("POST", "/v1/chat/completions").key(key);
        let asked = asked.json(&chat("light", &format!("Question {index}")));
        let (told, group) = (Rc::clone(&told), worker.group);
        let task = async move {
            shared.sleep(index * PACE_MS).await;
            let sent_at = shared.clock.wall();
            let answer = worker.open(asked).await.finish().await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let model = answer.told("cf-aig-model").to_owned();
            told.borrow_mut().push((sent_at, model));
        };
        two.acme.world.shared.executor.spawn(group, Box::pin(task));
    }
    told
}

#[test]
fn under_load_nothing_is_admitted_under_an_older_one() {
    for admission in ["strict", "leased"] {
        let two = Two::new();
        let shared = Rc::clone(&two.acme.world.shared);
        let admitting = |model: &str| {
            let mut config = light(model);
            config["admission"] = json!(admission);
            config
        };
        put(&two.acme, &admitting(LLAMA_SMALL));
        shared.latency.set(10);
        let workers: Vec<Worker> = (3..5).map(|group| two.acme.world.worker(group)).collect();
        let keys = [&two.acme.key, &two.bolt];
        let loads: Vec<_> = workers
            .iter()
            .flat_map(|worker| keys.map(|key| load(&two, worker, key)))
            .collect();
        let mut spans = Vec::new();
        for model in [QWEN, LLAMA_SMALL, GLM] {
            shared.executor.pass(2_000);
            let saved = put(&two.acme, &admitting(model));
            let from = saved["effective_at"].as_u64().unwrap();
            shared.executor.pass(500);
            spans.push((from, shared.clock.wall(), model));
        }
        shared.executor.pass(30_000);
        let told = loads.iter().flat_map(|told| told.borrow().clone());
        let mut checked = 0;
        for (at, model) in told {
            let span = spans
                .iter()
                .find(|(from, to, _)| (*from..*to).contains(&at));
            if let Some((_, _, expected)) = span {
                assert_eq!(model, *expected, "{admission}");
                checked += 1;
            }
        }
        assert!(checked >= 100, "{checked}");
        let ledger = two.acme.world.governors.of("acme");
        assert_eq!(ledger.borrow().ledger().leased > 0, admission == "leased");
    }
}

#[test]
fn what_an_org_says_itself_wins() {
    let two = Two::new();
    let own = json!({ "tiers": { "light": [QWEN] } });
    two.acme.world.configure(&two.acme.worker, "acme", &own);
    put(&two.acme, &light(GLM));
    for worker in &two.workers {
        assert_eq!(told(&two.ask(worker, &two.acme.key)), (QWEN, None));
        assert_eq!(told(&two.ask(worker, &two.bolt)), (GLM, None));
    }
    // What it does not speak of is the deployment's: an alias, an operation, another tier.
    let more = json!({
        "tiers": { "light": [GLM], "medium": [LLAMA] }, "limits": [], "budgets": [],
        "aliases": { "house": OSS },
        "operations": { "quote_price": { "tier": "medium", "output_cap": 300 } },
    });
    put(&two.acme, &more);
    for (asked, model) in [
        ("house", OSS),
        ("medium", LLAMA),
        ("operation/quote_price", LLAMA),
        ("light", QWEN),
    ] {
        let answer = two.acme.ask(&question(asked, "Hello"));
        assert_eq!(told(&answer), (model, None), "{asked}");
    }
}

#[test]
fn an_org_that_was_idle_finds_what_is_new() {
    let two = Two::new();
    let acme = &two.acme;
    // The root has forgotten its copy, so that nobody tells it of the change.
    acme.world.shared.executor.pass(60_000);
    let more = json!({
        "aliases": { "house": OSS },
        "operations": { "quote_price": { "tier": "medium", "output_cap": 300 } },
    });
    let patch = request("PATCH", "").json(&more);
    acme.world.expect(&acme.worker, patch, 200);
    let answer = acme.ask(&question("house", "Hello"));
    assert_eq!(told(&answer), (OSS, None));
    // Models are listed in another way.
    acme.world.shared.executor.pass(60_000);
    let patch = request("PATCH", "").json(&json!({ "operations": { "paint": {
        "tier": "light", "output_cap": 300 } } }));
    acme.world.expect(&acme.worker, patch, 200);
    let listed = Request::new("GET", "/v1/models/operation%2Fpaint").key(&acme.key);
    acme.world.expect(&acme.worker, listed, 200);
}

#[test]
fn the_administration_of_an_org_without_requests_knows_what_is_the_deployments() {
    let acme = Acme::new();
    let limited = json!({
        "aliases": { "house": OSS },
        "operations": { "quote_price": { "tier": "medium", "output_cap": 300 } },
        "budgets": [{ "usd": "3.00", "period": "day" }],
    });
    put(&acme, &limited);
    let get = |path: &str| {
        let get = Request::new("GET", &format!("/admin/v1/{path}")).admin();
        acme.world.expect(&acme.worker, get, 200).text().to_owned()
    };
    assert!(get("operations?org=acme").contains("quote_price"));
    assert!(get("models?org=acme").contains("house"));
    let budgets = acme.limits()["budgets"].clone();
    assert!(budgets.to_string().contains("\"3\""), "{budgets}");
    let switch = Request::new("PUT", "/admin/v1/orgs/acme/switches/model/house").admin();
    acme.world
        .expect(&acme.worker, switch.json(&json!({})), 200);
}

#[test]
fn what_an_org_has_is_shown_while_the_root_is_silent() {
    let two = Two::new();
    let shared = &two.acme.world.shared;
    shared.executor.pass(60_000);
    let unknown = || two.acme.request(&question("nobodys", "Hello"));
    for fault in [Fault::Down, Fault::Slow(60_000)] {
        shared.faults.always(Port::Root, fault);
        let refused = two.acme.world.send(&two.workers[0], unknown());
        check_error(&refused, 404, "model_not_found");
        two.acme.limits();
    }
}

#[test]
fn limits_and_budgets_are_the_deployments_where_an_org_has_none() {
    let two = Two::new();
    let own = json!({ "limits": [] });
    two.acme.world.configure(&two.acme.worker, "bolt", &own);
    let limited = json!({
        "limits": [{ "count": "requests", "limit": 2, "seconds": 60 }],
        "budgets": [{ "usd": "3.00", "period": "day" }],
    });
    two.acme.world.shared.executor.pass(120_000);
    put(&two.acme, &limited);
    let statuses = |key: &str| -> Vec<u16> {
        let send = |worker: &Worker| {
            let asked = Request::new("POST", "/v1/chat/completions").key(key);
            let asked = asked.json(&chat("light", "Hello"));
            two.acme.world.send(worker, asked).status
        };
        two.workers.iter().chain(&two.workers).map(send).collect()
    };
    assert_eq!(statuses(&two.acme.key), [200, 200, 429, 429]);
    assert_eq!(statuses(&two.bolt), [200; 4]);
    let limits = two.acme.limits();
    let budgets = limits["budgets"].as_array().unwrap();
    let day = budgets.iter().find(|budget| budget["name"] == "day");
    assert_eq!(day.unwrap()["limit_usd"], "3", "{budgets:?}");
    // A change of the org's own keeps what it leaves out.
    let zone = json!({ "time_zone": "UTC" });
    two.acme.world.configure(&two.acme.worker, "acme", &zone);
    assert_eq!(statuses(&two.acme.key), [429; 4]);
}

#[test]
fn fields_of_attempts_are_taken_one_by_one() {
    let acme = Acme::with(&json!({ "attempts": { "max_attempts": 2 } }));
    let mut config = light(QWEN);
    config["attempts"] = json!({ "retry_delay_ms": 5_000, "max_attempts": 1 });
    put(&acme, &config);
    acme.world.provider.once(QWEN, Act::Status(500, "{}"));
    let before = acme.world.shared.clock.wall();
    let answer = acme.ask(&question("light", "Hello"));
    assert_eq!(told(&answer), (QWEN, None));
    let took = acme.world.shared.clock.wall() - before;
    assert!((2_500..10_000).contains(&took), "{took}");
}

#[test]
fn what_does_not_fit_any_more_in_an_org_is_left_out_and_told_to_the_administrator() {
    let two = Two::new();
    let config = json!({
        "models": { "openai/house-1": {
            "provider": "openai", "kind": "chat", "context_window": 8_000, "max_output": 1_000,
            "price": { "tokens": { "input": "1.00", "output": "2.00" } }, "capabilities": [],
        } },
        "tiers": { "light": [LLAMA_SMALL] }, "limits": [], "budgets": [],
    });
    let checked = request("POST", "/validate").json(&config);
    let checked = two.acme.world.expect(&two.acme.worker, checked, 200).json();
    assert_eq!(checked["problems"], json!([]), "{checked}");
    put(&two.acme, &config);
    let own = json!({ "tiers": { "light": [QWEN, "openai/house-1"] } });
    two.acme.world.configure(&two.acme.worker, "bolt", &own);
    let validate = request("POST", "/validate").json(&light(GLM));
    let validated = two.acme.world.expect(&two.acme.worker, validate, 200);
    let warnings = validated.json()["warnings"].clone();
    let saved = put(&two.acme, &light(GLM));
    for told in [warnings, saved["warnings"].clone()] {
        let told = told.as_array().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["path"], "orgs.bolt: tiers.light[1]");
    }
    assert_eq!(told(&two.ask(&two.workers[1], &two.bolt)), (QWEN, None));
}

#[test]
fn versions_are_listed_compared_and_gone_back_to() {
    let two = Two::new();
    put(&two.acme, &light(QWEN));
    let list = get(&two.acme, "/versions");
    let numbers: Vec<&Value> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["version"])
        .collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(get(&two.acme, "/versions/1")["config"], light(LLAMA_SMALL));
    let diff = get(&two.acme, "/versions/1/diff");
    assert_eq!(diff["changes"][0]["path"], "tiers.light[0]");
    let back = request("POST", "/rollback").json(&json!({ "to": 1 }));
    let back = two.acme.world.expect(&two.acme.worker, back, 200);
    assert_eq!(back.told("etag"), "\"3\"");
    two.check(LLAMA_SMALL);
    let patch = request("PATCH", "?note=Better").json(&json!({ "tiers": { "light": [GLM] } }));
    let patched = two.acme.world.expect(&two.acme.worker, patch, 200).json();
    assert_eq!(patched["note"], "Better");
    two.check(GLM);
    let acts = two.acme.world.acts(ROOT).into_iter();
    let acts: Vec<String> = acts.map(|record| record.draft.operation).collect();
    let saved = [
        "config.save",
        "config.save",
        "config.rollback",
        "config.save",
    ];
    assert_eq!(acts, saved);
}

#[test]
fn before_the_first_there_is_one_that_says_nothing() {
    let acme = Acme::new();
    let shown = acme.world.expect(&acme.worker, request("GET", ""), 200);
    assert_eq!(shown.told("etag"), "\"0\"");
    assert_eq!(shown.json()["config"], json!({}));
    let save = request("PUT", "").header("if-match", "\"0\"");
    let saved = acme
        .world
        .expect(&acme.worker, save.json(&light(QWEN)), 200);
    assert_eq!(saved.told("etag"), "\"1\"");
}

#[test]
fn of_two_administrators_at_once_one_is_refused_and_one_in_force() {
    let two = Two::new();
    two.acme.world.shared.latency.set(10);
    let mut conflicts = 0;
    for _ in 0..5 {
        let requests = [light(QWEN), light(GLM)].map(|config| request("PUT", "").json(&config));
        let requests = two.workers.iter().cloned().zip(requests).collect();
        let replies = two.acme.world.send_all(requests);
        conflicts += replies.iter().filter(|reply| reply.status == 409).count();
        let saved = replies.iter().filter(|reply| reply.status == 200);
        let newest = saved.max_by_key(|reply| reply.json()["version"].as_u64());
        let model = newest.unwrap().json()["config"]["tiers"]["light"][0].clone();
        two.check(model.as_str().unwrap());
    }
    assert!(conflicts > 0);
    let old = request("PUT", "").header("if-match", "\"1\"");
    let refused = two
        .acme
        .world
        .send(&two.acme.worker, old.json(&light(QWEN)));
    check_error(&refused, 412, "precondition_failed");
}

#[test]
fn only_members_of_the_whole_deployment_may() {
    let two = Two::new();
    let acme = &two.acme;
    let member = |id: &str, role: &str, org: Option<&str>| {
        let new = json!({ "id": id, "name": "A person", "role": role, "org": org });
        let made = Request::new("POST", "/admin/v1/members").admin().json(&new);
        let made = acme.world.expect(&acme.worker, made, 201).json();
        made["key"].as_str().unwrap().to_owned()
    };
    let send = |key: &str, method: &str| {
        let asked = Request::new(method, "/admin/v1/config").key(key);
        acme.world.send(&acme.worker, asked.json(&light(QWEN)))
    };
    let viewer = member("vic", "viewer", None);
    let of_org = member("ana", "admin", Some("acme"));
    let editor = member("eva", "editor", None);
    check_error(&send(&viewer, "PUT"), 403, "forbidden");
    check_error(&send(&of_org, "PUT"), 403, "forbidden");
    check_error(&send(&of_org, "GET"), 403, "forbidden");
    check_error(&send(&acme.key, "PUT"), 401, "invalid_api_key");
    assert_eq!(send(&viewer, "GET").status, 200);
    two.check(LLAMA_SMALL);
    let saved = send(&editor, "PUT");
    assert_eq!(saved.json()["author"], "member/eva", "{}", saved.text());
    two.check(QWEN);
}

#[test]
fn what_is_malformed_or_each_orgs_own_is_refused_with_path_and_line() {
    let two = Two::new();
    let yaml = |text: &str| {
        let put = request("PUT", "").header("content-type", "application/yaml");
        let put = put.bytes(text.as_bytes().to_vec());
        two.acme.world.send(&two.acme.worker, put)
    };
    for (text, path, line) in [
        ("tiers:\n  light: [none/model]\n", "tiers.light[0]", 2),
        ("limits: []\nalerts: {}\n", "alerts", 2),
        ("limits: []\n\nroutes: {}\n", "routes", 3),
        ("credits: prepaid\n", "credits", 1),
        (
            "limits:\n- { per: user, only: u1, count: requests, limit: 5, seconds: 60 }\n",
            "limits[0].only",
            2,
        ),
        ("color: red\n", "color", 1),
    ] {
        let refused = yaml(text);
        let message = check_error(&refused, 400, "invalid_request");
        assert!(message.contains(&format!("(line {line})")), "{message}");
        assert!(message.contains(path), "{message}");
    }
    assert_eq!(get(&two.acme, "")["version"], 1);
    two.check(LLAMA_SMALL);
}
