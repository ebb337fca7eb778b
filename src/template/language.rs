//! What of Jinja a prompt may say: values, comparisons and conditions, no more than can be done at once.
//!
//! Refused is what repeats or builds anew (`for`, `set`, `*`, `~`, calls), since twenty lines of it fill the
//! memory, and what is written so long or so deep that reading it would fill the stack: minijinja bounds how
//! deep brackets and blocks are, and not how long a chain of operators is.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr, Filter, Stmt, UnaryOpKind};
use minijinja::machinery::{self, Span, Token};
use minijinja::syntax::SyntaxConfig;

use super::FILTERS;
use crate::malformed::Malformed;

/// Names, texts and signs of one tag.
const LARGEST_TAG: usize = 64;
/// `if` and `elif` of one template.
const MOST_CONDITIONS: usize = 64;
/// Filters and comparisons of one template: each may read long values.
const MOST_READINGS: usize = 64;

/// Whether a variable may have this name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let first = name.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_lowercase())
        && name.len() <= 64
        && name.bytes().all(plain)
}

/// Jinja's syntax, with the line end at the end of a template left where it is.
pub(super) fn syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true);
    // Only delimiters can be wrong, and these are the usual ones.
    syntax.build().unwrap_or_default()
}

/// The variables of a template that says no more than it may.
///
/// # Errors
/// What is wrong, and in which line.
pub(super) fn variables(source: &str) -> Result<BTreeSet<String>, Malformed> {
    check_size(source)?;
    let parsed = machinery::parse(source, "", syntax()).map_err(|error| malformed(&error))?;
    let mut reader = Reader::default();
    reader.statement(&parsed)?;
    Ok(reader.variables)
}

/// Refuses what must not even be parsed.
fn check_size(source: &str) -> Result<(), Malformed> {
    let (mut in_tag, mut conditions) = (0_usize, 0_usize);
    for token in machinery::tokenize(source, false, syntax()) {
        let (token, span) = token.map_err(|error| malformed(&error))?;
        in_tag = match token {
            Token::TemplateData(_)
            | Token::VariableStart
            | Token::VariableEnd
            | Token::BlockStart
            | Token::BlockEnd => 0,
            _ => in_tag.saturating_add(1),
        };
        if in_tag == 1 && matches!(token, Token::Ident("if" | "elif")) {
            conditions = conditions.saturating_add(1);
        }
        if in_tag > LARGEST_TAG {
            return Err(at(
                span,
                format!("a tag of more than {LARGEST_TAG} names, texts and signs"),
            ));
        }
        if conditions > MOST_CONDITIONS {
            return Err(at(span, format!("more than {MOST_CONDITIONS} conditions")));
        }
    }
    Ok(())
}

/// Goes through a template.
#[derive(Default)]
struct Reader {
    variables: BTreeSet<String>,
    readings: usize,
}

