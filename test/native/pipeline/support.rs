//! What most tests begin with.

use esclusa::schema::Schema;
use serde_json::{Value, json};

pub(crate) use super::world::Worker;
pub(crate) use super::world::World;
pub(crate) use super::world::faults::{Fault, Port};
pub(crate) use super::world::http::{Request, Response};
pub(crate) use super::world::provider::Act;

pub(crate) const QWEN: &str = "@cf/qwen/qwen3-30b-a3b-fp8";
pub(crate) const LLAMA_SMALL: &str = "@cf/meta/llama-3.1-8b-instruct-fast";
pub(crate) const LLAMA: &str = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
pub(crate) const GLM: &str = "@cf/zai-org/glm-4.7-flash";
pub(crate) const OSS: &str = "@cf/openai/gpt-oss-120b";
pub(crate) const WHISPER: &str = "@cf/openai/whisper-large-v3-turbo";
pub(crate) const AURA: &str = "@cf/deepgram/aura-1";
pub(crate) const AURA_ES: &str = "@cf/deepgram/aura-2-es";
pub(crate) const MELO: &str = "@cf/myshell-ai/melotts";
pub(crate) const FLUX: &str = "@cf/black-forest-labs/flux-1-schnell";
pub(crate) const GUARD: &str = "@cf/meta/llama-guard-3-8b";
pub(crate) const EMBED: &str = "@cf/baai/bge-m3";
pub(crate) const RERANK: &str = "@cf/baai/bge-reranker-base";

pub(crate) const RETURNS: &str =
    "You can return any battery within 30 days of delivery, unused and in its box.";
pub(crate) const QUESTION: &str = "How many days do I have to return a battery?";

/// A world with one isolate and the org `acme`.
pub(crate) struct Acme {
    pub(crate) world: World,
    pub(crate) worker: Worker,
    pub(crate) key: String,
}

impl Acme {
    pub(crate) fn new() -> Self {
        Self::with(&json!({}))
    }

    pub(crate) fn with(config: &Value) -> Self {
        let world = World::new(1);
        let worker = world.worker(1);
        let key = world.org(&worker, "acme", config);
        Self { world, worker, key }
    }

    /// With no model of a second provider for light questions.
    pub(crate) fn of_one_provider() -> Self {
        Self::with(&json!({ "tiers": { "light": [QWEN, LLAMA_SMALL] } }))
    }

    /// With a document about returns.
    pub(crate) fn learned() -> Self {
        let acme = Self::new();
        acme.world
            .learn(&acme.worker, &acme.key, "returns", RETURNS);
        acme
    }

    pub(crate) fn request(&self, body: &Value) -> Request {
        Request::chat(&self.key, body)
    }

    pub(crate) fn send(&self, body: &Value) -> Response {
        self.world.send(&self.worker, self.request(body))
    }

    /// Sends what must be answered.
    pub(crate) fn ask(&self, body: &Value) -> Response {
        self.world.expect(&self.worker, self.request(body), 200)
    }

    /// Sends JSON to another path than that of conversations.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        let request = Request::new("POST", path).key(&self.key).json(body);
        self.world.send(&self.worker, request)
    }

    /// The same, which must be answered.
    pub(crate) fn posted(&self, path: &str, body: &Value) -> Response {
        let response = self.post(path, body);
        assert_eq!(response.status, 200, "{}", response.text());
        response
    }

    /// Sends a form of fields and files (name, bytes).
    pub(crate) fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Response {
        let form = Request::new("POST", path).key(&self.key);
        self.world.send(&self.worker, form.form(fields, files))
    }

    pub(crate) fn limits(&self) -> Value {
        self.world.limits(&self.worker, "acme")
    }

    pub(crate) fn record(&self, response: &Response) -> esclusa::audit::Record {
        self.world.record("acme", response)
    }

    pub(crate) fn spent(&self) -> String {
        self.limits()["budgets"][0]["spent_usd"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Nothing is held.
    pub(crate) fn check_released(&self) {
        let limits = self.limits();
        assert_eq!(limits["budgets"][0]["reserved_usd"], "0", "{limits}");
        assert_eq!(limits["open_reservations"], 0, "{limits}");
    }
}

/// A question of one message.
pub(crate) fn question(model: &str, text: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] })
}

/// The same, and what it is for is said: the same for every text.
pub(crate) fn chat(model: &str, text: &str) -> Value {
    let mut body = question(model, text);
    body["metadata"] = json!({ "operation": "chat" });
    body
}

/// A question, streamed, with usage at the end.
pub(crate) fn streamed(model: &str, text: &str) -> Value {
    let mut body = question(model, text);
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    body
}

/// A grounded, cached question.
pub(crate) fn faq() -> Value {
    question("operation/faq", QUESTION)
}

/// A whole error of `OpenAI`'s form, with its request id.
pub(crate) fn check_error(response: &Response, status: u16, code: &str) -> String {
    assert_eq!(response.status, status, "{}", response.text());
    let error = &response.json()["error"];
    assert_eq!(error["code"], code, "{error}");
    assert!(error["type"].is_string(), "{error}");
    assert!(error.as_object().unwrap().contains_key("param"), "{error}");
    assert!(!response.told("x-request-id").is_empty());
    let message = error["message"].as_str().unwrap().to_owned();
    assert!(!message.is_empty());
    message
}

/// The answer of a path that is read is as `docs/openapi.json` says, but for patterns of texts.
pub(crate) fn check_described(path: &str, answer: &Value) {
    let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
    let described = &document["paths"][path]["get"]["responses"]["200"];
    let schema = inlined(
        &described["content"]["application/json"]["schema"],
        &document,
    );
    let schema = Schema::parse(&schema.to_string()).unwrap();
    assert_eq!(schema.validate(answer), Ok(()), "{path}: {answer}");
}

/// A schema with those that it refers to.
fn inlined(schema: &Value, document: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|it| inlined(it, document)).collect(),
        Value::Object(keywords) => {
            if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
                let pointer = reference.trim_start_matches('#');
                return inlined(document.pointer(pointer).unwrap(), document);
            }
            let checked =
                |(name, _): &(&String, &Value)| !["format", "pattern"].contains(&name.as_str());
            let keywords = keywords.iter().filter(checked);
            keywords
                .map(|(name, it)| (name.clone(), inlined(it, document)))
                .collect()
        }
        other => other.clone(),
    }
}
