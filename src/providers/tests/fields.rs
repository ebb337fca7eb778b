//! What is left out or refused is named as the caller wrote it, whichever wire the caller and the model
//! speak.

use super::BOUND;
use crate::config;
use crate::protocol::gemini::Framing;
use crate::protocol::{ChatPath, ChatRequest, Dialect, Message, Role};
use crate::providers::{Encoded, Prompt, Target, Unsupported, Wire, encode};

const CHAT: Dialect = Dialect::OpenAiChat;
const GEMINI: Dialect = Dialect::Gemini(Framing::Events);
const PICTURE: &str = "data:image/png;base64,AAAA";

fn request(dialect: Dialect, fields: &str) -> ChatRequest {
    let body = match dialect {
        Dialect::Anthropic => format!(r#"{{"model":"m","max_tokens":4096,{fields}}}"#),
        Dialect::Gemini(_) | Dialect::Run | Dialect::WorkersAi => format!("{{{fields}}}"),
        _ => format!(r#"{{"model":"m",{fields}}}"#),
    };
    let path = ChatPath {
        dialect,
        model: Some("m"),
        ..ChatPath::default()
    };
    let parsed = dialect.parse(body.as_bytes(), &path);
    parsed.unwrap_or_else(|error| panic!("{error} in {body}"))
}

/// The request as a model of `wire` gets it, behind the instructions of an operation.
fn encoded(dialect: Dialect, wire: Wire, fields: &str) -> Result<Encoded, Unsupported> {
    let request = request(dialect, fields);
    let instructions = Message::text(Role::System, "Be brief.");
    let messages = [&[instructions], request.messages.as_slice()].concat();
    let (provider, model) = match wire {
        Wire::Anthropic => ("anthropic", "claude-opus-5"),
        Wire::Gemini => ("google", "gemini-2.5-flash"),
        Wire::OpenAiChat => ("openai", "gpt-4o"),
        _ => ("workers-ai", "@cf/meta/llama-4-scout-17b-16e-instruct"),
    };
    let provider = config::catalogue().unwrap().provider(provider).unwrap();
    let target = Target {
        wire,
        model: Some(model),
        quirks: &provider.quirks(model),
        max_tokens: BOUND,
        reasoning: None,
        thinks: false,
        deployment: None,
    };
    let prompt = Prompt {
        request: &request,
        messages: &messages,
    };
    encode(prompt, &target)
        .map(|encoded| encoded.told_to(dialect))
        .map_err(|missing| missing.told_to(dialect))
}

fn left_out(dialect: Dialect, wire: Wire, fields: &str) -> Vec<String> {
    let warnings = encoded(dialect, wire, fields).unwrap().warnings;
    warnings.iter().map(|it| it.field.to_string()).collect()
}

fn refused(dialect: Dialect, wire: Wire, fields: &str) -> String {
    let missing = encoded(dialect, wire, fields).unwrap_err();
    let text = missing.to_string();
    assert!(text.starts_with(&format!("`{}` ", missing.field)), "{text}");
    missing.field.to_string()
}

#[test]
fn chat_completions() {
    let picture = format!(
        r#""messages":[{{"role":"system","content":"S"}},{{"role":"user","name":"Ana","content":[{{"type":"text","text":"a","cache_control":{{"type":"ephemeral"}}}},{{"type":"image_url","image_url":{{"url":"{PICTURE}","detail":"low"}}}}]}}],"seed":9007199254740993,"logit_bias":{{"1":2}}"#
    );
    assert_eq!(
        left_out(CHAT, Wire::Gemini, &picture),
        [
            "messages[1].name",
            "messages[1].content[0].cache_control",
            "messages[1].content[1].image_url.detail",
            "seed",
            "logit_bias",
        ]
    );
    let sound = r#""messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}}]}]"#;
    let named = refused(CHAT, Wire::Anthropic, sound);
    assert_eq!(named, "messages[0].content[1]");
    let arguments = r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"[1"}}]},{"role":"tool","tool_call_id":"a","content":"x"},{"role":"tool","tool_call_id":"b","content":"x"}]"#;
    let named = refused(CHAT, Wire::Gemini, arguments);
    assert_eq!(named, "messages[1].tool_calls[1]");
    let thought = r#""messages":[{"role":"user","content":"a"},{"role":"assistant","reasoning_content":"hm","content":"b"},{"role":"user","content":"c"}],"reasoning_effort":"none""#;
    assert_eq!(
        left_out(CHAT, Wire::Anthropic, thought),
        ["messages[1].reasoning_content"]
    );
    let many = r#""messages":[{"role":"user","content":"a"}],"n":2"#;
    assert_eq!(refused(CHAT, Wire::Anthropic, many), "n");
}

