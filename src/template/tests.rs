//! Templates as their authors and callers meet them.

use super::*;

fn rendered(source: &str, values: &[(&str, &str)]) -> String {
    let template = Template::parse(source).unwrap_or_else(|error| panic!("{error}: {source}"));
    let value = |name: &str| {
        let found = values.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| *value)
    };
    template.render(&value).unwrap()
}

#[test]
fn templates_become_texts() {
    let who = [("who", "nurses"), ("tone", "")];
    let cases = [
        ("", ""),
        (
            "Plain } text % with # marks {",
            "Plain } text % with # marks {",
        ),
        ("For {{ who }}, {{who}}.", "For nurses, nurses."),
        (
            "{% if who %}For {{ who }}{% else %}For all{% endif %}.",
            "For nurses.",
        ),
        ("{% if tone %}{{ tone }}{% else %}plain{% endif %}", "plain"),
        ("{% if tone %}A{% endif %}B", "B"),
        (
            "{% if who %}{% if tone %}1{% else %}2{% endif %}{% else %}3{% endif %}",
            "2",
        ),
        ("A{# nobody\nsees this {{ who }} #}B", "AB"),
        ("Write {{ \"{{\" }}name}}.", "Write {{name}}."),
        ("A\n  {%- if who %}\n B\n{%- endif -%}\n\n C", "A\n BC"),
        ("é{{ who }}€", "énurses€"),
        ("Kept: {{ who }}\n\n", "Kept: nurses\n\n"),
        ("{{ who }}\r\nB\r\n", "nurses\r\nB\r\n"),
        ("{{ tone or 'plain' }}, {{ who or 'all' }}", "plain, nurses"),
        (
            "{{ who | upper | trim }} {{ who|capitalize }} {{ who | length }}",
            "NURSES Nurses 6",
        ),
        (
            "{% if who == \"doctors\" %}1{% elif 'urse' in who and not tone %}2{% else %}3{% endif %}",
            "2",
        ),
        (
            "{% if who not in [\"nurses\", \"doctors\"] %}1{% endif %}",
            "",
        ),
        ("{{ \"long\" if who | length >= 6 else \"short\" }}", "long"),
        ("{% raw %}{{ who }}{% endraw %}", "{{ who }}"),
        ("{{ '<b> & \"quoted\"' }}", "<b> & \"quoted\""),
    ];
    for (source, expected) in cases {
        assert_eq!(rendered(source, &who), expected, "{source}");
    }
}

#[test]
fn values_are_never_read_as_templates() {
    let hostile = "{{ secret }}{% if secret %}x{% endif %}{# gone #}";
    let values = [("name", hostile), ("secret", "S")];
    assert_eq!(
        rendered("Hi {{ name }}!", &values),
        format!("Hi {hostile}!")
    );
}

#[test]
fn malformed_templates_are_refused_with_their_line() {
    let long = "x".repeat(LARGEST + 1);
    let cases = [
        ("A\nB {{ name", 2, "unexpected end of input"),
        ("A\n\n{% if a %}\n", 3, "unexpected end of input"),
        ("{% endif %}", 1, "unknown statement endif"),
        ("{% else %}", 1, "unknown statement else"),
        (
            "\n{% if a %}{% else %}\n{% else %}{% endif %}",
            3,
            "unknown statement else",
        ),
        ("{% include 'x' %}", 1, "unknown statement include"),
        ("{{ }}", 1, "unexpected"),
        ("{# open", 1, "unexpected end of comment"),
        ("{{ Name }}", 1, "`Name` is no variable"),
        ("{# a\nb #}\n{{ _a }}", 3, "`_a` is no variable"),
        (&long, 1, "longer than 32768 bytes"),
    ];
    for (source, line, reason) in cases {
        let error = Template::parse(source).unwrap_err();
        assert_eq!(error.line, line, "{error}: {source}");
        assert!(error.reason.contains(reason), "{error}");
    }
}

