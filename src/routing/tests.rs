use std::sync::Arc;

use proptest::prelude::*;

use super::bound::{PASSAGE_BYTES, Sizes, text_bytes};
use super::graph::Terms;
use super::graph::walk::{End, Step, Way};
use super::plan::{Plan, Wishes};
use crate::config::{self, Catalogue, Rag, TenantConfig, Tier, tenant};
use crate::context::{self, Ranked};
use crate::error::{Error, Kind};
use crate::governor::command::Versions;
use crate::isolate::{OrgView, SharedNotice};
use crate::money::Nanos;
use crate::ports::Passage;
use crate::protocol::{ChatRequest, openai_chat};
use crate::routing::health::SharedHealth;
use crate::usage::Usage;

const QWEN: &str = "@cf/qwen/qwen3-30b-a3b-fp8";
const LLAMA_8B: &str = "@cf/meta/llama-3.1-8b-instruct-fast";
/// The fallback of the light tier.
const NANO: &str = "openai/gpt-4.1-nano";
const TOOL: &str = r#","tools":[{"type":"function","function":{"name":"f","parameters":{}}}]"#;
const IMAGE: &str = r#"[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]"#;

fn catalogue() -> &'static Arc<Catalogue> {
    config::catalogue().unwrap()
}

fn request(model: &str, content: &str, rest: &str) -> ChatRequest {
    let content = if content.starts_with('[') {
        content.to_owned()
    } else {
        serde_json::to_string(content).unwrap()
    };
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":{content}}}]{rest}}}"#
    );
    openai_chat::parse(body.as_bytes()).unwrap()
}

fn view(config: TenantConfig) -> OrgView {
    OrgView {
        versions: Versions::default(),
        config,
        stale: None,
        holder: None,
        health: SharedHealth::default(),
        switches: SharedNotice::default(),
    }
}

fn plan(request: &ChatRequest, wishes: &Wishes) -> Result<Plan, Error> {
    Plan::make(
        request,
        wishes,
        &view(tenant::parse("{}", catalogue()).unwrap()),
    )
}

fn ids(plan: &Plan) -> Vec<&str> {
    let models = plan.candidates.iter().map(|it| it.model.id.as_str());
    models.collect()
}

fn operation(name: &str) -> Wishes {
    Wishes {
        operation: Some(name.to_owned()),
        ..Wishes::default()
    }
}

#[test]
fn what_the_caller_says_beats_what_is_guessed() {
    let metadata = r#","metadata":{"operation":"summarize"}"#;
    let cases = [
        ("auto", "", Wishes::default(), "chat", Tier::Medium),
        ("auto", "", operation("faq"), "faq", Tier::Light),
        (
            "auto",
            metadata,
            Wishes::default(),
            "summarize",
            Tier::Medium,
        ),
        (
            "operation/faq",
            metadata,
            Wishes::default(),
            "faq",
            Tier::Light,
        ),
        (
            "operation/faq",
            metadata,
            operation("translate"),
            "translate",
            Tier::Light,
        ),
        ("heavy", "", operation("faq"), "faq", Tier::Heavy),
    ];
    for (model, rest, wishes, expected, tier) in cases {
        let plan = plan(&request(model, "Hello there", rest), &wishes).unwrap();
        assert_eq!(
            (plan.operation.name.as_str(), plan.tier),
            (expected, tier),
            "{model} {rest}"
        );
    }
}

#[test]
fn a_concrete_model_is_neither_templated_nor_grounded_nor_cached_unasked() {
    let question = request("gpt-4o", "How long can I return a battery?", "");
    let bare = plan(&question, &Wishes::default()).unwrap();
    assert_eq!(ids(&bare), ["openai/gpt-4o"]);
    assert!(bare.rag.is_none() && bare.instructions.is_none() && bare.cache_seconds.is_none());
    let named = plan(&question, &operation("faq")).unwrap();
    assert_eq!(ids(&named), ["openai/gpt-4o"]);
    assert!(named.rag.is_some() && named.instructions.is_some() && named.cache_seconds.is_some());
}

#[test]
fn grounding_and_cache_can_be_switched_off() {
    let off = Wishes {
        ungrounded: true,
        skip_cache: true,
        ..operation("faq")
    };
    let plan = plan(&request("auto", "Hello", ""), &off).unwrap();
    assert!(plan.rag.is_none() && plan.cache_seconds.is_none());
}

