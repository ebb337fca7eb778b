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
