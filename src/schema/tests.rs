//! What fits a schema, and which schemas are read.

use serde_json::json;

use super::*;

fn schema(value: &Value) -> Schema {
    Schema::parse(&value.to_string()).unwrap()
}

#[test]
fn values_fit_or_are_refused_with_their_place() {
    let quote = schema(&json!({
        "title": "Quote", "type": "object", "required": ["price"], "additionalProperties": false,
        "properties": {
            "price": { "type": "number", "minimum": 0, "exclusiveMaximum": 100 },
            "count": { "type": "integer" },
            "unit": { "enum": ["kg", "m"] },
            "kind": { "const": "quote" },
            "note": { "type": ["string", "null"], "minLength": 2, "maxLength": 3 },
            "lines": { "type": "array", "minItems": 1, "maxItems": 2, "items": { "type": "string" } },
            "tags": { "type": "object", "additionalProperties": { "type": "boolean" } },
            "id": { "anyOf": [{ "type": "integer" }, { "type": "string", "minLength": 3 }] },
        },
    }));
    let good = [
        json!({ "price": 1.5, "count": 2.0, "unit": "kg", "kind": "quote", "note": "año" }),
        json!({ "price": 0, "note": null, "lines": ["a"], "tags": { "x": true }, "id": "abc" }),
        json!({ "price": 99, "id": 7 }),
    ];
    for value in good {
        assert_eq!(quote.validate(&value), Ok(()), "{value}");
    }
    let bad = [
        (json!([]), "`` does not fit type"),
        (json!({}), "`/price` is missing"),
        (json!({ "price": "1" }), "`/price` does not fit type"),
        (json!({ "price": -1 }), "`/price` does not fit minimum: 0"),
        (
            json!({ "price": 100 }),
            "`/price` does not fit exclusiveMaximum",
        ),
        (
            json!({ "price": 1, "colour": 1 }),
            "`/colour` may not be there",
        ),
        (
            json!({ "price": 1, "count": 1.5 }),
            "`/count` does not fit type",
        ),
        (
            json!({ "price": 1, "unit": "s" }),
            "`/unit` does not fit enum",
        ),
        (
            json!({ "price": 1, "kind": "bill" }),
            "`/kind` does not fit const",
        ),
        (
            json!({ "price": 1, "note": "a" }),
            "`/note` does not fit minLength",
        ),
        (
            json!({ "price": 1, "note": "años" }),
            "`/note` does not fit maxLength",
        ),
        (
            json!({ "price": 1, "lines": [] }),
            "`/lines` does not fit minItems",
        ),
        (
            json!({ "price": 1, "lines": ["a", "b", "c"] }),
            "`/lines` does not fit maxItems",
        ),
        (
            json!({ "price": 1, "lines": ["a", 2] }),
            "`/lines/1` does not fit type",
        ),
        (
            json!({ "price": 1, "tags": { "x": 1 } }),
            "`/tags/x` does not fit type",
        ),
        (
            json!({ "price": 1, "id": "ab" }),
            "`/id` does not fit anyOf",
        ),
    ];
    for (value, reason) in bad {
        let error = quote.validate(&value).unwrap_err();
        assert!(error.starts_with(reason), "{value}: {error}");
    }
}

#[test]
fn what_is_not_checked_is_refused() {
    let deep = (0..32).fold(json!({}), |inner, _| json!({ "items": inner }));
    let bad = [
        (json!(true), "`` must be a schema"),
        (json!({ "$ref": "#/x" }), "`/$ref` leads nowhere"),
        (json!({ "$ref": "#" }), "`/$ref` leads nowhere"),
        (json!({ "$ref": 1 }), "`/$ref` leads nowhere"),
        (
            json!({ "$ref": "#/$defs/a", "$defs": {} }),
            "`/$ref` leads nowhere",
        ),
        (
            json!({ "$ref": "https://example.com/a#/$defs/a" }),
            "`/$ref` leads nowhere",
        ),
        (json!({ "oneOf": {} }), "`/oneOf` has not the value"),
        (
            json!({ "$defs": { "a": 1 } }),
            "`/$defs/a` must be a schema",
        ),
        (json!({ "pattern": "a+" }), "`/pattern` is a keyword"),
        (json!({ "type": "text" }), "`/type` has not the value"),
        (json!({ "type": [] }), "`/type` has not the value"),
        (json!({ "enum": [] }), "`/enum` has not the value"),
        (json!({ "anyOf": [] }), "`/anyOf` has not the value"),
        (
            json!({ "anyOf": [{ "not": {} }] }),
            "`/anyOf/0/not` is a keyword",
        ),
        (json!({ "minLength": -1 }), "`/minLength` has not the value"),
        (json!({ "minimum": "1" }), "`/minimum` has not the value"),
        (json!({ "required": [1] }), "`/required` has not the value"),
        (
            json!({ "properties": [] }),
            "`/properties` has not the value",
        ),
        (
            json!({ "properties": { "a": 1 } }),
            "`/properties/a` must be a schema",
        ),
        (
            json!({ "items": { "format": "date" } }),
            "`/items/format` is a keyword",
        ),
        (
            json!({ "description": "x".repeat(LARGEST) }),
            "the schema is longer",
        ),
        (deep, "`/items/items"),
    ];
    for (value, reason) in bad {
        let error = Schema::parse(&value.to_string()).unwrap_err();
        assert!(error.starts_with(reason), "{error}");
    }
}

