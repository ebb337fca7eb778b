//! What the shape of a file cannot say: whether its parts fit each other and those of the others.

mod output;
mod prompt;
mod providers;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::catalog::{Capability, Model, ModelKind, Operation};
use super::parse::{Parts, Reports};
use super::price::UnitPrice;
use super::problem::Report;
use super::shape::{Found, Table};
use super::tier::Tier;

/// Candidates of a tier beyond which fallback no longer helps anyone.
const MOST_CANDIDATES: usize = 8;
const LEAST_CACHE_SECONDS: u64 = 60;
const MOST_CACHE_SECONDS: u64 = 30 * 24 * 60 * 60;
const MOST_VECTORS: u32 = 50;
/// Bytes of a model's id: what the name of a kill switch may have.
const LONGEST_ID: usize = 300;
/// Bytes of an operation's name.
const LONGEST_NAME: usize = 64;
/// The provider whose models help: the only one that is asked for that.
const HELPING: &str = "workers-ai";

/// Reports everything that does not fit.
pub(crate) fn meaning(parts: &Parts, reports: &mut Reports) {
    providers::check(&parts.providers, &mut reports.providers);
    for (id, model) in &parts.models.entries {
        check_provider_of(id, model, parts, &mut reports.models);
        check_wire(id, model, parts, &mut reports.models);
        check_model(id, model, &mut reports.models);
    }
    check_tiers(parts, &mut reports.tiers);
    check_helpers(parts, &mut reports.tiers);
    check_operations(parts, &mut reports.operations);
    check_aliases(parts, &mut reports.aliases);
}

fn check_provider_of(id: &str, model: &Model, parts: &Parts, report: &mut Report) {
    let slug = &model.provider;
    let reason = match parts.providers.find(slug.as_str()) {
        Found::Here(provider) => {
            let prefix = provider.id_prefix();
            if id.len() > prefix.len() && id.starts_with(&prefix) {
                return;
            }
            format!("the ids of {slug}'s models begin with {prefix}")
        }
        Found::Nowhere => format!("unknown provider {slug}"),
        Found::Malformed => return,
    };
    report.add(format!("models.{id}.provider"), reason);
}

fn check_wire(id: &str, model: &Model, parts: &Parts, report: &mut Report) {
    let Found::Here(provider) = parts.providers.find(model.provider.as_str()) else {
        return;
    };
    let chat = model.kind == ModelKind::Chat;
    let reason = match (model.wire, provider.wire) {
        (None, None) if chat => "missing: a chat model of this provider needs one",
        (Some(_), _) if !chat => "only chat models have one",
        (Some(own), Some(common)) if own != common => "its provider speaks another",
        _ => return,
    };
    report.add(format!("models.{id}.wire"), reason);
}

fn check_model(id: &str, model: &Model, report: &mut Report) {
    let at = |field: &str| format!("models.{id}.{field}");
    if id.len() > LONGEST_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = format!(
            "expected an id of at most {LONGEST_ID} visible ASCII characters, which a kill switch can name"
        );
        report.add(format!("models.{id}"), reason);
    }
    if !charges_by_its_unit(model) {
        let reason = format!("kind {} does not charge by this unit", model.kind.as_str());
        report.add(at("price"), reason);
    }
    check_facts(id, model, report);
    check_windows(id, model, report);
    if model.kind != ModelKind::Chat && !model.streams {
        report.add(at("streams"), "only chat models answer piece by piece");
    }
    if model.deprecated.as_deref().is_some_and(|day| !is_day(day)) {
        report.add(at("deprecated"), "expected a day as YYYY-MM-DD");
    }
}

const fn charges_by_its_unit(model: &Model) -> bool {
    match model.kind {
        ModelKind::Chat
        | ModelKind::Decision
        | ModelKind::Embedding
        | ModelKind::Guard
        | ModelKind::Rerank => {
            matches!(model.price, UnitPrice::Tokens(_))
        }
        ModelKind::Image => matches!(model.price, UnitPrice::Images(_)),
        ModelKind::Speech => matches!(
            model.price,
            UnitPrice::Characters(_) | UnitPrice::Minutes(_)
        ),
        ModelKind::Transcription => matches!(model.price, UnitPrice::Minutes(_)),
    }
}

