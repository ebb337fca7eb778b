//! The prompts of operations.

use serde_json::{Value, json};

use super::*;

fn with(prompt: &Value) -> Result<crate::config::TenantConfig, Vec<Problem>> {
    let operation = json!({ "tier": "light", "prompt": prompt });
    org(&json!({ "operations": { "quote": operation } }).to_string())
}

#[test]
fn a_prompt_has_versions_and_says_who_gets_which() {
    let prompt = json!({
        "versions": { "1": "One.", "2": "Two for {{ audience }}." },
        "variables": { "audience": { "default": "all" } },
        "rollout": { "1": 90, "2": 10 },
    });
    let config = with(&prompt).unwrap();
    let prompt = config
        .catalogue()
        .operation("quote")
        .unwrap()
        .prompt
        .clone();
    let prompt = prompt.unwrap();
    let version = |place| prompt.version(place).unwrap().0;
    assert_eq!(
        [version(0), version(89), version(90), version(99)],
        ["1", "1", "2", "2"]
    );
}

#[test]
fn the_tenth_version_comes_after_the_second() {
    let config = with(&json!({
        "versions": { "2": "Old.", "10": "New.", "draft": "Newest." },
        "rollout": { "10": 30, "2": 60, "draft": 10 },
    }))
    .unwrap();
    let operation = config.catalogue().operation("quote").unwrap();
    let prompt = operation.prompt.as_ref().unwrap();
    let places = [0, 59, 60, 89, 90, 99];
    assert_eq!(
        places.map(|place| prompt.version(place).unwrap().0),
        ["2", "2", "10", "10", "draft", "draft"]
    );
}

#[test]
fn instructions_are_the_short_form_of_a_prompt() {
    let text = "Write {{ nothing }} as it stands.";
    let json = json!({ "operations": { "quote": { "tier": "light", "instructions": text } } });
    let config = org(&json.to_string()).unwrap();
    let operation = config.catalogue().operation("quote").unwrap();
    let (version, template) = operation.prompt.as_ref().unwrap().version(0).unwrap();
    assert_eq!(
        (version, template.render(&|_| "x").unwrap().as_str()),
        ("1", text)
    );
}

#[test]
fn contradictions_are_refused_with_their_path() {
    let long = "x".repeat(32 * 1024 + 1);
    let many: serde_json::Map<String, Value> =
        (0..21).map(|n| (n.to_string(), json!("text"))).collect();
    let cases = [
        (json!({ "versions": {} }), "versions", "1 to 20 versions"),
        (json!({ "versions": many }), "versions", "1 to 20 versions"),
        (json!({ "versions": { "1": " " } }), "versions.1", "empty"),
        (
            json!({ "versions": { "1": long } }),
            "versions.1",
            "longer than 32768 bytes",
        ),
        (
            json!({ "versions": { "1": 7 } }),
            "versions.1",
            "expected a string",
        ),
        (
            json!({ "versions": { "a b": "x" } }),
            "versions.a b",
            "letters, digits",
        ),
        (
            json!({ "versions": { "1": "a\nb {% if %}" } }),
            "versions.1",
            "line 2: unexpected end of block",
        ),
        (
            json!({ "versions": { "1": "{{ who }}" } }),
            "versions.1",
            "`who` is not declared",
        ),
        (
            json!({ "versions": { "1": "a" }, "variables": { "who": {} } }),
            "variables.who",
            "no version uses it",
        ),
        (
            json!({ "versions": { "1": "{{ today }}" }, "variables": { "today": {} } }),
            "variables.today",
            "every template has this variable",
        ),
        (
            json!({ "versions": { "1": "a" }, "variables": { "Who": {} } }),
            "variables.Who",
            "expected a name",
        ),
        (
            json!({ "versions": { "1": "{{ a }}" }, "variables": { "a": { "required": true, "default": "x" } } }),
            "variables.a",
            "needs no default",
        ),
        (
            json!({ "versions": { "1": "{{ a }}" }, "variables": { "a": { "max_length": 2, "default": "xyz" } } }),
            "variables.a",
            "longer than max_length",
        ),
        (
            json!({ "versions": { "1": "{{ a }}" }, "variables": { "a": { "max_length": 0 } } }),
            "variables.a",
            "1 to 32000",
        ),
        (
            json!({ "versions": { "1": "{{ a }}" }, "variables": { "a": { "colour": 1 } } }),
            "variables.a.colour",
            "unknown field",
        ),
        (
            json!({ "versions": { "1": "a", "2": "b" } }),
            "rollout",
            "missing",
        ),
        (
            json!({ "versions": { "1": "a", "2": "b" }, "rollout": { "1": 90, "2": 9 } }),
            "rollout",
            "add up to 100",
        ),
        (
            json!({ "versions": { "1": "a", "2": "b" }, "rollout": { "1": 200, "2": 156 } }),
            "rollout",
            "add up to 100",
        ),
        (
            json!({ "versions": { "1": "a" }, "rollout": { "1": 50, "3": 50 } }),
            "rollout.3",
            "no such version",
        ),
    ];
    for (prompt, path, reason) in cases {
        let path = format!("operations.quote.prompt.{path}");
        let problems = with(&prompt).unwrap_err();
        let found = problems
            .iter()
            .any(|problem| problem.path == path && problem.reason.contains(reason));
        assert!(found, "{path}: {problems:#?}");
    }
}

