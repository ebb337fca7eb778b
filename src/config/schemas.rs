//! The JSON Schemas under `config/schemas/`, for editors and for whoever checks a file before it is
//! sent. They are made of the very types that read the files; what types cannot say (that a model
//! exists, that a tier's models can do its work) the gateway checks besides.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};

use super::{Helpers, Model, Operation, Tier};
use crate::money::Rate;
use crate::template::Template;

/// `ai_partition_map.yaml`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Partition map")]
#[expect(dead_code, reason = "only its shape is of use")]
struct PartitionMap {
    /// The operation of a request that fits no other.
    default_operation: Option<String>,
    /// Ids of models of other providers that are asked where none of a tier's own answers. An org that names
    /// the models of a tier has no others than it names here.
    fallbacks: Option<BTreeMap<Tier, Vec<String>>>,
    /// The models that serve requests without being asked for. An org's `embed` is the deployment's.
    helpers: Option<Helpers>,
    /// What requests are for, by name.
    operations: Option<BTreeMap<String, Operation>>,
    /// Ids of the models that serve a tier, best first.
    tiers: Option<BTreeMap<Tier, Vec<String>>>,
}

/// `ai_cost_model.yaml`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Cost model")]
#[expect(dead_code, reason = "only its shape is of use")]
struct CostModel {
    /// Models by id.
    models: BTreeMap<String, Model>,
}

impl JsonSchema for Rate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "US dollars per million units, in quotes.",
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]{1,9})?$",
        })
    }
}

impl JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text with `{{ name }}`, `{% if name %}…{% else %}…{% endif %}` and `{# … #}`.",
            "type": "string",
        })
    }
}

/// Holds a file against the schema of `T`, or writes it where `UPDATE_SCHEMAS` is set.
fn check<T: JsonSchema>(name: &str) {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let schema = generator.into_root_schema_for::<T>();
    let schema = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let path = format!(
        "{}/config/schemas/{name}.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == schema,
        "{path} is out of date: UPDATE_SCHEMAS=1 cargo test --lib schemas"
    );
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    check::<PartitionMap>("ai_partition_map");
    check::<CostModel>("ai_cost_model");
}