impl Reader {
    fn statements(&mut self, statements: &[Stmt<'_>]) -> Result<(), Malformed> {
        let mut statements = statements.iter();
        statements.try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Result<(), Malformed> {
        let refused = |span, name: &str| {
            let reason = format!("`{name}` is not for prompts: expected `if`");
            Err(at(span, reason))
        };
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitRaw(_) => Ok(()),
            Stmt::EmitExpr(emitted) => self.expression(&emitted.expr),
            Stmt::IfCond(condition) => {
                self.expression(&condition.expr)?;
                self.statements(&condition.true_body)?;
                self.statements(&condition.false_body)
            }
            Stmt::ForLoop(it) => refused(it.span(), "for"),
            Stmt::WithBlock(it) => refused(it.span(), "with"),
            Stmt::Set(it) => refused(it.span(), "set"),
            Stmt::SetBlock(it) => refused(it.span(), "set"),
            Stmt::AutoEscape(it) => refused(it.span(), "autoescape"),
            Stmt::FilterBlock(it) => refused(it.span(), "filter"),
            Stmt::Do(it) => refused(it.span(), "do"),
        }
    }

    /// What something is compared with. Only there are lists, of what has no list in it, and only where it
    /// is looked for among them: written out as a text, a list inside lists doubles with each.
    fn compared(&mut self, expression: &Expr<'_>, is_among: bool) -> Result<(), Malformed> {
        let items = match expression {
            Expr::List(list) if is_among => &list.items,
            Expr::Tuple(tuple) if is_among => &tuple.items,
            other => return self.expression(other),
        };
        let mut items = items.iter();
        items.try_for_each(|item| self.expression(item))
    }

    /// Counts what reads a value that may be long.
    fn reading(&mut self, span: Span) -> Result<(), Malformed> {
        self.readings = self.readings.saturating_add(1);
        if self.readings > MOST_READINGS {
            let reason = format!("more than {MOST_READINGS} filters and comparisons");
            return Err(at(span, reason));
        }
        Ok(())
    }

    fn expression(&mut self, expression: &Expr<'_>) -> Result<(), Malformed> {
        let refused = |what: &str| Err(at(expression.span(), format!("{what} not for prompts")));
        match expression {
            Expr::Const(_) => Ok(()),
            Expr::Var(variable) => self.variable(variable.id, variable.span()),
            Expr::UnaryOp(operation) => match operation.op {
                UnaryOpKind::Not => self.expression(&operation.expr),
                UnaryOpKind::Neg => refused("arithmetic is"),
            },
            Expr::BinOp(operation) => {
                if let Some(sign) = building(operation.op) {
                    return refused(&format!("`{sign}` is"));
                }
                let joins = matches!(operation.op, BinOpKind::ScAnd | BinOpKind::ScOr);
                if !joins {
                    self.reading(expression.span())?;
                }
                self.expression(&operation.left)?;
                self.compared(&operation.right, matches!(operation.op, BinOpKind::In))
            }
            Expr::Compare(chain) => {
                self.expression(&chain.expr)?;
                let mut compared = chain.ops.iter();
                compared.try_for_each(|next| {
                    self.reading(expression.span())?;
                    let is_among = matches!(next.op, CompareOpKind::In | CompareOpKind::NotIn);
                    self.compared(&next.expr, is_among)
                })
            }
            Expr::IfExpr(choice) => {
                self.expression(&choice.test_expr)?;
                self.expression(&choice.true_expr)?;
                choice
                    .false_expr
                    .as_ref()
                    .map_or(Ok(()), |other| self.expression(other))
            }
            Expr::List(_) | Expr::Tuple(_) => refused("lists but after `in` are"),
            Expr::Filter(filter) => self.filter(filter, filter.span()),
            Expr::Test(_) => refused("tests with `is` are"),
            Expr::Slice(_) | Expr::GetAttr(_) | Expr::GetItem(_) => {
                refused("parts of a value (`.` and `[]`) are")
            }
            Expr::Call(_) => refused("calls are"),
            Expr::Map(_) => refused("objects are"),
        }
    }

    fn variable(&mut self, name: &str, span: Span) -> Result<(), Malformed> {
        if !is_name(name) {
            let reason = format!(
                "`{}` is no variable: expected a name of lower-case letters, digits and underscores",
                short(name)
            );
            return Err(at(span, reason));
        }
        self.variables.insert(name.to_owned());
        Ok(())
    }

    fn filter(&mut self, filter: &Filter<'_>, span: Span) -> Result<(), Malformed> {
        self.reading(span)?;
        if !FILTERS.contains(&filter.name) {
            let reason = format!(
                "the filter `{}` is unknown: there are {}",
                short(filter.name),
                FILTERS.join(", ")
            );
            return Err(at(span, reason));
        }
        if !filter.args.is_empty() {
            return Err(at(
                span,
                format!("the filter `{}` takes nothing here", filter.name),
            ));
        }
        filter
            .expr
            .as_ref()
            .map_or(Ok(()), |value| self.expression(value))
    }
}

/// The sign of an operator that makes something new of two values.
const fn building(operator: BinOpKind) -> Option<&'static str> {
    Some(match operator {
        BinOpKind::Add => "+",
        BinOpKind::Sub => "-",
        BinOpKind::Mul => "*",
        BinOpKind::Div => "/",
        BinOpKind::FloorDiv => "//",
        BinOpKind::Rem => "%",
        BinOpKind::Pow => "**",
        BinOpKind::Concat => "~",
        BinOpKind::Eq
        | BinOpKind::Ne
        | BinOpKind::Lt
        | BinOpKind::Lte
        | BinOpKind::Gt
        | BinOpKind::Gte
        | BinOpKind::ScAnd
        | BinOpKind::ScOr
        | BinOpKind::In => return None,
    })
}

fn malformed(error: &minijinja::Error) -> Malformed {
    Malformed {
        line: error.line().unwrap_or(1),
        reason: reason(error),
    }
}

/// What an error says, without where.
pub(super) fn reason(error: &minijinja::Error) -> String {
    let detail = error.detail().map(short);
    detail.unwrap_or_else(|| error.kind().to_string())
}

fn at(span: Span, reason: String) -> Malformed {
    Malformed {
        line: usize::from(span.start_line),
        reason,
    }
}

/// What an author wrote, short enough to be quoted.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
