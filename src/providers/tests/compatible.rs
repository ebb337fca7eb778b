//! Providers that copy chat completions, each with its differences.

use serde_json::{Value, json};

use super::BOUND;
use crate::config;
use crate::protocol::{ChatRequest, anthropic, openai_chat};
use crate::providers::{Encoded, Prompt, Target, Wire, encode};

fn encoded(provider: &str, model: &str, request: &ChatRequest) -> Encoded {
    let provider = config::catalogue().unwrap().provider(provider).unwrap();
    let prompt = Prompt {
        request,
        messages: &request.messages,
    };
    let target = Target {
        wire: Wire::OpenAiChat,
        model: Some(model),
        quirks: &provider.quirks(model),
        max_tokens: BOUND,
        reasoning: None,
        thinks: false,
        deployment: None,
    };
    encode(prompt, &target).unwrap()
}

fn body(provider: &str, model: &str, request: &ChatRequest) -> Value {
    serde_json::from_str(&encoded(provider, model, request).body).unwrap()
}

fn chat(fields: &str) -> ChatRequest {
    openai_chat::parse(format!(r#"{{"model":"m",{fields}}}"#).as_bytes()).unwrap()
}

/// A conversation that began at Anthropic.
fn history() -> ChatRequest {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":""},{"type":"tool_use","id":"toolu_01A09q90qw90lq917835lq9","name":"f","input":{}},{"type":"tool_use","id":"D681PevKs","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01A09q90qw90lq917835lq9","content":"x"},{"type":"tool_result","tool_use_id":"D681PevKs","content":"y"}]}]}"#;
    anthropic::parse(body.as_bytes()).unwrap()
}

/// "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9."
#[test]
fn mistral_is_told_ids_as_it_makes_them() {
    let body = body("mistral", "mistral-large-latest", &history());
    let messages = body["messages"].as_array().unwrap();
    let called: Vec<&str> = messages[1]["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|call| call["id"].as_str())
        .collect();
    let answered: Vec<&str> = messages
        .iter()
        .filter_map(|message| message["tool_call_id"].as_str())
        .collect();
    assert_eq!(called, answered);
    assert_eq!(called[1], "D681PevKs", "its own stay");
    assert_eq!(called[0].len(), 9);
    assert!(called[0].chars().all(|mark| mark.is_ascii_alphanumeric()));
    let openai = self::body("openai", "gpt-4o", &history());
    let id = &openai["messages"][1]["tool_calls"][0]["id"];
    assert_eq!(id, "toolu_01A09q90qw90lq917835lq9");
}

/// `DeepSeek` refuses a turn with tools without the reasoning that led to them.
/// <https://api-docs.deepseek.com/guides/thinking_mode>
#[test]
fn reasoning_goes_back_to_who_wants_it() {
    let deepseek = body("deepseek", "deepseek-chat", &history());
    assert_eq!(deepseek["messages"][1]["reasoning_content"], "Hm.");
    let openai = body("openai", "gpt-4o", &history());
    assert!(openai["messages"][1].get("reasoning_content").is_none());
}

#[test]
fn an_effort_is_told_in_the_providers_words() {
    let said = r#""messages":[{"role":"user","content":"a"}]"#;
    let with = |effort: &str| chat(&format!(r#"{said},"reasoning_effort":"{effort}""#));
    let off = body("deepseek", "deepseek-chat", &with("none"));
    assert_eq!(off["thinking"], json!({"type": "disabled"}));
    assert!(off.get("reasoning_effort").is_none());
    let most = encoded("deepseek", "deepseek-chat", &with("xhigh"));
    assert!(most.body.contains(r#""reasoning_effort":"max""#));
    assert_eq!(most.warnings, [], "both words say the most");
    let least = encoded("xai", "grok-4.5", &with("none"));
    assert!(least.body.contains(r#""reasoning_effort":"low""#));
    let told: Vec<String> = least.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["reasoning; told as low"]);
    let budget = r#"{"model":"m","max_tokens":9999,"messages":[{"role":"user","content":"a"}],"thinking":{"type":"enabled","budget_tokens":1024}}"#;
    let budget = anthropic::parse(budget.as_bytes()).unwrap();
    let warnings = encoded("mistral", "mistral-small-latest", &budget).warnings;
    let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["reasoning.budget_tokens; told as high"]);
    let same = encoded("openai", "gpt-5.2", &with("medium"));
    assert!(same.body.contains(r#""reasoning_effort":"medium""#));
    assert_eq!(same.warnings, []);
}
