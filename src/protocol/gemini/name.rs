//! The names of fields: Google takes `camelCase` and `snake_case` alike.

use std::borrow::Cow;

/// A name in `camelCase`.
pub(super) fn camel(name: &str) -> Cow<'_, str> {
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut camel = String::with_capacity(name.len());
    let mut after = false;
    for mark in name.chars() {
        match mark {
            // `_responseJsonSchema` is a name of its own.
            '_' if camel.is_empty() => camel.push('_'),
            '_' => after = true,
            mark if std::mem::take(&mut after) => camel.push(mark.to_ascii_uppercase()),
            mark => camel.push(mark),
        }
    }
    Cow::Owned(camel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_name() {
        let cases = [
            ("generation_config", "generationConfig"),
            ("generationConfig", "generationConfig"),
            ("top_k", "topK"),
            ("_responseJsonSchema", "_responseJsonSchema"),
            ("_", "_"),
            ("a__b_", "aB"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(camel(name), expected);
        }
    }
}
