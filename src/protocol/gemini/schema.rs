//! Schemas in the part of `OpenAPI` that Gemini's older fields take, as the JSON schemas that
//! everybody takes: types in lower case, and `null` as one of the types in place of `nullable`.
//!
//! <https://ai.google.dev/api/caching#Schema>

use serde_json::value::RawValue;

use super::name::camel;
use crate::protocol::json::{self, Fields, Json, Object, Shape};

/// The JSON schema that an `OpenAPI` schema means. What is no schema stays as it is.
pub(super) fn json_schema(raw: &RawValue) -> Json {
    let Some(object) = Object::of(raw) else {
        return Json::from(raw);
    };
    let nullable = object
        .get("nullable")
        .is_some_and(|raw| raw.get() == "true");
    let mut fields = Fields::default();
    for (name, raw) in object {
        let name = camel(&name);
        let value = match name.as_ref() {
            "nullable" | "propertyOrdering" => continue,
            "type" => kind(raw, nullable),
            "properties" => each(raw),
            "items" => json_schema(raw),
            "anyOf" | "prefixItems" => all(raw),
            "maxItems" | "minItems" | "maxLength" | "minLength" | "maxProperties"
            | "minProperties" => number(raw),
            _ => Json::from(raw),
        };
        fields.keep(&name, value.raw());
    }
    Json::of(&fields)
}

fn kind(raw: &RawValue, nullable: bool) -> Json {
    let Some(word) = json::text(raw) else {
        return Json::from(raw);
    };
    let word = word.to_ascii_lowercase();
    if nullable && word != "null" {
        Json::of(&[word.as_str(), "null"])
    } else {
        Json::of(&word)
    }
}

/// The schemas of properties, whose names are not those of fields.
fn each(raw: &RawValue) -> Json {
    let Some(object) = Object::of(raw) else {
        return Json::from(raw);
    };
    let mut fields = Fields::default();
    for (name, raw) in object {
        fields.keep(&name, json_schema(raw).raw());
    }
    Json::of(&fields)
}

fn all(raw: &RawValue) -> Json {
    let Some(items) = json::elements(raw) else {
        return Json::from(raw);
    };
    let schemas: Vec<Json> = items.into_iter().map(json_schema).collect();
    Json::of(&schemas)
}

/// Google writes its 64-bit numbers as text.
fn number(raw: &RawValue) -> Json {
    let text = (json::shape(raw) == Shape::String).then(|| json::text(raw));
    let number: Option<i64> = text.flatten().and_then(|text| text.parse().ok());
    number.map_or_else(|| Json::from(raw), |number| Json::of(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openapi_becomes_json_schema() {
        let open_api = r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true,"max_length":"9"},"all":{"type":"ARRAY","items":{"type":"INTEGER","format":"int64"},"minItems":"1"}},"anyOf":[{"type":"null"},7],"required":["type"],"propertyOrdering":["type"],"enum":["A"]}"#;
        let expected = r#"{"type":"object","properties":{"type":{"type":["string","null"],"maxLength":9},"all":{"type":"array","items":{"type":"integer","format":"int64"},"minItems":1}},"anyOf":[{"type":"null"},7],"required":["type"],"enum":["A"]}"#;
        let raw = Json::parse(open_api).unwrap();
        let schema = json_schema(raw.raw());
        assert_eq!(schema.get(), expected);
        assert_eq!(json_schema(schema.raw()), schema, "JSON schemas stay");
    }
}
