mod own;
mod prompts;
mod providers;

use std::collections::BTreeSet;

use super::*;
use crate::governor::rules::{Admission, Rules};

const PROVIDERS: &str = "config/providers.json";
const COST_MODEL: &str = "config/ai_cost_model.yaml";
const PARTITION_MAP: &str = "config/ai_partition_map.yaml";
const ALIASES: &str = "config/aliases.json";

#[test]
fn the_real_files_parse() {
    let catalogue = parse(&EMBEDDED).unwrap();
    for tier in Tier::ALL {
        assert!(!catalogue.candidates(tier).is_empty(), "{tier}");
    }
    assert_eq!(catalogue.resolve("gpt-4o").unwrap().id, "openai/gpt-4o");
    let faq = catalogue.operation("faq").unwrap();
    assert_eq!((faq.name.as_str(), faq.tier), ("faq", Tier::Light));
    let plain = &catalogue.operations[&catalogue.default_operation];
    assert_eq!((plain.cache_seconds, plain.rag), (None, None));
}

#[test]
fn the_operations_are_those_of_the_partition_map() {
    let catalogue = parse(&EMBEDDED).unwrap();
    let rows: Vec<String> = catalogue
        .operations
        .values()
        .map(|operation| {
            let cache = operation.cache_seconds.map_or("", |_| " cache");
            let rag = operation.rag.map_or("", |_| " rag");
            format!("{} {}{cache}{rag}", operation.name, operation.tier)
        })
        .collect();
    assert_eq!(
        rows,
        [
            "analyze_report heavy rag",
            "autocomplete light cache",
            "chat medium",
            "classify_ticket light",
            "complex_reasoning reasoning",
            "draft_email medium",
            "faq light cache rag",
            "generate_report heavy rag",
            "navigation light cache",
            "read_document vision",
            "search_semantic embed rag",
            "speak tts",
            "summarize medium rag",
            "support_diagnosis heavy rag",
            "transcribe speech",
            "translate light cache",
            "workflow agent",
        ]
    );
}

#[test]
fn prices_are_exact() {
    let catalogue = parse(&EMBEDDED).unwrap();
    let price = catalogue.model("openai/gpt-4o").unwrap().token_price();
    let price = serde_json::to_value(price.unwrap()).unwrap();
    let expected = serde_json::json!({"input": "2.5", "cached_input": "1.25", "output": "10"});
    assert_eq!(price, expected);
    assert_eq!(
        catalogue
            .model("@cf/deepgram/aura-1")
            .unwrap()
            .token_price(),
        None
    );
}

#[test]
fn needs_name_what_is_missing() {
    let catalogue = parse(&EMBEDDED).unwrap();
    let llama = catalogue.resolve("llama-3.1-8b").unwrap();
    let tools = Needs {
        tools: true,
        ..Needs::default()
    };
    assert_eq!(llama.lacks(Needs::default()), None);
    assert_eq!(llama.lacks(tools), Some(Capability::Tools));
}

/// JSON in one line, with blanks as people write them.
fn spaced(json: &str) -> String {
    let mut spaced = String::new();
    let mut quoted = false;
    for character in json.chars() {
        quoted ^= character == '"';
        match character {
            ':' | ',' | '{' if !quoted => spaced.extend([character, ' ']),
            '}' if !quoted => spaced.push_str(" }"),
            _ => spaced.push(character),
        }
    }
    spaced
}

