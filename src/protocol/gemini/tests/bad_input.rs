use super::{USER, parse, parse_count, request};
use crate::error::Kind;

fn refused(fields: &str) -> (String, String) {
    let error = request(fields).expect_err(fields);
    assert_eq!(error.kind, Kind::InvalidRequest, "{fields}");
    (error.param.unwrap_or_default(), error.message)
}

fn check(cases: &[(&str, &str, &str)], wrap: impl Fn(&str) -> String) {
    for (fields, param, message) in cases {
        let found = refused(&wrap(fields));
        assert_eq!(found.0, *param, "{fields}: {}", found.1);
        assert!(found.1.contains(message), "{fields}: {}", found.1);
    }
}

#[test]
fn malformed_contents_are_refused_with_their_path() {
    let cases = [
        ("", "contents", "is required"),
        (r#""contents":null"#, "contents", "is required"),
        (r#""contents":{}"#, "contents", "must be an array"),
        (r#""contents":[]"#, "contents", "must not be empty"),
        (r#""contents":["Hi"]"#, "contents[0]", "must be an object"),
        (r#""contents":[{}]"#, "contents[0].parts", "is required"),
        (
            r#""contents":[{"parts":[]}]"#,
            "contents[0].parts",
            "must not be empty",
        ),
        (
            r#""contents":[{"parts":{}}]"#,
            "contents[0].parts",
            "must be an array",
        ),
        (
            r#""contents":[{"role":"assistant","parts":[{"text":"a"}]}]"#,
            "contents[0].role",
            "\"user\" or \"model\"",
        ),
        (
            r#""contents":[{"role":1,"parts":[{"text":"a"}]}]"#,
            "contents[0].role",
            "must be a string",
        ),
    ];
    check(&cases, str::to_owned);
}

#[test]
fn malformed_parts_are_refused_with_their_path() {
    let cases = [
        ("7", "contents[0].parts[0]", "must be an object"),
        ("{}", "contents[0].parts[0]", "says nothing"),
        (r#"{"text":null}"#, "contents[0].parts[0]", "says nothing"),
        (
            r#"{"text":1}"#,
            "contents[0].parts[0].text",
            "must be a string",
        ),
        (
            r#"{"text":"a","inlineData":{}}"#,
            "contents[0].parts[0].inlineData",
            "one thing too many",
        ),
        (
            r#"{"text":"a","thought":1}"#,
            "contents[0].parts[0].thought",
            "true or false",
        ),
        (
            r#"{"text":"a","thoughtSignature":""}"#,
            "contents[0].parts[0].thoughtSignature",
            "must not be empty",
        ),
        (
            r#"{"inlineData":"x"}"#,
            "contents[0].parts[0].inlineData",
            "must be an object",
        ),
        (
            r#"{"inlineData":{"data":"AA=="}}"#,
            "contents[0].parts[0].inlineData.mimeType",
            "is required",
        ),
        (
            r#"{"inline_data":{"mime_type":"png","data":"AA=="}}"#,
            "contents[0].parts[0].inline_data.mime_type",
            "must be a media type",
        ),
        (
            r#"{"inlineData":{"mimeType":"image/png"}}"#,
            "contents[0].parts[0].inlineData.data",
            "is required",
        ),
        (
            r#"{"inlineData":{"mimeType":"image/png","data":"A"}}"#,
            "contents[0].parts[0].inlineData.data",
            "base64",
        ),
        (
            r#"{"inlineData":{"mimeType":"image/png","data":""}}"#,
            "contents[0].parts[0].inlineData.data",
            "must not be empty",
        ),
        (
            r#"{"fileData":{}}"#,
            "contents[0].parts[0].fileData.fileUri",
            "is required",
        ),
        (
            r#"{"fileData":{"fileUri":"file:///etc/passwd"}}"#,
            "contents[0].parts[0].fileData.fileUri",
            "https URL",
        ),
        (
            r#"{"fileData":{"fileUri":"ftp://a.example/x"}}"#,
            "contents[0].parts[0].fileData.fileUri",
            "https URL",
        ),
        (
            r#"{"fileData":{"fileUri":"data:image/png,AA"}}"#,
            "contents[0].parts[0].fileData.fileUri",
            "malformed data URL",
        ),
        (
            r#"{"functionCall":{"name":"f"}}"#,
            "contents[0].parts[0].functionCall",
            "of the model only",
        ),
        (
            r#"{"functionResponse":{"response":{}}}"#,
            "contents[0].parts[0].functionResponse.name",
            "is required",
        ),
        (
            r#"{"functionResponse":{"name":"f","response":{}}}"#,
            "contents[0].parts[0].functionResponse.name",
            "names no open call",
        ),
    ];
    check(&cases, |part| {
        format!(r#""contents":[{{"parts":[{part}]}}]"#)
    });
}

#[test]
fn calls_and_results_must_belong_together() {
    let cases = [
        (
            r#"{"functionCall":{}}]}"#,
            "contents[0].parts[0].functionCall.name",
            "is required",
        ),
        (
            r#"{"functionCall":{"name":""}}]}"#,
            "contents[0].parts[0].functionCall.name",
            "must not be empty",
        ),
        (
            r#"{"functionCall":{"name":"f","args":"{}"}}]}"#,
            "contents[0].parts[0].functionCall.args",
            "must be an object",
        ),
        (
            r#"{"functionCall":{"id":"a","name":"f"}},{"functionCall":{"id":"a","name":"g"}}]}"#,
            "contents[0].parts[1].functionCall.id",
            "another call",
        ),
        (
            r#"{"functionResponse":{"name":"f","response":{}}}]}"#,
            "contents[0].parts[0].functionResponse",
            "of the user only",
        ),
        (
            r#"{"functionCall":{"name":"f"}}]}"#,
            "contents",
            "without a result",
        ),
        (
            r#"{"functionCall":{"name":"f"}}]},{"parts":[{"text":"a"}]}"#,
            "contents[1]",
            "without a result",
        ),
        (
            r#"{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"g","response":{}}}]}"#,
            "contents[1].parts[0].functionResponse.name",
            "names no open call",
        ),
        (
            r#"{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"id":"b","name":"f","response":{}}}]}"#,
            "contents[1].parts[0].functionResponse.id",
            "names no open call",
        ),
        (
            r#"{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f","response":{}}},{"functionResponse":{"name":"f","response":{}}}]}"#,
            "contents[1].parts[1].functionResponse.name",
            "names no open call",
        ),
        (
            r#"{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f"}}]}"#,
            "contents[1].parts[0].functionResponse.response",
            "is required",
        ),
        (
            r#"{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f","response":"a"}}]}"#,
            "contents[1].parts[0].functionResponse.response",
            "must be an object",
        ),
        (
            r#"{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f","response":{},"parts":[{}]}}]}"#,
            "contents[1].parts[0].functionResponse.parts[0].inlineData",
            "is required",
        ),
    ];
    check(&cases, |part| {
        format!(r#""contents":[{{"role":"model","parts":[{part}]"#)
    });
}

#[test]
fn malformed_tools_are_refused_with_their_path() {
    let cases = [
        (r#""tools":{}"#, "tools", "must be an array"),
        (r#""tools":[7]"#, "tools[0]", "must be an object"),
        (
            r#""tools":[{"googleSearch":7}]"#,
            "tools[0].googleSearch",
            "must be an object",
        ),
        (
            r#""tools":[{"functionDeclarations":{}}]"#,
            "tools[0].functionDeclarations",
            "must be an array",
        ),
        (
            r#""tools":[{"functionDeclarations":[{}]}]"#,
            "tools[0].functionDeclarations[0].name",
            "is required",
        ),
        (
            r#""tools":[{"functionDeclarations":[{"name":"f"},{"name":"f"}]}]"#,
            "tools[0].functionDeclarations[1].name",
            "another tool",
        ),
        (
            r#""tools":[{"functionDeclarations":[{"name":"f","parameters":[]}]}]"#,
            "tools[0].functionDeclarations[0].parameters",
            "must be an object",
        ),
        (
            r#""tools":[{"functionDeclarations":[{"name":"f","parameters":{},"parametersJsonSchema":{}}]}]"#,
            "tools[0].functionDeclarations[0].parametersJsonSchema",
            "second schema",
        ),
        (r#""toolConfig":7"#, "toolConfig", "must be an object"),
        (
            r#""toolConfig":{"functionCallingConfig":{"mode":"SOME"}}"#,
            "toolConfig.functionCallingConfig.mode",
            "must be",
        ),
        (
            r#""toolConfig":{"functionCallingConfig":{"mode":"ANY"}}"#,
            "toolConfig",
            "there is none",
        ),
        (
            r#""toolConfig":{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["f"]}}"#,
            "toolConfig.functionCallingConfig.allowedFunctionNames",
            "only allowed with",
        ),
        (
            r#""tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["g"]}}"#,
            "toolConfig",
            "not among the tools",
        ),
        (
            r#""tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f","g"]}}"#,
            "toolConfig",
            "not among the tools",
        ),
    ];
    check(&cases, |fields| format!("{USER},{fields}"));
}

#[test]
fn a_thousand_tools_are_refused_in_one_list_or_several() {
    let thousand: Vec<String> = (0..1_000)
        .map(|n| format!(r#"{{"name":"f{n}"}}"#))
        .collect();
    let (param, message) = refused(&format!(
        r#"{USER},"tools":[{{"functionDeclarations":[{}]}}]"#,
        thousand.join(",")
    ));
    assert_eq!(param, "tools[0].functionDeclarations");
    assert!(
        message.contains("at most 128 elements, not 1000"),
        "{message}"
    );
    let split: Vec<String> = thousand[..200]
        .chunks(100)
        .map(|some| format!(r#"{{"functionDeclarations":[{}]}}"#, some.join(",")))
        .collect();
    let (param, _) = refused(&format!(r#"{USER},"tools":[{}]"#, split.join(",")));
    assert_eq!(param, "tools");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn malformed_configurations_are_refused_with_their_path() {
    let cases = [
        (
            r#""temperature":3"#,
            "generationConfig.temperature",
            "from 0 to 2",
        ),
        (
            r#""temperature":"1""#,
            "generationConfig.temperature",
            "must be a number",
        ),
        (r#""top_p":2"#, "generationConfig.top_p", "from 0 to 1"),
        (r#""topK":0"#, "generationConfig.topK", "from 1"),
        (r#""topK":1.5"#, "generationConfig.topK", "whole number"),
        (r#""seed":2147483648"#, "generationConfig.seed", "integer"),
        (
            r#""candidateCount":9"#,
            "generationConfig.candidateCount",
            "from 1 to 8",
        ),
        (
            r#""maxOutputTokens":0"#,
            "generationConfig.maxOutputTokens",
            "from 1",
        ),
        (
            r#""stopSequences":"a""#,
            "generationConfig.stopSequences",
            "must be an array",
        ),
        (
            r#""stopSequences":["a","a","a","a","a","a"]"#,
            "generationConfig.stopSequences",
            "at most 5",
        ),
        (
            r#""presencePenalty":3"#,
            "generationConfig.presencePenalty",
            "from -2 to 2",
        ),
        (
            r#""logprobs":3"#,
            "generationConfig.logprobs",
            "responseLogprobs",
        ),
        (
            r#""responseLogprobs":true,"logprobs":21"#,
            "generationConfig.logprobs",
            "from 0 to 20",
        ),
        (
            r#""responseMimeType":"text/xml""#,
            "generationConfig.responseMimeType",
            "must be",
        ),
        (
            r#""responseSchema":{}"#,
            "generationConfig.responseMimeType",
            "with a schema",
        ),
        (
            r#""responseMimeType":"application/json","responseSchema":[]"#,
            "generationConfig.responseSchema",
            "must be an object",
        ),
        (
            r#""responseMimeType":"application/json","responseSchema":{},"responseJsonSchema":{}"#,
            "generationConfig.responseJsonSchema",
            "second schema",
        ),
        (
            r#""responseModalities":["TEXT","AUDIO"]"#,
            "generationConfig.responseModalities[1]",
            "spoken",
        ),
        (
            r#""thinkingConfig":{"thinkingBudget":-2}"#,
            "generationConfig.thinkingConfig.thinkingBudget",
            "integer from -1",
        ),
        (
            r#""thinkingConfig":{"thinkingLevel":"hard"}"#,
            "generationConfig.thinkingConfig.thinkingLevel",
            "must be",
        ),
        (
            r#""thinkingConfig":{"thinkingLevel":"low","thinkingBudget":5}"#,
            "generationConfig.thinkingConfig.thinkingLevel",
            "contradicts",
        ),
        (
            r#""thinkingConfig":{"x":1}"#,
            "generationConfig.thinkingConfig.x",
            "not known",
        ),
    ];
    check(&cases, |fields| {
        format!(r#"{USER},"generationConfig":{{{fields}}}"#)
    });
    let bomb = format!("{{\"a\":\"{}\"}}", "x".repeat(300_000));
    let (param, message) = refused(&format!(
        r#"{USER},"generationConfig":{{"responseMimeType":"application/json","responseSchema":{bomb}}}"#
    ));
    assert_eq!(param, "generationConfig.responseSchema");
    assert!(message.contains("262144 bytes"), "{message}");
}

#[test]
fn malformed_instructions_and_bodies_are_refused() {
    let cases = [
        (
            r#""systemInstruction":"S""#,
            "systemInstruction",
            "must be an object",
        ),
        (
            r#""systemInstruction":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}"#,
            "systemInstruction.parts",
            "parts of text",
        ),
        (
            r#""systemInstruction":{}"#,
            "systemInstruction.parts",
            "is required",
        ),
    ];
    check(&cases, |fields| format!("{USER},{fields}"));
    let deep = format!(r#"{{{USER},"x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for body in ["", "[]", "{", "nul", &deep] {
        let error = parse(body.as_bytes(), "m", false).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidRequest, "{body:.20}");
    }
    let error = parse_count(br#"{"generateContentRequest":{"contents":7}}"#, "m").unwrap_err();
    assert_eq!(
        error.param.as_deref(),
        Some("generateContentRequest.contents")
    );
}
