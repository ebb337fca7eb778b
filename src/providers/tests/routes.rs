use std::collections::BTreeMap;

use crate::config::{Provider, catalogue};
use crate::error::Error;
use crate::ports::{Body, HttpCall, ModelCall, Secrets};
use crate::protocol::ChatRequest;
use crate::providers::route::{Key, Route, Unconfigured};
use crate::providers::{Prompt, Wire, Work};

const KEY: &str = "sk-test-0123456789abcdef";

struct Settings(BTreeMap<&'static str, &'static str>);

impl Secrets for Settings {
    fn admin_key(&self) -> Option<String> {
        None
    }

    fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }
}

fn settings(values: &[(&'static str, &'static str)]) -> Settings {
    Settings(values.iter().copied().collect())
}

fn provider(slug: &str) -> &'static Provider {
    catalogue().unwrap().provider(slug).unwrap()
}

fn find(slug: &str, values: &[(&'static str, &'static str)]) -> Result<Route, Unconfigured> {
    Route::find(provider(slug), &settings(values))
}

/// The call over HTTPS of a provider with its key.
fn call(
    slug: &str,
    id: &str,
    work: Work,
    values: &[(&'static str, &'static str)],
    headers: &[(String, String)],
) -> HttpCall {
    let route = find(slug, values).unwrap();
    let body = Body::json("{}".to_owned());
    match route.call(provider(slug), id, work, body, headers) {
        Some(ModelCall::Http(call)) => call,
        other => panic!("not over HTTPS: {other:?}"),
    }
}

fn header<'a>(call: &'a HttpCall, name: &str) -> Option<&'a str> {
    let found = call.headers.iter().find(|(key, _)| key == name)?;
    Some(&found.1)
}

const CHAT: Work = Work::Chat { stream: false };

#[test]
fn every_provider_has_its_address_and_its_header() {
    let rows: [(_, _, &[_], _, _); 9] = [
        (
            "openai",
            "openai/gpt-4o",
            &[("OPENAI_API_KEY", KEY)],
            "https://api.openai.com/v1/chat/completions",
            ("authorization", "Bearer sk-test-0123456789abcdef"),
        ),
        (
            "azure-openai",
            "azure-openai/my gpt/4o",
            &[
                ("AZURE_OPENAI_API_KEY", KEY),
                ("AZURE_OPENAI_BASE_URL", "https://acme.openai.azure.com/"),
            ],
            "https://acme.openai.azure.com/openai/deployments/my%20gpt%2F4o/chat/completions?api-version=2024-10-21",
            ("api-key", KEY),
        ),
        (
            "anthropic",
            "anthropic/claude-sonnet-4-5",
            &[("ANTHROPIC_API_KEY", KEY)],
            "https://api.anthropic.com/v1/messages",
            ("x-api-key", KEY),
        ),
        (
            "google",
            "google/gemini-2.5-flash",
            &[("GOOGLE_API_KEY", KEY)],
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
            ("x-goog-api-key", KEY),
        ),
        (
            "groq",
            "groq/openai/gpt-oss-120b",
            &[("GROQ_API_KEY", KEY)],
            "https://api.groq.com/openai/v1/chat/completions",
            ("authorization", "Bearer sk-test-0123456789abcdef"),
        ),
        (
            "deepseek",
            "deepseek/deepseek-chat",
            &[("DEEPSEEK_API_KEY", KEY)],
            "https://api.deepseek.com/chat/completions",
            ("authorization", "Bearer sk-test-0123456789abcdef"),
        ),
        (
            "ollama",
            "ollama/llama3",
            &[("OLLAMA_API_KEY", KEY)],
            "http://127.0.0.1:11434/v1/chat/completions",
            ("authorization", "Bearer sk-test-0123456789abcdef"),
        ),
        (
            "custom",
            "custom/mine",
            &[
                ("CUSTOM_API_KEY", KEY),
                ("CUSTOM_BASE_URL", "https://models.example/v1"),
            ],
            "https://models.example/v1/chat/completions",
            ("authorization", "Bearer sk-test-0123456789abcdef"),
        ),
        (
            "openai",
            "openai/gpt-4o",
            &[
                ("OPENAI_API_KEY", " sk-test-0123456789abcdef\n"),
                ("OPENAI_BASE_URL", "http://127.0.0.1:9999/openai/v1"),
            ],
            "http://127.0.0.1:9999/openai/v1/chat/completions",
            ("authorization", "Bearer sk-test-0123456789abcdef"),
        ),
    ];
    for (slug, id, values, url, (name, value)) in rows {
        let call = call(slug, id, CHAT, values, &[]);
        assert_eq!(call.url, url);
        assert_eq!(header(&call, name), Some(value), "{slug}");
        assert_eq!(call.secret.as_deref(), Some(KEY), "{slug}");
        assert!(!call.url.contains(KEY));
    }
}

