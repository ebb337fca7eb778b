use std::fmt::Write as _;

use proptest::prelude::*;

use super::{decode_stream, sse};
use crate::golden::assert_golden;
use crate::protocol::assembly::assemble;

/// A chunk of candidate 0.
fn chunk(parts: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{parts}],"role":"model"}}}}],"responseId":"r1"}}"#
    )
}

fn last(parts: &str, reason: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{parts}],"role":"model"}},"finishReason":"{reason}"}}],"usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":4,"thoughtsTokenCount":2}},"responseId":"r1"}}"#
    )
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn streams() -> Vec<(&'static str, String)> {
    let text = |text: &str| chunk(&format!(r#"{{"text":"{text}"}}"#));
    let stop = last("", "STOP");
    let thought = chunk(r#"{"text":"Hm.","thought":true}"#);
    let signed = chunk(r#"{"text":"","thoughtSignature":"Eg=="}"#);
    let call = |name: &str| {
        chunk(&format!(
            r#"{{"functionCall":{{"name":"{name}","args":{{"a":1}}}}}}"#
        ))
    };
    let usage = |output: u32| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"a"}}]}}}}],"usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":{output}}}}}"#
        )
    };
    let error =
        r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    let second = r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]},"finishReason":"MAX_TOKENS"}]}"#;
    let grounded = r#"{"candidates":[{"content":{"parts":[{"text":" Sí."}]},"finishReason":"STOP","groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a.example"}}],"groundingSupports":[{"segment":{"startIndex":4,"endIndex":8},"groundingChunkIndices":[0]}]}}]}"#;
    vec![
        ("plain", sse(&[&text("Ho"), &text("la 🚀"), &stop])),
        ("all at once", sse(&[&last(r#"{"text":"Hola"}"#, "STOP")])),
        ("thought", sse(&[&thought, &thought, &text("Sí"), &stop])),
        (
            "thought, signature at the end",
            sse(&[&thought, &text("Sí"), &signed, &stop]),
        ),
        (
            "signed text after a thought",
            sse(&[
                &thought,
                &chunk(r#"{"text":"S","thoughtSignature":"Eg=="}"#),
                &text("í"),
                &stop,
            ]),
        ),
        (
            "call",
            sse(&[
                &chunk(r#"{"functionCall":{"name":"f","args":{}},"thoughtSignature":"Eg=="}"#),
                &stop,
            ]),
        ),
        (
            "parallel calls in one chunk",
            sse(&[&last(
                r#"{"functionCall":{"name":"f"}},{"functionCall":{"name":"f","args":{"a":1}}}"#,
                "STOP",
            )]),
        ),
        (
            "parallel calls in several",
            sse(&[&call("f"), &text("and"), &call("g"), &stop]),
        ),
        ("call, then thought", sse(&[&call("f"), &thought, &stop])),
        ("two candidates", sse(&[&text("a"), second, &stop])),
        ("cut", sse(&[&text("a"), &last("", "MAX_TOKENS")])),
        ("filtered", sse(&[&text("a"), &last("", "SAFETY")])),
        (
            "blocked",
            sse(&[r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}"#]),
        ),
        ("grounded", sse(&[&text("abc"), grounded])),
        (
            "usage grows",
            sse(&[&usage(1), &usage(1), &usage(2), &stop]),
        ),
        (
            "text after the end",
            sse(&[&stop, &text("late"), &usage(9)]),
        ),
        ("empty texts", sse(&[&text(""), &text("a"), &stop])),
        (
            "comments and unknown fields",
            format!(
                ": hi\n\n{}data: {{\"new\":1}}\n\n{}",
                sse(&[&text("a")]),
                sse(&[&stop])
            ),
        ),
        (
            "no blank line at the end",
            sse(&[&text("a"), &stop]).trim_end().to_owned(),
        ),
        ("truncated", sse(&[&text("a")])),
        (
            "truncated in an event",
            format!("{}data: {{\"candi", sse(&[&text("a")])),
        ),
        (
            "truncated beside a whole candidate",
            sse(&[second, &text("a")]),
        ),
        ("error first", sse(&[error])),
        ("error later", sse(&[&text("a"), error])),
        (
            "malformed call at the end",
            sse(&[&text("a"), &last("", "MALFORMED_FUNCTION_CALL")]),
        ),
        ("not JSON", "data: {\n\n".to_owned()),
        ("not events", "<html>".to_owned()),
        ("nothing", String::new()),
        (
            "usage only",
            sse(&[r#"{"usageMetadata":{"promptTokenCount":9}}"#]),
        ),
    ]
}

#[test]
fn streams_of_gemini() {
    let mut shown = String::new();
    for (name, body) in streams() {
        let (events, result) = decode_stream(body.as_bytes(), usize::MAX);
        writeln!(shown, "# {name}").unwrap();
        for event in &events {
            writeln!(shown, "{event:?}").unwrap();
        }
        let outcome = result.map_err(|failure| format!("{:?} {failure}", failure.class));
        writeln!(shown, "{outcome:?}").unwrap();
    }
    assert_golden("gemini_streams", &shown);
}

/// Google gives the signature of a thought without the thought: it must not end up on it.
#[test]
fn a_signature_stays_on_the_part_it_came_with() {
    let streams = streams();
    let (_, body) = streams
        .iter()
        .find(|(name, _)| *name == "signed text after a thought")
        .unwrap();
    let answer = assemble(&decode_stream(body.as_bytes(), usize::MAX).0);
    let shown = serde_json::to_value(&answer.choices[0].parts).unwrap();
    assert_eq!(
        shown[0]["content"]["reasoning"]["signature"],
        serde_json::Value::Null
    );
    assert_eq!(
        shown[1]["content"]["reasoning"]["signature"]["value"],
        "Eg=="
    );
    assert_eq!(shown[2]["content"]["text"]["text"], "S");
    assert_eq!(shown[3]["content"]["text"]["text"], "í");
}

proptest! {
    #[test]
    fn any_split_gives_the_same(which in any::<prop::sample::Index>(), size in 1_usize..40) {
        let streams = streams();
        let (_, body) = &streams[which.index(streams.len())];
        let whole = decode_stream(body.as_bytes(), usize::MAX);
        prop_assert_eq!(decode_stream(body.as_bytes(), size), whole);
    }

    #[test]
    fn mutated_streams_never_panic_and_split_alike(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let streams = streams();
        let (_, body) = &streams[which.index(streams.len())];
        let mut body = body.clone().into_bytes();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let (whole, split) = (decode_stream(&body, usize::MAX), decode_stream(&body, 1));
        prop_assert_eq!(whole.1, split.1);
        prop_assert_eq!(assemble(&whole.0), assemble(&split.0));
        let _ = super::decode(&String::from_utf8_lossy(&body));
    }
}
