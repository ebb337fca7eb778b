use std::fmt::Write as _;

use crate::golden::assert_golden;
use crate::protocol::Answer;
use crate::providers::gemini::decode;
use crate::providers::{Failure, Wire, decode_answer};

fn outcome(result: &Result<Answer, Failure>) -> String {
    match result {
        Ok(answer) => serde_json::to_string(answer).unwrap(),
        Err(failure) => format!("{:?} {failure}", failure.class),
    }
}

/// An answer of one candidate.
fn candidate(parts: &str, reason: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{parts}],"role":"model"}},"finishReason":"{reason}","index":0}}],"usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":4,"totalTokenCount":13}},"modelVersion":"gemini-2.5-flash","responseId":"r1"}}"#
    )
}

fn used(usage: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":"a"}}]}},"finishReason":"STOP"}}],"usageMetadata":{usage}}}"#
    )
}

#[test]
fn answers_of_gemini() {
    let grounded = r#"{"candidates":[{"content":{"parts":[{"text":"Él ganó. Sí."}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q"],"groundingChunks":[{"web":{"uri":"https://a.example","title":"A"}},{"web":{"uri":"https://b.example","title":"B"}}],"groundingSupports":[{"segment":{"endIndex":10,"text":"Él ganó."},"groundingChunkIndices":[0,1]},{"segment":{"startIndex":11,"endIndex":15,"text":"Sí."},"groundingChunkIndices":[1,9]},{"segment":{"startIndex":1,"endIndex":99},"groundingChunkIndices":[0]}]}}]}"#;
    let recited = r#"{"candidates":[{"content":{"parts":[{"text":"abc"}]},"finishReason":"STOP","citationMetadata":{"citationSources":[{"startIndex":1,"endIndex":3,"uri":"https://a.example","license":"mit"}]}}]}"#;
    let logprobs = r#"{"candidates":[{"content":{"parts":[{"text":"Sí"}]},"finishReason":"STOP","logprobsResult":{"chosenCandidates":[{"token":"Sí","tokenId":1,"logProbability":-0.5}],"topCandidates":[{"candidates":[{"token":"Sí","logProbability":-0.5},{"token":"No","logProbability":-1.5}]}]}}]}"#;
    let two = r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"},{"index":0,"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}],"responseId":"r1"}"#;
    let cases: Vec<(&str, String)> = vec![
        ("plain", candidate(r#"{"text":"Hola 🚀"}"#, "STOP")),
        ("parts of text run on", candidate(r#"{"text":"a"},{"text":"b"}"#, "STOP")),
        ("thought", candidate(r#"{"text":"Hm.","thought":true},{"text":"Sí"}"#, "STOP")),
        ("signed text", candidate(r#"{"text":"Hm.","thought":true},{"text":"Sí","thoughtSignature":"Eg=="},{"text":"."}"#, "STOP")),
        ("signed thought", candidate(r#"{"text":"Hm.","thought":true,"thoughtSignature":"Eg=="},{"text":"Sí"}"#, "STOP")),
        ("signature alone", candidate(r#"{"text":"Sí"},{"text":"","thoughtSignature":"Eg=="}"#, "STOP")),
        ("call", candidate(r#"{"functionCall":{"name":"weather","args":{"z": 1,"city":"Lugo"}},"thoughtSignature":"Eg=="}"#, "STOP")),
        ("parallel calls", candidate(r#"{"text":"Look."},{"functionCall":{"id":"x1","name":"f","args":{}},"thoughtSignature":"Eg=="},{"functionCall":{"name":"f"}},{"functionCall":{"name":"g","args":null}}"#, "STOP")),
        ("call without a name", candidate(r#"{"functionCall":{"args":{}}}"#, "STOP")),
        ("picture", candidate(r#"{"inlineData":{"mimeType":"image/png","data":"AA=="},"thoughtSignature":"Eg=="}"#, "STOP")),
        ("code", candidate(r#"{"executableCode":{"language":"PYTHON","code":"1"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}},{"text":"1"}"#, "STOP")),
        ("two candidates", two.into()),
        ("grounded", grounded.into()),
        ("recited", recited.into()),
        ("log probabilities", logprobs.into()),
        ("cut", candidate(r#"{"text":"a"}"#, "MAX_TOKENS")),
        ("cut in thought", r#"{"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":9,"thoughtsTokenCount":100}}"#.into()),
        ("filtered", candidate("", "SAFETY")),
        ("recitation", candidate(r#"{"text":"a"}"#, "RECITATION")),
        ("prohibited", candidate("", "PROHIBITED_CONTENT")),
        ("blocked prompt", r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":9}}"#.into()),
        ("malformed call", candidate("", "MALFORMED_FUNCTION_CALL")),
        ("empty", candidate("", "STOP")),
        ("no reason", r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#.into()),
        ("usage of everything", used(r#"{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":5,"thoughtsTokenCount":20,"toolUsePromptTokenCount":7,"totalTokenCount":132,"promptTokensDetails":[{"modality":"TEXT","tokenCount":70},{"modality":"AUDIO","tokenCount":30}]}"#)),
        ("usage absurd", used(r#"{"promptTokenCount":9,"candidatesTokenCount":-4}"#)),
        ("usage of zeros", used(r#"{"promptTokenCount":0}"#)),
        ("usage with more cached than read", used(r#"{"promptTokenCount":9,"cachedContentTokenCount":90}"#)),
        ("usage missing", used("null")),
        ("no candidates", r#"{"candidates":[],"promptFeedback":{}}"#.into()),
        ("an error with status 200", r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#.into()),
        ("a candidate that is none", r#"{"candidates":[7]}"#.into()),
        ("a part that is none", candidate("7", "STOP")),
        ("nine candidates", format!(r#"{{"candidates":[{}]}}"#, [r#"{"content":{}}"#; 9].join(","))),
        ("empty body", String::new()),
        ("HTML", "<html>502</html>".into()),
        ("invalid JSON", r#"{"candidates":["#.into()),
    ];
    let mut shown = String::new();
    for (name, body) in cases {
        let result = decode_answer(Wire::Gemini, super::BOUND, body.as_bytes());
        writeln!(shown, "# {name}\n{body}\n{}", outcome(&result)).unwrap();
    }
    assert_golden("gemini_answers", &shown);
}

/// Two answers must not give two calls one name: a conversation holds both.
#[test]
fn generated_ids_of_calls_are_stable_and_differ_between_answers() {
    let call = r#"{"functionCall":{"name":"f","args":{}}}"#;
    let id = |body: &str| {
        let answer = decode(body).unwrap();
        answer.choices[0].tool_calls().next().unwrap().id.clone()
    };
    let first = candidate(call, "STOP");
    assert_eq!(id(&first), id(&first));
    assert_ne!(id(&first), id(&first.replace("r1", "r2")));
}
