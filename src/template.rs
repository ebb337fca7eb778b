//! Templates of prompts: a small part of Jinja's syntax, so that a template means the same there.
//!
//! | form | stands for |
//! |---|---|
//! | `{{ name }}` | the variable's value |
//! | `{% if name %}…{% else %}…{% endif %}` | the first part where the value is not empty, else the second |
//! | `{# text #}` | nothing |
//! | `{{ "text" }}` | the text, such as braces that mean nothing |
//!
//! A `-` at a tag's edge (`{%- if name -%}`) takes away the white space beyond it. Whatever else looks
//! like a tag is refused. Values are data: they are written as they are and never read as a template.
//!
//! Written here, since the engines at hand would take too much of the Wasm, in compressed bytes:
//! minijinja 2.24 takes 140,000, upon 0.11 65,000.

use std::collections::BTreeSet;
use std::vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::malformed::Malformed;

/// The longest template, in bytes.
pub const LARGEST: usize = 32 * 1024;
/// The longest text that a template may become, in bytes.
pub const LARGEST_RENDERED: usize = 128 * 1024;
/// Conditions inside each other.
const DEEPEST: usize = 8;

/// A template that is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Text(String),
    Value(String),
    If {
        name: String,
        then: Vec<Self>,
        otherwise: Vec<Self>,
    },
}

/// The rendered text would be longer than [`LARGEST_RENDERED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn parse(source: &str) -> Result<Self, Malformed> {
        if source.len() > LARGEST {
            let reason = format!("the template is longer than {LARGEST} bytes");
            return Err(Malformed { line: 1, reason });
        }
        let tokens = tokens(source)?;
        let (nodes, _) = block(&mut tokens.into_iter(), None)?;
        Ok(Self {
            source: source.to_owned(),
            nodes,
        })
    }

    /// A template that becomes this very text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let nodes = vec![Node::Text(text.to_owned())];
        let source = text.replace('{', "{{ \"{\" }}");
        Self { source, nodes }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.source.trim().is_empty()
    }

    /// The variables it names.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        collect(&self.nodes, &mut names);
        names
    }

    /// The text, with the `value` of each variable.
    ///
    /// # Errors
    /// Where it would be too long.
    pub fn render<'a>(&self, value: &impl Fn(&str) -> &'a str) -> Result<String, TooLong> {
        let mut text = String::new();
        write(&self.nodes, value, &mut text)?;
        Ok(text)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Self::parse(&source).map_err(serde::de::Error::custom)
    }
}

/// Whether a variable may have this name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let first = name.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_lowercase())
        && name.len() <= 64
        && name.bytes().all(plain)
}

fn collect<'a>(nodes: &'a [Node], names: &mut BTreeSet<&'a str>) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Value(name) => {
                names.insert(name);
            }
            Node::If {
                name,
                then,
                otherwise,
            } => {
                names.insert(name);
                collect(then, names);
                collect(otherwise, names);
            }
        }
    }
}

fn write<'a>(
    nodes: &[Node],
    value: &impl Fn(&str) -> &'a str,
    text: &mut String,
) -> Result<(), TooLong> {
    for node in nodes {
        match node {
            Node::Text(part) => text.push_str(part),
            Node::Value(name) => text.push_str(value(name)),
            Node::If {
                name,
                then,
                otherwise,
            } => {
                let part = if value(name).is_empty() {
                    otherwise
                } else {
                    then
                };
                write(part, value, text)?;
            }
        }
        if text.len() > LARGEST_RENDERED {
            return Err(TooLong);
        }
    }
    Ok(())
}

/// A piece of a template, and the line where it begins.
struct Token<'a> {
    line: usize,
    kind: Kind<'a>,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    Text(&'a str),
    Value(&'a str),
    Statement(&'a str),
}

/// What a tag begins with, and what it must end with.
const TAGS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

fn tokens(source: &str) -> Result<Vec<Token<'_>>, Malformed> {
    let (mut tokens, mut rest, mut line, mut trim) = (Vec::new(), source, 1_usize, false);
    while !rest.is_empty() {
        let next = TAGS
            .into_iter()
            .filter_map(|tag| Some((rest.find(tag.0)?, tag)))
            .min();
        let (text, tag) = match next {
            Some((at, tag)) => {
                let (text, after) = rest.split_at(at);
                (text, Some((tag, after)))
            }
            None => (rest, None),
        };
        let shown = if trim { text.trim_start() } else { text };
        let text_line = line;
        line = line.saturating_add(text.matches('\n').count());
        let Some(((open, close), after)) = tag else {
            tokens.push(Token {
                line: text_line,
                kind: Kind::Text(shown),
            });
            break;
        };
        let inside = after.strip_prefix(open).unwrap_or(after);
        let (tag, after) = inside.split_once(close).ok_or_else(|| {
            let reason = format!("`{open}` is never closed with `{close}`");
            Malformed { line, reason }
        })?;
        let (opened, inner) = edge(tag.strip_prefix('-'), tag);
        let (closed, inner) = edge(inner.strip_suffix('-'), inner);
        let shown = if opened { shown.trim_end() } else { shown };
        tokens.push(Token {
            line: text_line,
            kind: Kind::Text(shown),
        });
        let kind = match open {
            "{{" => Some(Kind::Value(inner.trim())),
            "{%" => Some(Kind::Statement(inner.trim())),
            _ => None,
        };
        tokens.extend(kind.map(|kind| Token { line, kind }));
        line = line.saturating_add(tag.matches('\n').count());
        (rest, trim) = (after, closed);
    }
    Ok(tokens)
}

