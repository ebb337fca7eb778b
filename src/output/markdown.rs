//! Markdown to the text that it means, for places that show no marks: messages by telephone, fields of
//! forms, voices. What models write is understood (headings, emphasis, lists, quotes, links, code,
//! tables); what is not stays as it is.
//!
//! Written here, since pulldown-cmark 0.13 would take 80,000 bytes of the compressed Wasm.

/// Marks inside each other.
const DEEPEST: usize = 8;
/// How far the end of a mark is looked for, in bytes, so that no text costs more than its length.
const LONGEST_SPAN: usize = 2_000;
/// What a backslash takes the meaning from.
const MARKS: &str = "\\`*_{}[]()#+-.!~|>";

/// The text without its marks.
#[must_use]
pub fn to_text(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut in_code = false;
    for line in markdown.lines() {
        let bare = line.trim_start();
        if bare.starts_with("```") || bare.starts_with("~~~") {
            in_code = !in_code;
        } else if in_code {
            push_line(&mut text, line);
        } else if let Some(block) = block(line) {
            let mut shown = String::with_capacity(block.len());
            inline(&block, 1, &mut shown);
            push_line(&mut text, shown.trim_end());
        }
    }
    text.trim_matches('\n').to_owned()
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// A line without the marks of its block; `None` where it is nothing but a mark.
fn block(line: &str) -> Option<String> {
    let indent = line.len().saturating_sub(line.trim_start().len());
    let (blanks, mut rest) = line.split_at_checked(indent)?;
    while let Some(quoted) = rest.strip_prefix('>') {
        rest = quoted.trim_start();
    }
    if is_rule(rest) {
        return None;
    }
    let heading = rest.trim_start_matches('#');
    let level = rest.len().saturating_sub(heading.len());
    if (1..=6).contains(&level) && (heading.is_empty() || heading.starts_with(' ')) {
        return Some(heading.trim().trim_end_matches('#').trim_end().to_owned());
    }
    if let Some(row) = rest.trim_end().strip_prefix('|') {
        let cells = row.strip_suffix('|').unwrap_or(row).split('|');
        let cells: Vec<&str> = cells.map(str::trim).collect();
        return Some(cells.join("\t"));
    }
    let item = ["* ", "+ "].iter().find_map(|mark| rest.strip_prefix(mark));
    Some(match item {
        Some(item) => format!("{blanks}- {item}"),
        None => format!("{blanks}{rest}"),
    })
}

/// Whether a line only divides: a rule, the line under a heading or under the head of a table.
fn is_rule(line: &str) -> bool {
    let plain: String = line.chars().filter(|mark| !mark.is_whitespace()).collect();
    let only = |marks: &str| plain.chars().all(|mark| marks.contains(mark));
    let long = plain.len() >= 3;
    let table = plain.contains('|') && plain.contains("--") && only("|-:");
    long && (only("-") || only("=") || only("*") || only("_") || table)
}

fn inline(line: &str, depth: usize, text: &mut String) {
    let mut rest = line;
    let mut before = None;
    while let Some(mark) = rest.chars().next() {
        let span = if depth <= DEEPEST {
            span(rest, mark, before)
        } else {
            None
        };
        let after = match span {
            Some(Span::Plain(shown, after)) => {
                text.push_str(shown);
                after
            }
            Some(Span::Marked(inner, address, after)) => {
                inline(inner, depth.saturating_add(1), text);
                if let Some(address) = address.filter(|address| *address != inner) {
                    text.push_str(" (");
                    text.push_str(address);
                    text.push(')');
                }
                after
            }
            None => {
                text.push(mark);
                rest.get(mark.len_utf8()..).unwrap_or_default()
            }
        };
        let read = rest.len().saturating_sub(after.len());
        before = rest.get(..read).and_then(|read| read.chars().next_back());
        rest = after;
    }
}

/// A part of a line that a mark begins.
enum Span<'a> {
    /// What it shows, as it is, and what comes after it.
    Plain(&'a str, &'a str),
    /// What it shows, with marks of its own; an address; and what comes after it.
    Marked(&'a str, Option<&'a str>, &'a str),
}

fn span(rest: &str, mark: char, before: Option<char>) -> Option<Span<'_>> {
    match mark {
        '\\' => {
            let escaped = rest.get(1..)?;
            let next = escaped
                .chars()
                .next()
                .filter(|next| MARKS.contains(*next))?;
            let (shown, after) = escaped.split_at_checked(next.len_utf8())?;
            Some(Span::Plain(shown, after))
        }
        '`' => {
            let length = run(rest, '`');
            let (fence, inside) = rest.split_at_checked(length)?;
            let (code, after) = inside.split_at_checked(near(inside).find(fence)?)?;
            Some(Span::Plain(code.trim(), after.get(length..)?))
        }
        '!' => link(rest.strip_prefix('!')?, false),
        '[' => link(rest, true),
        '<' => {
            let (address, after) = rest.get(1..)?.split_once('>')?;
            let is_address = address.starts_with("https://") || address.starts_with("http://");
            is_address.then_some(Span::Plain(address, after))
        }
        '*' | '_' | '~' => emphasis(rest, mark, before),
        _ => None,
    }
}