/// The embedded files with one text of one of them replaced.
fn broken(file: &str, from: &str, to: &str) -> Result<Catalogue, Vec<Problem>> {
    let change = |name: &str, text: &str| {
        if name != file {
            return text.to_owned();
        }
        assert!(text.contains(from), "{file} does not contain {from}");
        text.replacen(from, to, 1)
    };
    parse(&Files {
        aliases: &change(ALIASES, EMBEDDED.aliases),
        cost_model: &change(COST_MODEL, &spaced(EMBEDDED.cost_model)),
        partition_map: &change(PARTITION_MAP, &spaced(EMBEDDED.partition_map)),
        providers: &change(PROVIDERS, EMBEDDED.providers),
    })
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// A file, a text in it, what takes its place, and what the problem must say.
#[rustfmt::skip]
const WRONG_FILES: &[(&str, &str, &str, &str)] = &[
    // Shape.
    (COST_MODEL, "{", "[", "config/ai_cost_model.yaml: expected a JSON object"),
    (COST_MODEL, "\"chat\"", "\"chatty\"", "models.@cf/qwen/qwen3-30b-a3b-fp8.kind: unknown variant `chatty`"),
    (COST_MODEL, "\"0.051\"", "0.051", "models.@cf/qwen/qwen3-30b-a3b-fp8.price.tokens.input: invalid type: floating point `0.051`"),
    (COST_MODEL, "\"0.051\"", "\"-1\"", "models.@cf/qwen/qwen3-30b-a3b-fp8.price.tokens.input: expected decimal US dollars"),
    (COST_MODEL, "\"price\": { \"tokens\": { \"input\": \"0.051\", \"output\": \"0.335\" } },", "", "models.@cf/qwen/qwen3-30b-a3b-fp8: missing field `price`"),
    (COST_MODEL, "\"openai/gpt-4o\": {", "\"openai/gpt-4o\": { \"colour\": 1,", "models.openai/gpt-4o.colour: unknown field `colour`"),
    (COST_MODEL, "openai/gpt-4o-mini\"", "openai/gpt-4o\"", "models.openai/gpt-4o: appears twice"),
    (PARTITION_MAP, "\"embed\": [\"@cf/baai/bge-m3\"]", "\"embed\": [7]", "config/ai_partition_map.yaml: tiers.embed[0]: invalid type: integer `7`, expected a string"),
    (PARTITION_MAP, "\"rerank\":", "\"rank\":", "config/ai_partition_map.yaml: helpers.rank: unknown field `rank`"),
    (PARTITION_MAP, "\"default_operation\"", "\"fallback\"", "config/ai_partition_map.yaml: fallback: unknown field `fallback`"),
    (PARTITION_MAP, "\"tier\": \"medium\"", "\"tier\": \"middling\"", "config/ai_partition_map.yaml: operations.chat.tier: unknown variant `middling`"),
    (ALIASES, "\"openai/gpt-4o\"", "null", "config/aliases.json: aliases.gpt-4o: invalid type: null, expected a string"),
    // Providers.
    (PROVIDERS, "\"binding\": {}", "\"binding\": 1", "providers.workers-ai.binding: invalid type: integer `1`"),
    (PROVIDERS, "\"key\": \"bearer\"", "\"key\": \"basic\"", "providers.openai.direct.key: unknown variant `basic`"),
    (PROVIDERS, "\"name\": \"OpenAI\",", "", "providers.openai: missing field `name`"),
    (PROVIDERS, "\"groq\": {", "\"Groq!\": {", "providers.Groq!: expected a name of lower-case"),
    (PROVIDERS, "\"groq\": {", "\"openai\": {", "providers.openai: appears twice"),
    (PROVIDERS, "[\"azure\"]", "[\"openai\"]", "providers.azure-openai.aliases[0]: openai names openai already"),
    (PROVIDERS, "[\"azure\"]", "[\"a/b\"]", "providers.azure-openai.aliases[0]: expected a name"),
    (PROVIDERS, "\"binding\": {},\n      \"quirks\"", "\"quirks\"", "providers.workers-ai: expected `binding` or `direct`"),
    (PROVIDERS, "\"wire\": \"openai_chat\",\n      \"binding\": {},", "\"wire\": \"workers_ai_chat\",\n      \"binding\": {},", "providers.openai.wire: the models of Workers AI have their own"),
    (PROVIDERS, "\"wire\": \"openai_chat\",\n      \"binding\": {},", "", "providers.openai.wire: missing"),
    (PROVIDERS, "https://api.openai.com/v1", "http://api.openai.com/v1", "providers.openai.direct.base_url: expected an https address"),
    (PROVIDERS, "https://api.openai.com/v1", "https://key@api.openai.com/v1", "providers.openai.direct.base_url: expected an https address"),
    (PROVIDERS, "https://api.openai.com/v1", "https://api.openai.com/v1/", "providers.openai.direct.base_url: expected an https address"),
    (PROVIDERS, "\"/openai/v1\"", "\"/openai/v1/\"", "providers.azure-openai.responses.prefix: expected a path"),
    (PROVIDERS, "\"wire\": \"anthropic\"", "\"wire\": \"anthropic\", \"responses\": {}", "providers.anthropic.responses: only providers of chat completions"),
    (PROVIDERS, "\"wire\": \"anthropic\"", "\"wire\": \"openai_responses\"", "unknown variant `openai_responses`"),
    (PROVIDERS, "\"/openai/deployments/{model}\"", "\"openai/\"", "providers.azure-openai.direct.prefix: expected a path"),
    (PROVIDERS, "{ \"header\": \"api-key\" }", "{ \"header\": \"API Key\" }", "providers.azure-openai.direct.key.header: expected a header's name"),
    (PROVIDERS, "\"anthropic-version\"", "\"x-api-key\"", "providers.anthropic.direct.headers.x-api-key: expected a header's name"),
    (PROVIDERS, "\"key_required\": false", "\"key_required\": true", "providers.ollama.direct.key_required: a free provider"),
    (PROVIDERS, "\"max_tokens_field\": \"max_completion_tokens\"", "\"max_tokens_field\": \"limit\"", "providers.openai.quirks.max_tokens_field: expected max_completion_tokens"),
    (PROVIDERS, "\"max_choices\": 1", "\"max_choices\": 0", "providers.anthropic.quirks.max_choices: expected at least 1"),
    (PROVIDERS, "\"max_temperature\": 1", "\"max_temperature\": 3", "providers.anthropic.quirks.max_temperature: expected more than 0"),
    (PROVIDERS, "\"temperature\": \"drop\"", "\"temperature\": \"ignore\"", "providers.openai.model_quirks.gpt-5.unsupported.temperature: unknown variant `ignore`"),
    (PROVIDERS, "{ \"seed\": \"random_seed\" }", "{ \"logprobs\": \"x\" }", "providers.mistral.quirks.unsupported.logprobs: it is renamed and unsupported"),
    (PROVIDERS, "\"image_urls\": false", "\"imgae_urls\": false", "providers.workers-ai.quirks.imgae_urls: unknown field"),
    // Models.
    (COST_MODEL, "\"provider\": \"workers-ai\"", "\"provider\": \"nobody\"", "models.@cf/qwen/qwen3-30b-a3b-fp8.provider: unknown provider nobody"),
    (COST_MODEL, "\"provider\": \"workers-ai\"", "\"provider\": \"openai\"", "models.@cf/qwen/qwen3-30b-a3b-fp8.provider: the ids of openai's models begin with openai/"),
    (COST_MODEL, "\"wire\": \"workers_ai_chat\",", "", "models.@cf/qwen/qwen3-30b-a3b-fp8.wire: missing"),
    (COST_MODEL, "\"openai/gpt-4o\": {", "\"openai/gpt-4o\": { \"wire\": \"gemini\",", "models.openai/gpt-4o.wire: its provider speaks another"),
    (COST_MODEL, "\"kind\": \"embedding\",", "\"kind\": \"embedding\", \"wire\": \"openai_chat\",", "models.openai/text-embedding-3-small.wire: only chat models"),
    (COST_MODEL, "{ \"minutes\": \"510\" }", "{ \"characters\": \"510\" }", "models.@cf/openai/whisper-large-v3-turbo.price: kind transcription does not charge by this unit"),
    (COST_MODEL, "\"context_window\": 32768", "\"context_window\": 0", "models.@cf/qwen/qwen3-30b-a3b-fp8.context_window: missing or 0"),
    (COST_MODEL, "\"max_output\": 8192", "\"max_output\": 32769", "models.@cf/qwen/qwen3-30b-a3b-fp8.max_output: expected 1 to context_window"),
    (COST_MODEL, "\"openai/gpt-4o\": {", "\"openai/gpt-4o\": { \"deprecated\": \"2026-02-29\",", "models.openai/gpt-4o.deprecated: expected a day"),
    (COST_MODEL, "\"openai/gpt-4o\": {", "\"openai/gpt-4o\": { \"deprecated\": \"2026-2-1\",", "models.openai/gpt-4o.deprecated: expected a day"),
    (COST_MODEL, "\"dimensions\": 1024", "\"dimensions\": 0", "models.@cf/baai/bge-m3.embedding: expected at least 1"),
    (COST_MODEL, "\"kind\": \"embedding\",", "\"kind\": \"rerank\",", "models.openai/text-embedding-3-small.embedding: models of kind embedding have one"),
    (COST_MODEL, "\"alloy\": \"asteria\"", "\"alloy\": \"nobody\"", "speech.voices.alloy: nobody is no speaker"),
    (COST_MODEL, "\"formats\": [\"jpeg\"]", "\"formats\": []", "models.@cf/black-forest-labs/flux-1-schnell.image: expected a size"),
    (COST_MODEL, "\"formats\": [\"mp3\"]", "\"formats\": []", "models.@cf/myshell-ai/melotts.speech.formats: expected at least one"),
    // Tiers.
    (PARTITION_MAP, "\"@cf/meta/llama-3.1-8b-instruct-fast\"", "\"@cf/meta/llama-9\"", "config/ai_partition_map.yaml: tiers.light[1]: unknown model @cf/meta/llama-9"),
    (PARTITION_MAP, "\"@cf/meta/llama-3.1-8b-instruct-fast\"", "\"@cf/qwen/qwen3-30b-a3b-fp8\"", "tiers.light[1]: @cf/qwen/qwen3-30b-a3b-fp8 is named twice"),
    (PARTITION_MAP, "\"@cf/meta/llama-3.1-8b-instruct-fast\"", "\"@cf/baai/bge-m3\"", "tiers.light[1]: @cf/baai/bge-m3 is of kind embedding, the tier needs kind chat"),
    (PARTITION_MAP, "\"agent\": [", "\"agent\": [\"@cf/meta/llama-3.1-8b-instruct-fast\",", "tiers.agent[0]: @cf/meta/llama-3.1-8b-instruct-fast has not the capability tools"),
    (PARTITION_MAP, "\"@cf/meta/llama-3.2-11b-vision-instruct\"", "\"@cf/openai/gpt-oss-120b\"", "tiers.vision[0]: @cf/openai/gpt-oss-120b has not the capability vision"),
    (PARTITION_MAP, "[\"@cf/openai/whisper-large-v3-turbo\"]", "[]", "tiers.speech: expected at least one model"),
    (PARTITION_MAP, "\"tts\": [", "\"voice\": [", "tiers.voice: unknown tier"),
    (PARTITION_MAP, "\"tts\": [", "\"voice\": [", "tiers.tts: missing"),
    (PARTITION_MAP, "\"embed\": \"@cf/baai/bge-m3\"", "\"embed\": \"@cf/baai/bge-reranker-base\"", "helpers.embed: @cf/baai/bge-reranker-base is not of kind embedding"),
    (PARTITION_MAP, "\"rerank\": \"@cf/baai/bge-reranker-base\"", "\"rerank\": \"x\"", "helpers.rerank: unknown model x"),
    // Operations.
    (PARTITION_MAP, "\"default_operation\": \"chat\"", "\"default_operation\": \"talk\"", "default_operation: unknown operation talk"),
    (PARTITION_MAP, "\"default_operation\": \"chat\"", "\"default_operation\": \"speak\"", "default_operation: speak does not answer with text"),
    (PARTITION_MAP, "\"cache_seconds\": 3600", "\"cache_seconds\": 59", "operations.faq.cache_seconds: expected 60 to"),
    (PARTITION_MAP, "\"top_k\": 20", "\"top_k\": 51", "operations.faq.rag.top_k: expected 1 to 50"),
    (PARTITION_MAP, "\"passages\": 3", "\"passages\": 21", "operations.faq.rag.passages: expected 1 to top_k"),
    (PARTITION_MAP, "\"output_cap\": 1024", "\"output_cap\": 0", "operations.faq.output_cap: expected at least 1"),
    (PARTITION_MAP, "\"output_cap\": 1024", "\"output_cap\": 8193", "operations.faq.output_cap: no model of the tier light"),
    (PARTITION_MAP, "\"tier\": \"tts\"", "\"tier\": \"light\"", "operations: no operation uses the tier tts"),
    (PARTITION_MAP, "\"faq\"", "\"FAQ!\"", "operations.FAQ!: expected a name"),
    (PARTITION_MAP, "\"tier\": \"medium\"", "\"tier\": \"medium\", \"instructions\": \" \"", "operations.chat.instructions: empty"),
    // Aliases.
    (ALIASES, "\"openai/gpt-4o\"", "\"openai/gpt-9\"", "aliases.gpt-4o: unknown model openai/gpt-9"),
    (ALIASES, "\"gpt-4o\"", "\"auto\"", "aliases.auto: `auto` lets the gateway choose"),
    (ALIASES, "\"gpt-4o\"", "\"light\"", "aliases.light: light is a tier"),
    (ALIASES, "\"gpt-4o\"", "\"openai/gpt-4o\"", "aliases.openai/gpt-4o: openai/gpt-4o is a model's id"),
    (ALIASES, "\"gpt-4o\"", "\"a/b\"", "aliases.a/b: expected a bare name"),
];

#[test]
fn a_wrong_file_says_where_and_why() {
    for &(file, from, to, expected) in WRONG_FILES {
        let found = lines(&broken(file, from, to).unwrap_err());
        let named = found
            .iter()
            .any(|line| line.contains(expected) && line.starts_with(file));
        assert!(
            named,
            "{from} → {to}\nexpected {expected}\nfound {found:#?}"
        );
    }
}

#[test]
fn every_problem_is_listed_and_only_once() {
    let window = "\"context_window\":128000";
    let windows = EMBEDDED.cost_model.matches(window).count();
    let files = Files {
        aliases: r#"{"aliases": {"gpt-4o": "gone"}}"#,
        cost_model: &EMBEDDED
            .cost_model
            .replace("\"0.051\"", "0.051")
            .replace(window, "\"context_window\":0"),
        ..EMBEDDED
    };
    let problems = parse(&files).unwrap_err();
    let found = lines(&problems);
    let with = |text: &str| found.iter().filter(|line| line.contains(text)).count();
    assert_eq!(with("price.tokens.input"), 1, "{found:#?}");
    assert_eq!(with("context_window"), windows, "{found:#?}");
    assert_eq!(with("aliases.gpt-4o: unknown model gone"), 1, "{found:#?}");
    assert_eq!(
        with("unknown model @cf/qwen"),
        0,
        "a malformed model is not unknown: {found:#?}"
    );
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
}

#[test]
fn a_malformed_part_hides_no_other() {
    let partition_map = EMBEDDED
        .partition_map
        .replace("\"rerank\"", "\"rank\"")
        .replace("aura-1", "aura-9");
    let files = Files {
        partition_map: &partition_map,
        ..EMBEDDED
    };
    let expected = [
        "config/ai_partition_map.yaml: helpers.rank: unknown field `rank`, expected one of `decide`, `embed`, `guard`, `rerank`",
        "config/ai_partition_map.yaml: tiers.tts[0]: unknown model @cf/deepgram/aura-9",
    ];
    assert_eq!(lines(&parse(&files).unwrap_err()), expected);
}

#[test]
fn an_unreadable_file_blames_no_other() {
    let files = Files {
        cost_model: "{\"models\": ",
        ..EMBEDDED
    };
    let found = lines(&parse(&files).unwrap_err());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("config/ai_cost_model.yaml: models: EOF while parsing"),
        "{found:#?}"
    );
}