#[test]
fn schemas_refer_to_others_and_are_put_together() {
    // As Pydantic writes it.
    let order = schema(&json!({
        "$defs": {
            "Line": {
                "type": "object", "title": "Line", "required": ["name", "weight"],
                "properties": { "name": { "type": "string" }, "weight": { "$ref": "#/$defs/Weight" } },
            },
            "Weight": { "type": "number", "minimum": 0 },
            "Cat": {
                "type": "object", "title": "Cat", "required": ["kind", "lives"],
                "properties": {
                    "kind": { "const": "cat", "title": "Kind", "type": "string" },
                    "lives": { "type": "integer" },
                },
            },
            "Dog": {
                "type": "object", "title": "Dog", "required": ["kind"],
                "properties": { "kind": { "const": "dog", "title": "Kind", "type": "string" } },
            },
        },
        "type": "object", "required": ["lines"],
        "properties": {
            "lines": { "type": "array", "items": { "$ref": "#/$defs/Line" } },
            "pet": {
                "discriminator": {
                    "mapping": { "cat": "#/$defs/Cat", "dog": "#/$defs/Dog" },
                    "propertyName": "kind",
                },
                "oneOf": [{ "$ref": "#/$defs/Cat" }, { "$ref": "#/$defs/Dog" }], "title": "Pet",
            },
            "paid": { "oneOf": [{ "type": "integer" }, { "type": "number", "minimum": 10 }] },
            "note": { "allOf": [{ "type": "string" }, { "minLength": 2 }], "description": "A note." },
        },
    }));
    let good = [
        json!({ "lines": [{ "name": "a", "weight": 1 }] }),
        json!({ "lines": [], "paid": 9, "note": "ab" }),
        json!({ "lines": [], "paid": 10.5 }),
        json!({ "lines": [], "pet": { "kind": "cat", "lives": 9 } }),
    ];
    for value in good {
        assert_eq!(order.validate(&value), Ok(()), "{value}");
    }
    let line = |line: Value| json!({ "lines": [{ "name": "a", "weight": 1 }, line] });
    let bad = [
        (line(json!({ "name": "a" })), "`/lines/1/weight` is missing"),
        (
            line(json!({ "name": "a", "weight": -1 })),
            "`/lines/1/weight` does not fit minimum: 0",
        ),
        (
            json!({ "lines": [], "paid": 10 }),
            "`/paid` does not fit oneOf",
        ),
        (
            json!({ "lines": [], "paid": 9.5 }),
            "`/paid` does not fit oneOf",
        ),
        (
            json!({ "lines": [], "note": "a" }),
            "`/note` does not fit minLength",
        ),
        (
            json!({ "lines": [], "note": 1 }),
            "`/note` does not fit type",
        ),
    ];
    for (value, reason) in bad {
        let error = order.validate(&value).unwrap_err();
        assert!(error.starts_with(reason), "{value}: {error}");
    }
}

#[test]
fn references_that_lead_back_or_multiply_are_refused() {
    let rung = |index: usize| {
        let next = json!({ "$ref": format!("#/$defs/s{}", index + 1) });
        (format!("s{index}"), json!({ "anyOf": [next, next] }))
    };
    let mut ladder: serde_json::Map<String, Value> = (0..14).map(rung).collect();
    ladder.insert("s14".to_owned(), json!({ "type": "null" }));
    let node = json!({ "type": "object", "properties": { "next": { "$ref": "#/$defs/node" } } });
    let bad = [
        (
            json!({ "$defs": ladder, "$ref": "#/$defs/s0" }),
            "is too much",
        ),
        (
            json!({ "$defs": { "node": node }, "$ref": "#/$defs/node" }),
            "is too deep",
        ),
        (
            json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
            "is too deep",
        ),
    ];
    for (value, reason) in bad {
        let error = Schema::parse(&value.to_string()).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    let zeros = vec![0; 3_000];
    for rule in [json!({ "enum": zeros }), json!({ "const": zeros })] {
        let twelve = vec![json!({ "$ref": "#/$defs/e" }); 12];
        let often = json!({ "$defs": { "e": rule }, "items": { "anyOf": twelve } });
        let error = Schema::parse(&often.to_string()).unwrap_err();
        assert!(
            error.contains("is too much: at most 65536 bytes"),
            "{error}"
        );
    }
}

#[test]
fn what_a_model_is_told_is_short() {
    let many: Vec<String> = (0..1_000).map(|index| format!("option{index}")).collect();
    let schema = schema(&json!({ "enum": many }));
    assert!(schema.validate(&json!("other")).unwrap_err().len() < 400);
}
