mod bad_input;

use proptest::prelude::*;

use super::*;
use crate::protocol::mutations::mutated;
use crate::protocol::{CacheControl, Content, MediaSource, Role, Signature, Tool, ToolChoice};

/// A valid body with one more field.
fn with(field: &str) -> String {
    format!(
        r#"{{"model":"auto","max_tokens":2000,"messages":[{{"role":"user","content":"Hi"}}],{field}}}"#
    )
}

/// A body of these messages.
fn saying(messages: &str) -> String {
    format!(r#"{{"model":"auto","max_tokens":2000,"messages":{messages}}}"#)
}

fn parsed(body: &str) -> ChatRequest {
    parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error} in {body}"))
}

const TOOL: &str = r#"{"name":"look","description":"Looks.","input_schema":{"type": "object"},"strict":true,"cache_control":{"type":"ephemeral","ttl":"1h"}}"#;

const SEED: &str = r#"{"model":"claude-sonnet-5","max_tokens":4096,"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
"messages":[{"role":"user","content":[{"type":"text","text":"é","cache_control":{"type":"ephemeral"}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"},"title":"T","context":"C","citations":{"enabled":true}}]},
{"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"c2ln"},{"type":"redacted_thinking","data":"cmVk"},{"type":"text","text":"I look."},{"type":"tool_use","id":"t1","name":"look","input":{"a": 1},"cache_control":{"type":"ephemeral"}},{"type":"tool_use","id":"t2","name":"look","input":{}}]},
{"role":"user","content":[{"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"sun"},{"type":"image","source":{"type":"url","url":"https://a.example/i.png"}}]},{"type":"tool_result","tool_use_id":"t1","content":"rain","is_error":true,"cache_control":{"type":"ephemeral"}},{"type":"text","text":"Well?"}]}],
"tools":[{"name":"look","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":"web_search","max_uses":5}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},
"stop_sequences":["END"],"temperature":0.5,"top_p":0.9,"top_k":5,"thinking":{"type":"enabled","budget_tokens":2048},"output_config":{"effort":"max","format":{"type":"json_schema","schema":{"type":"object"}}},
"metadata":{"user_id":"u1"},"service_tier":"standard_only","stream":true}"#;

#[test]
fn what_the_gateway_decides_by_is_typed() {
    let request = parsed(SEED);
    let roles: Vec<Role> = request.messages.iter().map(|it| it.role).collect();
    assert_eq!(
        roles,
        [
            Role::System,
            Role::User,
            Role::Assistant,
            Role::Tool,
            Role::User
        ]
    );
    assert_eq!(
        (request.model.as_str(), request.max_output_tokens),
        ("claude-sonnet-5", Some(4_096))
    );
    assert_eq!(request.last_user_text(), "Well?");
    let needs = request.needs();
    assert!(needs.tools && needs.vision && needs.files && needs.json && !needs.audio);
    assert_eq!(request.reasoning.mode, Some(ReasoningMode::On));
    assert_eq!(request.reasoning.budget_tokens, Some(2_048));
    assert_eq!(request.reasoning.effort, Some(Effort::Max));
    assert_eq!(request.tool_choice, Some(ToolChoice::Auto));
    assert_eq!(request.parallel_tool_calls, Some(false));
    assert_eq!(request.user.as_deref(), Some("u1"));
    assert_eq!(request.service_tier.as_deref(), Some("default"));
    assert_eq!((request.choices, request.stream), (1, true));
    assert_eq!(request.warnings, []);
    let Tool::Hosted(hosted) = &request.tools[1] else {
        panic!("not hosted");
    };
    assert_eq!(
        (hosted.family, hosted.kind.as_str()),
        (Family::Anthropic, "web_search_20250305")
    );
}

#[test]
fn cache_control_is_kept_on_every_block() {
    let request = parsed(SEED);
    let cached = |message: usize, part: usize| request.messages[message].parts[part].cache.clone();
    let plain = Some(CacheControl { ttl: None });
    assert_eq!(cached(0, 0), plain, "system");
    assert_eq!(cached(1, 0), plain, "text");
    assert_eq!(cached(2, 3), plain, "tool_use");
    assert_eq!(cached(3, 1), plain, "tool_result");
    assert_eq!(cached(2, 4), None);
    let request = parsed(&with(&format!(r#""tools":[{TOOL}]"#)));
    let Tool::Function(tool) = &request.tools[0] else {
        panic!("not a function");
    };
    let hour = CacheControl {
        ttl: Some("1h".to_owned()),
    };
    assert_eq!((&tool.cache, tool.strict), (&Some(hour), Some(true)));
    assert_eq!(
        tool.parameters.as_ref().unwrap().get(),
        r#"{"type": "object"}"#,
        "byte for byte"
    );
}

#[test]
fn results_come_before_what_the_user_says() {
    let request = parsed(&saying(
        r#"[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{ "x" :1}},{"type":"tool_use","id":"b","name":"f","input":{}}]},
        {"role":"user","content":[{"type":"text","text":"First"},{"type":"tool_result","tool_use_id":"a"},{"type":"tool_result","tool_use_id":"b","content":[]}]},
        {"role":"user","content":[{"type":"text","text":"Last"}]}]"#,
    ));
    let roles: Vec<Role> = request.messages.iter().map(|it| it.role).collect();
    assert_eq!(
        roles,
        [
            Role::User,
            Role::Assistant,
            Role::Tool,
            Role::User,
            Role::User
        ]
    );
    let call = request.messages[1].tool_calls().next().unwrap();
    assert_eq!(call.arguments, r#"{ "x" :1}"#);
    assert_eq!(request.messages[2].tool_results().count(), 2);
    assert_eq!(request.messages[3].plain_text(), "First");
}

#[test]
fn thoughts_come_back_with_their_signatures() {
    let request = parsed(&saying(
        r#"[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"YQ=="},
        {"type":"thinking","thinking":"b","signature":""},{"type":"thinking","thinking":"c","signature":"esclusa.google.Eg=="},
        {"type":"redacted_thinking","data":"esclusa.openai.gAAA"},{"type":"tool_use","id":"t","name":"f","input":{},"signature":"esclusa.google.Eh=="}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"1"}]}]"#,
    ));
    let contents: Vec<&Content> = request.messages[1]
        .parts
        .iter()
        .map(|part| &part.content)
        .collect();
    let thought = |text: &str, signature| Content::Reasoning {
        text: text.to_owned(),
        signature,
    };
    let signature = |family, value: &str| Signature::new(family, value);
    assert_eq!(
        *contents[0],
        thought("", Some(signature(Family::Anthropic, "YQ==")))
    );
    assert_eq!(*contents[1], thought("b", None));
    assert_eq!(
        *contents[2],
        thought("c", Some(signature(Family::Google, "Eg==")))
    );
    assert_eq!(
        *contents[3],
        Content::RedactedReasoning(signature(Family::OpenAi, "gAAA"))
    );
    let call = request.messages[1].tool_calls().next().unwrap();
    assert_eq!(call.signature, Some(signature(Family::Google, "Eh==")));
}

#[test]
fn documents_and_pictures_come_from_anywhere() {
    let block = |kind: &str, source: &str| {
        let body = saying(&format!(
            r#"[{{"role":"user","content":[{{"type":"{kind}","source":{source}}}]}}]"#
        ));
        parsed(&body).messages[0].parts[0].content.clone()
    };
    let source = |content| match content {
        Content::File(media) | Content::Image(media) => media.source,
        other => panic!("{other:?}"),
    };
    let cases = [
        (
            "image",
            r#"{"type":"url","url":"https://a.example/i.png"}"#,
            MediaSource::Url("https://a.example/i.png".into()),
        ),
        (
            "image",
            r#"{"type":"file","file_id":"file_1"}"#,
            MediaSource::Id("file_1".into()),
        ),
        (
            "document",
            r#"{"type":"base64","media_type":"application/pdf","data":"JVBE"}"#,
            MediaSource::Base64("JVBE".into()),
        ),
        (
            "document",
            r#"{"type":"url","url":"https://a.example/d.pdf"}"#,
            MediaSource::Url("https://a.example/d.pdf".into()),
        ),
        (
            "document",
            r#"{"type":"text","media_type":"text/plain","data":"words"}"#,
            MediaSource::Text("words".into()),
        ),
    ];
    for (kind, json, expected) in cases {
        assert_eq!(source(block(kind, json)), expected, "{json}");
    }
    let composed = block("document", r#"{"type":"content","content":"a"}"#);
    assert!(matches!(
        composed,
        Content::Native {
            family: Family::Anthropic,
            ..
        }
    ));
}

#[test]
fn nothing_is_left_out_in_silence() {
    let request = parsed(
        r#"{"model":"m","max_tokens":9,"x_new":{"a": 1},"container":"c1","top_k":null,"metadata":{"user_id":"u","x":1},"thinking":{"type":"adaptive","x":1},
        "tools":[{"name":"f","input_schema":{},"defer_loading":true}],"tool_choice":{"type":"auto","x":1},
        "messages":[{"role":"user","x":1,"content":[{"type":"text","text":"a","x":1},{"type":"text","text":"b","x":null}]}]}"#,
    );
    let fields: Vec<&str> = request
        .warnings
        .iter()
        .map(|it| it.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "metadata.x",
            "thinking.x",
            "tools[0].defer_loading",
            "tool_choice.x",
            "messages[0].content[0].x",
            "messages[0].x"
        ]
    );
    assert_eq!(request.extras.family, Some(Family::Anthropic));
    let kept: Vec<(&str, &str)> = request
        .extras
        .fields
        .0
        .iter()
        .map(|(name, json)| (name.as_str(), json.get()))
        .collect();
    assert_eq!(kept, [("x_new", r#"{"a": 1}"#), ("container", "\"c1\"")]);
}

#[test]
fn blocks_of_hosted_tools_pass_as_they_came() {
    let block =
        r#"{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query": "x"}}"#;
    let result = r#"{"type":"web_search_tool_result","tool_use_id":"s1","content":[],"cache_control":{"type":"ephemeral"}}"#;
    let request = parsed(&saying(&format!(
        r#"[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":[{block},{result}]}}]"#
    )));
    let blocks: Vec<&str> = request.messages[1]
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::Native { block, .. } => block.get(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(blocks, [block, result]);
}

#[test]
fn reasoning_in_every_form() {
    let cases = [
        (
            r#""thinking":{"type":"adaptive","display":"summarized"}"#,
            Some(ReasoningMode::Adaptive),
            Some("auto"),
        ),
        (
            r#""thinking":{"type":"adaptive","display":"omitted"}"#,
            Some(ReasoningMode::Adaptive),
            Some("none"),
        ),
        (
            r#""thinking":{"type":"disabled"}"#,
            Some(ReasoningMode::Off),
            None,
        ),
        (r#""output_config":{"effort":"low"}"#, None, None),
    ];
    for (field, mode, summary) in cases {
        let reasoning = parsed(&with(field)).reasoning;
        assert_eq!(
            (reasoning.mode, reasoning.summary.as_deref()),
            (mode, summary),
            "{field}"
        );
    }
    let effort = parsed(&with(r#""output_config":{"effort":"xhigh"}"#)).reasoning;
    assert_eq!(effort.effort, Some(Effort::Max));
    let schema = r#"{"type":"json_schema","schema":{"type":"object"}}"#;
    let format = parsed(&with(&format!(r#""output_format":{schema}"#))).response_format;
    let config = parsed(&with(&format!(r#""output_config":{{"format":{schema}}}"#)));
    assert_eq!(format, config.response_format);
}

#[test]
fn a_hosted_tool_can_be_chosen_by_its_name() {
    let field = r#""tools":[{"type":"bash_20250124","name":"bash"}],"tool_choice":{"type":"tool","name":"bash"}"#;
    let choice = parsed(&with(field)).tool_choice;
    assert_eq!(choice, Some(ToolChoice::Function("bash".to_owned())));
}

#[test]
fn tools_are_chosen_in_every_way() {
    let look = || ToolChoice::Function("look".to_owned());
    let cases = [
        (r#"{"type":"any"}"#, ToolChoice::Required, None),
        (r#"{"type":"none"}"#, ToolChoice::None, None),
        (r#"{"type":"tool","name":"look"}"#, look(), None),
        (
            r#"{"type":"auto","disable_parallel_tool_use":false}"#,
            ToolChoice::Auto,
            Some(true),
        ),
    ];
    for (choice, expected, parallel) in cases {
        let request = parsed(&with(&format!(
            r#""tools":[{TOOL}],"tool_choice":{choice}"#
        )));
        assert_eq!(request.tool_choice, Some(expected), "{choice}");
        assert_eq!(request.parallel_tool_calls, parallel, "{choice}");
    }
}

#[test]
fn a_text_that_comes_back_keeps_its_citations() {
    let native = r#"{"type":"char_location","cited_text":"q","document_title":"D"}"#;
    let ours = r#"{"type":"web_search_result_location","url":"https://a.example","title":"A","cited_text":"","encrypted_index":""}"#;
    let request = parsed(&saying(&format!(
        r#"[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":[{{"type":"text","text":"a","citations":[{native},{ours}]}}]}}]"#
    )));
    let Content::Text { citations, .. } = &request.messages[1].parts[0].content else {
        panic!("no text");
    };
    let kept = citations[0].native.as_ref().map(|(_, json)| json.get());
    assert_eq!(kept, Some(native));
    assert_eq!(citations[0].title.as_deref(), Some("D"));
    assert_eq!(citations[1].url.as_deref(), Some("https://a.example"));
    assert_eq!(citations[1].native, None, "Anthropic never wrote it");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn mutated_requests_never_panic_and_errors_are_400(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for body in mutated(SEED, &edits, cut) {
            if let Err(error) = parse(&body) {
                prop_assert_eq!(error.status(), 400);
            }
        }
    }

    #[test]
    fn any_text_survives(text in "[^\0]{0,40}") {
        let message = serde_json::json!({"role": "user", "content": text});
        let request = parse(saying(&format!("[{message}]")).as_bytes()).unwrap();
        prop_assert_eq!(request.last_user_text(), text);
    }
}