#[test]
fn the_digest_names_the_files() {
    assert_eq!(digest().len(), 64);
    assert!(digest().bytes().all(|byte| byte.is_ascii_hexdigit()));
}

fn org(json: &str) -> Result<TenantConfig, Vec<Problem>> {
    tenant::parse(json, catalogue().unwrap())
}

#[test]
fn an_org_narrows_the_catalogue() {
    let catalogue = catalogue().unwrap();
    let config = org(
        r#"{"limits": [{ "count": "requests", "limit": 60, "seconds": 60 }], "budgets": [{ "usd": "5.00", "period": "day" }],
            "tiers": {"light": ["@cf/meta/llama-3.1-8b-instruct-fast"]}}"#,
    )
    .unwrap();
    let rules = config.rules();
    assert_eq!(
        (rules.limits[0].name.as_str(), rules.limits[0].limit),
        ("requests", 60)
    );
    let budget = &rules.budgets[0];
    assert_eq!(
        (budget.name.as_str(), budget.amount.to_usd()),
        ("day", "5".to_owned())
    );
    let light = ["@cf/meta/llama-3.1-8b-instruct-fast"];
    assert_eq!(config.catalogue().candidates(Tier::Light), light);
    let medium = catalogue.candidates(Tier::Medium);
    assert_eq!(config.catalogue().candidates(Tier::Medium), medium);
}

