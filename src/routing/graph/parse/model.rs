//! Elements that ask a model.

use super::{LONGEST_ID, Parts, Reader};
use crate::config::ModelKind;
use crate::routing::graph::{Terms, Work};

/// Milliseconds to the first byte that a model may be given.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 1..=300_000;
/// Attempts at a model after the first.
const RETRIES: std::ops::RangeInclusive<u64> = 0..=10;
/// Characters of a name that a problem shows.
const MOST_SHOWN: usize = 200;

impl Reader<'_> {
    pub(super) fn model(&mut self, parts: &mut Parts) -> Option<Work> {
        let fields = &mut parts.properties;
        let timeout_ms = fields.integer("timeout", &TIMEOUT_MS, self.report);
        let retries = fields.integer("retries", &RETRIES, self.report);
        let provider = fields.text("provider", self.report);
        let model = fields.text("model", self.report);
        if model.is_none() {
            fields.missing("model", "the name of a model", self.report);
        }
        if parts.optional("success").is_some_and(|it| !it.is_end) {
            let reason =
                "expected an element of the type `end`: the answer is on its way to the client";
            self.report
                .add(format!("{}.outputs.success", parts.at), reason);
        }
        Some(Work::Model {
            model: self.model_name(provider.as_deref(), &model?, parts),
            terms: Terms {
                timeout_ms,
                retries: retries.and_then(|it| u32::try_from(it).ok()),
            },
            fallback: parts.optional("fallback").map(|it| it.index),
        })
    }

    /// The name under which the catalogue knows a model of a provider.
    fn model_name(&mut self, provider: Option<&str>, model: &str, parts: &Parts) -> String {
        let slug = provider.unwrap_or_default();
        let name = if slug.is_empty() {
            model.to_owned()
        } else if let Some(provider) = self.catalogue.resolve_provider(slug) {
            prefixed(&provider.id_prefix(), model)
        } else {
            let reason = format!("there is no provider `{}` here", shown(slug, LONGEST_ID));
            let place = parts.properties.place("provider");
            self.report.add(place, reason);
            return prefixed(&format!("{slug}/"), model);
        };
        let reason = match self.catalogue.named(&name, ModelKind::Chat) {
            Ok(named) if named.model.kind == ModelKind::Chat => return name,
            Ok(named) => {
                let kind = named.model.kind.as_str();
                let name = shown(&name, MOST_SHOWN);
                format!(
                    "the model `{name}` is of the kind `{kind}`, which does not answer conversations"
                )
            }
            Err(reason) => {
                let name = shown(&name, MOST_SHOWN);
                format!("the model `{name}` cannot be used here: {reason}")
            }
        };
        self.report.add(parts.properties.place("model"), reason);
        name
    }
}

fn prefixed(prefix: &str, model: &str) -> String {
    if model.starts_with(prefix) {
        return model.to_owned();
    }
    format!("{prefix}{model}")
}

fn shown(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
