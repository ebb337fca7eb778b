//! Whether each provider can be reached as its row says.

use std::collections::BTreeMap;

use crate::config::catalog::Wire;
use crate::config::problem::Report;
use crate::config::providers::{Direct, KeyHeader, Provider};
use crate::config::quirks::Change;
use crate::config::shape::Table;

/// Reports rows that name nothing to call, or not uniquely.
pub(super) fn check(providers: &Table<Provider>, report: &mut Report) {
    let mut named: BTreeMap<&str, &str> = BTreeMap::new();
    for slug in providers.entries.keys() {
        named.insert(slug, slug);
    }
    for (slug, provider) in &providers.entries {
        let at = |field: &str| format!("providers.{slug}.{field}");
        if !is_slug(slug) {
            let reason = "expected a name of lower-case letters, digits and hyphens";
            report.add(format!("providers.{slug}"), reason);
        }
        for (index, alias) in provider.aliases.iter().enumerate() {
            if !is_slug(alias) {
                let reason = "expected a name of lower-case letters, digits and hyphens";
                report.add(at(&format!("aliases[{index}]")), reason);
            }
            if let Some(other) = named.insert(alias, slug) {
                let reason = format!("{alias} names {other} already");
                report.add(at(&format!("aliases[{index}]")), reason);
            }
        }
        check_ways(slug, provider, report);
        check_change(&at("quirks"), &provider.quirks, report);
        for (prefix, change) in &provider.model_quirks {
            check_change(&at(&format!("model_quirks.{prefix}")), change, report);
        }
    }
}

fn is_slug(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(plain)
}

fn check_ways(slug: &str, provider: &Provider, report: &mut Report) {
    let at = |field: &str| format!("providers.{slug}.{field}");
    if provider.binding.is_none() && provider.direct.is_none() {
        let reason = "expected `binding` or `direct`: nothing reaches it";
        report.add(format!("providers.{slug}"), reason);
    }
    if provider.wire.is_some_and(Wire::is_workers_ai) {
        report.add(at("wire"), "the models of Workers AI have their own wires");
    }
    if provider.wire.is_none() && provider.direct.is_some() {
        report.add(at("wire"), "missing: calls over HTTPS need one");
    }
    if let Some(direct) = &provider.direct {
        check_direct(&at("direct"), direct, provider.free, report);
    }
    if let Some(responses) = &provider.responses {
        if provider.wire != Some(Wire::OpenAiChat) {
            let reason = "only providers of chat completions speak Responses beside them";
            report.add(at("responses"), reason);
        }
        let prefix = responses.prefix.as_deref().unwrap_or_default();
        check_prefix(&at("responses.prefix"), prefix, report);
    }
}

fn check_prefix(at: &str, prefix: &str, report: &mut Report) {
    if !prefix.is_empty() && (!prefix.starts_with('/') || prefix.ends_with('/')) {
        let reason = "expected a path that begins with a slash and ends without one";
        report.add(at.to_owned(), reason);
    }
}

fn check_direct(at: &str, direct: &Direct, free: bool, report: &mut Report) {
    if let Some(url) = &direct.base_url {
        let secure = url.starts_with("https://") || (free && url.starts_with("http://"));
        let plain = !url.contains(['?', '#', '@', ' ']) && !url.ends_with('/');
        if !secure || !plain {
            let reason =
                "expected an https address without user, query, fragment and slash at its end";
            report.add(format!("{at}.base_url"), reason);
        }
    }
    check_prefix(&format!("{at}.prefix"), &direct.prefix, report);
    if free && direct.key_required {
        report.add(format!("{at}.key_required"), "a free provider needs no key");
    }
    let key = match &direct.key {
        KeyHeader::Bearer => "authorization",
        KeyHeader::Header(name) => name,
    };
    if !is_header(key) {
        let reason = "expected a header's name in lower case";
        report.add(format!("{at}.key.header"), reason);
    }
    let fixed = direct.headers.keys().map(|name| ("headers", name));
    let passing = direct.pass.keys().map(|name| ("pass", name));
    for (field, name) in fixed.chain(passing) {
        if !is_header(name) || name == key {
            let reason = "expected a header's name in lower case, another than the key's";
            report.add(format!("{at}.{field}.{name}"), reason);
        }
    }
}

fn is_header(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.bytes().all(plain)
}

fn check_change(at: &str, change: &Change, report: &mut Report) {
    let fields = ["max_completion_tokens", "max_tokens"];
    let field = change.max_tokens_field.as_deref();
    if field.is_some_and(|field| !fields.contains(&field)) {
        let reason = "expected max_completion_tokens or max_tokens";
        report.add(format!("{at}.max_tokens_field"), reason);
    }
    if change.max_choices == Some(0) {
        report.add(format!("{at}.max_choices"), "expected at least 1");
    }
    let temperature = change.max_temperature;
    if temperature.is_some_and(|highest| !(highest > 0.0 && highest <= 2.0)) {
        let reason = "expected more than 0 and at most 2";
        report.add(format!("{at}.max_temperature"), reason);
    }
    let unsupported = change.unsupported.iter().flatten();
    let renamed = change.renamed.as_ref();
    for (name, _) in unsupported {
        if renamed.is_some_and(|renamed| renamed.contains_key(name)) {
            let reason = "it is renamed and unsupported";
            report.add(format!("{at}.unsupported.{name}"), reason);
        }
    }
}
