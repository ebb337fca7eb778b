use std::fmt::Write as _;

use super::{BOUND, encode, quirks};
use crate::config::Wire;
use crate::golden::assert_golden;
use crate::protocol::openai_chat::parse;
use crate::protocol::{
    ChatRequest, Content, Family, FunctionTool, HostedTool, Json, Media, MediaSource, Message,
    Origin, Part, ReasoningMode, Role, Signature, Tool, ToolCall, ToolResult,
};
use crate::providers::{Encoded, Prompt, Target, Unsupported};

fn encoded(request: &ChatRequest, model: Option<&str>) -> Result<Encoded, Unsupported> {
    let prompt = Prompt {
        request,
        messages: &request.messages,
    };
    let target = Target {
        wire: Wire::Gemini,
        model,
        quirks: &quirks(),
        max_tokens: BOUND,
        reasoning: None,
        thinks: true,
        deployment: None,
    };
    encode(prompt, &target)
}

fn show(shown: &mut String, request: &ChatRequest, model: Option<&str>) {
    let result = encoded(request, model);
    assert_eq!(result, encoded(&request.clone(), model), "bytes are stable");
    match result {
        Ok(encoded) => {
            writeln!(shown, "{}", encoded.body).unwrap();
            for warning in encoded.warnings {
                writeln!(shown, "  warning: {warning}").unwrap();
            }
        }
        Err(unsupported) => writeln!(shown, "unsupported: {unsupported}").unwrap(),
    }
}

