//! What administrators do meanwhile. Each change is repeated until it is answered, and from that
//! moment on its promise holds.

use std::rc::Rc;

use serde_json::json;

use super::scenario::{Org, Scenario, Told, rules};
use super::world::executor::OUTSIDE;
use super::world::http::{Request, Response};

const MODELS: [&str; 3] = [
    "@cf/qwen/qwen3-30b-a3b-fp8",
    "@cf/meta/llama-3.1-8b-instruct-fast",
    "@cf/zai-org/glm-4.7-flash",
];

/// Sends a request, in whichever isolate, until it is answered as it should be.
async fn insist(scenario: &Rc<Scenario>, request: Request, status: u16) -> Response {
    loop {
        let (done, reply) = futures::channel::oneshot::channel();
        let (worker, request) = (scenario.any_worker(), request.clone());
        let group = worker.group;
        let task = async move {
            let _ = done.send(worker.open(request).await.finish().await);
        };
        scenario.world.shared.executor.spawn(group, Box::pin(task));
        // The isolate may be lost with the request.
        match reply.await {
            Ok(response) if response.status == status => return response,
            Ok(response) => assert!(
                [402, 409, 429, 500, 502, 503].contains(&response.status),
                "{} {}",
                response.status,
                response.text()
            ),
            Err(_) => {}
        }
        scenario.world.shared.sleep(500).await;
    }
}

impl Scenario {
    /// From this moment on a promise holds.
    fn tell(&self, org: &Org, told: Told) {
        let now = self.world.shared.clock.elapsed();
        org.told.borrow_mut().push((now, told));
    }
}

/// Runs a change of an org, one at a time.
fn change<F: Future<Output = ()> + 'static>(
    scenario: &Rc<Scenario>,
    of: impl FnOnce(Rc<Scenario>, Rc<Org>) -> F + 'static,
) {
    let org = Rc::clone(scenario.random.pick(&scenario.orgs));
    if org.changing.replace(true) {
        return;
    }
    let of_task = Rc::clone(scenario);
    let task = async move {
        of(of_task, Rc::clone(&org)).await;
        org.changing.set(false);
    };
    scenario
        .world
        .shared
        .executor
        .spawn(OUTSIDE, Box::pin(task));
}

/// Gives an org other limits and candidates.
pub(crate) fn configure(scenario: &Rc<Scenario>) {
    change(scenario, |scenario, org| async move {
        let random = &scenario.random;
        let first = random.index(MODELS.len());
        let mut config = rules(random, scenario.is_leased);
        config["tiers"] = json!({ "light": [MODELS[first], MODELS[(first + 1) % MODELS.len()]] });
        let put = Request::new("PUT", &format!("/admin/v1/orgs/{}/config", org.name));
        let response = insist(&scenario, put.admin().json(&config), 200).await;
        let version = response.json()["version"].as_u64().unwrap();
        let object = scenario.world.governors.of(org.name);
        object.borrow_mut().ledger_mut().promise(version);
        scenario.tell(&org, Told::Config(version));
    });
}

/// Replaces an org's document by a newer version.
pub(crate) fn learn(scenario: &Rc<Scenario>) {
    change(scenario, |scenario, org| async move {
        let version = org.next_version.replace(org.next_version.get() + 1);
        let document =
            json!({ "id": "returns", "title": "Returns", "text": org.document(version) });
        let key = org.keys.borrow().last().unwrap().0.clone();
        let post = Request::new("POST", "/v1/knowledge/documents").key(&key);
        insist(&scenario, post.json(&document), 201).await;
        let corpus = scenario
            .world
            .governors
            .of(org.name)
            .borrow()
            .ledger()
            .corpus;
        org.promised.borrow_mut().push((corpus, version));
        scenario.tell(&org, Told::Corpus(corpus));
    });
}

/// Gives an org a new key and revokes its oldest.
pub(crate) fn replace_key(scenario: &Rc<Scenario>) {
    change(scenario, |scenario, org| async move {
        let path = format!("/admin/v1/orgs/{}/keys", org.name);
        let scopes = json!({ "scopes": ["inference", "knowledge"] });
        let post = Request::new("POST", &path).admin().json(&scopes);
        let minted = insist(&scenario, post, 201).await.json();
        let text = |name: &str| minted[name].as_str().unwrap().to_owned();
        let oldest = org.keys.borrow()[0].1.clone();
        org.keys.borrow_mut().push((text("key"), text("id")));
        let delete = Request::new("DELETE", &format!("{path}/{oldest}")).admin();
        insist(&scenario, delete, 204).await;
        let object = scenario.world.governors.of(org.name);
        object.borrow_mut().ledger_mut().revoke(&oldest);
        scenario.tell(&org, Told::Revoked(oldest));
    });
}

/// Switches an org off for some seconds.
pub(crate) fn switch_off(scenario: &Rc<Scenario>) {
    change(scenario, |scenario, org| async move {
        let path = format!("/admin/v1/orgs/{}/switches/org", org.name);
        let on = Request::new("PUT", &path).admin().json(&json!({}));
        insist(&scenario, on, 200).await;
        let object = scenario.world.governors.of(org.name);
        object.borrow_mut().ledger_mut().is_off = true;
        let pause = scenario.random.below(2_000);
        scenario.world.shared.sleep(pause).await;
        object.borrow_mut().ledger_mut().is_off = false;
        insist(&scenario, Request::new("DELETE", &path).admin(), 200).await;
    });
}
