//! What an org has of its own over the catalogue.

use super::*;

const OWN: &str = r#"{
    "models": {
        "openai/house": {
            "provider": "openai", "kind": "chat", "price": { "tokens": { "input": "1", "output": "2" } },
            "context_window": 64000, "max_output": 4096, "capabilities": ["json"]
        }
    },
    "aliases": { "house": "openai/house" },
    "operations": { "quote_price": { "tier": "light", "output_cap": 300, "models": ["openai/house"] } },
    "default_operation": "quote_price",
    "tiers": { "light": ["openai/house"] }
}"#;

#[test]
fn an_org_adds_models_names_and_operations() {
    let config = org(OWN).unwrap();
    let own = config.catalogue();
    assert_eq!(own.resolve("house").unwrap().id, "openai/house");
    assert_eq!(own.resolve("house").unwrap().wire, Some(Wire::OpenAiChat));
    assert_eq!(own.operation("quote_price").unwrap().name, "quote_price");
    assert_eq!(own.default_operation, "quote_price");
    assert_eq!(own.candidates(Tier::Light), ["openai/house"]);
    // The rest is the deployment's, and the deployment's stays as it was.
    assert_eq!(own.resolve("gpt-4o").unwrap().id, "openai/gpt-4o");
    assert!(own.operation("faq").is_some());
    assert!(catalogue().unwrap().resolve("house").is_none());
}

#[test]
fn an_orgs_own_price_takes_the_place_of_the_catalogues() {
    let config = org(r#"{"models": {"openai/gpt-4o": {
        "provider": "openai", "kind": "chat", "price": { "tokens": { "input": "1.25", "output": "5" } },
        "context_window": 128000, "max_output": 16384, "capabilities": ["json", "tools", "vision"]
    }}}"#)
    .unwrap();
    let price = |catalogue: &Catalogue| {
        let usage = crate::usage::Usage {
            output_tokens: 1_000_000,
            ..crate::usage::Usage::default()
        };
        let model = catalogue.model("openai/gpt-4o").unwrap();
        model.price.cost(&usage).to_usd()
    };
    assert_eq!(price(config.catalogue()), "5");
    assert_eq!(price(catalogue().unwrap()), "10");
}

#[test]
fn the_files_of_this_repository_are_sections_of_an_orgs_document() {
    let files = [
        include_str!("../../../config/ai_partition_map.yaml"),
        include_str!("../../../config/ai_cost_model.yaml"),
    ];
    let mut document = serde_json::Map::new();
    for file in files {
        let sections: serde_json::Map<_, _> =
            serde_json::from_str(&crate::config::yaml::parse(file).unwrap().json).unwrap();
        document.extend(sections);
    }
    let config = org(&serde_json::Value::Object(document).to_string()).unwrap();
    let (own, base) = (config.catalogue(), catalogue().unwrap());
    assert_eq!(
        (&own.fallbacks, &own.helpers, &own.tiers),
        (&base.fallbacks, &base.helpers, &base.tiers)
    );
}

#[test]
fn an_org_has_fallbacks_and_helpers_of_its_own() {
    let config = org(r#"{
        "models": { "@cf/own/guard": {
            "provider": "workers-ai", "kind": "guard", "price": { "tokens": { "input": "1", "output": "1" } },
            "context_window": 8000, "max_output": 100
        } },
        "helpers": {
            "decide": "@cf/cloudflare/clef-flash", "embed": "@cf/baai/bge-m3",
            "guard": "@cf/own/guard", "rerank": "@cf/baai/bge-reranker-base"
        },
        "tiers": { "light": ["@cf/qwen/qwen3-30b-a3b-fp8"], "medium": ["@cf/zai-org/glm-4.7-flash"] },
        "fallbacks": { "light": ["openai/gpt-4o-mini"] }
    }"#)
    .unwrap();
    let own = config.catalogue();
    let fallbacks = |tier| -> Vec<String> {
        let models = own.fallbacks_of(tier).into_iter();
        models.map(|model| model.id.clone()).collect()
    };
    assert_eq!(own.helpers.guard, "@cf/own/guard");
    assert_eq!(fallbacks(Tier::Light), ["openai/gpt-4o-mini"]);
    // Who names the models of a tier names all of them.
    assert!(fallbacks(Tier::Medium).is_empty());
    assert_eq!(fallbacks(Tier::Speech), ["openai/whisper-1"]);
}

