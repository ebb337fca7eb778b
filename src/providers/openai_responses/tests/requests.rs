use std::fmt::Write as _;

use serde_json::json;

use super::{body, chat, deployment, encoded, encoded_for, respond};
use crate::golden::assert_golden;
use crate::protocol::{ChatRequest, Content, Event, Family, Maker, Part, ReasoningMode, Signature};

const WEATHER: &str = r#""tools":[{"type":"function","name":"weather","description":"Tells.","parameters":{"type": "object","properties":{"city":{"type":"string"}}},"strict":true},{"type":"function","name":"now"}]"#;
const CALLS: &str = r#"{"type":"function_call","id":"fc_1","call_id":"a","name":"weather","arguments":"{\"city\": \"Lugo\"}"},{"type":"function_call","call_id":"b","name":"now","arguments":"","status":"completed"}"#;
const USER: &str = r#"{"role":"user","content":"Hello"}"#;

/// Reasoning as the client got it from this deployment.
fn sealed() -> String {
    let mut event = Event::ReasoningSignature {
        choice: 0,
        signature: Signature {
            maker: Some(Maker {
                deployment: String::new(),
                item: "rs_1".to_owned(),
            }),
            ..Signature::new(Family::OpenAi, "gAAA.B==")
        },
    };
    deployment().sign_event(&mut event);
    let Event::ReasoningSignature { signature, .. } = event else {
        panic!("another event");
    };
    signature.to_wire(Family::OpenAi).into_owned()
}

fn show(shown: &mut String, name: &str, request: &ChatRequest) {
    show_for(shown, name, "o1", None, request);
}

fn show_for(
    shown: &mut String,
    name: &str,
    model: &str,
    reasoning: Option<ReasoningMode>,
    request: &ChatRequest,
) {
    writeln!(shown, "# {name}").unwrap();
    let first = encoded_for(model, reasoning, request);
    let again = encoded_for(model, reasoning, &request.clone());
    assert_eq!(first, again, "the same bytes each time");
    match first {
        Ok(encoded) => {
            writeln!(shown, "{}", encoded.body).unwrap();
            for warning in encoded.warnings {
                writeln!(shown, "  warning: {warning}").unwrap();
            }
        }
        Err(unsupported) => writeln!(shown, "{unsupported}").unwrap(),
    }
}

