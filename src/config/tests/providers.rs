use super::super::*;

fn provider(slug: &str) -> &'static Provider {
    catalogue().unwrap().provider(slug).unwrap()
}

#[test]
fn every_provider_of_the_issue_is_there() {
    let slugs: Vec<&str> = catalogue()
        .unwrap()
        .providers
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        slugs,
        [
            "anthropic",
            "azure-openai",
            "cerebras",
            "custom",
            "deepseek",
            "fireworks",
            "google",
            "groq",
            "huggingface",
            "llama-cpp",
            "lm-studio",
            "mistral",
            "ollama",
            "openai",
            "openrouter",
            "together",
            "vllm",
            "workers-ai",
            "xai",
        ]
    );
}

#[test]
fn providers_answer_to_the_names_of_cloudflares_gateway() {
    let catalogue = catalogue().unwrap();
    for (name, slug) in [
        ("google-ai-studio", "google"),
        ("grok", "xai"),
        ("azure-openai", "azure-openai"),
        ("workers-ai", "workers-ai"),
        ("openai", "openai"),
    ] {
        assert_eq!(
            catalogue.resolve_provider(name).unwrap().slug.as_str(),
            slug
        );
    }
    assert_eq!(catalogue.resolve_provider("nobody"), None);
    assert_eq!(catalogue.resolve_provider("OpenAI"), None);
}

#[test]
fn secrets_and_variables_are_named_after_the_provider() {
    let azure = provider("azure-openai");
    assert_eq!(azure.key_variable(), "AZURE_OPENAI_API_KEY");
    assert_eq!(azure.base_url_variable(), "AZURE_OPENAI_BASE_URL");
}

#[test]
fn models_are_named_as_the_provider_names_them() {
    for (slug, id, native) in [
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("openrouter", "openrouter/openai/gpt-4o", "openai/gpt-4o"),
        ("workers-ai", "@cf/baai/bge-m3", "@cf/baai/bge-m3"),
        ("openai", "openai", "openai"),
    ] {
        assert_eq!(provider(slug).native_name(id), native);
    }
}

#[test]
fn parameters_are_taken_renamed_dropped_or_refused() {
    use Parameter::{Taken, Unsupported as Not};
    let fate = |slug: &str, model: &str, name: &'static str| match provider(slug)
        .quirks(model)
        .parameter(name)
    {
        Taken(theirs) => theirs.to_owned(),
        Not(Unsupported::Drop) => "dropped".to_owned(),
        Not(Unsupported::Refuse) => "refused".to_owned(),
    };
    for (slug, model, name, expected) in [
        ("openai", "gpt-4o", "temperature", "temperature"),
        ("openai", "gpt-5-mini", "temperature", "dropped"),
        ("openai", "gpt-5-chat-latest", "temperature", "temperature"),
        ("openai", "o3-mini", "stop", "refused"),
        ("openai", "gpt-4o", "x_vendor", "x_vendor"),
        ("mistral", "mistral-large-latest", "seed", "random_seed"),
        ("mistral", "mistral-large-latest", "x_vendor", "dropped"),
        ("mistral", "mistral-large-latest", "logprobs", "refused"),
        ("groq", "llama", "messages[].name", "dropped"),
        ("xai", "grok-4-0709", "stop", "refused"),
        ("xai", "grok-4-fast-non-reasoning", "stop", "stop"),
        ("xai", "grok-4-fast-non-reasoning", "logit_bias", "dropped"),
        ("cerebras", "gpt-oss-120b", "presence_penalty", "dropped"),
        ("azure-openai", "o3-mini", "stop", "refused"),
        ("azure-openai", "gpt-5-mini", "temperature", "dropped"),
        ("xai", "grok-4-0709", "reasoning_effort", "dropped"),
        ("xai", "grok-4.3", "reasoning_effort", "reasoning_effort"),
    ] {
        assert_eq!(fate(slug, model, name), expected, "{slug} {model} {name}");
    }
}

