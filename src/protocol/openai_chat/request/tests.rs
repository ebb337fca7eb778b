mod bad_input;

use proptest::prelude::*;

use super::*;
use crate::protocol::{Content, Part, Role};

/// A valid body with one more field.
fn with(field: &str) -> String {
    format!(r#"{{"model":"auto","messages":[{{"role":"user","content":"Hi"}}],{field}}}"#)
}

/// A body of these messages.
fn saying(messages: &str) -> String {
    format!(r#"{{"model":"auto","messages":{messages}}}"#)
}

fn parsed(body: &str) -> ChatRequest {
    parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error} in {body}"))
}

fn kept(fields: &Fields) -> Vec<(&str, &str)> {
    fields
        .0
        .iter()
        .map(|(name, raw)| (name.as_str(), raw.get()))
        .collect()
}

#[test]
fn what_the_gateway_decides_by_is_typed() {
    let request = parsed(
        r#"{"model":"light","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"¿Qué?"}],
        "max_tokens":5,"max_completion_tokens":7,"n":2,"stream":true,"stream_options":{"include_usage":true},
        "metadata":{"operation":"faq","ticket":"1"},"response_format":{"type":"json_object"},"tools":[]}"#,
    );
    assert_eq!(request.model, "light");
    assert_eq!(request.operation.as_deref(), Some("faq"));
    assert_eq!(request.messages[0].role, Role::Developer);
    assert_eq!(request.last_user_text(), "¿Qué?");
    assert_eq!(request.max_output_tokens, Some(7));
    assert_eq!(
        (request.choices, request.stream, request.include_usage),
        (2, true, true)
    );
    assert!(matches!(
        request.response_format,
        ResponseFormat::JsonObject
    ));
    assert_eq!(kept(&request.rest), []);
}

#[test]
fn absent_and_null_are_the_same() {
    let names = [
        "max_tokens",
        "n",
        "stop",
        "seed",
        "stream",
        "stream_options",
        "temperature",
        "tools",
        "response_format",
        "metadata",
        "user",
    ];
    for name in names {
        let request = parsed(&with(&format!("\"{name}\":null")));
        assert_eq!(
            (request.choices, request.stream, request.max_output_tokens),
            (1, false, None),
            "{name}"
        );
        assert_eq!(kept(&request.rest), [], "{name}");
    }
}

#[test]
fn unknown_and_passed_fields_keep_their_bytes() {
    let fields = [
        ("temperature", "0.70"),
        (
            "x_vendor",
            "{ \"b\" : 1.0e+2,\n\"a\":[null , 12345678901234567890, \"\\u00e9\\/\"] }",
        ),
        ("reasoning_effort", "null"),
        ("seed", "-9007199254740993"),
        ("stop", "[ \"a\" ]"),
        ("unknown_null", "null"),
    ];
    let text = fields
        .map(|(name, raw)| format!("\"{name}\": {raw}"))
        .join(" , ");
    assert_eq!(kept(&parsed(&with(&text)).rest), fields);
}

#[test]
fn a_repeated_field_counts_once() {
    let body = with(r#""model":"first","max_tokens":1,"max_tokens":2,"x":1,"x":2"#);
    let request = parsed(&body);
    assert_eq!(
        (request.model.as_str(), request.max_output_tokens),
        ("first", Some(2))
    );
    assert_eq!(kept(&request.rest), [("x", "2")]);
}

#[test]
fn metadata_goes_on_only_to_be_stored() {
    let body = with(r#""metadata":{"a":"b"},"store":true"#);
    assert_eq!(
        kept(&parsed(&body).rest),
        [("store", "true"), ("metadata", r#"{"a":"b"}"#)]
    );
}

#[test]
fn messages_keep_what_passes_through() {
    let request = parsed(&saying(
        r#"[{"role":"user","name":"ana","content":[
            {"type":"text","text":"a","cache_control":{"type": "ephemeral"}},
            {"type":"image_url","image_url":{"url":"https://x/y.png"},"x": 1 },
            {"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}},
            {"type":"file","file":{"file_id":"f"}},
            {"type":"text","text":"b"}]},
        {"role":"assistant","content":null,"refusal":null,"tool_calls":[
            {"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},
            {"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c2","content":"2"},
        {"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"1"}]},
        {"role":"assistant","content":[{"type":"refusal","refusal":"No."}],"tool_calls":[]}]"#,
    ));
    let Content::Parts(parts) = &request.messages[0].content else {
        panic!("no parts");
    };
    let Part::Text { rest, .. } = &parts[0] else {
        panic!("no text");
    };
    assert_eq!(kept(rest), [("cache_control", r#"{"type": "ephemeral"}"#)]);
    assert!(matches!(&parts[1], Part::Image(raw) if raw.get().ends_with("\"x\": 1 }")));
    assert!(matches!(
        (&parts[2], &parts[3]),
        (Part::Audio(_), Part::File(_))
    ));
    assert_eq!(request.messages[0].content.text(), "a\nb");
    assert_eq!(kept(&request.messages[0].rest), [("name", "\"ana\"")]);
    assert!(matches!(request.messages[1].content, Content::Empty));
    assert_eq!(request.messages[1].rest.0.len(), 1);
    assert_eq!(
        kept(&request.messages[2].rest),
        [("tool_call_id", "\"c2\"")]
    );
    assert_eq!(kept(&request.messages[4].rest), []);
    let needs = request.needs();
    assert!(needs.vision && needs.audio && !needs.json);
}

#[test]
fn schemas_are_kept_bare_and_whole() {
    let envelope = r#"{"name":"n","strict":true,"schema":{"type":"object", "x":1}}"#;
    let request = parsed(&with(&format!(
        r#""response_format":{{"type":"json_schema","json_schema":{envelope}}}"#
    )));
    let ResponseFormat::JsonSchema {
        schema,
        envelope: whole,
    } = request.response_format
    else {
        panic!("no schema");
    };
    assert_eq!(
        (schema.get(), whole.get()),
        (r#"{"type":"object", "x":1}"#, envelope)
    );
}

const SEED: &str = r#"{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"é"},{"type":"image_url","image_url":{"url":"u"}}]},
{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"1"}],
"n":1,"stop":["a"],"stream":true,"stream_options":{"include_usage":true},"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}},"tools":[{"type":"function","function":{"name":"f"}}]}"#;

#[test]
fn the_seed_of_the_mutations_is_valid() {
    parsed(SEED);
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
        let mut body = SEED.as_bytes().to_vec();
        for (at, byte) in &edits {
            let at = at.index(body.len());
            body[at] = *byte;
        }
        for body in [&body[..], &body[..cut.index(body.len())]] {
            if let Err(error) = parse(body) {
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