/// An org's document, the path of its problem and what the problem must say.
#[rustfmt::skip]
const CONTRADICTIONS: &[(&str, &str, &str)] = &[
    (r#"{"operations": {"faq": {"tier": "light", "colour": 1}}}"#, "operations.faq.colour", "unknown field"),
    (r#"{"operations": {"faq": {"tier": "tts"}}}"#, "operations.faq.tier", "one of the same kind"),
    (r#"{"operations": {"Faq!": {"tier": "light"}}}"#, "operations.Faq!", "lower-case letters"),
    (r#"{"operations": {"a12345678901234567890123456789012345678901234567890123456789012345": {"tier": "light"}}}"#, "operations.a12345678901234567890123456789012345678901234567890123456789012345", "at most 64"),
    (r#"{"models": {"ollama/a b": {"provider": "ollama", "kind": "chat", "price": {"tokens": {"input": "0", "output": "0"}}, "context_window": 9, "max_output": 9}}}"#, "models.ollama/a b", "kill switch"),
    (r#"{"operations": {"own": {"tier": "light", "models": []}}}"#, "operations.own.models", "at least one"),
    (r#"{"operations": {"own": {"tier": "light", "models": ["openai/nope"]}}}"#, "operations.own.models[0]", "unknown model"),
    (r#"{"operations": {"own": {"tier": "vision", "models": ["@cf/qwen/qwen3-30b-a3b-fp8"]}}}"#, "operations.own.models[0]", "capability vision"),
    (r#"{"operations": {"own": {"tier": "light", "models": ["@cf/baai/bge-m3"]}}}"#, "operations.own.models[0]", "kind embedding"),
    (r#"{"fallbacks": {"light": ["openai/nope"]}}"#, "fallbacks.light[0]", "unknown model"),
    (r#"{"fallbacks": {"light": ["openai/tts-1"]}}"#, "fallbacks.light[0]", "kind speech"),
    (r#"{"fallbacks": {"huge": ["openai/gpt-4o"]}}"#, "fallbacks.huge", "tier"),
    (r#"{"helpers": {"decide": "@cf/cloudflare/clef-flash"}}"#, "helpers", "missing field"),
    (r#"{"helpers": {"decide": "@cf/cloudflare/clef-flash", "embed": "openai/text-embedding-3-small", "guard": "@cf/baai/bge-m3", "rerank": "@cf/x"}}"#, "helpers.embed", "cannot be compared"),
    (r#"{"helpers": {"decide": "@cf/cloudflare/clef-flash", "embed": "@cf/baai/bge-m3", "guard": "@cf/baai/bge-m3", "rerank": "@cf/x"}}"#, "helpers.guard", "kind guard"),
    (r#"{"helpers": {"decide": "@cf/cloudflare/clef-flash", "embed": "@cf/baai/bge-m3", "guard": "@cf/baai/bge-m3", "rerank": "@cf/x"}}"#, "helpers.rerank", "unknown model"),
    (r#"{"default_operation": "nope"}"#, "default_operation", "unknown operation"),
    (r#"{"default_operation": "speak"}"#, "default_operation", "does not answer with text"),
    (r#"{"aliases": {"mine": "openai/nope"}}"#, "aliases.mine", "unknown model"),
    (r#"{"aliases": {"auto": "openai/gpt-4o"}}"#, "aliases.auto", "cannot be an alias"),
    (r#"{"models": {"openai/x": {"provider": "nobody", "kind": "chat", "price": {"tokens": {"input": "1", "output": "1"}}, "context_window": 1, "max_output": 1}}}"#, "models.openai/x.provider", "unknown provider"),
    (r#"{"models": {"openai/x": {"provider": "openai", "kind": "chat", "price": {"tokens": {"input": "-1", "output": "1"}}, "context_window": 1, "max_output": 1}}}"#, "models.openai/x.price.tokens.input", "expected"),
    (r#"{"models": {"@cf/baai/bge-m3": {"provider": "workers-ai", "kind": "chat", "wire": "workers_ai_chat", "price": {"tokens": {"input": "1", "output": "1"}}, "context_window": 9, "max_output": 9}}}"#, "tiers.embed[0]", "kind chat"),
];

#[test]
fn contradictions_are_refused_with_their_path() {
    for (json, path, reason) in CONTRADICTIONS {
        let problems = org(json).unwrap_err();
        let found = problems
            .iter()
            .any(|problem| problem.path == *path && problem.reason.contains(reason));
        assert!(found, "{json}: {problems:#?}");
    }
}

#[test]
fn a_document_in_yaml_says_the_same_and_its_problems_have_lines() {
    let yaml = "# Ours.\ntiers:\n  light: [\"@cf/zai-org/glm-4.7-flash\"]\noperations:\n  quote_price:\n    tier: light\n";
    let sent = tenant::read(yaml, catalogue().unwrap()).unwrap();
    assert!(sent.config.catalogue().operation("quote_price").is_some());
    let again = tenant::parse(&sent.json, catalogue().unwrap()).unwrap();
    let light = again.catalogue().candidates(Tier::Light);
    assert_eq!(light, ["@cf/zai-org/glm-4.7-flash"]);
    let wrong = yaml.replace("tier: light", "tier: light\n    colour: 1");
    let problems = tenant::read(&wrong, catalogue().unwrap()).unwrap_err();
    assert_eq!(
        lines(&problems)[0].split(": unknown").next().unwrap(),
        "config:7: operations.quote_price.colour"
    );
    let broken = tenant::read("tiers:\n  light: [a\n", catalogue().unwrap()).unwrap_err();
    assert!(broken[0].line.is_some_and(|line| line >= 2), "{broken:?}");
}

#[test]
fn only_chat_models_may_say_that_they_do_not_stream() {
    let with = |kind: &str, more: &str| {
        let document = format!(
            r#"{{"models": {{"openai/mine": {{ "provider": "openai", "kind": "{kind}", "context_window": 8000,
            "max_output": 1000, "price": {{ "tokens": {{ "input": "1", "output": "2" }} }}, {more} }} }} }}"#
        );
        org(&document)
            .map(|_| ())
            .map_err(|problems| format!("{problems:?}"))
    };
    assert_eq!(with("chat", r#""streams": false"#), Ok(()));
    let guard = with("guard", r#""streams": false"#).unwrap_err();
    assert!(
        guard.contains("only chat models answer piece by piece"),
        "{guard}"
    );
    let listed = with("chat", r#""capabilities": ["streaming"]"#).unwrap_err();
    assert!(listed.contains("unknown variant `streaming`"), "{listed}");
}