#[test]
fn needs_move_the_request_to_models_that_meet_them() {
    let with_tools = plan(&request("light", "Hello", TOOL), &operation("chat")).unwrap();
    assert_eq!(
        (with_tools.tier, ids(&with_tools)),
        (Tier::Light, vec![QWEN, NANO])
    );
    let with_image = plan(&request("light", IMAGE, ""), &operation("chat")).unwrap();
    assert_eq!(with_image.tier, Tier::Vision);
    let reasoning = plan(&request("reasoning", "Hello", TOOL), &operation("chat")).unwrap();
    assert_eq!(reasoning.tier, Tier::Agent);
    let refused = plan(&request(LLAMA_8B, "Hello", TOOL), &Wishes::default()).unwrap_err();
    assert_eq!(
        (refused.kind, refused.param.as_deref()),
        (Kind::InvalidRequest, Some("model"))
    );
    assert!(refused.message.contains("tools"), "{}", refused.message);
}

#[test]
fn a_long_conversation_goes_to_a_larger_window_or_is_refused() {
    let long = "word ".repeat(30_000);
    let moved = plan(&request("light", &long, ""), &operation("chat")).unwrap();
    assert_eq!(ids(&moved), [LLAMA_8B, NANO]);
    let huge = "word ".repeat(500_000);
    let refused = plan(&request("light", &huge, ""), &operation("chat")).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("messages"));
}

#[test]
fn unknown_names_are_refused_by_their_kind() {
    let model = |name: &str| plan(&request(name, "Hello", ""), &Wishes::default()).unwrap_err();
    assert_eq!(model("gpt-99").kind, Kind::ModelNotFound);
    assert_eq!(model("dynamic/mine").kind, Kind::ModelNotFound);
    assert_eq!(model("embed").kind, Kind::InvalidRequest);
    assert_eq!(model("@cf/baai/bge-m3").kind, Kind::InvalidRequest);
    assert_eq!(model("operation/teleport").kind, Kind::InvalidRequest);
    let speak = plan(&request("auto", "Hello", ""), &operation("speak")).unwrap_err();
    assert_eq!(speak.param.as_deref(), Some("x-ai-operation"));
}

