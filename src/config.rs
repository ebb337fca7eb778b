//! Configuration: the catalogue under `config/`, compiled in and checked by the build, and the
//! documents of the deployment and of orgs that change it.

pub mod advice;
pub mod attempts;
pub mod catalog;
pub mod changes;
mod check;
pub mod deployment;
pub mod facts;
pub(crate) mod fields;
pub mod intent;
pub mod output;
mod own;
pub mod parse;
pub mod price;
pub mod problem;
pub mod prompt;
pub mod providers;
pub mod quirks;
pub mod routes;
mod rules;
mod shape;
pub mod tenant;
pub mod tier;
pub mod unlisted;
pub mod yaml;

use std::sync::{Arc, LazyLock};

use sha2::{Digest, Sha256};

pub use self::attempts::Attempts;
pub use self::catalog::{Capability, Catalogue, Helpers, Model, ModelKind, Operation, Rag, Wire};
pub use self::deployment::Deployment;
pub use self::facts::{EmbeddingFacts, ImageFacts, SpeechFacts, SpeechWire};
pub use self::output::{Guard, GuardFailure, Output, TextForm, Trim};
pub use self::parse::{Files, parse};
pub use self::price::UnitPrice;
pub use self::problem::Problem;
pub use self::prompt::{Prompt, Variable};
pub use self::providers::{Provider, ProviderSlug};
pub use self::quirks::{
    EffortWord, Parameter, Quirks, SchemaForm, ToolCallIds, ToolChoiceForm, Unsupported,
};
pub use self::tenant::TenantConfig;
pub use self::tier::Tier;
pub use self::unlisted::{Named, Unlisted};
use crate::error::Error;
use crate::protocol::Needs;

/// The files as they were when this code was built, which makes JSON of YAML.
pub const EMBEDDED: Files<'static> = Files {
    aliases: include_str!("../config/aliases.json"),
    cost_model: include_str!(concat!(env!("OUT_DIR"), "/ai_cost_model.json")),
    partition_map: include_str!(concat!(env!("OUT_DIR"), "/ai_partition_map.json")),
    providers: include_str!("../config/providers.json"),
};

/// The catalogue of this build, parsed once per isolate.
///
/// # Errors
/// `Internal` where the embedded files are wrong, which the build refuses.
pub fn catalogue() -> Result<&'static Arc<Catalogue>, Error> {
    static CATALOGUE: LazyLock<Result<Arc<Catalogue>, String>> = LazyLock::new(|| {
        parse(&EMBEDDED).map(Arc::new).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.join("; ")
        })
    });
    CATALOGUE.as_ref().map_err(Error::internal)
}

/// Hexadecimal SHA-256 over the embedded files: changes with any of them.
#[must_use]
pub fn digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| {
        let files = [
            EMBEDDED.aliases,
            EMBEDDED.cost_model,
            EMBEDDED.partition_map,
            EMBEDDED.providers,
        ];
        let mut hasher = Sha256::new();
        for file in files {
            hasher.update(file.len().to_string());
            hasher.update([b':']);
            hasher.update(file);
        }
        hex::encode(hasher.finalize())
    });
    &DIGEST
}

impl Model {
    /// The first need of a request that this model cannot meet.
    #[must_use]
    pub fn lacks(&self, needs: Needs) -> Option<Capability> {
        let wanted = [
            (needs.tools, Capability::Tools),
            (needs.vision, Capability::Vision),
            (needs.audio, Capability::Audio),
            (needs.json, Capability::Json),
            (needs.streaming, Capability::Streaming),
        ];
        let mut missing = wanted
            .into_iter()
            .filter(|&(needed, capability)| needed && !self.can(capability));
        missing.next().map(|(_, capability)| capability)
    }
}

#[cfg(test)]
mod schemas;
#[cfg(test)]
mod tests;