#[test]
fn requests_of_responses_come_out_as_they_came() {
    let sealed = sealed();
    let cases = [
        ("a text", r#""input":"Hello""#.to_owned()),
        ("instructions", r#""instructions":"Be brief.","input":"Hello","stream":true"#.to_owned()),
        ("roles", format!(r#""input":[{{"role":"system","content":"S"}},{{"role":"developer","content":"D"}},{USER}]"#)),
        ("parts", r#""input":[{"role":"user","content":[{"type":"input_text","text":"What?"},{"type":"input_image","image_url":"https://a.example/i.png","detail":"low"},{"type":"input_image","image_url":"data:image/png;base64,AAAA"},{"type":"input_image","file_id":"file-1"}]}]"#.to_owned()),
        ("documents", r#""input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"},{"type":"input_file","file_data":"data:application/pdf;base64,JVBE"},{"type":"input_file","file_id":"file-2"},{"type":"input_file","file_url":"https://a.example/b.pdf"}]}]"#.to_owned()),
        ("a sound", r#""input":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]}]"#.to_owned()),
        ("several turns", format!(r#""input":[{USER},{{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{{"type":"output_text","text":"Hi","annotations":[]}},{{"type":"output_text","text":"there"}}]}},{USER},{{"role":"assistant","content":[{{"type":"refusal","refusal":"No."}}]}},{USER}]"#)),
        ("an assistant that said nothing", format!(r#""input":[{USER},{{"role":"assistant","content":""}},{USER}]"#)),
        ("functions", format!(r#""input":"Hi",{WEATHER},"tool_choice":"auto","parallel_tool_calls":true"#)),
        ("a function that is not strict", r#""input":"Hi","tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":false}],"tool_choice":{"type":"function","name":"f"}"#.to_owned()),
        ("a function required", format!(r#""input":"Hi",{WEATHER},"tool_choice":"required""#)),
        ("results of functions", format!(r#""input":[{USER},{CALLS},{{"type":"function_call_output","call_id":"a","output":"rain"}},{{"type":"function_call_output","call_id":"b","output":[{{"type":"input_text","text":"See:"}},{{"type":"input_image","image_url":"data:image/png;base64,AAAA"}}]}},{USER}],{WEATHER}"#)),
        ("reasoning of here", format!(r#""input":[{USER},{{"type":"reasoning","id":"rs_req_0","summary":[{{"type":"summary_text","text":"Hm."}}],"encrypted_content":"{sealed}"}},{CALLS},{{"type":"function_call_output","call_id":"a","output":"rain"}},{{"type":"function_call_output","call_id":"b","output":""}}]"#)),
        ("reasoning of another key", format!(r#""input":[{USER},{{"type":"reasoning","summary":[],"encrypted_content":"esclusa.openai@0a1b@rs_1.gA=="}},{{"role":"assistant","content":"Hi"}},{USER}]"#)),
        ("reasoning of nobody known", format!(r#""input":[{USER},{{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gA=="}},{{"type":"reasoning","summary":[{{"type":"summary_text","text":"Hm."}}]}},{USER}]"#)),
        ("tools of OpenAI's", format!(r#""input":[{USER},{{"type":"web_search_call","id":"ws_1","status":"completed","action": {{"type":"search"}}}},{{"role":"assistant","content":"Found."}},{USER}],"tools":[{{"type":"web_search","search_context_size": "low"}}],"max_tool_calls":3"#)),
        ("a schema", r#""input":"Hi","text":{"format":{"type":"json_schema","name":"n","description":"D","strict":true,"schema":{"type": "object"}},"verbosity":"low"}"#.to_owned()),
        ("JSON", r#""input":"Say it as JSON.","text":{"format":{"type":"json_object"}}"#.to_owned()),
        ("reasoning effort", r#""input":"Hi","reasoning":{"effort":"high","summary":"auto"}"#.to_owned()),
        ("no reasoning", r#""input":"Hi","reasoning":{"effort":"none"}"#.to_owned()),
        ("what is told again", r#""input":"Hi","metadata":{"purpose":"test"},"user":"u1","safety_identifier":"s","prompt_cache_key":"k","service_tier":"flex","store":true"#.to_owned()),
        ("no metadata", r#""input":"Hi","metadata":{},"include":["reasoning.encrypted_content"]"#.to_owned()),
        ("nothing", r#""input":[{"role":"assistant","content":[]}]"#.to_owned()),
        ("a field to come", r#""input":"Hi","x_new":{"a": 1.0}"#.to_owned()),
        ("penalties", r#""input":"Hi","frequency_penalty":0.5"#.to_owned()),
        ("sampling that it does not take", r#""input":"Hi","temperature":0.5,"top_p":0.5"#.to_owned()),
    ];
    let mut shown = String::new();
    for (name, fields) in cases {
        show(&mut shown, name, &respond(&fields));
    }
    assert_golden("responses_provider_from_responses", &shown);
}

#[test]
fn requests_of_chat_completions() {
    let user = r#""messages":[{"role":"user","content":"Hello"}]"#;
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g","strict":true,"parameters":{"type":"object"}}}]"#;
    let cases = [
        ("plain", user.to_owned()),
        ("system", r#""messages":[{"role":"system","content":"S"},{"role":"user","content":"Hello"}]"#.to_owned()),
        ("system alone", r#""messages":[{"role":"system","content":"S"}]"#.to_owned()),
        ("a name", r#""messages":[{"role":"system","name":"s","content":"S"},{"role":"user","name":"ana","content":"Hello","x_m":1}]"#.to_owned()),
        ("functions", format!("{user},{tools}")),
        ("sampling", format!(r#"{user},"temperature":0.5,"top_p":0.5"#)),
        ("seed and penalties", format!(r#"{user},"seed":7,"presence_penalty":0.5,"frequency_penalty":0.5,"logit_bias":{{"1":1}},"top_k":3"#)),
        ("stop", format!(r#"{user},"stop":"END""#)),
        ("several answers", format!(r#"{user},"n":2"#)),
        ("logprobs", format!(r#"{user},"logprobs":true,"top_logprobs":2"#)),
        ("logprobs alone", format!(r#"{user},"logprobs":true"#)),
        ("a schema", format!(r#"{user},"response_format":{{"type":"json_schema","json_schema":{{"name":"n","schema":{{"type":"object"}}}}}}"#)),
        ("fields of chat completions", format!(r#"{user},"prompt_cache_key":"k","prediction":{{"type":"content","content":"a"}},"modalities":["text"]"#)),
        ("effort that it does not take", format!(r#"{user},"reasoning_effort":"low","verbosity":"low""#)),
        ("a sound", r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]}]"#.to_owned()),
    ];
    let mut shown = String::new();
    for (name, fields) in cases {
        show_for(&mut shown, name, "gpt-4o", None, &chat(&fields));
    }
    let off = Some(ReasoningMode::Off);
    show_for(
        &mut shown,
        "thinking turned off",
        "o4-mini",
        off,
        &chat(user),
    );
    assert_golden("responses_provider_from_chat", &shown);
}

#[test]
fn nothing_is_stored_and_reasoning_is_asked_for_where_there_is_some() {
    let request = respond(r#""input":"Hi","store":true"#);
    let thinking = body(&request);
    assert_eq!(thinking["store"], false);
    assert_eq!(thinking["include"], json!(["reasoning.encrypted_content"]));
    let plain = encoded_for("gpt-4o", None, &request).unwrap().body;
    assert!(!plain.contains("include"), "{plain}");
}

#[test]
fn failed_results_say_so() {
    let mut request = chat(
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"gone"}]"#,
    );
    let Content::ToolResult(result) = &mut request.messages[2].parts[0].content else {
        panic!("no result");
    };
    result.is_error = true;
    assert_eq!(body(&request)["input"][2]["output"], "Error: gone");
    let Content::ToolResult(result) = &mut request.messages[2].parts[0].content else {
        panic!("no result");
    };
    result.parts.push(Part::text("for good"));
    let texts = json!([
        {"type": "input_text", "text": "Error: "},
        {"type": "input_text", "text": "gone"},
        {"type": "input_text", "text": "for good"},
    ]);
    assert_eq!(body(&request)["input"][2]["output"], texts);
}

#[test]
fn no_nulls_are_added() {
    let request = respond(&format!(
        r#""input":[{USER},{CALLS},{{"type":"function_call_output","call_id":"a","output":"x"}},{{"type":"function_call_output","call_id":"b","output":"x"}}],{WEATHER}"#
    ));
    assert!(!encoded(&request).unwrap().body.contains("null"));
}

#[test]
fn the_prefix_of_a_longer_conversation_is_the_same_bytes() {
    let short = format!(r#"{WEATHER},"instructions":"S","input":[{USER}]"#);
    let long = format!(
        r#"{WEATHER},"instructions":"S","input":[{USER},{{"role":"assistant","content":"Hi"}},{USER}]"#
    );
    let short = encoded(&respond(&short)).unwrap().body;
    let long = encoded(&respond(&long)).unwrap().body;
    let at = short.find("Hello").unwrap();
    assert!(long.starts_with(short.get(..at).unwrap()), "{long}");
}
