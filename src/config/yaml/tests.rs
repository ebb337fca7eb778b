use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn value(yaml: &str) -> Value {
    serde_json::from_str(&parse(yaml).unwrap().json).unwrap()
}

#[test]
fn what_json_can_say_is_read() {
    let yaml = r#"
# A comment.
default_operation: chat
operations:
  faq:
    tier: light            # as in the table
    cache_seconds: 3_600x
    rag: { top_k: 20, passages: 3 }
    instructions: >
      You are the help desk.
      You must be brief.
    lines: |
      one
      two
    "quoted: key": 'it''s'
    none:
    yes: Yes
    numbers: [1, -2, 0.5, 1e3, +4]
    texts: ["1", '0.5', "true", 2026-11-21, 1.2.3, 12:30]
    flags: [true, False, null, ~]
"#;
    assert_eq!(
        value(yaml),
        json!({
            "default_operation": "chat",
            "operations": { "faq": {
                "tier": "light",
                "cache_seconds": "3_600x",
                "rag": { "top_k": 20, "passages": 3 },
                "instructions": "You are the help desk. You must be brief.\n",
                "lines": "one\ntwo\n",
                "quoted: key": "it's",
                "none": null,
                "yes": "Yes",
                "numbers": [1, -2, 0.5, 1e3, 4],
                "texts": ["1", "0.5", "true", "2026-11-21", "1.2.3", "12:30"],
                "flags": [true, false, null, null],
            }},
        })
    );
}

#[test]
fn every_value_knows_its_line() {
    let document = parse("tiers:\n  light:\n    - a\n    - b\nmodels: {}\n").unwrap();
    let lines = ["tiers.light[1]", "tiers.light[0]", "models", ""].map(|path| document.line(path));
    assert_eq!(lines, [4, 3, 5, 1]);
    // What is missing is missed where it would stand.
    assert_eq!(document.line("tiers.light[7].name"), 3);
    assert_eq!(document.line("models.x.price"), 5);
    assert_eq!(document.line("nothing"), 1);
}

/// A text, its bad line and what is said of it.
const REFUSED: &[(&str, usize, &str)] = &[
    ("a: &x 1\nb: *x", 1, "anchors and aliases"),
    ("a:\n  - *x", 2, ""),
    ("a: !!str 1", 1, "tags"),
    ("a: 1\na: 2", 2, "`a` appears twice"),
    ("a: 1\n---\nb: 2", 2, "one document"),
    ("a: [1, 2", 2, ""),
    ("a: .inf", 1, "quote it"),
    ("a: 0x1F", 1, "quote it"),
    ("a: 007", 1, "quote it"),
    ("? [a, b]\n: c", 1, "a key is a text"),
    ("a:\n\t- b", 2, ""),
];

#[test]
fn what_is_not_taken_is_refused_with_its_line() {
    for (yaml, line, reason) in REFUSED {
        let malformed = parse(yaml).unwrap_err();
        assert_eq!(malformed.line, *line, "{yaml}: {malformed}");
        assert!(malformed.reason.contains(reason), "{yaml}: {malformed}");
    }
}

#[test]
fn bombs_are_refused() {
    let laughs = "a: &a [lol, lol]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n";
    assert!(parse(laughs).unwrap_err().reason.contains("aliases"));
    assert!(parse(&"[".repeat(100_000)).is_err());
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    assert!(parse(&deep).unwrap_err().reason.contains("32 levels"));
    let lines = (0..200).map(|depth| format!("{}a:", " ".repeat(depth)));
    let nested = lines.collect::<Vec<_>>().join("\n");
    assert!(parse(&nested).unwrap_err().reason.contains("32 levels"));
    let wide = format!("[{}]", "1,".repeat(60_000));
    assert!(parse(&wide).unwrap_err().reason.contains("50000 values"));
    let long = " ".repeat(MOST_BYTES + 1);
    assert!(parse(&long).unwrap_err().reason.contains("512 KiB"));
    let list = format!("[{}1]", "1,".repeat(49_000));
    let wordy = format!("{{\"{}\": {list}}}", "k".repeat(250_000));
    assert!(parse(&wordy).unwrap_err().reason.contains("300 bytes"));
    let key = "k".repeat(300);
    let keys = (0..31).map(|depth| format!("{}{key}:\n", " ".repeat(depth)));
    let far = format!("{}{}{list}", keys.collect::<String>(), " ".repeat(31));
    let reason = parse(&far).unwrap_err().reason;
    assert!(reason.contains("too many values"), "{reason}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_is_yaml(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let read: Value = serde_json::from_str(&parse(&text).unwrap().json).unwrap();
        prop_assert_eq!(read, value);
    }

    #[test]
    fn any_text_is_json_or_refused(text in "\\PC{0,200}") {
        if let Ok(document) = parse(&text) && !document.json.is_empty() {
            prop_assert!(serde_json::from_str::<Value>(&document.json).is_ok(), "{}", document.json);
        }
    }

    #[test]
    fn any_structure_is_json_or_refused(text in "[-?:,\\[\\]{}#&*!|>'\"%@` \\n\\ta0.~]{0,60}") {
        if let Ok(document) = parse(&text) && !document.json.is_empty() {
            prop_assert!(serde_json::from_str::<Value>(&document.json).is_ok(), "{}", document.json);
        }
    }
}