fn edge<'a>(stripped: Option<&'a str>, whole: &'a str) -> (bool, &'a str) {
    (stripped.is_some(), stripped.unwrap_or(whole))
}

/// What ended a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Else,
    Endif,
    Source,
}

/// Where a condition was opened, and how deep it is.
#[derive(Clone, Copy)]
struct Opened {
    line: usize,
    depth: usize,
    /// Whether this is its second part.
    second: bool,
}

fn block(
    tokens: &mut vec::IntoIter<Token<'_>>,
    opened: Option<Opened>,
) -> Result<(Vec<Node>, Stop), Malformed> {
    let mut nodes = Vec::new();
    while let Some(Token { line, kind }) = tokens.next() {
        let wrong = |reason: String| Malformed { line, reason };
        match kind {
            Kind::Text("") => {}
            Kind::Text(text) => nodes.push(Node::Text(text.to_owned())),
            Kind::Value(inner) => nodes.push(value(inner).map_err(wrong)?),
            Kind::Statement(inner) => {
                match (
                    inner.split_whitespace().collect::<Vec<_>>().as_slice(),
                    opened,
                ) {
                    (["if", name], _) if is_name(name) => {
                        let depth = opened.map_or(1, |outer| outer.depth.saturating_add(1));
                        nodes.push(condition(tokens, name, (line, depth))?);
                    }
                    (["else"], Some(Opened { second: false, .. })) => {
                        return Ok((nodes, Stop::Else));
                    }
                    (["endif"], Some(_)) => return Ok((nodes, Stop::Endif)),
                    (["else" | "endif"], _) => {
                        return Err(wrong(format!("`{inner}` without its `if`")));
                    }
                    _ => {
                        let reason = format!(
                            "`{}` is unknown: expected `if` and a variable's name, `else` or `endif`",
                            short(inner)
                        );
                        return Err(wrong(reason));
                    }
                }
            }
        }
    }
    match opened {
        Some(Opened { line, .. }) => Err(Malformed {
            line,
            reason: "`if` without its `endif`".to_owned(),
        }),
        None => Ok((nodes, Stop::Source)),
    }
}

fn condition(
    tokens: &mut vec::IntoIter<Token<'_>>,
    name: &str,
    (line, depth): (usize, usize),
) -> Result<Node, Malformed> {
    if depth > DEEPEST {
        let reason = format!("more than {DEEPEST} conditions inside each other");
        return Err(Malformed { line, reason });
    }
    let opened = Opened {
        line,
        depth,
        second: false,
    };
    let (then, end) = block(tokens, Some(opened))?;
    let otherwise = if end == Stop::Else {
        let opened = Opened {
            second: true,
            ..opened
        };
        block(tokens, Some(opened))?.0
    } else {
        Vec::new()
    };
    Ok(Node::If {
        name: name.to_owned(),
        then,
        otherwise,
    })
}

fn value(inner: &str) -> Result<Node, String> {
    let quoted = inner
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        Some(text) if !text.contains('"') => Ok(Node::Text(text.to_owned())),
        None if is_name(inner) => Ok(Node::Value(inner.to_owned())),
        _ => Err(format!(
            "`{}` is no variable: expected a name of lower-case letters, digits and underscores, or a text in quotes",
            short(inner)
        )),
    }
}

/// The author's text, short enough to be quoted.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
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
        let deep = "{% if a %}".repeat(9) + &"{% endif %}".repeat(9);
        let long = "x".repeat(LARGEST + 1);
        let cases = [
            ("A\nB {{ name", 2, "`{{` is never closed"),
            ("A\n\n{% if a %}\n", 3, "`if` without its `endif`"),
            ("{% endif %}", 1, "`endif` without its `if`"),
            ("{% else %}", 1, "`else` without its `if`"),
            (
                "{% if a %}{% else %}\n{% else %}{% endif %}",
                2,
                "`else` without its `if`",
            ),
            (
                "\n{% for x in y %}{% endfor %}",
                2,
                "`for x in y` is unknown",
            ),
            ("{% if a == b %}{% endif %}", 1, "`if a == b` is unknown"),
            ("{% include 'x' %}", 1, "is unknown"),
            ("{{ }}", 1, "`` is no variable"),
            ("{{ Name }}", 1, "`Name` is no variable"),
            ("{{ a.b }}", 1, "`a.b` is no variable"),
            ("{{ a | upper }}", 1, "is no variable"),
            ("{{ \"a\" \"b\" }}", 1, "is no variable"),
            ("{# open", 1, "`{#` is never closed"),
            ("{# a\nb #}\n{{ 1 }}", 3, "`1` is no variable"),
            (&deep, 1, "more than 8 conditions"),
            (&long, 1, "longer than 32768 bytes"),
        ];
        for (source, line, reason) in cases {
            let error = Template::parse(source).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.reason.contains(reason), "{error}");
        }
    }

    #[test]
    fn the_variables_of_every_branch_are_known() {
        let source = "{{ a }}{% if b %}{{ c }}{% else %}{{ d }}{% endif %}";
        let template = Template::parse(source).unwrap();
        let names: Vec<&str> = template.variables().into_iter().collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
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
        assert_eq!(template.render(&|_| value.as_str()), Err(TooLong));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(source in "[{}%# \"a\nifelsnd-]{0,60}") {
            if let Ok(template) = Template::parse(&source) {
                let _ = template.render(&|_| "v");
            }
        }
    }
}
