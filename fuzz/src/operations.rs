//! What an org's administrators write of its operations, and what is made of what models answer.

use esclusa::output::markdown::to_text;
use esclusa::schema::Schema;
use esclusa::template::{LARGEST_RENDERED, Template};

/// A text of Markdown becomes one without blanks at its ends, of no more than a few times its length.
pub(crate) fn markdown(bytes: &[u8]) {
    let markdown = String::from_utf8_lossy(bytes);
    let text = to_text(&markdown);
    assert!(text.len() <= markdown.len() * 14, "{text}");
    assert!(
        !text.starts_with('\n') && !text.contains("\n\n\n"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
}

/// A template that is read becomes a text of bounded length, or says why not, whatever its values say.
pub(crate) fn template(bytes: &[u8]) {
    let source = String::from_utf8_lossy(bytes);
    let Ok(template) = Template::parse(&source) else {
        return;
    };
    let long = "\\\"\n".repeat(1_000);
    for value in ["", "v", "{{ a }}{% if", &long] {
        if let Ok(text) = template.render(&|_| value) {
            assert!(text.len() <= LARGEST_RENDERED);
        }
    }
    let literal = Template::literal(&source);
    assert_eq!(literal.render(&|_| "v").as_deref(), Ok(&*source));
}

/// A schema and, after an empty line, a value: what is read holds any value, and says so the same way twice.
pub(crate) fn schema(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (schema, value) = text.split_once("\n\n").unwrap_or((&text, "null"));
    let Ok(schema) = Schema::parse(schema) else {
        return;
    };
    let again = Schema::parse(schema.as_str());
    assert_eq!(again.as_ref(), Ok(&schema));
    if let Ok(value) = serde_json::from_str(value) {
        assert_eq!(schema.validate(&value), schema.validate(&value));
    }
}
