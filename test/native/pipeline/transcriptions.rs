//! `POST /v1/audio/transcriptions` and `/v1/audio/translations`.

use esclusa::audit::{Flag, Outcome};
use esclusa::money::Nanos;
use serde_json::json;

use super::support::*;

/// Fields of a form, by name.
type Fields<'a> = &'a [(&'a str, &'a str)];
/// Files of a form, by the name of their field.
type Files<'a> = &'a [(&'a str, &'a [u8])];

const PATH: &str = "/v1/audio/transcriptions";
/// A 44 byte header: PCM, 1 channel, 8 kHz, 16 bit, and 3 s of data announced.
const HEAD: &[u8] = b"RIFF\xA4\xBB\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x80\x3E\0\0\x02\0\x10\0data\x80\xBB\0\0";

fn sound() -> Vec<u8> {
    [HEAD, &vec![0; 48_000]].concat()
}

fn transcribe(acme: &Acme, fields: &[(&str, &str)]) -> Response {
    acme.upload(PATH, fields, &[("file", &sound())])
}

#[test]
fn a_sound_becomes_a_text_with_headers_record_and_price() {
    let acme = Acme::new();
    let fields = [("model", "speech"), ("language", "en"), ("prompt", "Ana")];
    let response = transcribe(&acme, &fields);
    assert_eq!(response.status, 200, "{}", response.text());
    let body = response.json();
    assert_eq!(body["text"], r#""transcribe" "en" "Ana": Hello there."#);
    assert_eq!(body["usage"]["seconds"], 2.5);
    // 2.5 s at $0.00051 a minute.
    let cost = Nanos::new(21_250);
    for (name, value) in [
        ("content-type", "application/json"),
        ("cf-aig-model", WHISPER),
        ("x-ai-operation", "transcribe"),
        ("x-ai-tier", "speech"),
        ("x-ai-cost-usd", &cost.to_usd()),
    ] {
        assert_eq!(response.told(name), value, "{name}");
    }
    let record = acme.record(&response);
    assert_eq!(record.draft.endpoint, "audio.transcriptions");
    assert_eq!(record.draft.usage.units.audio_milliseconds, 2_500);
    assert_eq!(record.cost, cost);
    assert_eq!(record.flags, []);
    // 3 s by the file, and one that decoders may add.
    assert_eq!(record.bound, Nanos::new(34_000));
    let sent = acme.world.provider.calls.borrow()[0].input.clone();
    assert_eq!(
        sent["audio"].as_str().unwrap().len(),
        (48_044_usize).div_ceil(3) * 4
    );
    acme.check_released();
}

#[test]
fn every_format_is_given() {
    let acme = Acme::new();
    let given = |format: &str| {
        let response = transcribe(&acme, &[("model", "auto"), ("response_format", format)]);
        assert_eq!(response.status, 200, "{}", response.text());
        (
            response.told("content-type").to_owned(),
            response.text().to_owned(),
        )
    };
    let plain = "text/plain; charset=utf-8".to_owned();
    let (kind, text) = given("text");
    assert_eq!(kind, plain);
    assert!(text.ends_with("Hello there.\n"));
    assert_eq!(
        given("srt").1,
        "1\n00:00:00,000 --> 00:00:01,235\nHello\n\n2\n00:00:01,235 --> 00:00:02,500\n<there> & gone.\n\n"
    );
    assert_eq!(
        given("vtt").1,
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.235\nHello\n\n00:00:01.235 --> 00:00:02.500\n&lt;there&gt; &amp; gone.\n\n"
    );
    let fields = [
        ("model", "auto"),
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
    ];
    let body = transcribe(&acme, &fields).json();
    assert_eq!(
        body["words"][1],
        json!({ "word": "there", "start": 1.3, "end": 1.8 })
    );
    assert_eq!(body["segments"][0]["avg_logprob"], -0.2);
    assert_eq!(body["language"], "en");
}

#[test]
fn a_translation_is_asked_for_as_one() {
    let acme = Acme::new();
    let fields = [
        ("model", WHISPER),
        ("response_format", "verbose_json"),
        ("temperature", "0"),
    ];
    let response = acme.upload("/v1/audio/translations", &fields, &[("file", &sound())]);
    let body = response.json();
    assert!(
        body["text"].as_str().unwrap().starts_with(r#""translate""#),
        "{body}"
    );
    assert_eq!(
        (&body["task"], &body["language"]),
        (&json!("translate"), &json!("english"))
    );
    let warnings = response.told("x-ai-warnings");
    assert_eq!(warnings, "temperature; the model chooses it by itself");
    assert_eq!(acme.record(&response).draft.endpoint, "audio.translations");
}

#[test]
fn a_sound_of_unknown_length_is_held_at_its_longest_and_estimated() {
    let acme = Acme::new();
    acme.world
        .provider
        .once(WHISPER, Act::Status(200, r#"{"text":"Hi"}"#));
    let response = acme.upload(PATH, &[("model", "speech")], &[("file", &[7; 7_500])]);
    assert_eq!(response.json()["text"], "Hi");
    let record = acme.record(&response);
    // 750 bytes a second: 10 s, and one that decoders may add.
    assert_eq!(record.bound, Nanos::new(93_500));
    assert_eq!(record.cost, Nanos::new(85_000));
    assert_eq!(record.flags, [Flag::Estimated]);
}

#[test]
fn bad_forms_are_refused_by_name() {
    let acme = Acme::new();
    let sound = sound();
    let file: &[(&str, &[u8])] = &[("file", &sound)];
    let cases: [(Fields, Files, &str); 9] = [
        (&[], file, "model"),
        (&[("model", "speech")], &[], "file"),
        (&[("model", "speech")], &[("audio", &sound)], "file"),
        (&[("model", "speech")], &[("file", &[])], "file"),
        (
            &[("model", "speech")],
            &[("file", &sound), ("file", &sound)],
            "file",
        ),
        (&[("model", "speech"), ("stream", "true")], file, "stream"),
        (
            &[("model", "speech"), ("include[]", "logprobs")],
            file,
            "include",
        ),
        (
            &[("model", "speech"), ("language", "klingon")],
            file,
            "language",
        ),
        (&[("model", "embed")], file, "model"),
    ];
    for (fields, files, param) in cases {
        let response = acme.upload(PATH, fields, files);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{fields:?}");
        assert_eq!(acme.record(&response).draft.outcome, Outcome::Refused);
    }
    assert!(acme.world.provider.calls.borrow().is_empty());
}

#[test]
fn what_is_no_form_is_refused() {
    let acme = Acme::new();
    let json = acme.post(PATH, &json!({ "model": "speech" }));
    check_error(&json, 415, "unsupported_media_type");
    let send = |content_type: &str, body: &[u8]| {
        let request = Request::new("POST", PATH).key(&acme.key);
        let request = request
            .header("content-type", content_type)
            .bytes(body.to_vec());
        acme.world.send(&acme.worker, request)
    };
    let response = send("multipart/form-data", b"--x--");
    check_error(&response, 415, "unsupported_media_type");
    let form = "multipart/form-data; boundary=x";
    for body in [
        &b""[..],
        b"hello",
        b"--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nspee",
        b"--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n\xFF\xFE\r\n--x--\r\n",
    ] {
        check_error(&send(form, body), 400, "invalid_request");
    }
    let parts = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n".repeat(65);
    check_error(
        &send(form, format!("{parts}--x--\r\n").as_bytes()),
        400,
        "invalid_request",
    );
}

#[test]
fn files_and_fields_have_their_limits() {
    let acme = Acme::new();
    let large = vec![0; 25 * 1024 * 1024 + 1];
    let response = acme.upload(PATH, &[("model", "speech")], &[("file", &large)]);
    check_error(&response, 413, "payload_too_large");
    let larger = vec![0; 27 * 1024 * 1024];
    let response = acme.upload(PATH, &[("model", "speech")], &[("file", &larger)]);
    check_error(&response, 413, "payload_too_large");
    let field = "a".repeat(70_000);
    let response = acme.upload(PATH, &[("model", &field)], &[("file", &sound())]);
    check_error(&response, 413, "payload_too_large");
    let whole = vec![0; 25 * 1024 * 1024];
    let response = acme.upload(PATH, &[("model", "speech")], &[("file", &whole)]);
    assert_eq!(response.status, 200, "{}", response.text());
}

#[test]
fn malformed_transcripts_are_failures_of_unknown_cost() {
    for body in [
        "{}",
        r#"{"text":7}"#,
        r#"{"text":"a","segments":[{"start":"x"}]}"#,
        r#"{"text":"a","transcription_info":7}"#,
    ] {
        let acme = Acme::new();
        acme.world.provider.once(WHISPER, Act::Status(200, body));
        let response = transcribe(&acme, &[("model", "speech")]);
        check_error(&response, 502, "upstream_failed");
        let record = acme.record(&response);
        assert!(record.cost > Nanos::ZERO && record.cost == record.bound);
        assert_eq!(record.flags, [Flag::Bounded]);
        assert_eq!(acme.spent(), record.cost.to_usd());
        acme.check_released();
    }
}
