use serde_json::{Value, json};

use super::*;
use crate::error::Kind;
use crate::money::Nanos;

fn request(fields: &[(&str, &str)]) -> TranscriptionRequest {
    parse(&form(fields), Into::Transcript).unwrap()
}

fn form(fields: &[(&str, &str)]) -> Form {
    let fields = [&[("model", "whisper-1")], fields].concat();
    Form::of(&fields, b"sound")
}

fn transcript() -> Transcript {
    let segment = |start, end, text: &str| Segment {
        start,
        end,
        text: text.to_owned(),
        avg_logprob: -0.5,
        ..Segment::default()
    };
    Transcript {
        text: "Hello there.".to_owned(),
        language: Some("en".to_owned()),
        seconds: Some(2.5),
        segments: vec![segment(0.0, 1.0, " Hello"), segment(1.0, 2.4999, "there.")],
        words: vec![Word {
            start: 0.1,
            end: 0.4,
            word: "Hello".to_owned(),
        }],
    }
}

fn rendered(fields: &[(&str, &str)]) -> (&'static str, String) {
    let Rendered { content_type, body } =
        render(&request(fields), &transcript(), 2_500, Nanos::new(21_250));
    (content_type, String::from_utf8(body).unwrap())
}

#[test]
fn every_field_is_read() {
    let read = request(&[
        ("language", "en-GB"),
        ("prompt", "Names: Ana."),
        ("response_format", "verbose_json"),
        ("temperature", "0.2"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
        ("stream", "false"),
        ("chunking_strategy", "auto"),
    ]);
    assert_eq!(read.model, "whisper-1");
    assert_eq!(&read.sound[..], b"sound");
    assert_eq!(read.language.as_deref(), Some("en"));
    assert_eq!(read.prompt.as_deref(), Some("Names: Ana."));
    assert_eq!(read.format, Format::VerboseJson);
    assert_eq!(read.temperature, Some(0.2));
    assert!(read.words && read.segments);
    let told: Vec<String> = read.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["chunking_strategy; not known here"]);
}

#[test]
fn bad_fields_are_named() {
    let long = "a".repeat(20_000);
    let cases: [(&[(&str, &str)], &str); 13] = [
        (&[("response_format", "xml")], "response_format"),
        (&[("response_format", "diarized_json")], "response_format"),
        (&[("language", "english")], "language"),
        (&[("language", "e1")], "language"),
        (&[("temperature", "1.5")], "temperature"),
        (&[("temperature", "warm")], "temperature"),
        (&[("temperature", "NaN")], "temperature"),
        (&[("prompt", &long)], "prompt"),
        (&[("stream", "true")], "stream"),
        (&[("include[]", "logprobs")], "include"),
        (
            &[("timestamp_granularities[]", "word")],
            "timestamp_granularities",
        ),
        (
            &[
                ("response_format", "verbose_json"),
                ("timestamp_granularities[]", "line"),
            ],
            "timestamp_granularities",
        ),
        (&[("model", &long)], "model"),
    ];
    for (fields, param) in cases {
        let error = parse(&form(fields), Into::Transcript).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidRequest);
        assert_eq!(error.param.as_deref(), Some(param), "{}", error.message);
    }
}

#[test]
fn a_sound_and_a_model_are_needed() {
    let error = |form: &Form| parse(form, Into::English).unwrap_err();
    assert_eq!(error(&Form::default()).param.as_deref(), Some("model"));
    let empty = Form::of(&[("model", "m")], b"");
    assert_eq!(error(&empty).param.as_deref(), Some("file"));
    assert_eq!(error(&Form::of(&[], b"x")).param.as_deref(), Some("model"));
}

#[test]
fn each_format_has_its_body() {
    let (kind, body) = rendered(&[]);
    assert_eq!(kind, "application/json");
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({
            "text": "Hello there.",
            "usage": { "type": "duration", "seconds": 2.5, "cost_usd": "0.00002125" },
        })
    );
    let text = "text/plain; charset=utf-8";
    assert_eq!(
        rendered(&[("response_format", "text")]),
        (text, "Hello there.\n".to_owned())
    );
    let srt =
        "1\n00:00:00,000 --> 00:00:01,000\nHello\n\n2\n00:00:01,000 --> 00:00:02,500\nthere.\n\n";
    assert_eq!(
        rendered(&[("response_format", "srt")]),
        (text, srt.to_owned())
    );
    let (_, vtt) = rendered(&[("response_format", "vtt")]);
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello\n\n"));
}

#[test]
fn the_long_form_has_what_is_asked_for() {
    let long = |fields: &[(&str, &str)]| -> Value {
        let fields = [&[("response_format", "verbose_json")], fields].concat();
        serde_json::from_str(&rendered(&fields).1).unwrap()
    };
    let plain = long(&[]);
    assert_eq!(plain["task"], "transcribe");
    assert_eq!(plain["language"], "en");
    assert_eq!(plain["duration"], 2.5);
    assert_eq!(plain["segments"][1]["id"], 1);
    assert_eq!(plain["segments"][1]["end"], 2.4999);
    assert_eq!(plain["segments"][0]["tokens"], json!([]));
    assert!(plain.get("words").is_none());
    let words = long(&[("timestamp_granularities[]", "word")]);
    assert_eq!(
        words["words"],
        json!([{ "word": "Hello", "start": 0.1, "end": 0.4 }])
    );
    assert!(words.get("segments").is_none());
}

#[test]
fn a_text_without_times_is_one_cue() {
    let untimed = Transcript {
        text: "All of it".to_owned(),
        ..Transcript::default()
    };
    let request = request(&[("response_format", "srt")]);
    let body = render(&request, &untimed, 61_500, Nanos::ZERO).body;
    assert_eq!(
        String::from_utf8(body).unwrap(),
        "1\n00:00:00,000 --> 00:01:01,500\nAll of it\n\n"
    );
    let silent = render(&request, &Transcript::default(), 1, Nanos::ZERO);
    assert_eq!(silent.body, b"");
}

#[test]
fn times_are_rounded_and_never_negative() {
    for (seconds, expected) in [
        (0.0, 0),
        (1.2345, 1_235),
        (-3.0, 0),
        (f64::NAN, 0),
        (3_600.000_4, 3_600_000),
    ] {
        assert_eq!(milliseconds(seconds), expected);
    }
}
