//! A stream whose wire in is its wire out: its events pass as they came, without being written anew,
//! so that nothing is lost that the internal model does not know.
//!
//! Responses are written anew also where `OpenAI` answers with one: their ids must lead to what is
//! stored here.

use std::borrow::Cow;

use super::dialect::{Bill, Dialect};
use super::gemini::Framing;
use super::json::{Fields, Json, Object, text};
use super::{anthropic, gemini, openai_chat};
use crate::config::Wire;
use crate::sse::{self, SseEvent};

/// Forwards the events of one stream. What ends it is held back until the request is settled.
#[derive(Debug)]
pub struct Forwarder {
    dialect: Dialect,
    include_usage: bool,
    held: Vec<SseEvent>,
    /// The first event, whose names a chunk of usage repeats.
    first: Option<String>,
    /// Whether the client has been told what was used.
    metered: bool,
}

impl Forwarder {
    /// A forwarder of streams of `wire` to callers of `dialect`, where the two are one wire.
    #[must_use]
    pub const fn new(dialect: Dialect, wire: Wire, include_usage: bool) -> Option<Self> {
        let same = matches!(
            (dialect, wire),
            (Dialect::Anthropic, Wire::Anthropic)
                | (Dialect::Gemini(Framing::Events), Wire::Gemini)
                | (Dialect::OpenAiChat, Wire::OpenAiChat)
        );
        if !same {
            return None;
        }
        Some(Self {
            dialect,
            include_usage,
            held: Vec::new(),
            first: None,
            metered: false,
        })
    }

    /// Takes an event that came and appends what goes on now.
    pub fn push(&mut self, event: &SseEvent, out: &mut Vec<u8>) {
        if event.data.trim().is_empty() {
            return;
        }
        self.meter(event);
        if !self.held.is_empty() || self.ends(event) {
            self.held.push(event.clone());
        } else {
            sse::write_event(out, &event.name, &event.data);
        }
    }

    /// Ends a whole stream, with what it cost where the wire has a place for that.
    pub fn finish(&mut self, bill: Bill<'_>, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        if let Some(chunk) = self.owed(bill) {
            sse::write_data(out, &chunk);
        }
        for event in held {
            if !self.tells_usage(&event) {
                sse::write_event(out, &event.name, &event.data);
            } else if self.include_usage || self.dialect == Dialect::Anthropic {
                let data = self.with_cost(&event.data, bill).unwrap_or(event.data);
                sse::write_event(out, &event.name, &data);
            }
        }
    }

    /// Notes whether an event tells of usage, in whatever place.
    fn meter(&mut self, event: &SseEvent) {
        if self.metered || !self.include_usage && self.dialect == Dialect::OpenAiChat {
            return;
        }
        let chunk = Object::parse(&event.data);
        self.metered = chunk.is_some_and(|chunk| chunk.get(self.usage_names().0).is_some());
        self.first.get_or_insert_with(|| event.data.clone());
    }

    /// The chunk of usage that a client of chat completions asked for and the provider did not send.
    fn owed(&self, bill: Bill<'_>) -> Option<String> {
        if self.metered || !self.include_usage || self.dialect != Dialect::OpenAiChat {
            return None;
        }
        let mut fields = Fields::default();
        for (name, raw) in Object::parse(self.first.as_deref()?)? {
            if matches!(name.as_ref(), "created" | "id" | "model" | "object") {
                fields.keep(&name, raw);
            }
        }
        fields.keep("choices", Json::of(&[(); 0]).raw());
        fields.keep("usage", self.usage(bill).raw());
        serde_json::to_string(&fields).ok()
    }

    /// What is estimated where the provider tells nothing.
    fn usage(&self, bill: Bill<'_>) -> Json {
        let Bill { usage, cost } = bill;
        match self.dialect {
            Dialect::Anthropic => Json::of(&anthropic::UsageBody::new(usage, None, Some(cost))),
            Dialect::Gemini(_) => Json::of(&gemini::UsageBody::new(usage, cost)),
            _ => Json::of(&openai_chat::UsageBody::new(usage, cost)),
        }
    }

    /// The names of the fields of usage, and of its cost.
    const fn usage_names(&self) -> (&'static str, &'static str) {
        match self.dialect {
            Dialect::Gemini(_) => ("usageMetadata", "costUsd"),
            _ => ("usage", "cost_usd"),
        }
    }

    /// Whether an event is the last but for more of its kind.
    fn ends(&self, event: &SseEvent) -> bool {
        match self.dialect {
            Dialect::Anthropic => matches!(kind(event).as_ref(), "message_delta" | "message_stop"),
            Dialect::Gemini(_) => is_last(&event.data),
            _ => event.data.trim() == "[DONE]" || self.tells_usage(event),
        }
    }

    fn tells_usage(&self, event: &SseEvent) -> bool {
        match self.dialect {
            Dialect::Anthropic => kind(event) == "message_delta",
            Dialect::Gemini(_) => true,
            _ => is_usage(&event.data),
        }
    }
}