#[test]
fn requests_to_gemini() {
    let weather = r#""tools":[{"type":"function","function":{"name":"weather","description":"Now","strict":true,"parameters":{"type":"object","properties":{"city":{"type":["string","null"]}},"additionalProperties":false}}},{"type":"function","function":{"name":"time","parameters":{}}}]"#;
    let user = r#"{"role":"user","content":"Hello"}"#;
    let calls = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Lugo\"}"},"extra_content":{"google":{"thought_signature":"Eg=="}}},{"id":"b","type":"function","function":{"name":"time","arguments":""}}]},{"role":"tool","tool_call_id":"b","content":"12:00"},{"role":"tool","tool_call_id":"a","content":"{\"rain\": 1.50}"},{"role":"user","content":"So?"}"#;
    let image = |url: &str| {
        format!(
            r#""messages":[{{"role":"user","content":[{{"type":"text","text":"What?"}},{{"type":"image_url","image_url":{{"url":"{url}","detail":"low"}}}}]}}]"#
        )
    };
    let cases = [
        ("plain", format!(r#""messages":[{user}]"#)),
        ("system", format!(r#""messages":[{{"role":"system","content":"A"}},{{"role":"developer","content":"B"}},{user}]"#)),
        ("late system", format!(r#""messages":[{user},{{"role":"system","content":"Be brief."}}]"#)),
        ("only system", r#""messages":[{"role":"system","content":"A"}]"#.to_owned()),
        ("turns are merged", format!(r#""messages":[{user},{user},{{"role":"assistant","content":"Hi"}},{{"role":"assistant","content":"there"}},{user}]"#)),
        ("tools", format!(r#""messages":[{user}],{weather},"tool_choice":"auto","parallel_tool_calls":false"#)),
        ("tool_choice required", format!(r#""messages":[{user}],{weather},"tool_choice":"required""#)),
        ("tool_choice none", format!(r#""messages":[{user}],{weather},"tool_choice":"none""#)),
        ("tool_choice named", format!(r#""messages":[{user}],{weather},"tool_choice":{{"type":"function","function":{{"name":"time"}}}}"#)),
        ("results in the order of calls", format!(r#""messages":[{user},{calls}]"#)),
        ("image inline", image("data:image/png;base64,AA==")),
        ("image by address", image("https://a.example/x.png")),
        ("sound", r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA==","format":"mp3"}}]}]"#.to_owned()),
        ("document", r#""messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}}]}]"#.to_owned()),
        ("another provider's file", r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]"#.to_owned()),
        ("json_object", format!(r#""messages":[{user}],"response_format":{{"type":"json_object"}}"#)),
        ("json_schema", format!(r#""messages":[{user}],"response_format":{{"type":"json_schema","json_schema":{{"name":"n","strict":true,"schema":{{"type": "object","$defs":{{}}}}}}}}"#)),
        ("everything that tunes", format!(r#""messages":[{user}],"temperature":0.20,"top_p":0.5,"top_k":3,"seed":7,"stop":["a","b"],"presence_penalty":1,"frequency_penalty":-1,"n":2,"logprobs":true,"top_logprobs":3"#)),
        ("what has no place", r#""messages":[{"role":"user","name":"Ana","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}],"x":1}],"logit_bias":{"1":2},"user":"u","service_tier":"flex","verbosity":"low","seed":9007199254740993,"x_v":1"#.to_owned()),
        ("too many choices", format!(r#""messages":[{user}],"n":8"#)),
        ("empty texts", format!(r#""messages":[{{"role":"user","content":""}},{{"role":"assistant","content":""}},{user}]"#)),
        ("nothing but empty texts", r#""messages":[{"role":"user","content":""}]"#.to_owned()),
        ("refusal", format!(r#""messages":[{user},{{"role":"assistant","refusal":"No."}},{user}]"#)),
        ("arguments that are no object", format!(r#""messages":[{user},{{"role":"assistant","tool_calls":[{{"id":"a","type":"function","function":{{"name":"f","arguments":"[1"}}}}]}},{{"role":"tool","tool_call_id":"a","content":"x"}}]"#)),
        ("unicode", r#""messages":[{"role":"user","content":"¿日本語🚀? \"\\ \n \u0001"}]"#.to_owned()),
    ];
    let mut shown = String::new();
    for (name, fields) in cases {
        let request = parse(format!("{{\"model\":\"auto\",{fields}}}").as_bytes()).unwrap();
        writeln!(shown, "# {name}").unwrap();
        show(&mut shown, &request, None);
    }
    assert_golden("gemini_requests", &shown);
}

fn thought(text: &str, family: Option<Family>) -> Part {
    Part::new(Content::Reasoning {
        text: text.to_owned(),
        signature: family.map(|family| Signature::new(family, "Eg==")),
    })
}

fn call(id: &str, family: Option<Family>) -> Part {
    Part::new(Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "look".to_owned(),
        arguments: "{}".to_owned(),
        signature: family.map(|family| Signature::new(family, "Eg==")),
    }))
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Message {
    let result = ToolResult {
        call_id: id.to_owned(),
        parts,
        is_error,
    };
    Message::new(Role::Tool, vec![Content::ToolResult(result).into()])
}

fn picture() -> Part {
    Content::Image(Media::inline("image/png", "AA==")).into()
}

/// What other wires than chat completions say.
#[test]
fn thoughts_signatures_and_results_to_gemini() {
    let (google, anthropic) = (Some(Family::Google), Some(Family::Anthropic));
    let said = |parts| vec![Message::new(Role::Assistant, parts)];
    let native = |family| {
        let block = Json::parse(r#"{"executableCode":{"code":"1"}}"#).unwrap();
        Part::new(Content::Native { family, block })
    };
    let url = Media::new(MediaSource::Url("https://a.example/x".to_owned()));
    let id = "https://generativelanguage.googleapis.com/v1beta/files/x";
    let stored = Media::new(MediaSource::Id(id.to_owned()));
    let results = vec![
        Message::new(Role::Assistant, vec![call("a", google), call("b", None)]),
        result("a", vec![Part::text("seen"), picture()], false),
        result("b", vec![Part::text("broken")], true),
    ];
    let cases: Vec<(&str, Vec<Message>)> = vec![
        (
            "signed text",
            said(vec![
                thought("Hm.", None),
                thought("", google),
                Part::text("Sí"),
            ]),
        ),
        (
            "signed thought",
            said(vec![thought("Hm.", google), Part::text("Sí")]),
        ),
        (
            "signature at the end",
            said(vec![Part::text("Sí"), thought("", google)]),
        ),
        (
            "two signatures in a row",
            said(vec![thought("", google), thought("", google)]),
        ),
        (
            "signature before a call",
            said(vec![thought("", google), call("a", None)]),
        ),
        (
            "another family's",
            said(vec![
                thought("Hm.", anthropic),
                call("a", anthropic),
                call("b", None),
            ]),
        ),
        (
            "redacted",
            said(vec![
                Content::RedactedReasoning(Signature::new(Family::Anthropic, "x")).into(),
                Part::text("a"),
            ]),
        ),
        (
            "call without a signature",
            said(vec![call("a", None), call("b", None)]),
        ),
        ("results with pictures and errors", results),
        ("own block", said(vec![native(Family::Google)])),
        ("foreign block", said(vec![native(Family::Anthropic)])),
        (
            "files by address",
            vec![Message::new(
                Role::User,
                vec![Content::File(url).into(), Content::File(stored).into()],
            )],
        ),
        (
            "a document of text",
            vec![Message::new(
                Role::User,
                vec![Content::File(Media::new(MediaSource::Text("T".to_owned()))).into()],
            )],
        ),
        (
            "a picture in an instruction",
            vec![Message::new(Role::System, vec![picture()])],
        ),
    ];
    let mut shown = String::new();
    for (name, messages) in cases {
        for model in ["gemini-3-flash-preview", "gemini-2.5-flash"] {
            let request = ChatRequest {
                messages: messages.clone(),
                ..ChatRequest::default()
            };
            writeln!(shown, "# {name} ({model})").unwrap();
            show(&mut shown, &request, Some(model));
        }
    }
    assert_golden("gemini_thoughts", &shown);
}

#[test]
fn reasoning_fits_the_model() {
    let (off, on) = (Some(ReasoningMode::Off), Some(ReasoningMode::On));
    let adaptive = Some(ReasoningMode::Adaptive);
    let effort = crate::protocol::Effort::parse;
    let cases = [
        ("off", off, None, None, None),
        ("on", on, None, None, None),
        ("adaptive", adaptive, None, None, None),
        ("minimal", None, effort("minimal"), None, None),
        ("medium", None, effort("medium"), None, Some("auto")),
        ("xhigh", None, effort("xhigh"), None, Some("none")),
        ("budget", on, None, Some(2_000), None),
        ("large budget", on, None, Some(100_000), None),
    ];
    let mut shown = String::new();
    for (name, mode, effort, budget_tokens, summary) in cases {
        for model in [
            None,
            Some("gemini-2.5-flash"),
            Some("gemini-2.5-pro"),
            Some("gemini-3-pro-preview"),
            Some("gemini-3-flash-preview"),
        ] {
            let mut request = ChatRequest {
                messages: vec![Message::text(Role::User, "a")],
                ..ChatRequest::default()
            };
            request.reasoning.mode = mode;
            request.reasoning.effort = effort;
            request.reasoning.budget_tokens = budget_tokens;
            request.reasoning.summary = summary.map(str::to_owned);
            let encoded = encoded(&request, model).unwrap();
            let body: serde_json::Value = serde_json::from_str(&encoded.body).unwrap();
            let thinking = &body["generationConfig"]["thinkingConfig"];
            writeln!(shown, "{name} {model:?} {thinking} {:?}", encoded.warnings).unwrap();
        }
    }
    assert_golden("gemini_reasoning", &shown);
}

#[test]
fn hosted_tools_of_google_pass_and_others_are_refused() {
    let hosted = |family, definition: &str| {
        Tool::Hosted(HostedTool {
            family,
            kind: "web_search".to_owned(),
            definition: Json::parse(definition).unwrap(),
            origin: Origin::NONE,
        })
    };
    let function = Tool::Function(FunctionTool {
        name: "f".to_owned(),
        ..FunctionTool::default()
    });
    let mut request = ChatRequest {
        messages: vec![Message::text(Role::User, "a")],
        tools: vec![hosted(Family::Google, r#"{"googleSearch": {}}"#), function],
        ..ChatRequest::default()
    };
    let body = encoded(&request, None).unwrap().body;
    let expected = r#""tools":[{"functionDeclarations":[{"name":"f"}]},{"googleSearch": {}}]"#;
    assert!(body.contains(expected), "{body}");
    request.tools.push(hosted(Family::OpenAi, "{}"));
    let refused = encoded(&request, None).unwrap_err();
    assert_eq!(refused.field, "tools[2]");
}
