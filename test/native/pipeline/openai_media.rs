//! Media of `OpenAI` over HTTPS: where its key is set, and only there.

use esclusa::audit::Flag;
use esclusa::money::Nanos;
use esclusa::ports::HttpCall;
use serde_json::json;

use super::support::*;

const KEY: &str = "sk-test-0123456789abcdef";
const EMBED_SMALL: &str = "openai/text-embedding-3-small";
const WHISPER_1: &str = "openai/whisper-1";
const TTS: &str = "openai/tts-1";
const OMNI: &str = "openai/omni-moderation-latest";

fn with_key() -> Acme {
    let acme = Acme::new();
    let secrets = &acme.world.secrets.0;
    secrets
        .borrow_mut()
        .insert("OPENAI_API_KEY".to_owned(), KEY.to_owned());
    acme
}

/// The last call over HTTPS: its address, with its body as text.
fn last_call(acme: &Acme) -> (String, String) {
    let call: HttpCall = acme
        .world
        .provider
        .web
        .calls
        .borrow()
        .last()
        .unwrap()
        .clone();
    let bearer = ("authorization".to_owned(), format!("Bearer {KEY}"));
    assert!(call.headers.contains(&bearer));
    let body = String::from_utf8_lossy(&call.body.unwrap().bytes).into_owned();
    (call.url, body)
}

#[test]
fn without_its_key_the_models_say_what_is_missing() {
    let acme = Acme::new();
    for (path, model) in [
        ("/v1/embeddings", "text-embedding-3-small"),
        ("/v1/moderations", "omni-moderation-latest"),
    ] {
        let response = acme.post(path, &json!({ "model": model, "input": "a" }));
        let message = check_error(&response, 404, "model_not_found");
        assert!(message.contains("OPENAI_API_KEY"), "{message}");
    }
    let auto = acme.posted("/v1/moderations", &json!({ "input": "a" }));
    assert_eq!(auto.told("cf-aig-model"), GUARD);
}

#[test]
fn embeddings_take_tokens_and_dimensions_and_keep_their_order() {
    let acme = with_key();
    let vector = |index: u32, first: f32| json!({ "index": index, "embedding": [first, 0.0] });
    let answer = json!({
        "object": "list", "data": [vector(1, 2.0), vector(0, 1.0)],
        "usage": { "prompt_tokens": 7, "total_tokens": 7 },
    });
    let answer: &'static str = Box::leak(answer.to_string().into_boxed_str());
    acme.world
        .provider
        .once(EMBED_SMALL, Act::Status(200, answer));
    let body = json!({
        "model": "text-embedding-3-small", "input": [[1, 2], [3]], "dimensions": 2,
    });
    let response = acme.posted("/v1/embeddings", &body);
    let data = &response.json()["data"];
    assert_eq!(data[0]["embedding"], json!([1.0, 0.0]));
    assert_eq!(data[1]["embedding"], json!([2.0, 0.0]));
    let (url, sent) = last_call(&acme);
    assert_eq!(url, "https://api.openai.com/v1/embeddings");
    assert_eq!(
        sent,
        r#"{"model":"text-embedding-3-small","input":[[1,2],[3]],"encoding_format":"float","dimensions":2}"#
    );
    let record = acme.record(&response);
    assert_eq!((record.cost, record.flags), (Nanos::new(140), vec![]));
    for (item, status) in [(vector(0, 1.0), 502), (vector(5, 1.0), 502)] {
        let answer = json!({ "data": [vector(0, 1.0), item] }).to_string();
        let answer: &'static str = Box::leak(answer.into_boxed_str());
        acme.world
            .provider
            .once(EMBED_SMALL, Act::Status(200, answer));
        assert_eq!(acme.post("/v1/embeddings", &body).status, status);
    }
}

#[test]
fn speech_is_streamed_with_its_speed() {
    let acme = with_key();
    let body = json!({ "model": "tts-1", "input": "One two", "voice": "nova", "speed": 1.25 });
    let response = acme.posted("/v1/audio/speech", &body);
    assert_eq!(response.text(), "One two");
    assert_eq!(response.told("cf-aig-model"), TTS);
    assert!(response.header("x-ai-warnings").is_none());
    let (url, sent) = last_call(&acme);
    assert_eq!(url, "https://api.openai.com/v1/audio/speech");
    assert_eq!(
        sent,
        r#"{"model":"tts-1","input":"One two","voice":"nova","response_format":"mp3","speed":1.25}"#
    );
    assert_eq!(acme.record(&response).cost, Nanos::new(7 * 15_000));
}