impl Forwarder {
    /// The same chunk with the cost in its usage.
    fn with_cost(&mut self, data: &str, bill: Bill<'_>) -> Option<String> {
        let (usage_name, cost_name) = self.usage_names();
        let mut fields = Fields::default();
        for (name, raw) in Object::parse(data)? {
            if name == usage_name {
                let mut usage = Fields::default();
                Object::of(raw)?
                    .into_iter()
                    .for_each(|(name, raw)| usage.keep(&name, raw));
                usage.keep(cost_name, Json::of(&bill.cost.to_usd()).raw());
                fields.keep(&name, Json::of(&usage).raw());
            } else {
                fields.keep(&name, raw);
            }
        }
        if !self.metered {
            self.metered = true;
            fields.keep(usage_name, self.usage(bill).raw());
        }
        serde_json::to_string(&fields).ok()
    }
}

/// The kind of an event of Anthropic's: what its data says, else its name, as the decoder reads it.
fn kind(event: &SseEvent) -> Cow<'_, str> {
    let told = Object::parse(&event.data).and_then(|data| text(data.get("type")?));
    told.map_or(Cow::Borrowed(&event.name), Cow::Owned)
}

/// Whether a chunk of Gemini's says why a candidate stopped, or that the prompt was blocked.
fn is_last(data: &str) -> bool {
    let Some(chunk) = Object::parse(data) else {
        return false;
    };
    let candidates = chunk.get("candidates").and_then(super::json::elements);
    let candidates = candidates.unwrap_or_default().into_iter();
    let mut candidates = candidates.filter_map(Object::of);
    chunk.get("promptFeedback").is_some()
        || candidates.any(|candidate| candidate.get("finishReason").is_some())
}

