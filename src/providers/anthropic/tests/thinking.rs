use serde_json::{Value, json};

use super::{chat, encoded_for, message};
use crate::protocol::{ChatRequest, ReasoningMode};

const OLD: &str = "claude-sonnet-4-5-20250929";
const MIDDLE: &str = "claude-sonnet-4-6";
const NEW: &str = "claude-opus-5";

const SAID: &str = r#""messages":[{"role":"user","content":"Hi"}]"#;

/// What a model is told of thinking and effort, and what it is not told.
fn told(model: &str, bound: u32, request: &ChatRequest) -> (Value, Value, Vec<String>) {
    let encoded = encoded_for(model, bound, None, request).unwrap();
    let body: Value = serde_json::from_str(&encoded.body).unwrap();
    let fields = encoded
        .warnings
        .into_iter()
        .map(|warning| warning.field.to_string());
    (
        body["thinking"].clone(),
        body["output_config"]["effort"].clone(),
        fields.collect(),
    )
}

#[test]
fn an_effort_is_told_as_each_model_takes_it() {
    let request = chat(&format!(r#"{SAID},"reasoning_effort":"low""#));
    let budget = json!({"type": "enabled", "budget_tokens": 2_048});
    assert_eq!(told(OLD, 8_192, &request), (budget, Value::Null, vec![]));
    for model in [MIDDLE, NEW] {
        let adaptive = json!({"type": "adaptive"});
        assert_eq!(
            told(model, 8_192, &request),
            (adaptive, json!("low"), vec![])
        );
    }
    let none = chat(&format!(r#"{SAID},"reasoning_effort":"none""#));
    let disabled = json!({"type": "disabled"});
    assert_eq!(told(MIDDLE, 8_192, &none), (disabled, Value::Null, vec![]));
    let open = chat(SAID);
    assert_eq!(
        told(MIDDLE, 8_192, &open),
        (Value::Null, Value::Null, vec![])
    );
}

/// In Anthropic's own wire an effort is of the whole answer, not of thinking alone.
#[test]
fn an_effort_of_anthropics_wire_turns_no_thinking_on() {
    let request = message(&format!(
        r#"{SAID},"output_config":{{"effort":"low"}},"temperature":0.5"#
    ));
    let told_nothing = (Value::Null, json!("low"), vec![]);
    assert_eq!(told(MIDDLE, 4_096, &request), told_nothing);
    let encoded = encoded_for(MIDDLE, 4_096, None, &request).unwrap();
    let body: Value = serde_json::from_str(&encoded.body).unwrap();
    assert_eq!(body["temperature"], json!(0.5));
    let dropped = vec!["reasoning.effort".to_owned()];
    assert_eq!(
        told(OLD, 4_096, &request),
        (Value::Null, Value::Null, dropped)
    );
    let both = message(&format!(
        r#"{SAID},"output_config":{{"effort":"low"}},"thinking":{{"type":"adaptive"}}"#
    ));
    let adaptive = json!({"type": "adaptive"});
    assert_eq!(told(MIDDLE, 4_096, &both), (adaptive, json!("low"), vec![]));
}

#[test]
fn a_budget_is_told_as_each_model_takes_it() {
    let request = message(&format!(
        r#"{SAID},"thinking":{{"type":"enabled","budget_tokens":2048,"display":"omitted"}}"#
    ));
    for model in [OLD, MIDDLE] {
        let budget = json!({"type": "enabled", "budget_tokens": 2_048, "display": "omitted"});
        assert_eq!(told(model, 4_096, &request), (budget, Value::Null, vec![]));
    }
    let adaptive = json!({"type": "adaptive", "display": "omitted"});
    let dropped = vec!["reasoning.budget_tokens".to_owned()];
    assert_eq!(told(NEW, 4_096, &request), (adaptive, Value::Null, dropped));
}

#[test]
fn a_budget_leaves_room_for_the_answer() {
    let request = message(&format!(
        r#"{SAID},"thinking":{{"type":"enabled","budget_tokens":2048}}"#
    ));
    let budget = |bound| told(OLD, bound, &request).0["budget_tokens"].clone();
    assert_eq!(budget(2_049), json!(2_048));
    assert_eq!(budget(2_048), json!(1_536));
    let (thinking, _, dropped) = told(OLD, 1_300, &request);
    assert_eq!(
        (thinking, dropped),
        (Value::Null, vec!["reasoning".to_owned()])
    );
}

#[test]
fn a_tier_decides_where_the_caller_does_not() {
    let thinking = |reasoning, request: &ChatRequest| {
        let encoded = encoded_for(MIDDLE, 4_096, Some(reasoning), request).unwrap();
        let body: Value = serde_json::from_str(&encoded.body).unwrap();
        body["thinking"]["type"].clone()
    };
    let open = chat(SAID);
    assert_eq!(thinking(ReasoningMode::On, &open), "adaptive");
    assert_eq!(thinking(ReasoningMode::Off, &open), "disabled");
    let asked = chat(&format!(r#"{SAID},"reasoning_effort":"high""#));
    assert_eq!(thinking(ReasoningMode::Off, &asked), "adaptive");
}

#[test]
fn nobody_thinks_where_anthropic_would_refuse() {
    let tools = r#""tools":[{"name":"f","input_schema":{"type":"object"}}]"#;
    let think = r#""thinking":{"type":"enabled","budget_tokens":1024}"#;
    let called = |thought: &str| {
        format!(
            r#""messages":[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":[{thought}{{"type":"tool_use","id":"t","name":"f","input":{{}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t"}}]}}]"#
        )
    };
    let own = r#"{"type":"thinking","thinking":"","signature":"c2ln"},"#;
    let foreign = r#"{"type":"thinking","thinking":"a","signature":"esclusa.google.Eg=="},"#;
    let cases = [
        (
            format!(r#"{SAID},{tools},{think},"tool_choice":{{"type":"any"}}"#),
            false,
        ),
        (
            format!(r#"{SAID},{tools},{think},"tool_choice":{{"type":"auto"}}"#),
            true,
        ),
        (format!("{},{tools},{think}", called(own)), true),
        (format!("{},{tools},{think}", called("")), false),
        (format!("{},{tools},{think}", called(foreign)), false),
        (
            format!(
                r#""messages":[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":"It"}}],{think}"#
            ),
            false,
        ),
    ];
    for (fields, thinks) in cases {
        let (thinking, _, dropped) = told(MIDDLE, 4_096, &message(&fields));
        assert_eq!(!thinking.is_null(), thinks, "{fields}");
        assert_eq!(
            dropped.contains(&"reasoning".to_owned()),
            !thinks,
            "{fields}"
        );
    }
}

#[test]
fn a_model_that_thinks_draws_its_tokens_by_itself() {
    let request = message(&format!(
        r#"{SAID},"thinking":{{"type":"adaptive"}},"temperature":0.5,"top_p":0.5,"top_k":5"#
    ));
    let dropped = told(MIDDLE, 4_096, &request).2;
    assert_eq!(dropped, ["temperature", "top_p", "top_k"]);
    let request = message(&format!(
        r#"{SAID},"thinking":{{"type":"adaptive"}},"temperature":1"#
    ));
    assert_eq!(told(MIDDLE, 4_096, &request).2, [""; 0]);
    let cool = chat(&format!(r#"{SAID},"temperature":0.5"#));
    assert_eq!(
        told(NEW, 4_096, &cool).2,
        ["temperature"],
        "of its newest models"
    );
}
