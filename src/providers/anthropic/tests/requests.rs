use std::fmt::Write as _;

use serde_json::json;

use super::{body, chat, encoded, left_out, message};
use crate::golden::assert_golden;

const USER: &str = r#"{"role":"user","content":"Hello"}"#;
const CALLS: &str = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Lugo\"}"}},{"id":"b","type":"function","function":{"name":"weather","arguments":""}}]}"#;
const RESULTS: &str = r#"{"role":"tool","tool_call_id":"a","content":"rain"},{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"sun"}]}"#;
const WEATHER: &str = r#""tools":[{"type":"function","function":{"name":"weather","description":"Tells.","parameters":{"type":"object","properties":{"city":{"type":"string"}}},"strict":true}},{"type":"function","function":{"name":"now"}}]"#;

#[test]
fn requests_of_chat_completions() {
    let cases = [
        ("plain", format!(r#""messages":[{USER}]"#)),
        ("system", format!(r#""messages":[{{"role":"system","content":"S"}},{{"role":"developer","content":"D"}},{USER}],"temperature":0.2,"stream":true"#)),
        ("system in the middle", format!(r#""messages":[{USER},{{"role":"assistant","content":"Hi"}},{{"role":"system","content":"S"}},{USER}]"#)),
        ("multi turn, merged", format!(r#""messages":[{USER},{USER},{{"role":"assistant","content":"a"}},{{"role":"assistant","content":"b"}},{USER}]"#)),
        ("tools", format!(r#""messages":[{USER}],{WEATHER},"tool_choice":"auto""#)),
        ("tool forced", format!(r#""messages":[{USER}],{WEATHER},"tool_choice":{{"type":"function","function":{{"name":"now"}}}},"parallel_tool_calls":false"#)),
        ("tools one at a time", format!(r#""messages":[{USER}],{WEATHER},"parallel_tool_calls":false"#)),
        ("tools required", format!(r#""messages":[{USER}],{WEATHER},"tool_choice":"required","parallel_tool_calls":true"#)),
        ("tools forbidden", format!(r#""messages":[{USER}],{WEATHER},"tool_choice":"none","parallel_tool_calls":false"#)),
        ("tool round", format!(r#""messages":[{USER},{CALLS},{RESULTS},{USER}],{WEATHER}"#)),
        ("image", r#""messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},{"type":"image_url","image_url":{"url":"https://a.example/i.png"}}]}]"#.to_owned()),
        ("image of another kind", r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/bmp;base64,AAAA"}}]}]"#.to_owned()),
        ("pdf", r#""messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}}]}]"#.to_owned()),
        ("another document", r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"data:text/csv;base64,JVBE"}}]}]"#.to_owned()),
        ("a file of OpenAI's", r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]"#.to_owned()),
        ("sound", r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]}]"#.to_owned()),
        ("json_object", format!(r#""messages":[{USER}],"response_format":{{"type":"json_object"}}"#)),
        ("json_schema", format!(r#""messages":[{USER}],"response_format":{{"type":"json_schema","json_schema":{{"name":"n","strict":true,"description":"D","schema":{{"type": "object"}}}}}}"#)),
        ("stop", format!(r#""messages":[{USER}],"stop":["END","\nQ:"]"#)),
        ("stop at white space", format!(r#""messages":[{USER}],"stop":"\n""#)),
        ("what has no place", r#""messages":[{"role":"user","name":"ana","content":"Hi","x_m":1}],"seed":7,"frequency_penalty":0.5,"presence_penalty":0.5,"logit_bias":{},"verbosity":"low","service_tier":"flex","x_new":1"#.to_owned()),
        ("logprobs", format!(r#""messages":[{USER}],"logprobs":true"#)),
        ("two answers", format!(r#""messages":[{USER}],"n":2"#)),
        ("account", format!(r#""messages":[{USER}],"user":"u1","service_tier":"default""#)),
        ("hot", format!(r#""messages":[{USER}],"temperature":1.7"#)),
        ("two ways to draw", format!(r#""messages":[{USER}],"temperature":0.5,"top_p":0.5,"top_k":5"#)),
        ("empty texts", r#""messages":[{"role":"system","content":""},{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"a"},{"type":"text","text":" \n"}]},{"role":"assistant","content":""},{"role":"user","content":"b"}]"#.to_owned()),
        ("the assistant first", r#""messages":[{"role":"assistant","content":"Hi"},{"role":"user","content":"a"}]"#.to_owned()),
        ("instructions alone", r#""messages":[{"role":"system","content":"S"}]"#.to_owned()),
        ("a begun answer", format!(r#""messages":[{USER},{{"role":"assistant","content":"It is: \n"}}]"#)),
        ("refusal", format!(r#""messages":[{USER},{{"role":"assistant","content":null,"refusal":"No."}},{USER}]"#)),
        ("foreign reasoning", format!(r#""messages":[{USER},{{"role":"assistant","content":"a","reasoning_content":"Hm."}},{{"role":"user","content":"¿日本語🚀?"}}]"#)),
    ];
    let mut shown = String::new();
    for (name, fields) in cases {
        show(&mut shown, name, &chat(&fields));
    }
    assert_golden("anthropic_from_chat", &shown);
}

#[test]
fn requests_of_messages_come_out_as_they_came() {
    let tool = r#"{"name":"look","description":"L","input_schema":{"type": "object"},"strict":true,"cache_control":{"type":"ephemeral","ttl":"1h"}}"#;
    let cases = [
        ("plain", format!(r#""messages":[{USER}],"stream":true"#)),
        ("system blocks", format!(r#""system":[{{"type":"text","text":"S","cache_control":{{"type":"ephemeral"}}}}],"messages":[{USER}]"#)),
        ("cache_control everywhere", format!(r#""tools":[{tool}],"messages":[{{"role":"user","content":[{{"type":"text","text":"a","cache_control":{{"type":"ephemeral"}}}}]}},{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"look","input":{{"a": 1}},"cache_control":{{"type":"ephemeral"}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":"x","cache_control":{{"type":"ephemeral"}}}}]}}]"#)),
        ("thinking", format!(r#""thinking":{{"type":"enabled","budget_tokens":2048}},"tools":[{tool}],"messages":[{USER},{{"role":"assistant","content":[{{"type":"thinking","thinking":"Hm.","signature":"c2ln"}},{{"type":"thinking","thinking":"","signature":"c2lo"}},{{"type":"redacted_thinking","data":"cmVk"}},{{"type":"tool_use","id":"t","name":"look","input":{{}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t"}}]}}]"#)),
        ("tool error, image, then text", format!(r#""messages":[{USER},{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"look","input":{{}}}},{{"type":"tool_use","id":"u","name":"look","input":{{}}}}]}},{{"role":"user","content":[{{"type":"text","text":"Well?"}},{{"type":"tool_result","tool_use_id":"u","content":[{{"type":"text","text":"no"}},{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"AAAA"}}}}],"is_error":true}},{{"type":"tool_result","tool_use_id":"t","content":""}}]}}]"#)),
        ("documents", r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"},"title":"T","context":"C","citations":{"enabled":true}},{"type":"document","source":{"type":"url","url":"https://a.example/d.pdf"}},{"type":"document","source":{"type":"file","file_id":"file_1"}},{"type":"document","source":{"type":"content","content":"c"}}]}]"#.to_owned()),
        ("citations", format!(r#""messages":[{USER},{{"role":"assistant","content":[{{"type":"text","text":"a","citations":[{{"type":"char_location","cited_text":"d","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":1}},{{"type":"web_search_result_location","url":"https://a.example","title":"A","cited_text":"","encrypted_index":""}}]}}]}},{USER}]"#)),
        ("hosted tools", format!(r#""tools":[{{"type":"web_search_20250305","name":"web_search","max_uses": 5}}],"messages":[{USER},{{"role":"assistant","content":[{{"type":"server_tool_use","id":"s","name":"web_search","input":{{"query": "x"}}}},{{"type":"web_search_tool_result","tool_use_id":"s","content":[]}}]}},{USER}]"#)),
        ("turns of one role are one", format!(r#""messages":[{USER},{USER},{{"role":"assistant","content":"a"}},{{"role":"assistant","content":[{{"type":"text","text":"b"}}]}},{USER}]"#)),
        ("system text", format!(r#""system":"S","messages":[{USER}],"temperature":0.5"#)),
        ("tool_choice any", format!(r#""tools":[{tool}],"tool_choice":{{"type":"any"}},"messages":[{USER}]"#)),
        ("tool_choice named", format!(r#""tools":[{tool}],"tool_choice":{{"type":"tool","name":"look","disable_parallel_tool_use":true}},"messages":[{USER}]"#)),
        ("tool_choice none", format!(r#""tools":[{tool}],"tool_choice":{{"type":"none"}},"messages":[{USER}]"#)),
        ("one tool at a time", format!(r#""tools":[{tool}],"tool_choice":{{"type":"auto","disable_parallel_tool_use":true}},"messages":[{USER}]"#)),
        ("a tool without fields", format!(r#""tools":[{{"name":"now","input_schema":{{"type":"object"}}}}],"messages":[{USER}]"#)),
        ("results of two calls in two turns", format!(r#""messages":[{USER},{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"look","input":{{"z": 1,"a":2}}}},{{"type":"tool_use","id":"u","name":"look","input":{{}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":"x"}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"u"}}]}}]"#)),
        ("pictures", r#""messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"image","source":{"type":"url","url":"https://a.example/i.png"}},{"type":"image","source":{"type":"file","file_id":"file_1"}}]}]"#.to_owned()),
        ("pdf", r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"}}]}]"#.to_owned()),
        ("a begun answer", format!(r#""messages":[{USER},{{"role":"assistant","content":"It is:"}}]"#)),
        ("empty texts", r#""system":"","messages":[{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"a"}]},{"role":"assistant","content":[]},{"role":"user","content":"b"}]"#.to_owned()),
        ("unicode", r#""messages":[{"role":"user","content":"¿日本語🚀? \"\\ \n \u0001"}]"#.to_owned()),
        ("adaptive thinking", format!(r#""thinking":{{"type":"adaptive"}},"output_config":{{"effort":"low"}},"messages":[{USER}]"#)),
        ("two ways to draw", format!(r#""temperature":1,"top_p":0.9,"messages":[{USER}]"#)),
        ("nulls", format!(r#""system":null,"tools":null,"stop_sequences":null,"messages":[{USER}]"#)),
        ("everything else", format!(r#""messages":[{USER}],"stop_sequences":["END"],"top_k":5,"top_p":0.9,"metadata":{{"user_id":"u"}},"service_tier":"standard_only","output_config":{{"effort":"max","format":{{"type":"json_schema","schema":{{"type": "object"}}}}}},"thinking":{{"type":"disabled"}},"container":"c1","x_new":{{"a": 1.0}}"#)),
    ];
    let mut shown = String::new();
    for (name, fields) in cases {
        show(&mut shown, name, &message(&fields));
    }
    assert_golden("anthropic_from_messages", &shown);
}

fn show(shown: &mut String, name: &str, request: &crate::protocol::ChatRequest) {
    writeln!(shown, "# {name}").unwrap();
    let first = encoded(request);
    assert_eq!(first, encoded(&request.clone()), "the same bytes each time");
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
fn results_of_tools_are_contiguous_and_first() {
    let request = chat(&format!(r#""messages":[{USER},{CALLS},{RESULTS},{USER}]"#));
    let messages = &body(&request)["messages"];
    let kinds: Vec<&str> = messages[2]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["tool_result", "tool_result", "text"]);
    assert_eq!(messages.as_array().unwrap().len(), 3);
    assert_eq!(messages[1]["content"][0]["input"], json!({"city": "Lugo"}));
    assert_eq!(messages[1]["content"][1]["input"], json!({}));
}

#[test]
fn the_prefix_of_a_longer_conversation_is_the_same_bytes() {
    let short = format!(r#"{WEATHER},"messages":[{USER},{CALLS},{RESULTS}]"#);
    let long = format!(
        r#"{WEATHER},"messages":[{USER},{CALLS},{RESULTS},{{"role":"assistant","content":"It rains."}},{USER}]"#
    );
    let (short, long) = (
        encoded(&chat(&short)).unwrap(),
        encoded(&chat(&long)).unwrap(),
    );
    let at = short.body.find("\"sun\"").unwrap();
    let prefix = short.body.get(..at).unwrap();
    assert!(long.body.starts_with(prefix), "{}", long.body);
}

#[test]
fn ids_of_calls_that_anthropic_would_refuse_are_spelt_out_alike_on_both_ends() {
    let request = chat(
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","tool_calls":[{"id":"functions.f:0","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"functions.f:0","content":"1"}]"#,
    );
    let messages = &body(&request)["messages"];
    assert_eq!(messages[1]["content"][0]["id"], "functions_2ef_3a0");
    assert_eq!(
        messages[2]["content"][0]["tool_use_id"],
        "functions_2ef_3a0"
    );
}

#[test]
fn signatures_of_others_stay_here() {
    let request = message(
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"g","signature":"esclusa.google.Eg=="},{"type":"redacted_thinking","data":"esclusa.openai.gAAA"},{"type":"thinking","thinking":"u","signature":""},{"type":"thinking","thinking":"own","signature":"c2ln"},{"type":"tool_use","id":"t","name":"f","input":{},"signature":"esclusa.google.Eh=="}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]"#,
    );
    let turn = &body(&request)["messages"][1]["content"];
    let expected = json!([
        {"type": "thinking", "thinking": "own", "signature": "c2ln"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    ]);
    assert_eq!(*turn, expected);
    let thoughts = [0, 1, 2].map(|index| format!("messages[1].content[{index}]"));
    assert_eq!(left_out(&request), thoughts);
}

#[test]
fn no_nulls_are_added() {
    for request in [
        chat(&format!(
            r#""messages":[{USER},{CALLS},{RESULTS}],{WEATHER}"#
        )),
        message(&format!(r#""messages":[{USER}]"#)),
    ] {
        assert!(!encoded(&request).unwrap().body.contains("null"));
    }
}

#[test]
fn blocks_and_tools_of_others_are_refused_by_name() {
    use crate::protocol::{Content, Family, HostedTool, Json, Origin, Part, Tool};
    let json = || Json::parse(r#"{"type":"x"}"#).unwrap();
    let mut request = chat(&format!(r#""messages":[{USER}]"#));
    request.messages[0].parts.push(Part::new(Content::Native {
        family: Family::OpenAi,
        block: json(),
    }));
    assert_eq!(encoded(&request).unwrap_err().field, "messages[0].content");
    request.messages[0].parts.pop();
    request.tools.push(Tool::Hosted(HostedTool {
        family: Family::OpenAi,
        kind: "file_search".to_owned(),
        definition: json(),
        origin: Origin::NONE,
    }));
    assert_eq!(encoded(&request).unwrap_err().field, "tools[0]");
}