#[test]
fn what_could_loop_or_grow_is_refused_with_its_line() {
    let cases = [
        (
            "\n{% for x in y %}{% endfor %}",
            2,
            "`for` is not for prompts",
        ),
        ("{% set a = b %}", 1, "`set` is not for prompts"),
        ("{% set a %}x{% endset %}", 1, "`set` is not for prompts"),
        (
            "{% with a = b %}{% endwith %}",
            1,
            "`with` is not for prompts",
        ),
        (
            "{% filter upper %}x{% endfilter %}",
            1,
            "`filter` is not for prompts",
        ),
        (
            "{% autoescape true %}x{% endautoescape %}",
            1,
            "`autoescape` is not for prompts",
        ),
        ("{% do a() %}", 1, "`do` is not for prompts"),
        ("{{ \"x\" * 100000000 }}", 1, "`*` is not for prompts"),
        ("{{ 9 ** 99 }}", 1, "`**` is not for prompts"),
        ("{{ a ~ a }}", 1, "`~` is not for prompts"),
        (
            "\n\n{% if a %}{{ a + a }}{% endif %}",
            3,
            "`+` is not for prompts",
        ),
        ("{{ -1 }}", 1, "arithmetic is not for prompts"),
        ("{{ a.b }}", 1, "parts of a value"),
        ("{{ a[0] }}", 1, "parts of a value"),
        ("{{ a[1:] }}", 1, "parts of a value"),
        ("{{ range(9) }}", 1, "calls are not for prompts"),
        ("{{ a.upper() }}", 1, "calls are not for prompts"),
        ("{{ {\"a\": 1} }}", 1, "objects are not for prompts"),
        (
            "{{ a is defined }}",
            1,
            "tests with `is` are not for prompts",
        ),
        (
            "{{ a | replace }}",
            1,
            "the filter `replace` is unknown: there are capitalize",
        ),
        (
            "{{ a | trim(b) }}",
            1,
            "the filter `trim` takes nothing here",
        ),
        ("{{ \"a\" if a else b * 2 }}", 1, "`*` is not for prompts"),
        (
            "{% if a %}{% elif a ~ a %}{% endif %}",
            1,
            "`~` is not for prompts",
        ),
        ("{{ [a] }}", 1, "lists but after `in` are not for prompts"),
        ("{{ (a, b) | upper }}", 1, "lists but after `in`"),
        ("{{ a in [[b]] }}", 1, "lists but after `in`"),
        ("{{ a in ([b] | lower) }}", 1, "lists but after `in`"),
        ("{{ ([a] if b else c) | lower }}", 1, "lists but after `in`"),
        ("{% if [a] == b %}{% endif %}", 1, "lists but after `in`"),
        (
            "{% if a in [b, a * 2] %}{% endif %}",
            1,
            "`*` is not for prompts",
        ),
    ];
    for (source, line, reason) in cases {
        let error = Template::parse(source).unwrap_err();
        assert_eq!(error.line, line, "{error}: {source}");
        assert!(error.reason.contains(reason), "{error}: {source}");
    }
}

/// Each would be deep enough to fill the stack, were it parsed.
#[test]
fn what_is_too_long_or_too_deep_is_refused_before_it_is_parsed() {
    let chain = |sign: &str| format!("{{{{ a{} }}}}", format!("{sign}a").repeat(5_000));
    let deep = |times| "{% if a %}".repeat(times) + &"{% endif %}".repeat(times);
    let elif = format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(2_000));
    let filters = "{{ a | upper }}".repeat(65);
    let comparisons = "{{ a in b }}{{ a == b }}".repeat(33);
    // Each list is written out with every backslash of the inner one doubled.
    let doubling = format!("{{{{ {}a{} }}}}", "[".repeat(15), "]|lower".repeat(15));
    let tag = "a tag of more than 64 names";
    let cases = [
        (chain("."), tag),
        (chain("|"), tag),
        (chain(" or "), tag),
        (chain("-"), tag),
        (format!("{{{{ {}a }}}}", "not ".repeat(8_000)), tag),
        (format!("{{{{ {}", "(".repeat(20_000)), tag),
        (format!("{{% if {}", "[".repeat(20_000)), tag),
        (deep(1_500), "more than 64 conditions"),
        (elif, "more than 64 conditions"),
        (filters, "more than 64 filters and comparisons"),
        (comparisons, "more than 64 filters and comparisons"),
        (doubling, "lists but after `in`"),
    ];
    for (source, reason) in cases {
        let error = Template::parse(&source).unwrap_err();
        assert!(error.reason.contains(reason), "{error}");
    }
    let deepest = Template::parse(&deep(64)).unwrap();
    assert_eq!(deepest.render(&|_| "x").unwrap(), "");
    Template::parse(&"{{ a }} and {% raw %}{{{% endraw %}\n".repeat(800)).unwrap();
}

#[test]
fn the_variables_of_every_branch_are_known() {
    let source =
        "{{ a }}{% if b == \"x\" or e in [f] %}{{ c }}{% else %}{{ d | upper }}{% endif %}";
    let template = Template::parse(source).unwrap();
    let names: Vec<&String> = template.variables().iter().collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn a_text_stays_itself() {
    for text in ["Plain", "{{ name }} {% if %} {# x #} {", "{{{%{#"] {
        let literal = Template::literal(text);
        assert_eq!(literal.render(&|_| "").unwrap(), text);
        let again: Template =
            serde_json::from_str(&serde_json::to_string(&literal).unwrap()).unwrap();
        assert_eq!(again.render(&|_| "").unwrap(), text);
    }
}

#[test]
fn what_a_template_becomes_is_bounded() {
    let template = Template::parse(&"{{ a }}".repeat(4_000)).unwrap();
    let value = "x".repeat(4_000);
    assert_eq!(
        template.render(&|_| value.as_str()),
        Err(Unrendered::TooLong)
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(source in "[{}%# \"a\nifelsndor|.,(~*=-]{0,60}") {
        if let Ok(template) = Template::parse(&source) {
            let _ = template.render(&|_| "v");
        }
    }
}

#[test]
fn what_cannot_be_done_with_a_value_is_no_panic() {
    let template = Template::parse("{{ a in 5 }}").unwrap();
    let Err(Unrendered::Failed(reason)) = template.render(&|_| "x") else {
        panic!("nothing is in a number");
    };
    assert!(reason.contains("containment"), "{reason}");
}