#[test]
fn each_work_has_its_path() {
    let openai = [("OPENAI_API_KEY", KEY)];
    for (work, path) in [
        (Work::Embed, "/embeddings"),
        (Work::Image, "/images/generations"),
        (Work::Moderate, "/moderations"),
        (Work::Respond, "/responses"),
        (Work::Speak, "/audio/speech"),
        (Work::Transcribe, "/audio/transcriptions"),
        (Work::Translate, "/audio/translations"),
    ] {
        let call = call("openai", "openai/x", work, &openai, &[]);
        assert_eq!(call.url, format!("https://api.openai.com/v1{path}"));
    }
    let google = [("GOOGLE_API_KEY", KEY)];
    for (work, path) in [
        (Work::Chat { stream: true }, "streamGenerateContent?alt=sse"),
        (Work::CountTokens, "countTokens"),
        (Work::Embed, "batchEmbedContents"),
    ] {
        let call = call("google", "google/g", work, &google, &[]);
        assert!(
            call.url.ends_with(&format!("/v1beta/models/g:{path}")),
            "{}",
            call.url
        );
    }
    let route = find("anthropic", &[("ANTHROPIC_API_KEY", KEY)]).unwrap();
    let body = Body::json("{}".to_owned());
    let none = route.call(provider("anthropic"), "anthropic/x", Work::Embed, body, &[]);
    assert_eq!(none, None, "Anthropic embeds nothing");
}

#[test]
fn without_a_key_the_binding_serves_or_the_secret_is_named() {
    let route = find("openai", &[]).unwrap();
    assert!(!route.is_direct());
    let body = Body::json("{\"a\":1}".to_owned());
    let call = route.call(provider("openai"), "openai/gpt-4o", CHAT, body, &[]);
    let Some(ModelCall::Binding(call)) = call else {
        panic!("{call:?}");
    };
    assert_eq!(
        (call.model.as_str(), call.input.as_str()),
        ("openai/gpt-4o", "{\"a\":1}")
    );
    assert!(call.options.contains("\"collectLog\":false"));
    let missing = find("groq", &[]).unwrap_err();
    let error = Error::from(missing);
    assert_eq!(
        (error.status(), error.param.as_deref()),
        (404, Some("model"))
    );
    assert!(error.message.contains("GROQ_API_KEY"), "{}", error.message);
    let missing = find("azure-openai", &[("AZURE_OPENAI_API_KEY", KEY)]).unwrap_err();
    assert!(missing.to_string().contains("AZURE_OPENAI_BASE_URL"));
    let missing = find("custom", &[]).unwrap_err();
    assert!(missing.to_string().contains("CUSTOM_BASE_URL"));
    assert!(find("ollama", &[]).unwrap().is_direct(), "needs no key");
}

