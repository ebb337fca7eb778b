//! Whether the prompt of an operation can be rendered, whoever asks.

use crate::config::catalog::{ModelKind, Operation};
use crate::config::problem::Report;
use crate::config::prompt::{BUILT_IN, Prompt, Variable};
use crate::template;

const MOST_VERSIONS: usize = 20;
const LONGEST_VERSION: usize = 32;
const MOST_VARIABLES: usize = 32;
const LONGEST_VALUE: u32 = 32_000;

/// Reports what does not fit in the prompt of an operation.
pub(super) fn check(name: &str, operation: &Operation, report: &mut Report) {
    let at = |field: &str| format!("operations.{name}.{field}");
    if let Some(instructions) = &operation.instructions {
        // Those of a sane operation have become its prompt.
        let reason = if instructions.trim().is_empty() {
            "empty: leave it out instead".to_owned()
        } else if operation.prompt.is_some() {
            "the operation has a `prompt`: leave one of the two out".to_owned()
        } else {
            format!("longer than {} bytes", template::LARGEST)
        };
        report.add(at("instructions"), reason);
    }
    let Some(prompt) = &operation.prompt else {
        return;
    };
    if operation.tier.kind() != ModelKind::Chat {
        let reason = format!("the tier {} takes no prompt: leave it out", operation.tier);
        report.add(at("prompt"), reason);
    }
    check_versions(prompt, &at("prompt.versions"), report);
    check_variables(prompt, &at("prompt.variables"), report);
    check_rollout(prompt, &at("prompt.rollout"), report);
}

fn check_versions(prompt: &Prompt, at: &str, report: &mut Report) {
    if !(1..=MOST_VERSIONS).contains(&prompt.versions.len()) {
        report.add(at, format!("expected 1 to {MOST_VERSIONS} versions"));
    }
    for (version, template) in &prompt.versions {
        let at = format!("{at}.{version}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if version.is_empty() || version.len() > LONGEST_VERSION || !version.bytes().all(plain) {
            let reason = format!(
                "expected a version of 1 to {LONGEST_VERSION} letters, digits, dots, dashes and underscores"
            );
            report.add(at.as_str(), reason);
        }
        if template.is_blank() {
            report.add(at.as_str(), "empty: leave it out instead");
        }
        for name in template.variables() {
            if !prompt.variables.contains_key(name) && !BUILT_IN.contains(&name.as_str()) {
                let reason = format!("the variable `{name}` is not declared under `variables`");
                report.add(at.as_str(), reason);
            }
        }
    }
}

fn check_variables(prompt: &Prompt, at: &str, report: &mut Report) {
    if prompt.variables.len() > MOST_VARIABLES {
        report.add(at, format!("expected at most {MOST_VARIABLES} variables"));
    }
    for (name, variable) in &prompt.variables {
        let mut templates = prompt.versions.values();
        let reason = if !template::is_name(name) {
            "expected a name of lower-case letters, digits and underscores, a letter first"
        } else if BUILT_IN.contains(&name.as_str()) {
            "every template has this variable: leave it out"
        } else if !templates.any(|template| template.variables().contains(name)) {
            "no version uses it"
        } else {
            match wrong_values(variable) {
                Some(reason) => reason,
                None => continue,
            }
        };
        report.add(format!("{at}.{name}"), reason);
    }
}

fn wrong_values(variable: &Variable) -> Option<&'static str> {
    let length = variable
        .default
        .as_deref()
        .map_or(0, |text| text.chars().count());
    let most = usize::try_from(variable.max_length).unwrap_or(usize::MAX);
    if !(1..=LONGEST_VALUE).contains(&variable.max_length) {
        Some("expected a max_length of 1 to 32000 characters")
    } else if variable.required && variable.default.is_some() {
        Some("what is required needs no default: leave one of the two out")
    } else if length > most {
        Some("the default is longer than max_length")
    } else {
        None
    }
}

fn check_rollout(prompt: &Prompt, at: &str, report: &mut Report) {
    for version in prompt.rollout.keys() {
        if !prompt.versions.contains_key(version) {
            report.add(format!("{at}.{version}"), "there is no such version");
        }
    }
    if prompt.rollout.is_empty() {
        if prompt.versions.len() > 1 {
            report.add(at, "missing: say which version gets how many in a hundred");
        }
    } else if !prompt.rolls_out_to_all() {
        report.add(at, "expected shares that add up to 100");
    }
}
