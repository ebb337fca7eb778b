use std::fmt::Write as _;

use proptest::prelude::*;

use super::{USER, parse, parse_count, request};
use crate::config::{Wire, catalogue};
use crate::golden::assert_golden;
use crate::protocol::ChatRequest;
use crate::providers::{Prompt, Target, encode};

const CALLS: &str = r#""contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{"b": 1.0,"a":2}},"thoughtSignature":"Eg=="},{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"one"}}},{"functionResponse":{"name":"f","response":{"error":"two"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}},{"text":"So?"}]}]"#;

fn cases() -> Vec<(&'static str, String)> {
    let parts = |parts: &str| format!(r#""contents":[{{"parts":[{parts}]}}]"#);
    let model = |parts: &str| format!(r#"{USER_OPEN},{{"role":"model","parts":[{parts}]}}]"#);
    let config = |config: &str| format!(r#"{USER},"generationConfig":{{{config}}}"#);
    vec![
        ("plain", USER.to_owned()),
        ("no role", parts(r#"{"text":"Hi"},{"text":"there"}"#)),
        ("instruction", format!(r#"{USER},"systemInstruction":{{"role":"system","parts":[{{"text":"Be brief."}}]}}"#)),
        ("snake case", r#""contents":[{"parts":[{"inline_data":{"mime_type":"image/png","data":"AA=="}}]}],"system_instruction":{"parts":[{"text":"S"}]},"generation_config":{"max_output_tokens":5,"top_p":0.5,"thinking_config":{"include_thoughts":true,"thinking_budget":2000}},"tool_config":{"function_calling_config":{"mode":"any","allowed_function_names":["f"]}},"tools":[{"function_declarations":[{"name":"f"}]}],"safety_settings":[]"#.to_owned()),
        ("picture by address", parts(r#"{"fileData":{"mimeType":"image/png","fileUri":"https://a.example/x.png"}}"#)),
        ("what Google keeps", parts(r#"{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/x"}},{"fileData":{"mimeType":"video/mp4","fileUri":"https://www.youtube.com/watch?v=x"}}"#)),
        ("sound and document", parts(r#"{"inlineData":{"mimeType":"audio/mp3","data":"AA=="}},{"inlineData":{"mimeType":"application/pdf","data":"__-_"}}"#)),
        ("calls and results", CALLS.to_owned()),
        ("calls with ids", r#""contents":[{"role":"model","parts":[{"functionCall":{"id":"x","name":"f","args":{}}},{"functionCall":{"id":"y","name":"g","args":{}}}]},{"role":"function","parts":[{"functionResponse":{"id":"y","name":"g","response":{"deep":{"a":[1]}}}}]},{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{"output":"{\"a\":1}"}}}]}]"#.to_owned()),
        ("thoughts", model(r#"{"text":"Hm.","thought":true},{"text":"Sí","thoughtSignature":"Eg=="},{"text":"","thoughtSignature":"Ex=="}"#)),
        ("signed thought in two parts", model(r#"{"text":"Hm.","thought":true},{"text":"","thought":true,"thoughtSignature":"Eg=="},{"text":"a"}"#)),
        ("signature without a part", model(r#"{"thoughtSignature":"Eg=="},{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f","response":{}}}"#)),
        ("code", model(r#"{"executableCode":{"language":"PYTHON","code":"1"},"thoughtSignature":"Eg=="},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}}"#)),
        ("everything that tunes", config(r#""temperature":0.20,"topP":0.5,"topK":40.0,"seed":7,"stopSequences":["a"],"presencePenalty":1,"frequencyPenalty":-1,"candidateCount":2,"responseLogprobs":true,"logprobs":3,"maxOutputTokens":50"#)),
        ("schema of OpenAPI", config(r#""responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}}"#)),
        ("JSON schema", config(r#""responseMimeType":"application/json","responseJsonSchema":{"type":"object","$defs":{}}"#)),
        ("JSON", config(r#""responseMimeType":"application/json""#)),
        ("no thinking", config(r#""thinkingConfig":{"thinkingBudget":0}"#)),
        ("adaptive thinking", config(r#""thinkingConfig":{"thinkingBudget":-1,"includeThoughts":true}"#)),
        ("level of thinking", config(r#""thinkingConfig":{"thinkingLevel":"HIGH"}"#)),
        ("own fields", format!(r#"{USER},"generationConfig":{{"mediaResolution":"MEDIA_RESOLUTION_LOW","imageConfig":{{"aspectRatio": "1:1"}}}},"safetySettings":[{{"category":"X"}}],"cachedContent":"cachedContents/x""#)),
        ("tools", format!(r#"{USER},"tools":[{{"functionDeclarations":[{{"name":"f","description":"F","parameters":{{"type":"OBJECT","properties":{{"a":{{"type":"ARRAY","items":{{"type":"NUMBER"}}}}}}}}}},{{"name":"g","parametersJsonSchema":{{"type":"object"}},"behavior":"BLOCKING"}}]}},{{"googleSearch":{{}}}}],"toolConfig":{{"functionCallingConfig":{{"mode":"AUTO"}}}}"#)),
        ("some tools allowed", format!(r#"{USER},"tools":[{{"functionDeclarations":[{{"name":"f"}},{{"name":"g"}},{{"name":"h"}}]}}],"toolConfig":{{"functionCallingConfig":{{"mode":"ANY","allowedFunctionNames":["f","h"]}}}}"#)),
        ("nulls", format!(r#"{USER},"tools":null,"systemInstruction":null,"generationConfig":{{"topK":null}}"#)),
        ("unknown fields below", parts(r#"{"text":"a","videoMetadata":{}}"#)),
        ("unicode", parts(r#"{"text":"¿日本語🚀? \"\\ \n \u0001"}"#)),
    ]
}

const USER_OPEN: &str = r#""contents":[{"role":"user","parts":[{"text":"Hi"}]}"#;

/// To Google's own interface and to that of chat completions.
fn sent(request: &ChatRequest, wire: Wire) -> String {
    let provider = match wire {
        Wire::Gemini => "google",
        _ => "openai",
    };
    let quirks = catalogue().unwrap().provider(provider).unwrap();
    let target = Target {
        wire,
        model: None,
        quirks: &quirks.quirks("m"),
        max_tokens: 100,
        reasoning: None,
        thinks: true,
        deployment: None,
    };
    let prompt = Prompt {
        request,
        messages: &request.messages,
    };
    match encode(prompt, &target) {
        Ok(encoded) => {
            let warnings = encoded.warnings.iter();
            let warnings: Vec<String> = warnings.map(ToString::to_string).collect();
            format!("{} {warnings:?}", encoded.body)
        }
        Err(unsupported) => format!("unsupported: {unsupported}"),
    }
}

#[test]
fn requests_of_gemini_clients() {
    let mut shown = String::new();
    for (name, fields) in cases() {
        let request = request(&fields).unwrap_or_else(|error| panic!("{name}: {error}"));
        writeln!(shown, "# {name}\n{{{fields}}}").unwrap();
        for warning in &request.warnings {
            writeln!(shown, "  warning: {warning}").unwrap();
        }
        writeln!(shown, "Gemini {}", sent(&request, Wire::Gemini)).unwrap();
        writeln!(shown, "OpenAI {}", sent(&request, Wire::OpenAiChat)).unwrap();
    }
    assert_golden("gemini_client_requests", &shown);
}

#[test]
fn the_path_names_the_model_and_the_stream() {
    let body = format!(r#"{{{USER},"model":"models/other"}}"#);
    let request = parse(body.as_bytes(), "gemini-2.5-flash", true).unwrap();
    assert_eq!(request.model, "gemini-2.5-flash");
    assert!(request.stream);
    let whole = parse_count(body.as_bytes(), "m").unwrap();
    let inner = format!(r#"{{"generateContentRequest":{body}}}"#);
    assert_eq!(parse_count(inner.as_bytes(), "m").unwrap(), whole);
}

/// What a client sends back as it got it must reach Google unchanged: a gateway that drops signatures
/// makes every second turn of tools fail.
#[test]
fn thought_signatures_go_back_exactly() {
    let parts = r#"{"text":"Sí","thoughtSignature":"Eg+/=="},{"functionCall":{"id":"x","name":"f","args":{}},"thoughtSignature":"Ex+/=="},{"functionCall":{"id":"y","name":"f","args":{}}}"#;
    let results = r#"{"functionResponse":{"id":"x","name":"f","response":{"a":1}}},{"functionResponse":{"id":"y","name":"f","response":{"a":2}}}"#;
    let contents = format!(
        r#"{USER_OPEN},{{"role":"model","parts":[{parts}]}},{{"role":"user","parts":[{results}]}}]"#
    );
    let request = request(&contents).unwrap();
    let sent = sent(&request, Wire::Gemini);
    assert!(
        sent.contains(&format!(r#"{{"parts":[{parts}],"role":"model"}}"#)),
        "{sent}"
    );
    assert!(
        sent.contains(&format!(r#"{{"parts":[{results}],"role":"user"}}"#)),
        "{sent}"
    );
}

proptest! {
    #[test]
    fn parsing_never_panics(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let cases = cases();
        let mut body = format!("{{{}}}", cases[which.index(cases.len())].1).into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = parse(&body, "m", false);
        let _ = parse(&bytes, "m", false);
    }
}
