use std::fmt::Write as _;

use super::{BOUND, WIRES};
use crate::config;
use crate::golden::assert_golden;
use crate::protocol::ChatRequest;
use crate::protocol::openai_chat::parse;
use crate::providers::{Encoded, Prompt, Target, Unsupported, Wire, encode};

fn encoded(request: &ChatRequest, wire: Wire) -> Result<Encoded, Unsupported> {
    let prompt = Prompt {
        request,
        messages: &request.messages,
    };
    let provider = if wire.is_workers_ai() {
        "workers-ai"
    } else {
        "openai"
    };
    let provider = config::catalogue().unwrap().provider(provider).unwrap();
    let target = Target {
        wire,
        model: None,
        quirks: &provider.quirks("m"),
        max_tokens: BOUND,
        reasoning: None,
        thinks: true,
        deployment: None,
    };
    encode(prompt, &target)
}

#[test]
fn requests_in_every_wire() {
    let weather = r#""tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}],"tool_choice":"auto""#;
    let calls = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Lugo\"}"}},{"id":"b","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Vigo\"}"}}]},{"role":"tool","tool_call_id":"a","content":"rain"},{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"sun"}]}"#;
    let user = r#"{"role":"user","content":"Hello"}"#;
    let tools = r#""tools":[{"type":"function","function":{"name":"now"}}]"#;
    let cases = [
        ("plain", format!(r#""messages":[{user}]"#)),
        ("system", format!(r#""messages":[{{"role":"developer","content":"Be brief."}},{user}],"temperature":0.20,"seed":7"#)),
        ("multi_turn", format!(r#""messages":[{{"role":"system","content":"S"}},{user},{{"role":"assistant","content":"Hi","refusal":null}},{user}],"stream":true"#)),
        ("tools", format!(r#""messages":[{user}],{weather}"#)),
        ("tool_results", format!(r#""messages":[{user},{calls}],{weather}"#)),
        ("image", r#""messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}]}]"#.to_owned()),
        ("json_object", format!(r#""messages":[{user}],"response_format":{{"type":"json_object"}}"#)),
        ("json_schema", format!(r#""messages":[{user}],"response_format":{{"type":"json_schema","json_schema":{{"name":"n","strict":true,"schema":{{"type":"object"}}}}}}"#)),
        ("unicode", r#""messages":[{"role":"user","content":"¿日本語🚀? \"\\ \n \u0001"}],"n":2"#.to_owned()),
        ("image by address", r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.example/i.png"}}]}]"#.to_owned()),
        ("sound", r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]}]"#.to_owned()),
        ("documents", r#""messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}},{"type":"file","file":{"file_id":"file-1"}}]}]"#.to_owned()),
        ("tool_choice named", format!(r#""messages":[{user}],{tools},"tool_choice":{{"type":"function","function":{{"name":"now"}}}},"parallel_tool_calls":false"#)),
        ("tool_choice none", format!(r#""messages":[{user}],{tools},"tool_choice":"none""#)),
        ("strict tool, marked", format!(r#""messages":[{user}],"tools":[{{"type":"function","function":{{"name":"now","strict":true}},"cache_control":{{"type":"ephemeral"}}}}]"#)),
        ("named speakers", r#""messages":[{"role":"user","name":"ana","content":"Hi"},{"role":"assistant","name":"bot","content":"a"},{"role":"user","content":"b"}]"#.to_owned()),
        ("reasoning back", format!(r#""messages":[{user},{{"role":"assistant","content":"a","reasoning_content":"Hm."}},{user}],"reasoning_effort":"high""#)),
        ("refusal back", format!(r#""messages":[{user},{{"role":"assistant","content":null,"refusal":"No."}},{user}]"#)),
        ("empty texts", r#""messages":[{"role":"system","content":""},{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"a"},{"type":"text","text":""}]},{"role":"assistant","content":""},{"role":"user","content":"b"}]"#.to_owned()),
        ("everything that tunes", format!(r#""messages":[{user}],"temperature":0.5,"top_p":0.9,"top_k":5,"frequency_penalty":1,"presence_penalty":-1,"seed":7,"logit_bias":{{"50256":-100}},"user":"u","service_tier":"flex","verbosity":"low""#)),
        ("stop", format!(r#""messages":[{user}],"stop":["END","\nQ:"]"#)),
        ("no thought", format!(r#""messages":[{user}],"reasoning_effort":"none","max_tokens":5"#)),
        ("logprobs", format!(r#""messages":[{user}],"logprobs":true,"top_logprobs":3"#)),
        ("json_schema described", format!(r#""messages":[{user}],"response_format":{{"type":"json_schema","json_schema":{{"name":"n","description":"D","schema":{{"type":"object"}}}}}}"#)),
        ("unknown_fields", r#""messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type": "ephemeral"}}],"x_m":1.0}],"reasoning_effort":"none","x_v":{ "b":1e2 ,"a":[ ]}"#.to_owned()),
    ];
    let mut shown = String::new();
    for (name, fields) in cases {
        let request = parse(format!("{{\"model\":\"auto\",{fields}}}").as_bytes()).unwrap();
        writeln!(shown, "# {name}").unwrap();
        for wire in WIRES {
            let encoded = encoded(&request, wire);
            assert_eq!(encoded, self::encoded(&request.clone(), wire));
            match encoded {
                Ok(encoded) => {
                    writeln!(shown, "{wire:?} {}", encoded.body).unwrap();
                    for warning in encoded.warnings {
                        writeln!(shown, "  warning: {warning}").unwrap();
                    }
                }
                Err(unsupported) => writeln!(shown, "{wire:?} {unsupported}").unwrap(),
            }
        }
    }
    assert_golden("provider_requests", &shown);
}

#[test]
fn unknown_fields_pass_byte_for_byte() {
    let raw = "{ \"b\" : 1.0e+2,\n\"a\":[null , 12345678901234567890, \"\\u00e9\\/\"] }";
    let body = format!(
        r#"{{"model":"m","x_vendor":{raw},"messages":[{{"role":"user","content":"Hi","x_message":{raw}}}]}}"#
    );
    let request = parse(body.as_bytes()).unwrap();
    for wire in WIRES {
        let input = encoded(&request, wire).unwrap().body;
        assert!(input.contains(&format!("\"x_vendor\":{raw}")), "{input}");
        assert!(input.contains(&format!("\"x_message\":{raw}")), "{input}");
    }
}