/// `[text](address)`; of a picture only the text is shown.
fn link(rest: &str, shows_address: bool) -> Option<Span<'_>> {
    let inside = rest.strip_prefix('[')?;
    let (shown, after) = inside.split_at_checked(near(inside).find("](")?)?;
    let (address, after) = after.get(2..)?.split_once(')')?;
    let address = address.split_whitespace().next();
    Some(Span::Marked(
        shown,
        address.filter(|_| shows_address),
        after,
    ))
}

fn emphasis(rest: &str, mark: char, before: Option<char>) -> Option<Span<'_>> {
    let length = run(rest, mark);
    let (fence, inside) = rest.split_at_checked(length)?;
    let inner_word = mark == '_' && before.is_some_and(char::is_alphanumeric);
    let spaced = inside.chars().next().is_none_or(char::is_whitespace);
    let usual = if mark == '~' {
        length == 2
    } else {
        length <= 3
    };
    if inner_word || spaced || !usual {
        return None;
    }
    let window = near(inside);
    let mut from = 1;
    while let Some(at) = window.get(from..).and_then(|later| later.find(fence)) {
        let end = from.saturating_add(at);
        let (shown, after) = inside.split_at_checked(end)?;
        let after = after.get(length..)?;
        let ends = !shown.ends_with(char::is_whitespace)
            && !after.starts_with(mark)
            && (mark != '_' || !after.starts_with(char::is_alphanumeric));
        if ends {
            return Some(Span::Marked(shown, None, after));
        }
        from = end.saturating_add(length);
    }
    None
}

/// How often a mark stands at the beginning.
fn run(text: &str, mark: char) -> usize {
    text.chars().take_while(|found| *found == mark).count()
}

/// The part of a line in which the end of a mark is looked for.
fn near(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_SPAN))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_the_text_stays() {
        let cases = [
            ("# Title\n\nText", "Title\n\nText"),
            ("## Closed ##", "Closed"),
            ("Title\n=====\nText", "Title\nText"),
            ("a\n\n---\n\nb", "a\n\n\nb"),
            (
                "**bold** and *soft*, __both__ _ways_ ***all***",
                "bold and soft, both ways all",
            ),
            ("~~gone~~ but ~ 5", "gone but ~ 5"),
            (
                "2 * 3 * 4 and snake_case_name, a*b",
                "2 * 3 * 4 and snake_case_name, a*b",
            ),
            ("**a *b* c**", "a b c"),
            (
                "* one\n+ two\n- three\n  * four",
                "- one\n- two\n- three\n  - four",
            ),
            ("1. **one**\n2. two", "1. one\n2. two"),
            ("> quoted\n>> twice", "quoted\ntwice"),
            (
                "[site](https://a.example) and ![logo](x.png)",
                "site (https://a.example) and logo",
            ),
            (
                "[https://a.example](https://a.example)",
                "https://a.example",
            ),
            (
                "<https://a.example>, a < b > c",
                "https://a.example, a < b > c",
            ),
            ("`let *x* = 1;` and ``a`b``", "let *x* = 1; and a`b"),
            (
                "```rust\nlet **x** = 1;\n# no\n```\nend",
                "let **x** = 1;\n# no\nend",
            ),
            ("| a | b |\n|---|:-:|\n| **1** | 2 |", "a\tb\n1\t2"),
            ("\\*not soft\\* \\# 1", "*not soft* # 1"),
            ("#hashtag", "#hashtag"),
            ("año **ñu** €", "año ñu €"),
            ("**open", "**open"),
            ("[open](", "[open]("),
        ];
        for (markdown, text) in cases {
            assert_eq!(to_text(markdown), text, "{markdown}");
        }
    }

    #[test]
    fn long_lines_of_marks_are_read_in_time() {
        for line in ["*a ", "[", "`", "**", "_a", "~~", "![", "<"] {
            let text = line.repeat(200_000 / line.len());
            assert!(to_text(&text).len() <= text.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(markdown in "[\\\\`*_~|><!\\[\\]()#\\- \nañ1]{0,80}") {
            let _ = to_text(&markdown);
        }
    }
}