#[test]
fn sounds_are_sent_as_a_form_and_read_in_their_longest_form() {
    let acme = with_key();
    let answer = r#"{"task":"transcribe","language":"spanish","duration":"3.5","text":"Hola.",
        "segments":[{"id":0,"start":0,"end":3.5,"text":"Hola."}],
        "words":[{"word":"Hola","start":0.1,"end":0.9}]}"#;
    acme.world
        .provider
        .once(WHISPER_1, Act::Status(200, answer));
    let fields = [
        ("model", "whisper-1"),
        ("response_format", "verbose_json"),
        ("temperature", "0.5"),
        ("language", "es"),
        ("timestamp_granularities[]", "word"),
    ];
    let sound: &[u8] = b"OggS and the rest";
    let response = acme.upload("/v1/audio/transcriptions", &fields, &[("file", sound)]);
    assert_eq!(response.status, 200, "{}", response.text());
    let body = response.json();
    assert_eq!(body["language"], "spanish");
    assert_eq!(body["words"][0]["word"], "Hola");
    assert!(response.header("x-ai-warnings").is_none());
    let (url, sent) = last_call(&acme);
    assert_eq!(url, "https://api.openai.com/v1/audio/transcriptions");
    for part in [
        "name=\"model\"\r\n\r\nwhisper-1\r\n",
        "name=\"response_format\"\r\n\r\nverbose_json\r\n",
        "name=\"temperature\"\r\n\r\n0.5\r\n",
        "name=\"language\"\r\n\r\nes\r\n",
        "name=\"timestamp_granularities[]\"\r\n\r\nword\r\n",
        "filename=\"sound.ogg\"",
        "\r\n\r\nOggS and the rest\r\n--esclusa-",
    ] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
    let record = acme.record(&response);
    // 3.5 s at $0.006 a minute.
    assert_eq!(record.cost, Nanos::new(350_000));
    assert_eq!(record.flags, [Flag::Overrun]);
    acme.world
        .provider
        .once(WHISPER_1, Act::Status(200, r#"{"text":"Hi","duration":1}"#));
    let fields = [("model", "whisper-1"), ("language", "es")];
    acme.upload("/v1/audio/translations", &fields, &[("file", sound)]);
    let (url, sent) = last_call(&acme);
    assert_eq!(url, "https://api.openai.com/v1/audio/translations");
    assert!(
        !sent.contains("name=\"language\"") && !sent.contains("granularities"),
        "{sent}"
    );
}

#[test]
fn pictures_are_judged_by_a_model_that_sees() {
    let acme = with_key();
    let answer = r#"{"id":"modr-1","model":"omni","results":[{"flagged":true,
        "categories":{"hate":false,"sexual":true,"illicit":null},
        "category_scores":{"hate":0.01,"sexual":0.98,"illicit":null}}]}"#;
    acme.world.provider.once(OMNI, Act::Status(200, answer));
    let input = json!([
        { "type": "text", "text": "a" },
        { "type": "image_url", "image_url": { "url": "https://images.example/cat.png" } },
    ]);
    let response = acme.posted("/v1/moderations", &json!({ "input": input }));
    assert_eq!(response.told("cf-aig-model"), OMNI);
    let result = &response.json()["results"][0];
    assert_eq!(result["flagged"], true);
    assert_eq!(result["category_scores"]["sexual"], 0.98);
    assert_eq!(result["category_scores"]["illicit"], 0.0);
    let kinds = &result["category_applied_input_types"]["sexual"];
    assert_eq!(kinds, &json!(["text", "image"]));
    let (url, sent) = last_call(&acme);
    assert_eq!(url, "https://api.openai.com/v1/moderations");
    assert!(
        sent.contains(r#""model":"omni-moderation-latest""#),
        "{sent}"
    );
    assert_eq!(acme.record(&response).cost, Nanos::ZERO);
}

#[test]
fn the_key_is_in_nothing_that_comes_back() {
    let acme = with_key();
    let quoted =
        r#"{"error":{"message":"bad key sk-test-0123456789abcdef","code":"invalid_api_key"}}"#;
    acme.world.provider.once(TTS, Act::Status(401, quoted));
    let body = json!({ "model": "tts-1", "input": "a", "voice": "nova" });
    let response = acme.post("/v1/audio/speech", &body);
    check_error(&response, 502, "upstream_failed");
    assert!(!response.text().contains(KEY));
    assert!(!format!("{:?}", acme.record(&response)).contains(KEY));
}