#[test]
fn a_prompt_stands_alone_and_where_there_is_a_conversation() {
    let spoken = json!({ "tier": "tts", "instructions": "Be loud." });
    let problems = org(&json!({ "operations": { "call": spoken } }).to_string()).unwrap_err();
    assert_eq!(problems[0].path, "operations.call.prompt");
    let both =
        json!({ "tier": "light", "instructions": "a", "prompt": { "versions": { "1": "b" } } });
    let problems = org(&json!({ "operations": { "quote": both } }).to_string()).unwrap_err();
    assert_eq!(problems[0].path, "operations.quote.instructions");
    let with = |bytes: usize| {
        let long = json!({ "tier": "light", "instructions": "{".repeat(bytes) });
        org(&json!({ "operations": { "quote": long } }).to_string())
    };
    assert!(with(32_768).is_ok());
    let problems = with(32_769).unwrap_err();
    assert_eq!(problems[0].path, "operations.quote.instructions");
    assert!(problems[0].reason.contains("longer than 32768 bytes"));
}

#[test]
fn what_is_made_of_prompts_and_answers_must_fit() {
    let cases = [
        (json!({ "input_tokens": 0 }), "input_tokens", "at least 1"),
        (json!({ "trim": ["turns", "turns"] }), "trim", "twice"),
        (json!({ "trim": ["passages"] }), "trim", "without `rag`"),
        (json!({ "trim": ["all"] }), "trim[0]", "unknown variant"),
        (json!({ "output": {} }), "output", "expected `schema`"),
        (
            json!({ "output": { "text": "markdown_to_text", "repair": true } }),
            "output.repair",
            "nothing can be wrong",
        ),
        (
            json!({ "output": { "extract": "answer" } }),
            "output.extract",
            "JSON pointer",
        ),
        (
            json!({ "output": { "text": "html" } }),
            "output.text",
            "unknown variant",
        ),
        (
            json!({ "output": { "schema": { "properties": { "a": { "pattern": "x" } } } } }),
            "output.schema",
            "`/properties/a/pattern` is a keyword that is not checked here",
        ),
        (json!({ "guard": "all" }), "guard", "unknown variant"),
        (
            json!({ "guard_failure": "ignore" }),
            "guard_failure",
            "unknown variant",
        ),
    ];
    for (fields, path, reason) in cases {
        let mut operation = fields;
        operation["tier"] = json!("light");
        let path = format!("operations.quote.{path}");
        let problems =
            org(&json!({ "operations": { "quote": operation } }).to_string()).unwrap_err();
        let found = problems
            .iter()
            .any(|problem| problem.path == path && problem.reason.contains(reason));
        assert!(found, "{path}: {problems:#?}");
    }
    for field in ["input_tokens", "trim", "output", "guard"] {
        let value = match field {
            "input_tokens" => json!(9),
            "trim" => json!(["turns"]),
            "output" => json!({ "text": "markdown_to_text" }),
            _ => json!("both"),
        };
        let operation = json!({ "tier": "tts", field: value });
        let problems =
            org(&json!({ "operations": { "call": operation } }).to_string()).unwrap_err();
        assert_eq!(problems[0].path, format!("operations.call.{field}"));
    }
}