#[test]
fn an_org_chooses_its_own_candidates() {
    let json = format!(r#"{{"tiers":{{"light":["{LLAMA_8B}"]}}}}"#);
    let org = view(tenant::parse(&json, catalogue()).unwrap());
    let request = request("light", "Hello", "");
    let plan = Plan::make(&request, &operation("chat"), &org).unwrap();
    assert_eq!(ids(&plan), [LLAMA_8B]);
}

#[test]
fn answers_that_depend_on_more_than_the_conversation_are_not_cached() {
    for rest in [TOOL, r#","n":2"#] {
        let plan = plan(&request("auto", "Hello", rest), &operation("faq")).unwrap();
        assert_eq!(plan.cache_seconds, None, "{rest}");
    }
}

#[test]
fn the_bound_is_the_dearest_candidate_and_the_helpers() {
    let request = request("operation/faq", "Hello", r#","max_tokens":100"#);
    let grounded = plan(&request, &Wishes::default()).unwrap();
    let dearest = grounded.candidates.iter().map(|it| it.bound).max().unwrap();
    assert!(grounded.bound > dearest);
    let ungrounded = Wishes {
        ungrounded: true,
        ..Wishes::default()
    };
    let plain = plan(&request, &ungrounded).unwrap();
    assert_eq!(
        plain.bound,
        plain.candidates.iter().map(|it| it.bound).max().unwrap()
    );
    assert!(plain.candidates.iter().all(|it| it.max_tokens == 100));
}

#[test]
fn the_bound_counts_every_choice() {
    let bound = |rest: &str| {
        let request = request(LLAMA_8B, "Hello", rest);
        plan(&request, &Wishes::default()).unwrap().bound
    };
    let one = bound(r#","max_tokens":1000"#);
    let four = bound(r#","max_tokens":1000,"n":4"#);
    let of_three_more = Usage {
        output_tokens: 3_000,
        ..Usage::default()
    };
    let price = catalogue().model(LLAMA_8B).unwrap().token_price().unwrap();
    // The field itself is counted as prompt, since it may be passed through.
    assert!(four >= one.saturating_add(price.cost(&of_three_more)));
}

fn ranked(text: String) -> Ranked {
    let passage = Passage {
        id: "id".to_owned(),
        document: "document".to_owned(),
        title: "Title".to_owned(),
        uri: String::new(),
        ordinal: 0,
        text,
    };
    Ranked {
        passage,
        score: 0.5,
    }
}

proptest! {
    /// A byte-level tokenizer makes at most a token of each byte: whatever is grounded into the
    /// prompt, its bytes and the template's tokens stay within what was reserved.
    #[test]
    fn no_prompt_has_more_bytes_than_its_bound_has_tokens(
        text in "\\PC{1,400}",
        passages in proptest::collection::vec("\\PC{0,3000}", 0..6),
    ) {
        let rag = Rag { top_k: 20, passages: 3 };
        let request = request("auto", text.trim_start_matches('['), "");
        let instructions = Some("You are the help desk.");
        let sizes = Sizes::of(&request, instructions, Some(rag));
        let passages = passages.into_iter().take(3).map(ranked).collect();
        let packed = context::pack(passages, 3 * PASSAGE_BYTES);
        let messages = context::ground(&request.messages, instructions, &packed);
        let bytes: usize = messages.iter().map(|it| it.plain_text().len()).sum();
        prop_assert!(u64::try_from(bytes).unwrap() <= sizes.prompt_tokens);
    }

    #[test]
    fn whatever_is_used_within_the_limits_costs_no_more_than_the_bound(
        text in "\\PC{1,200}",
        input in 0_u64..2_000,
        cached in 0_u64..2_000,
        output in 0_u64..4_000,
    ) {
        for model in ["gpt-4o", QWEN, LLAMA_8B] {
            let request = request(model, text.trim_start_matches('['), "");
            let plan = plan(&request, &Wishes::default()).unwrap();
            let candidate = &plan.candidates[0];
            let usage = Usage {
                input_tokens: input.min(text_bytes(&request)),
                cached_input_tokens: cached,
                output_tokens: output.min(u64::from(candidate.max_tokens)),
                ..Usage::default()
            };
            let cost = candidate.model.token_price().unwrap().cost(&usage);
            prop_assert!(cost <= plan.bound);
            prop_assert!(plan.bound > Nanos::ZERO);
        }
    }
}

/// A way that leads to these models, one after the other.
fn way(models: &[&str]) -> Way {
    let steps = models.iter().enumerate().map(|(index, model)| Step {
        model: (*model).to_owned(),
        terms: Terms::default(),
        nodes: index.saturating_add(2),
        gates: 0,
    });
    Way {
        steps: steps.collect(),
        end: End::Exhausted,
        ..Way::default()
    }
}

fn routed(models: &[&str]) -> Result<Plan, Error> {
    let wishes = Wishes {
        way: Some(Box::new(way(models))),
        ..Wishes::default()
    };
    plan(&request("dynamic/r", "Hello", ""), &wishes)
}

#[test]
fn a_model_that_is_gone_is_passed_over_and_named() {
    let json = r#"{"routes":{"r":{"elements":[
        {"id":"s","type":"start","outputs":{"next":{"elementId":"old"}}},
        {"id":"old","type":"model","properties":{"provider":"openai","model":"gpt-99"},
         "outputs":{"fallback":{"elementId":"new"}}},
        {"id":"new","type":"model","properties":{"provider":"openai","model":"gpt-4o"}}]}}}"#;
    let (config, problems) = tenant::restore(json, catalogue()).unwrap();
    assert_eq!(config.routes().len(), 1, "the route serves on");
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, "routes.r.elements[1].properties.model");
    assert!(problems[0].reason.contains("openai/gpt-99"));
    let plan = routed(&["openai/gpt-99", "openai/gpt-4o"]).unwrap();
    assert_eq!(ids(&plan), ["openai/gpt-4o"]);
    let gone = routed(&["openai/gpt-99", "openai/gpt-98"]).unwrap_err();
    assert_eq!(gone.kind, Kind::Unavailable);
    assert!(gone.message.contains("openai/gpt-98"), "{}", gone.message);
}

#[test]
fn a_stored_route_that_makes_no_sense_any_more_is_left_out() {
    let circle = r#"{"routes":{"r":{"elements":[
        {"id":"s","type":"start","outputs":{"next":{"elementId":"m"}}},
        {"id":"m","type":"model","properties":{"provider":"openai","model":"gpt-4o"},
         "outputs":{"fallback":{"elementId":"m"}}}]}}}"#;
    let (config, problems) = tenant::restore(circle, catalogue()).unwrap();
    assert!(config.routes().is_empty());
    assert!(problems[0].reason.contains("circle"), "{problems:?}");
    let wrong = r#"{"routes":{"r":{"elements":[
        {"id":"s","type":"start","outputs":{"next":{"elementId":"if"}}},
        {"id":"if","type":"conditional","properties":{"condition":{"user":"ann","odd":1}},
         "outputs":{"true":{"elementId":"m"},"false":{"elementId":"m"}}},
        {"id":"m","type":"model","properties":{"provider":"openai","model":"gpt-4o"}}]}}}"#;
    let (config, problems) = tenant::restore(wrong, catalogue()).unwrap();
    assert_eq!(problems.len(), 1);
    assert!(
        config.routes().is_empty(),
        "half a condition is another one"
    );
}