/// Whether a chunk tells of usage and nothing else.
fn is_usage(data: &str) -> bool {
    let Some(chunk) = Object::parse(data) else {
        return false;
    };
    let choices = chunk.get("choices").and_then(super::json::elements);
    chunk.get("usage").is_some() && choices.is_some_and(|choices| choices.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Nanos;
    use crate::usage::Usage;

    const CHUNK: &str = r#"{"id":"x","system_fingerprint":"fp", "choices":[{"delta":{"content":"a"}}],"usage":null,"obfuscation":"zz"}"#;
    const USAGE: &str = r#"{"id":"x","choices":[],"usage":{"prompt_tokens":9, "x":1}}"#;

    fn forwarded(include_usage: bool) -> (String, String) {
        let mut forwarder =
            Forwarder::new(Dialect::OpenAiChat, Wire::OpenAiChat, include_usage).unwrap();
        let mut out = Vec::new();
        for data in [CHUNK, "", USAGE, " ", "[DONE]"] {
            let event = SseEvent {
                data: data.to_owned(),
                ..SseEvent::default()
            };
            forwarder.push(&event, &mut out);
        }
        let before = String::from_utf8(std::mem::take(&mut out)).unwrap();
        let bill = Bill {
            usage: &Usage::default(),
            cost: Nanos::new(5),
        };
        forwarder.finish(bill, &mut out);
        (before, String::from_utf8(out).unwrap())
    }

    #[test]
    fn events_pass_byte_for_byte_and_the_end_is_held() {
        let (before, end) = forwarded(false);
        assert_eq!(before, format!("data: {CHUNK}\n\n"));
        assert_eq!(end, "data: [DONE]\n\n");
    }

    #[test]
    fn an_anthropic_message_passes_as_it_came_with_its_cost() {
        let mut forwarder = Forwarder::new(Dialect::Anthropic, Wire::Anthropic, false).unwrap();
        let events = [
            ("message_start", r#"{"type":"message_start","x": 1}"#),
            ("ping", r#"{"type":"ping"}"#),
            (
                "message_delta",
                r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":3}}"#,
            ),
            ("message_stop", r#"{"type":"message_stop"}"#),
        ];
        let mut out = Vec::new();
        for (name, data) in events {
            let event = SseEvent {
                name: name.to_owned(),
                data: data.to_owned(),
                id: String::new(),
            };
            forwarder.push(&event, &mut out);
        }
        let before = String::from_utf8(std::mem::take(&mut out)).unwrap();
        assert_eq!(
            before,
            "event: message_start\ndata: {\"type\":\"message_start\",\"x\": 1}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"
        );
        let bill = Bill {
            usage: &Usage::default(),
            cost: Nanos::new(5),
        };
        forwarder.finish(bill, &mut out);
        let end = String::from_utf8(out).unwrap();
        assert_eq!(
            end,
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":3,\"cost_usd\":\"0.000000005\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        );
    }

    /// Compatible servers leave the names out, or have others.
    #[test]
    fn an_anthropic_event_is_what_its_data_says() {
        let bill = Bill {
            usage: &Usage::default(),
            cost: Nanos::new(5),
        };
        let delta = r#"{"type":"message_delta","usage":{"output_tokens":3}}"#;
        let stop = r#"{"type":"message_stop"}"#;
        for name in ["", "message_stop", "ping"] {
            let mut forwarder = Forwarder::new(Dialect::Anthropic, Wire::Anthropic, false).unwrap();
            let mut out = Vec::new();
            for data in [r#"{"type":"ping"}"#, delta, stop] {
                let event = SseEvent {
                    name: name.to_owned(),
                    data: data.to_owned(),
                    id: String::new(),
                };
                forwarder.push(&event, &mut out);
            }
            let before = String::from_utf8(std::mem::take(&mut out)).unwrap();
            assert!(
                before.ends_with("data: {\"type\":\"ping\"}\n\n"),
                "{before}"
            );
            forwarder.finish(bill, &mut out);
            let end = String::from_utf8(out).unwrap();
            assert_eq!(end.matches("cost_usd").count(), 1, "{end}");
            assert!(end.trim_end().ends_with(stop), "{end}");
        }
    }

    #[test]
    fn a_stream_of_gemini_passes_as_it_came_with_its_cost() {
        let dialect = Dialect::Gemini(Framing::Events);
        let mut forwarder = Forwarder::new(dialect, Wire::Gemini, true).unwrap();
        let first = r#"{"candidates":[{"content":{"parts":[{"text":"a","x": 1}]}}]}"#;
        let last = r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"x":1}}"#;
        let mut out = Vec::new();
        for data in [first, last] {
            let event = SseEvent {
                data: data.to_owned(),
                ..SseEvent::default()
            };
            forwarder.push(&event, &mut out);
        }
        let before = String::from_utf8(std::mem::take(&mut out)).unwrap();
        assert_eq!(before, format!("data: {first}\n\n"));
        let bill = Bill {
            usage: &Usage::default(),
            cost: Nanos::new(5),
        };
        forwarder.finish(bill, &mut out);
        let told = r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"x":1,"costUsd":"0.000000005"}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), format!("data: {told}\n\n"));
        let array = Dialect::Gemini(Framing::Array);
        assert!(Forwarder::new(array, Wire::Gemini, true).is_none());
    }

    #[test]
    fn usage_that_the_provider_does_not_tell_is_told_to_who_asked() {
        let ending = |include_usage, chunks: &[&str]| {
            let mut forwarder =
                Forwarder::new(Dialect::OpenAiChat, Wire::OpenAiChat, include_usage).unwrap();
            let mut out = Vec::new();
            for data in chunks {
                let event = SseEvent {
                    data: (*data).to_owned(),
                    ..SseEvent::default()
                };
                forwarder.push(&event, &mut out);
            }
            out.clear();
            let usage = Usage {
                input_tokens: 4,
                output_tokens: 2,
                ..Usage::default()
            };
            let cost = Nanos::new(5);
            let usage = &usage;
            forwarder.finish(Bill { usage, cost }, &mut out);
            String::from_utf8(out).unwrap()
        };
        let without = [CHUNK, "[DONE]"];
        let end = ending(true, &without);
        let (chunk, done) = end.split_once("\n\n").unwrap();
        assert_eq!(done, "data: [DONE]\n\n");
        let chunk: serde_json::Value =
            serde_json::from_str(chunk.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(chunk["id"], "x");
        assert_eq!(chunk["choices"], serde_json::json!([]));
        assert_eq!(chunk["usage"]["prompt_tokens"], 4);
        assert_eq!(chunk["usage"]["completion_tokens"], 2);
        assert_eq!(chunk["usage"]["cost_usd"], "0.000000005");
        assert_eq!(ending(false, &without), "data: [DONE]\n\n");
        let in_last = r#"{"id":"x","choices":[{"delta":{}}],"usage":{"prompt_tokens":9}}"#;
        let end = ending(true, &[CHUNK, in_last, "[DONE]"]);
        assert_eq!(end, "data: [DONE]\n\n", "once is enough");
    }

    #[test]
    fn usage_is_told_with_its_cost_to_who_asked() {
        let (_, end) = forwarded(true);
        let usage =
            r#"{"id":"x","choices":[],"usage":{"prompt_tokens":9,"x":1,"cost_usd":"0.000000005"}}"#;
        assert_eq!(end, format!("data: {usage}\n\ndata: [DONE]\n\n"));
    }
}