#[test]
fn workers_ai_stays_on_the_binding() {
    let route = find("workers-ai", &[("WORKERS_AI_API_KEY", KEY)]).unwrap();
    let body = Body::json("{}".to_owned());
    let call = route.call(
        provider("workers-ai"),
        "@cf/baai/bge-m3",
        Work::Embed,
        body,
        &[],
    );
    let Some(ModelCall::Binding(call)) = call else {
        panic!("{call:?}");
    };
    assert_eq!(
        (call.model.as_str(), call.options.as_str()),
        ("@cf/baai/bge-m3", r#"{"returnRawResponse":true}"#)
    );
}

#[test]
fn the_way_decides_the_wire_and_who_names_the_model() {
    let gemini = catalogue()
        .unwrap()
        .model("google/gemini-2.5-flash")
        .unwrap();
    let google = provider("google");
    let over_binding = find("google", &[]).unwrap();
    let direct = find("google", &[("GOOGLE_API_KEY", KEY)]).unwrap();
    let request = ChatRequest::default();
    let prompt = Prompt {
        request: &request,
        messages: &request.messages,
    };
    let wire = |route: &Route| route.wire(google, gemini, prompt, 100);
    assert_eq!(wire(&over_binding), Some(Wire::OpenAiChat));
    assert_eq!(wire(&direct), Some(Wire::Gemini));
    assert_eq!(over_binding.native_model(google, &gemini.id), None);
    assert_eq!(
        direct.native_model(google, &gemini.id),
        Some("gemini-2.5-flash")
    );
    let groq = find("groq", &[("GROQ_API_KEY", KEY)]).unwrap();
    assert_eq!(
        groq.native_model(provider("groq"), "groq/openai/gpt-oss-120b"),
        Some("openai/gpt-oss-120b")
    );
}

#[test]
fn malformed_settings_are_named_and_not_shown() {
    for key in ["sk hidden", "sk\u{7}hidden", "ské-hidden"] {
        let refused = find("openai", &[("OPENAI_API_KEY", key)]).unwrap_err();
        let text = format!("{refused} {refused:?}");
        assert!(
            text.contains("OPENAI_API_KEY") && !text.contains("hidden"),
            "{text}"
        );
    }
    for url in [
        "api.example/v1",
        "http://api.example/v1",
        "ftp://api.example",
        "https://user:pass@api.example/v1",
        "https://api.example/v1?key=secret",
        "https://api.example/v1#secret",
        "https://",
        "https://a b/",
    ] {
        let values = [("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", url)];
        let refused = find("openai", &values).unwrap_err().to_string();
        assert!(refused.contains("OPENAI_BASE_URL"), "{url}: {refused}");
        assert!(!refused.contains("api.example"), "{refused}");
    }
    let own_network = [("OLLAMA_BASE_URL", "http://10.0.0.5:11434/v1")];
    assert!(find("ollama", &own_network).is_ok(), "one's own network");
}

#[test]
fn only_listed_headers_of_callers_pass() {
    let headers = [
        (
            "Anthropic-Beta",
            "prompt-caching-2024-07-31, secret-feature-2030-01-01,pdfs-2024-09-25",
        ),
        ("x-api-key", "esk_caller"),
        ("anthropic-version", "1999-01-01"),
        ("cookie", "a=b"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let values = [("ANTHROPIC_API_KEY", KEY)];
    let call = call("anthropic", "anthropic/x", CHAT, &values, &headers);
    assert_eq!(
        header(&call, "anthropic-beta"),
        Some("prompt-caching-2024-07-31,pdfs-2024-09-25")
    );
    assert_eq!(header(&call, "anthropic-version"), Some("2023-06-01"));
    assert_eq!(header(&call, "x-api-key"), Some(KEY));
    assert_eq!(call.headers.len(), 3);
}

#[test]
fn no_key_is_ever_shown() {
    let call = call(
        "openai",
        "openai/gpt-4o",
        CHAT,
        &[("OPENAI_API_KEY", KEY)],
        &[],
    );
    let route = find("openai", &[("OPENAI_API_KEY", KEY)]).unwrap();
    let shown = format!("{call:?} {call:#?} {route:?} {:?}", Key::parse(KEY));
    assert!(!shown.contains(KEY), "{shown}");
    assert!(shown.contains("api.openai.com"), "{shown}");
}