/// Reports facts of another kind of model, and those that are missing or empty.
fn check_facts(id: &str, model: &Model, report: &mut Report) {
    let at = |field: &str| format!("models.{id}.{field}");
    let facts = [
        ("embedding", ModelKind::Embedding, model.embedding.is_some()),
        ("image", ModelKind::Image, model.image.is_some()),
        ("speech", ModelKind::Speech, model.speech.is_some()),
    ];
    for (name, kind, present) in facts {
        if present != (model.kind == kind) {
            let reason = format!("models of kind {} have one, and no others", kind.as_str());
            report.add(at(name), reason);
        }
    }
    if let Some(vectors) = &model.embedding
        && (vectors.dimensions == 0 || vectors.batch == 0)
    {
        report.add(at("embedding"), "expected at least 1");
    }
    if let Some(image) = &model.image
        && (image.sizes.is_empty() || image.formats.is_empty() || image.batch == 0)
    {
        report.add(at("image"), "expected a size, a format and a batch");
    }
    if let Some(speech) = &model.speech
        && speech.formats.is_empty()
    {
        report.add(at("speech.formats"), "expected at least one");
    }
    for (voice, speaker) in model.speech.iter().flat_map(|speech| &speech.voices) {
        let known = model
            .speech
            .iter()
            .any(|speech| speech.speakers.contains(speaker));
        if !known {
            let reason = format!("{speaker} is no speaker of this model");
            report.add(at(&format!("speech.voices.{voice}")), reason);
        }
    }
}

fn check_windows(id: &str, model: &Model, report: &mut Report) {
    let counts_tokens = matches!(model.price, UnitPrice::Tokens(_));
    if counts_tokens && model.context_window == 0 {
        let reason = "missing or 0: expected the number of tokens the model takes";
        report.add(format!("models.{id}.context_window"), reason);
    }
    let gives_text = matches!(model.kind, ModelKind::Chat | ModelKind::Guard);
    let fits = (1..=model.context_window).contains(&model.max_output);
    if gives_text && model.context_window > 0 && !fits {
        let reason = "expected 1 to context_window tokens";
        report.add(format!("models.{id}.max_output"), reason);
    }
}

fn is_day(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        let plain = part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| plain)
    };
    let (year, month, day) = (number(4), number(2), number(2));
    let (Some(year), Some(month), Some(day)) = (year, month, day) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day) && parts.next().is_none()
}

fn check_tiers(parts: &Parts, report: &mut Report) {
    for (section, table) in [("tiers", &parts.tiers), ("fallbacks", &parts.fallbacks)] {
        for (name, ids) in &table.entries {
            let path = format!("{section}.{name}");
            match name.parse() {
                Ok(tier) => candidates(tier, ids, &path, &parts.models, report),
                Err(unknown) => report.add(path, unknown.to_string()),
            }
        }
    }
    for tier in Tier::ALL {
        if matches!(parts.tiers.find(tier.as_str()), Found::Nowhere) {
            report.add(
                format!("tiers.{tier}"),
                "missing: every tier needs a candidate",
            );
        }
    }
}

/// Reports candidates that cannot work in a tier.
fn candidates(
    tier: Tier,
    ids: &[String],
    path: &str,
    models: &Table<Arc<Model>>,
    report: &mut Report,
) {
    if ids.is_empty() {
        report.add(path, "expected at least one model");
    }
    if ids.len() > MOST_CANDIDATES {
        report.add(path, format!("expected at most {MOST_CANDIDATES} models"));
    }
    let mut seen = BTreeSet::new();
    for (index, id) in ids.iter().enumerate() {
        let reason = match models.find(id) {
            _ if !seen.insert(id) => Some(format!("{id} is named twice")),
            Found::Here(model) => misfit(tier, model),
            Found::Malformed => None,
            Found::Nowhere => Some(format!("unknown model {id}")),
        };
        if let Some(reason) = reason {
            report.add(format!("{path}[{index}]"), reason);
        }
    }
}

fn misfit(tier: Tier, model: &Model) -> Option<String> {
    let (kind, wanted) = (model.kind, tier.kind());
    if kind != wanted {
        return Some(format!(
            "{} is of kind {}, the tier needs kind {}",
            model.id,
            kind.as_str(),
            wanted.as_str()
        ));
    }
    let missing = tier.requires().filter(|&required| !model.can(required))?;
    Some(format!(
        "{} has not the capability {} that the tier needs",
        model.id,
        Capability::as_str(missing)
    ))
}

fn check_helpers(parts: &Parts, report: &mut Report) {
    let Some(helpers) = &parts.helpers else {
        return;
    };
    let wanted = [
        ("decide", &helpers.decide, ModelKind::Decision),
        ("embed", &helpers.embed, ModelKind::Embedding),
        ("guard", &helpers.guard, ModelKind::Guard),
        ("rerank", &helpers.rerank, ModelKind::Rerank),
    ];
    for (name, id, kind) in wanted {
        let reason = match parts.models.find(id) {
            Found::Here(model) if model.kind != kind => {
                format!("{id} is not of kind {}", kind.as_str())
            }
            Found::Here(model) if model.provider.as_str() != HELPING => {
                format!("{id} is not of Workers AI, which alone is asked for help")
            }
            Found::Nowhere => format!("unknown model {id}"),
            Found::Here(_) | Found::Malformed => continue,
        };
        report.add(format!("helpers.{name}"), reason);
    }
}