#[test]
fn anthropic() {
    let said = r#""messages":[{"role":"user","content":"a"}]"#;
    let tuned = format!(
        r#"{said},"metadata":{{"user_id":"u"}},"container":"c","seed":1,"thinking":{{"type":"enabled","budget_tokens":1024}}"#
    );
    assert_eq!(
        left_out(Dialect::Anthropic, Wire::Gemini, &tuned),
        ["metadata.user_id", "container", "seed"]
    );
    assert_eq!(
        left_out(Dialect::Anthropic, Wire::Anthropic, &tuned),
        ["thinking.budget_tokens"]
    );
    let result = r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"x"},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"D"},"citations":{"enabled":true}}]},{"type":"document","source":{"type":"file","file_id":"file_1"}}]}]"#;
    let named = refused(Dialect::Anthropic, Wire::WorkersAiChat, result);
    assert_eq!(named, "messages[2].content[0].content[1]");
    let named = refused(Dialect::Anthropic, Wire::Gemini, result);
    assert_eq!(named, "messages[2].content[1]");
    let system = r#""system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"D"},"citations":{"enabled":true}},{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"redacted_thinking","data":"cmVk"},{"type":"text","text":"b"}]},{"role":"user","content":"c"}]"#;
    assert_eq!(
        left_out(Dialect::Anthropic, Wire::Gemini, system),
        [
            "system[0].cache_control",
            "messages[1].content[0]",
            "messages[0].content[0].citations",
        ]
    );
    let tool = format!(
        r#"{said},"tools":[{{"name":"f","input_schema":{{}},"strict":true}},{{"type":"web_search_20250305","name":"web_search"}}]"#
    );
    let named = refused(Dialect::Anthropic, Wire::Gemini, &tool);
    assert_eq!(named, "tools[1]");
    let stop = format!(r#"{said},"stop_sequences":["a","b","c","d","e","f"]"#);
    let named = refused(Dialect::Anthropic, Wire::Gemini, &stop);
    assert_eq!(named, "stop_sequences");
}