#[test]
fn an_org_that_says_nothing_has_the_defaults_and_empty_lists_lift_them() {
    for empty in [
        "{}",
        r#"{"tiers": {}, "credits": "off", "time_zone": "UTC", "admission": "strict"}"#,
    ] {
        let config = org(empty).unwrap();
        let rules = config.rules();
        assert_eq!((rules.limits.len(), rules.limits[0].limit), (1, 600));
        let budget = &rules.budgets[0];
        assert_eq!(
            (rules.budgets.len(), budget.amount.to_usd()),
            (1, "10".to_owned())
        );
        assert_eq!(rules.admission, Admission::Strict);
        assert_eq!(config.transcripts().detail, None);
        let light = config.catalogue().candidates(Tier::Light);
        assert_eq!(light, catalogue().unwrap().candidates(Tier::Light));
    }
    let lifted = r#"{"limits": [], "budgets": []}"#;
    assert_eq!(org(lifted).unwrap().rules(), &Rules::default());
    let leased = org(r#"{"admission": "leased"}"#).unwrap();
    assert_eq!(leased.rules().admission, Admission::Leased);
}

#[test]
fn an_org_falls_back_to_the_catalogue_when_its_models_are_gone() {
    let catalogue = catalogue().unwrap();
    let mut smaller = Catalogue::clone(catalogue);
    let only = r#"{"tiers": {"light": ["@cf/meta/llama-3.1-8b-instruct-fast"]}}"#;
    smaller.models.remove("@cf/meta/llama-3.1-8b-instruct-fast");
    let (config, problems) = tenant::restore(only, &Arc::new(smaller)).unwrap();
    let light = config.catalogue().candidates(Tier::Light);
    assert_eq!(light, catalogue.candidates(Tier::Light));
    assert_eq!(problems[0].path, "tiers.light[0]");
}

/// An org's document, the path of its problem and what the problem must say.
#[rustfmt::skip]
const WRONG_DOCUMENTS: &[(&str, &str, &str)] = &[
    ("", "", "expected a JSON object"),
    ("[]", "", "expected a JSON object"),
    ("{} {}", "", "trailing"),
    (r#"{"limit": {}}"#, "limit", "unknown field `limit`"),
    (r#"{"limits": {"rpm": 1}}"#, "limits", "expected an array"),
    (r#"{"limits": [60]}"#, "limits[0]", "expected a JSON object"),
    (r#"{"limits": null}"#, "limits", "expected an array"),
    (r#"{"limits": [{"count": "requests", "limit": -1, "seconds": 60}]}"#, "limits[0].limit", "integer `-1`"),
    (r#"{"limits": [{"count": "requests", "limit": 1.5, "seconds": 60}]}"#, "limits[0].limit", "1.5"),
    (r#"{"limits": [{"count": "requests", "limit": 9999999999999, "seconds": 60}]}"#, "limits[0].limit", "expected 0 to"),
    (r#"{"limits": [{"count": "requests", "limit": 1}]}"#, "limits[0].seconds", "the window in seconds"),
    (r#"{"limits": [{"count": "requests", "limit": 1, "seconds": 0}]}"#, "limits[0].seconds", "the window in seconds"),
    (r#"{"limits": [{"count": "requests", "limit": 1, "seconds": 60, "burst": 2}]}"#, "limits[0].burst", "unknown field"),
    (r#"{"limits": [{"count": "requests", "limit": 0, "seconds": 60, "window": "token_bucket"}]}"#, "limits[0].limit", "expected 1 to"),
    (r#"{"limits": [{"count": "requests", "limit": 1, "seconds": 60, "window": "rolling"}]}"#, "limits[0].window", "unknown variant"),
    (r#"{"limits": [{"count": "concurrent", "limit": 1, "seconds": 60}]}"#, "limits[0]", "has no window"),
    (r#"{"limits": [{"per": "team", "count": "concurrent", "limit": 1}]}"#, "limits[0].per", "metadata:NAME"),
    (r#"{"limits": [{"only": "x", "count": "concurrent", "limit": 1}]}"#, "limits[0].only", "one subject already"),
    (r#"{"limits": [{"count": "concurrent", "limit": 1}, {"count": "concurrent", "limit": 2}]}"#, "limits[1].name", "a `name` of its own"),
    (r#"{"limits": [{"name": "a b", "count": "concurrent", "limit": 1}]}"#, "limits[0].name", "visible ASCII"),
    (r#"{"tiers": []}"#, "tiers", "expected a JSON object"),
    (r#"{"budgets": [{"usd": 5, "period": "day"}]}"#, "budgets[0].usd", "invalid type: integer `5`"),
    (r#"{"budgets": [{"usd": "five", "period": "day"}]}"#, "budgets[0].usd", "expected decimal US dollars"),
    (r#"{"budgets": [{"usd": "-5", "period": "day"}]}"#, "budgets[0].usd", "expected 0 or more"),
    (r#"{"budgets": [{"usd": "99999999999", "period": "day"}]}"#, "budgets[0].usd", "expected decimal US dollars"),
    (r#"{"budgets": [{"usd": "5"}]}"#, "budgets[0]", "missing field `period`"),
    (r#"{"budgets": [{"usd": "5", "period": "year"}]}"#, "budgets[0].period", "unknown variant"),
    (r#"{"budgets": [{"usd": "5", "period": "day", "thresholds": [0]}]}"#, "budgets[0].thresholds", "1 to 255"),
    (r#"{"budgets": [{"usd": "5", "period": "day", "when_spent": "stop"}]}"#, "budgets[0].when_spent", "unknown variant"),
    (r#"{"budgets": [{"usd": "5", "period": "day", "when_spent": {"downgrade": "nothing"}}]}"#, "budgets[0].when_spent.downgrade", "a tier or the id"),
    (r#"{"alerts": {"webhook": "http://example.com"}}"#, "alerts.webhook", "https"),
    (r#"{"alerts": {"webhook": "https://10.0.0.1/"}}"#, "alerts.webhook", ""),
    (r#"{"alerts": {"mail": "a@example.com"}}"#, "alerts.mail", "unknown field"),
    (r#"{"time_zone": "Rome!"}"#, "time_zone", "IANA"),
    (r#"{"credits": "later"}"#, "credits", "unknown variant"),
    (r#"{"admission": "lax"}"#, "admission", "unknown variant"),
    (r#"{"admission": null}"#, "admission", "expected value"),
    (r#"{"tiers": {"lite": []}}"#, "tiers.lite", "unknown tier"),
    (r#"{"tiers": {"light": []}}"#, "tiers.light", "at least one"),
    (r#"{"tiers": {"light": ["x"]}}"#, "tiers.light[0]", "unknown model x"),
    (r#"{"tiers": {"light": "x"}}"#, "tiers.light", "expected a sequence"),
    (r#"{"tiers": {"light": ["openai/gpt-4o"], "light": ["openai/gpt-4o"]}}"#, "tiers.light", "appears twice"),
    (r#"{"tiers": {"agent": ["@cf/meta/llama-3.1-8b-instruct-fast"]}}"#, "tiers.agent[0]", "capability tools"),
    (r#"{"tiers": {"embed": ["openai/gpt-4o"]}}"#, "tiers.embed[0]", "needs kind embedding"),
];

#[test]
fn a_wrong_org_document_says_where_and_why() {
    for &(json, path, reason) in WRONG_DOCUMENTS {
        let problems = org(json).unwrap_err();
        let named = problems
            .iter()
            .any(|problem| problem.path == path && problem.reason.contains(reason));
        assert!(
            named,
            "{json}: expected {path}: {reason}\nfound {:#?}",
            lines(&problems)
        );
    }
}