fn check_operations(parts: &Parts, report: &mut Report) {
    for (name, operation) in &parts.operations.entries {
        check_name(name, report);
        check_operation(name, operation, parts, report);
    }
    check_default(parts, report);
    for tier in Tier::ALL {
        let mut operations = parts.operations.entries.values();
        if parts.operations.is_whole() && !operations.any(|operation| operation.tier == tier) {
            report.add("operations", format!("no operation uses the tier {tier}"));
        }
    }
}

fn check_name(name: &str, report: &mut Report) {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(plain) {
        let reason = format!(
            "expected a name of at most {LONGEST_NAME} lower-case letters, digits and underscores"
        );
        report.add(format!("operations.{name}"), reason);
    }
}

fn check_operation(name: &str, operation: &Operation, parts: &Parts, report: &mut Report) {
    let at = |field: &str| format!("operations.{name}.{field}");
    let cache = LEAST_CACHE_SECONDS..=MOST_CACHE_SECONDS;
    if operation
        .cache_seconds
        .is_some_and(|seconds| !cache.contains(&seconds))
    {
        let reason = format!("expected {LEAST_CACHE_SECONDS} to {MOST_CACHE_SECONDS} seconds");
        report.add(at("cache_seconds"), reason);
    }
    if let Some(rag) = operation.rag {
        if !(1..=MOST_VECTORS).contains(&rag.top_k) {
            report.add(at("rag.top_k"), format!("expected 1 to {MOST_VECTORS}"));
        }
        if rag.passages == 0 || rag.passages > rag.top_k {
            report.add(at("rag.passages"), "expected 1 to top_k");
        }
    }
    prompt::check(name, operation, report);
    output::check(name, operation, report);
    if let Some(ids) = &operation.models {
        candidates(operation.tier, ids, &at("models"), &parts.models, report);
    }
    let gives_text = operation.tier.kind() == ModelKind::Chat;
    if operation.output_cap == 0 {
        report.add(at("output_cap"), "expected at least 1 token");
    } else if gives_text && !some_candidate_gives(operation, parts) {
        let reason = format!(
            "no model of the tier {} gives so many tokens",
            operation.tier
        );
        report.add(at("output_cap"), reason);
    }
}

/// True also where a candidate is unknown or malformed, which is reported elsewhere.
fn some_candidate_gives(operation: &Operation, parts: &Parts) -> bool {
    let of_tier = match parts.tiers.find(operation.tier.as_str()) {
        Found::Here(ids) => Some(ids),
        Found::Malformed | Found::Nowhere => None,
    };
    let Some(ids) = operation.models.as_ref().or(of_tier) else {
        return true;
    };
    ids.is_empty()
        || ids.iter().any(|id| match parts.models.find(id) {
            Found::Here(model) => model.max_output >= operation.output_cap,
            Found::Malformed | Found::Nowhere => true,
        })
}

fn check_default(parts: &Parts, report: &mut Report) {
    let Some(name) = &parts.default_operation else {
        return;
    };
    match parts.operations.find(name) {
        Found::Here(operation) if operation.tier.kind() != ModelKind::Chat => {
            report.add(
                "default_operation",
                format!("{name} does not answer with text"),
            );
        }
        Found::Nowhere => report.add("default_operation", format!("unknown operation {name}")),
        Found::Here(_) | Found::Malformed => {}
    }
}

fn check_aliases(parts: &Parts, report: &mut Report) {
    for (alias, id) in &parts.aliases.entries {
        let path = format!("aliases.{alias}");
        if matches!(parts.models.find(id), Found::Nowhere) {
            report.add(path.as_str(), format!("unknown model {id}"));
        }
        if let Some(reason) = taken(alias, parts) {
            report.add(path, reason);
        }
    }
}

/// Why a name cannot be an alias.
fn taken(alias: &str, parts: &Parts) -> Option<String> {
    if alias == "auto" {
        return Some("`auto` lets the gateway choose and cannot be an alias".to_owned());
    }
    if alias.parse::<Tier>().is_ok() {
        return Some(format!("{alias} is a tier and cannot be an alias"));
    }
    if matches!(parts.models.find(alias), Found::Here(_)) {
        return Some(format!("{alias} is a model's id and cannot be an alias"));
    }
    let bare = !alias.is_empty() && !alias.contains('/') && alias.trim() == alias;
    (!bare).then(|| "expected a bare name, without slashes or blanks around it".to_owned())
}