#[test]
fn gemini() {
    let said = r#""contents":[{"role":"user","parts":[{"text":"a"}]}]"#;
    let tuned = format!(
        r#"{said},"generationConfig":{{"seed":1,"presencePenalty":1,"temperature":2,"topK":3}},"cachedContent":"c""#
    );
    assert_eq!(
        left_out(GEMINI, Wire::Anthropic, &tuned),
        [
            "generationConfig.temperature",
            "generationConfig.topK",
            "generationConfig.presencePenalty",
            "generationConfig.seed",
            "cachedContent",
        ]
    );
    let sound = r#""systemInstruction":{"parts":[{"text":"S"}]},"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"hm","thought":true,"thoughtSignature":"Eg=="},{"text":"b"}]},{"role":"user","parts":[{"text":"c"},{"inline_data":{"mime_type":"audio/mp3","data":"AAAA"}}]}]"#;
    let named = refused(GEMINI, Wire::Anthropic, sound);
    assert_eq!(named, "contents[2].parts[1].inline_data");
    let thought = r#""contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"hm","thought":true,"thoughtSignature":"Eg=="},{"text":"b"}]},{"role":"user","parts":[{"text":"c"}]}]"#;
    assert_eq!(
        left_out(GEMINI, Wire::Anthropic, thought),
        ["contents[1].parts[0]"]
    );
    let many = format!(r#"{said},"generationConfig":{{"candidateCount":2}}"#);
    let named = refused(GEMINI, Wire::Anthropic, &many);
    assert_eq!(named, "generationConfig.candidateCount");
    let json = format!(r#"{said},"generationConfig":{{"responseMimeType":"application/json"}}"#);
    let named = refused(GEMINI, Wire::Anthropic, &json);
    assert_eq!(named, "generationConfig.responseMimeType");
    let tool = format!(
        r#"{said},"tools":[{{"functionDeclarations":[{{"name":"f"}},{{"name":"g"}}]}},{{"googleSearch":{{}}}}]"#
    );
    let named = refused(GEMINI, Wire::Anthropic, &tool);
    assert_eq!(named, "tools[1].googleSearch");
}

#[test]
fn responses() {
    let wire = Dialect::OpenAiResponses;
    let tuned = r#""input":"a","text":{"verbosity":"low"},"reasoning":{"effort":"none"},"tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true}],"safety_identifier":"s""#;
    assert_eq!(
        left_out(wire, Wire::Gemini, tuned),
        ["tools[0].strict", "text.verbosity", "safety_identifier"]
    );
    assert_eq!(
        left_out(wire, Wire::Anthropic, tuned),
        ["text.verbosity", "safety_identifier"]
    );
    let items = format!(
        r#""input":[{{"type":"message","role":"user","content":"a"}},{{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"}},{{"type":"function_call","call_id":"c","name":"f","arguments":"{{}}"}},{{"type":"function_call_output","call_id":"c","output":"x"}},{{"type":"message","role":"user","content":[{{"type":"input_text","text":"b"}},{{"type":"input_image","image_url":"{PICTURE}","detail":"high"}}]}}]"#
    );
    assert_eq!(
        left_out(wire, Wire::Anthropic, &items),
        ["input[1]", "input[4].content[1].detail"]
    );
    let native = r#""input":[{"type":"message","role":"user","content":"a"},{"type":"web_search_call","id":"ws_1","status":"completed"},{"type":"message","role":"user","content":[{"type":"input_text","text":"b"},{"type":"input_file","file_id":"file-1"}]}]"#;
    assert_eq!(refused(wire, Wire::Gemini, native), "input[1]");
    let file = r#""input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"b"},{"type":"input_file","file_id":"file-1"}]}]"#;
    let named = refused(wire, Wire::Gemini, file);
    assert_eq!(named, "input[0].content[1]");
    let json = r#""input":"a","text":{"format":{"type":"json_object"}}"#;
    assert_eq!(refused(wire, Wire::Anthropic, json), "text.format");
    let probable = r#""input":"a","top_logprobs":2"#;
    assert_eq!(refused(wire, Wire::Anthropic, probable), "top_logprobs");
}

#[test]
fn esclusas_own_and_workers_ais() {
    let sound = r#"{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}}"#;
    let several = format!(
        r#""operation":"faq","input":[{{"role":"user","content":[{{"type":"text","text":"a"}},{sound}]}}]"#
    );
    let named = refused(Dialect::Run, Wire::Anthropic, &several);
    assert_eq!(named, "input[0].content[1]");
    let pdf =
        r#""operation":"faq","input":{"text":"a","document":"data:application/zip;base64,AAAA"}"#;
    let named = refused(Dialect::Run, Wire::Anthropic, pdf);
    assert_eq!(named, "input.document");
    let messages = format!(r#""messages":[{{"role":"user","content":[{sound}]}}]"#);
    let named = refused(Dialect::WorkersAi, Wire::Anthropic, &messages);
    assert_eq!(named, "messages[0].content[0]");
}

#[test]
fn thinking_that_a_model_does_not_know() {
    let thinking = r#""messages":[{"role":"user","content":"a"}],"thinking":{"type":"enabled","budget_tokens":1024}"#;
    let config = r#""contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"thinkingConfig":{"thinkingBudget":1024}}"#;
    let effort = r#""input":"a","reasoning":{"effort":"low"}"#;
    let chat = r#""messages":[{"role":"user","content":"a"}],"reasoning_effort":"low""#;
    for (dialect, fields, named) in [
        (Dialect::Anthropic, thinking, "thinking"),
        (GEMINI, config, "generationConfig.thinkingConfig"),
        (Dialect::OpenAiResponses, effort, "reasoning.effort"),
        (CHAT, chat, "reasoning_effort"),
    ] {
        assert_eq!(left_out(dialect, Wire::OpenAiChat, fields), [named]);
    }
}

/// An unknown field of the caller's keeps its name, though the model has a parameter of that name.
#[test]
fn unknown_fields_keep_their_names() {
    let unknown = r#""contents":[{"parts":[{"text":"a"}]}],"temperature":1"#;
    assert_eq!(left_out(GEMINI, Wire::Anthropic, unknown), ["temperature"]);
}
