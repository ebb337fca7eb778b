mod bad_input;

use proptest::prelude::*;

use super::*;
use crate::protocol::mutations::mutated;
use crate::protocol::{CacheControl, Content, MediaSource, Role, Signature, ToolChoice};

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
        .map(|(name, json)| (name.as_str(), json.get()))
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
    assert_eq!(kept(&request.extras.fields), []);
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
        assert_eq!(kept(&request.extras.fields), [], "{name}");
    }
}

#[test]
fn unknown_fields_keep_their_bytes() {
    let fields = [
        (
            "x_vendor",
            "{ \"b\" : 1.0e+2,\n\"a\":[null , 12345678901234567890, \"\\u00e9\\/\"] }",
        ),
        ("prediction", "{ \"type\":\"content\" }"),
        ("unknown_null", "null"),
    ];
    let text = fields
        .map(|(name, raw)| format!("\"{name}\": {raw}"))
        .join(" , ");
    assert_eq!(kept(&parsed(&with(&text)).extras.fields), fields);
}

#[test]
fn how_the_model_answers_is_typed() {
    let request = parsed(&with(
        r#""temperature":0.70,"top_p":0.5,"top_k":40,"frequency_penalty":-1,"presence_penalty":1.5,
        "seed":-9007199254740993,"stop":["a","b"],"logit_bias":{"50256":-100},"logprobs":true,"top_logprobs":3,
        "reasoning_effort":"xhigh","service_tier":"flex","user":"u1","verbosity":"low","parallel_tool_calls":false,
        "tools":[{"type":"function","function":{"name":"f","strict":true}}],"tool_choice":{"type":"function","function":{"name":"f"}}"#,
    ));
    let sampling = &request.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.top_k),
        (Some(0.7), Some(0.5), Some(40))
    );
    assert_eq!(
        (sampling.frequency_penalty, sampling.presence_penalty),
        (Some(-1.0), Some(1.5))
    );
    assert_eq!(sampling.seed, Some(-9_007_199_254_740_993));
    assert_eq!(sampling.stop, ["a", "b"]);
    assert_eq!(request.logprobs, Some(3));
    assert_eq!(request.reasoning.effort, Some(Effort::Max));
    assert_eq!(request.service_tier.as_deref(), Some("flex"));
    assert_eq!(request.verbosity.as_deref(), Some("low"));
    assert_eq!(request.parallel_tool_calls, Some(false));
    assert_eq!(
        request.tool_choice,
        Some(ToolChoice::Function("f".to_owned()))
    );
    let off = parsed(&with(r#""reasoning_effort":"none""#));
    assert_eq!(off.reasoning.mode, Some(ReasoningMode::Off));
}

#[test]
fn a_repeated_field_counts_once() {
    let body = with(r#""model":"first","max_tokens":1,"max_tokens":2,"x":1,"x":2"#);
    let request = parsed(&body);
    assert_eq!(
        (request.model.as_str(), request.max_output_tokens),
        ("first", Some(2))
    );
    assert_eq!(kept(&request.extras.fields), [("x", "2")]);
}

#[test]
fn metadata_goes_on_only_to_be_stored() {
    let body = with(r#""metadata":{"a":"b"},"store":true"#);
    assert_eq!(
        kept(&parsed(&body).extras.fields),
        [("store", "true"), ("metadata", r#"{"a":"b"}"#)]
    );
}

#[test]
fn messages_are_typed() {
    let request = parsed(&saying(
        r#"[{"role":"user","name":"ana","content":[
            {"type":"text","text":"a","cache_control":{"type": "ephemeral"}},
            {"type":"image_url","image_url":{"url":"https://x.example/y.png","detail":"low"},"x": 1 },
            {"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}},
            {"type":"file","file":{"file_id":"f"}},
            {"type":"text","text":"b"}]},
        {"role":"assistant","content":null,"refusal":null,"tool_calls":[
            {"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},
            {"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c2","content":"2"},
        {"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"1"}]},
        {"role":"assistant","content":[{"type":"refusal","refusal":"No."}],"tool_calls":[],"x":null,"y":[1]}]"#,
    ));
    let [user, calls, second, first, last] = request.messages.as_slice() else {
        panic!("{:?}", request.messages);
    };
    assert_eq!(user.parts[0].cache, Some(CacheControl::default()));
    let Content::Image(image) = &user.parts[1].content else {
        panic!("{:?}", user.parts[1]);
    };
    assert_eq!(image.detail.as_deref(), Some("low"));
    assert_eq!(
        image.source,
        MediaSource::Url("https://x.example/y.png".to_owned())
    );
    assert_eq!(user.plain_text(), "a\nb");
    assert_eq!(user.name.as_deref(), Some("ana"));
    assert_eq!(calls.tool_calls().count(), 2);
    let answered = |message: &Message| -> Vec<String> {
        let results = message.tool_results();
        results.map(|result| result.call_id.clone()).collect()
    };
    assert_eq!(
        (answered(second), answered(first)),
        (vec!["c2".to_owned()], vec!["c1".to_owned()])
    );
    assert_eq!(last.parts[0].content, Content::Refusal("No.".to_owned()));
    assert_eq!(kept(&last.extras), [("y", "[1]")]);
    let warned: Vec<&str> = request
        .warnings
        .iter()
        .map(|warning| warning.field.as_str())
        .collect();
    assert_eq!(warned, ["messages[0].content[1].x"]);
    let needs = request.needs();
    assert!(needs.vision && needs.audio && needs.files && !needs.json);
}

#[test]
fn reasoning_comes_back_with_its_signature() {
    let request = parsed(&saying(
        r#"[{"role":"user","content":"Hi"},
        {"role":"assistant","content":"Yes","reasoning_content":"Hm.","reasoning_details":[
            {"type":"reasoning.text","text":"Hm.","signature":"s1","format":"anthropic-claude-v1"},
            {"type":"reasoning.encrypted","data":"r1","format":"google-gemini-v1"},
            {"type":"reasoning.text","text":"?","format":"unknown"},
            {"type":"another"}]},
        {"role":"assistant","content":"No","reasoning_content":"Plain."}]"#,
    ));
    let reasoning = |text: &str, signature| Content::Reasoning {
        text: text.to_owned(),
        signature,
    };
    let contents = |index: usize| -> Vec<Content> {
        let parts = request.messages[index].parts.iter();
        parts.map(|part| part.content.clone()).collect()
    };
    let text = |text: &str| Content::Text {
        text: text.to_owned(),
        citations: Vec::new(),
    };
    assert_eq!(
        contents(1),
        [
            reasoning("Hm.", Some(Signature::new(Family::Anthropic, "s1"))),
            Content::RedactedReasoning(Signature::new(Family::Google, "r1")),
            reasoning("?", None),
            text("Yes"),
        ]
    );
    assert_eq!(contents(2), [reasoning("Plain.", None), text("No")]);
}

#[test]
fn schemas_keep_their_bytes() {
    let request = parsed(&with(
        r#""response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object", "x":1}}}"#,
    ));
    let ResponseFormat::JsonSchema {
        name,
        schema,
        strict,
        ..
    } = request.response_format
    else {
        panic!("no schema");
    };
    assert_eq!(
        (name.as_deref(), schema.get(), strict),
        (Some("n"), r#"{"type":"object", "x":1}"#, Some(true))
    );
}

const SEED: &str = r#"{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"é"},{"type":"image_url","image_url":{"url":"https://u.example"}}]},
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
