//! What a model writes that is made plain text.

use esclusa::output::markdown::to_text;

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
