//! The four wires of clients.

use serde_json::{Map, Value};

use crate::support::*;

/// A client of one wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Chat,
    Gemini,
    Messages,
    Responses,
}

/// What a client is told.
pub(crate) struct Told {
    status: u16,
    retry_after: Option<String>,
    pub(crate) warnings: Vec<String>,
    is_stream: bool,
    /// With `ID` for the id of the request, and `MODEL` for the model.
    text: String,
}

impl Told {
    pub(crate) fn new(response: &Response, model: &str) -> Self {
        let id = response.told("x-request-id");
        let told = response.header("x-ai-warnings").unwrap_or_default();
        let warnings = told.split(", ").filter(|warning| !warning.is_empty());
        Self {
            status: response.status,
            retry_after: response.header("retry-after").map(str::to_owned),
            warnings: warnings.map(str::to_owned).collect(),
            is_stream: response
                .told("content-type")
                .starts_with("text/event-stream"),
            text: response.text().replace(id, "ID").replace(model, "MODEL"),
        }
    }
}

impl Client {
    pub(crate) const ALL: [Self; 4] = [Self::Chat, Self::Responses, Self::Messages, Self::Gemini];

    /// Its name in the files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Gemini => "gemini",
            Self::Messages => "messages",
            Self::Responses => "responses",
        }
    }

    /// The request for `body`, which names neither the model nor whether it is streamed.
    pub(crate) fn request(self, key: &str, model: &str, body: &str, stream: bool) -> Request {
        let mut head = format!("{{\"model\":\"{model}\",");
        if stream {
            head += "\"stream\":true,";
        }
        if stream && self == Self::Chat {
            head += "\"stream_options\":{\"include_usage\":true},";
        }
        let (path, header, head) = match self {
            Self::Chat => ("/v1/chat/completions".to_owned(), "authorization", head),
            Self::Messages => ("/v1/messages".to_owned(), "x-api-key", head),
            Self::Responses => ("/v1/responses".to_owned(), "authorization", head),
            Self::Gemini => {
                let method = if stream {
                    "streamGenerateContent?alt=sse"
                } else {
                    "generateContent"
                };
                let path = format!("/v1beta/models/{model}:{method}");
                (path, "x-goog-api-key", "{".to_owned())
            }
        };
        let scheme = if header == "authorization" {
            "Bearer "
        } else {
            ""
        };
        let fields = body.strip_prefix('{').unwrap();
        Request::new("POST", &path)
            .header(header, &format!("{scheme}{key}"))
            .header("content-type", "application/json")
            .bytes((head + fields).into_bytes())
    }

    /// What it is told, for people: without what is the same in every answer.
    pub(crate) fn shown(self, told: &Told) -> String {
        let after = told.retry_after.as_ref();
        let after = after.map_or(String::new(), |seconds| format!(" retry-after {seconds}"));
        if !told.is_stream {
            let body = serde_json::from_str(&told.text).unwrap();
            return format!("{}{after} {}", told.status, self.essence(body));
        }
        self.check_stream(&told.text);
        let events = told.text.split("\n\n").filter(|event| !event.is_empty());
        let events = events.map(|event| {
            let (name, data) = event.split_once("data: ").unwrap_or((event, ""));
            match serde_json::from_str::<Value>(data) {
                Ok(data) => {
                    let named = name.strip_prefix("event: ").map(str::trim_end);
                    assert!(named.is_none() || named == data["type"].as_str(), "{event}");
                    self.essence(data)
                }
                Err(_) => event.to_owned(),
            }
        });
        events.collect::<Vec<_>>().join("\n")
    }

    /// An answer or an event without ids, times, names and costs, which are no matter of the wires.
    fn essence(self, mut told: Value) -> String {
        self.strip(&mut told);
        told.to_string()
    }

    fn strip(self, told: &mut Value) {
        let Value::Object(fields) = told else {
            return;
        };
        if self == Self::Responses {
            if fields.get("object") == Some(&"response".into()) {
                let kept = [
                    "error",
                    "incomplete_details",
                    "output",
                    "service_tier",
                    "status",
                    "usage",
                ];
                fields.retain(|name, value| kept.contains(&name.as_str()) && !value.is_null());
            }
            remove(fields, &["item_id", "logprobs", "sequence_number"]);
        } else {
            let constant = [
                "created",
                "id",
                "model",
                "modelVersion",
                "object",
                "responseId",
            ];
            remove(fields, &constant);
        }
        for name in ["message", "response"] {
            if let Some(inner) = fields.get_mut(name) {
                self.strip(inner);
            }
        }
        for name in ["usage", "usageMetadata"] {
            if let Some(Value::Object(usage)) = fields.get_mut(name) {
                remove(usage, &["costUsd", "cost_usd"]);
            }
        }
    }

    /// Whether the events have their order.
    fn check_stream(self, text: &str) {
        if self != Self::Responses {
            return;
        }
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let numbers = data.map(|data| {
            let event: Value = serde_json::from_str(data).unwrap();
            event["sequence_number"].as_u64().unwrap()
        });
        assert!(
            numbers
                .enumerate()
                .all(|(index, number)| number == index as u64),
            "{text}"
        );
    }
}

fn remove(fields: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        fields.remove(*name);
    }
}