/// <https://docs.mistral.ai/capabilities/reasoning/adjustable>,
/// <https://api-docs.deepseek.com/guides/thinking_mode>,
/// <https://docs.x.ai/developers/model-capabilities/text/reasoning>,
/// <https://console.groq.com/docs/reasoning>,
/// <https://inference-docs.cerebras.ai/api-reference/chat-completions>,
/// <https://docs.fireworks.ai/guides/reasoning>,
/// <https://learn.microsoft.com/en-us/javascript/api/@azure/ai-projects/reasoningeffort>
#[test]
fn an_effort_is_told_in_the_next_word_that_a_model_knows() {
    use EffortWord::{High, Low, Max, Medium, Minimal, None as Off, XHigh};
    for (slug, model, asked, told) in [
        ("openai", "gpt-5-mini", Off, Minimal),
        ("openai", "gpt-5-mini", XHigh, High),
        ("openai", "gpt-5.1", Off, Off),
        ("openai", "gpt-5.2", XHigh, XHigh),
        ("azure-openai", "o3-mini", Minimal, Low),
        ("mistral", "mistral-small-latest", Low, High),
        ("mistral", "mistral-small-latest", Off, Off),
        ("deepseek", "deepseek-chat", Medium, High),
        ("deepseek", "deepseek-chat", XHigh, Max),
        ("xai", "grok-4.5", Off, Low),
        ("xai", "grok-4.3", Off, Off),
        ("groq", "openai/gpt-oss-120b", Minimal, Low),
        ("cerebras", "gpt-oss-120b", XHigh, High),
        (
            "fireworks",
            "accounts/fireworks/models/gpt-oss-120b",
            Off,
            Low,
        ),
        ("custom", "anything", Minimal, Minimal),
    ] {
        let found = provider(slug).quirks(model).effort(asked);
        assert_eq!(found, Some(told), "{slug} {model} {asked:?}");
    }
}

#[test]
fn a_models_quirks_stand_on_its_providers() {
    let gpt = provider("openai").quirks("gpt-5");
    assert_eq!(gpt.max_tokens_field, "max_completion_tokens");
    assert!(gpt.developer_role);
    let studio = provider("lm-studio").quirks("qwen");
    assert_eq!(
        (studio.json_object, studio.json_schema),
        (false, SchemaForm::Envelope)
    );
    assert!(!studio.tool_choice.contains(&ToolChoiceForm::Named));
    assert_eq!(
        provider("custom").quirks("anything"),
        Quirks::default(),
        "an unknown server is taken at its word"
    );
}

#[test]
fn a_name_is_looked_up_by_every_name_of_its_provider() {
    let catalogue = catalogue().unwrap();
    let id = |name: &str| {
        let named = catalogue.named(name, ModelKind::Chat);
        named.map(|named| (named.model.id.clone(), named.id.into_owned()))
    };
    let listed = |id: &str| Ok((id.to_owned(), id.to_owned()));
    assert_eq!(id("gpt-4o"), listed("openai/gpt-4o"));
    assert_eq!(
        id("workers-ai/@cf/openai/gpt-oss-120b"),
        listed("@cf/openai/gpt-oss-120b")
    );
    assert_eq!(
        id("google-ai-studio/gemini-2.5-flash"),
        listed("google/gemini-2.5-flash")
    );
    let free = Ok(("ollama/*".to_owned(), "ollama/llama3.2:3b".to_owned()));
    assert_eq!(id("ollama/llama3.2:3b"), free);
}

#[test]
fn only_models_of_free_providers_need_no_price() {
    let catalogue = catalogue().unwrap();
    let lookup = |name| catalogue.named(name, ModelKind::Chat).map(|named| named.id);
    for name in ["openai/gpt-9", "groq/llama-9", "custom/mine", "grok/grok-9"] {
        let Err(Unlisted::NoPrice { id }) = lookup(name) else {
            panic!("{name} is taken");
        };
        assert!(!id.starts_with("grok/"));
        let message = Unlisted::NoPrice { id: id.clone() }.to_string();
        assert!(
            message.contains(&id)
                && message.contains("config/ai_cost_model.yaml, or to the org's `models`,"),
            "{message}"
        );
    }
    for name in [
        "nobody/x", "gpt-9", "ollama/", "ollama/*", "ollama", "/x", "",
    ] {
        assert_eq!(lookup(name), Err(Unlisted::Unknown), "{name}");
    }
    let free = catalogue
        .named("vllm/org/model", ModelKind::Embedding)
        .unwrap();
    assert_eq!(free.model.kind, ModelKind::Embedding);
    assert_eq!(
        free.model.token_price(),
        Some(&crate::usage::Price::default())
    );
    assert_eq!(
        catalogue.named("vllm/x", ModelKind::Speech),
        Err(Unlisted::NoPrice {
            id: "vllm/x".to_owned()
        })
    );
}

#[test]
fn a_chat_model_speaks_its_providers_wire() {
    let catalogue = catalogue().unwrap();
    for (id, wire) in [
        ("openai/gpt-4o", Wire::OpenAiChat),
        ("anthropic/claude-sonnet-4-5", Wire::Anthropic),
        ("google/gemini-2.5-flash", Wire::Gemini),
        ("@cf/openai/gpt-oss-120b", Wire::WorkersAiChat),
    ] {
        assert_eq!(catalogue.model(id).unwrap().wire, Some(wire), "{id}");
    }
}
