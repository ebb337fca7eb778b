use std::ops::Range;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn merge(target: &Value, patch: &Value) -> Value {
    serde_json::from_str(&merged(&raw(target), &raw(patch)).unwrap()).unwrap()
}

fn told(before: &Value, after: &Value) -> Value {
    serde_json::to_value(differences(&raw(before), &raw(after))).unwrap()
}

#[test]
fn the_examples_of_the_standard_hold() {
    let cases = [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (
            json!({"a": "b"}),
            json!({"b": "c"}),
            json!({"a": "b", "b": "c"}),
        ),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (
            json!({"a": "b", "b": "c"}),
            json!({"a": null}),
            json!({"b": "c"}),
        ),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (
            json!({"a": {"b": "c"}}),
            json!({"a": {"b": "d", "c": null}}),
            json!({"a": {"b": "d"}}),
        ),
        (
            json!({"a": [{"b": "c"}]}),
            json!({"a": [1]}),
            json!({"a": [1]}),
        ),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a": "b"}), json!(["c"]), json!(["c"])),
        (json!({"a": "foo"}), json!(null), json!(null)),
        (
            json!({"e": null}),
            json!({"a": 1}),
            json!({"e": null, "a": 1}),
        ),
        (
            json!([1, 2]),
            json!({"a": "b", "c": null}),
            json!({"a": "b"}),
        ),
        (
            json!({}),
            json!({"a": {"bb": {"ccc": null}}}),
            json!({"a": {"bb": {}}}),
        ),
    ];
    for (target, patch, expected) in cases {
        assert_eq!(merge(&target, &patch), expected, "{target} {patch}");
    }
}

#[test]
fn what_is_left_alone_stays_as_it_was_written() {
    let target: Box<RawValue> =
        serde_json::from_str(r#"{"z": 1.10, "a": {"usd":"5.00"}, "b": 2}"#).unwrap();
    let patch: Box<RawValue> = serde_json::from_str(r#"{"b": 3, "c": null}"#).unwrap();
    let expected = r#"{"z":1.10,"a":{"usd":"5.00"},"b":3}"#;
    assert_eq!(merged(&target, &patch).unwrap(), expected);
}

/// An object of many fields.
fn many(numbers: Range<usize>) -> Value {
    let fields = numbers.map(|it| (format!("n{it}"), Value::from(it)));
    Value::Object(fields.collect())
}

#[test]
fn objects_of_any_length_are_merged() {
    let both = json!({ "a": many(0..1_501), "b": 1 });
    let few = merge(
        &json!({ "a": many(0..1_500), "b": 1 }),
        &json!({ "a": many(1_500..1_501) }),
    );
    assert_eq!(few, both, "into many");
    let many_more = merge(
        &json!({ "a": many(0..1), "b": 1 }),
        &json!({ "a": many(1..1_501) }),
    );
    assert_eq!(many_more, both, "many into few");
    let all = merge(&many(0..20_000), &many(10_000..40_000));
    assert_eq!(all, many(0..40_000));
    let none: Map<String, Value> = (0..20_000)
        .map(|it| (format!("n{it}"), json!(null)))
        .collect();
    assert_eq!(merge(&many(0..20_000), &Value::Object(none)), json!({}));
}

#[test]
fn what_cannot_be_merged_is_refused_with_its_place() {
    let text = |text: &str| -> Box<RawValue> { serde_json::from_str(text).unwrap() };
    let broken = text(r#"{"b":{"c":{"\ud800":1,"d":2}}}"#);
    let patch = text(r#"{"b":{"c":{"d":3}}}"#);
    for (target, patch) in [(&broken, &patch), (&patch, &broken)] {
        assert_eq!(merged(target, patch).unwrap_err().path, "b.c");
    }
    let elsewhere = text(r#"{"e":1}"#);
    let expected = r#"{"b":{"c":{"\ud800":1,"d":2}},"e":1}"#;
    assert_eq!(merged(&broken, &elsewhere).as_deref(), Ok(expected));
}

#[test]
fn a_difference_is_told_as_deep_as_it_is() {
    let before = json!({
        "limits": [{ "count": "requests", "limit": 5 }, { "count": "tokens", "limit": 9 }],
        "tiers": { "light": ["a"] },
        "credits": "off",
    });
    let after = json!({
        "limits": [{ "count": "requests", "limit": 6 }],
        "tiers": { "light": "a" },
        "credits": "off",
        "time_zone": "UTC",
    });
    let expected = json!([
        { "path": "limits[0].limit", "before": 5, "after": 6 },
        { "path": "limits[1]", "before": { "count": "tokens", "limit": 9 } },
        { "path": "tiers.light", "before": ["a"], "after": "a" },
        { "path": "time_zone", "after": "UTC" },
    ]);
    assert_eq!(told(&before, &after), expected);
}

#[test]
fn texts_are_compared_by_what_they_say() {
    let old: Box<RawValue> = serde_json::from_str(r#"{"a": "\u0041b"}"#).unwrap();
    let new: Box<RawValue> = serde_json::from_str(r#"{ "a" : "Ab" }"#).unwrap();
    assert_eq!(differences(&old, &new), []);
}

/// RFC 7396, section 2, over values.
fn naive(target: Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let mut fields = match target {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            let old = fields.remove(name).unwrap_or(Value::Null);
            fields.insert(name.clone(), naive(old, change));
        }
    }
    Value::Object(fields)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c\"\\\\é]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"]{1,2}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_merge_is_that_of_the_standard(target in value(), patch in value()) {
        prop_assert_eq!(merge(&target, &patch), naive(target, &patch));
    }

    #[test]
    fn only_what_is_equal_has_no_difference(before in value(), after in value()) {
        prop_assert_eq!(told(&before, &before), json!([]));
        prop_assert_eq!(told(&before, &after) == json!([]), before == after);
    }
}
