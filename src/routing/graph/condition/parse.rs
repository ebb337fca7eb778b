//! Conditions out of JSON, with every problem and its place.

use serde_json::value::RawValue;

use super::{Clock, Condition, Field, Operator, Test, Value};
use crate::config::Tier;
use crate::config::fields::Fields;
use crate::config::problem::Report;
use crate::protocol::json::{Shape, elements, shape};
use crate::routing::graph::facts::scalar;

/// How deep conditions may nest.
const DEEPEST: usize = 16;
/// Comparisons of one condition.
const MOST_TESTS: usize = 100;
/// Values of one list.
const MOST_VALUES: usize = 100;
/// Bytes of a text that is compared with.
const LONGEST_TEXT: usize = 1_024;

/// Reads a condition; `None` where nothing of it makes sense. Its problems are reported.
pub(crate) fn parse(raw: &RawValue, at: &str, report: &mut Report) -> Option<Condition> {
    let condition = condition(raw, at, DEEPEST, report)?;
    if condition.tests().len() > MOST_TESTS {
        report.add(at, format!("expected at most {MOST_TESTS} comparisons"));
    }
    Some(condition)
}

fn condition(raw: &RawValue, at: &str, depth: usize, report: &mut Report) -> Option<Condition> {
    let Some(depth) = depth.checked_sub(1) else {
        report.add(at, format!("nests deeper than {DEEPEST}"));
        return None;
    };
    let fields = Fields::of(raw, at, report)?.into_left();
    if fields.is_empty() {
        report.add(at, "expected a comparison");
    }
    let mut parts = Vec::new();
    for (name, raw) in fields {
        let place = format!("{at}.{name}");
        let part = match name.as_str() {
            "$and" => several(&raw, &place, depth, report).map(Condition::All),
            "$or" => several(&raw, &place, depth, report).map(Condition::Any),
            "$nor" => several(&raw, &place, depth, report).map(Condition::None),
            "$not" => condition(&raw, &place, depth, report).map(|it| Condition::None(vec![it])),
            name => match name.parse::<Field>() {
                Ok(field) => compared(&field, &raw, &place, depth, report),
                Err(unknown) => {
                    report.add(place, unknown.to_string());
                    None
                }
            },
        };
        parts.push(part);
    }
    one(parts)
}

fn several(raw: &RawValue, at: &str, depth: usize, report: &mut Report) -> Option<Vec<Condition>> {
    let Some(parts) = elements(raw).filter(|parts| (1..=MOST_TESTS).contains(&parts.len())) else {
        report.add(
            at,
            format!("expected a list of 1 to {MOST_TESTS} conditions"),
        );
        return None;
    };
    let parts = parts.into_iter().enumerate();
    let parts = parts.map(|(index, raw)| condition(raw, &format!("{at}[{index}]"), depth, report));
    let parts: Vec<Option<Condition>> = parts.collect();
    parts.into_iter().collect()
}

/// What a field is compared with: a value, or an object of operators.
fn compared(
    field: &Field,
    raw: &RawValue,
    at: &str,
    depth: usize,
    report: &mut Report,
) -> Option<Condition> {
    match shape(raw) {
        Shape::Object => operators(field, raw, at, depth, report),
        Shape::Array => {
            report.add(
                at,
                "expected a value, or an object of operators: for lists there is $in",
            );
            None
        }
        _ => {
            let operator = Operator::Equal(operand(field, raw, at, report)?);
            Some(test(field, operator))
        }
    }
}

fn operators(
    field: &Field,
    raw: &RawValue,
    at: &str,
    depth: usize,
    report: &mut Report,
) -> Option<Condition> {
    let Some(depth) = depth.checked_sub(1) else {
        report.add(at, format!("nests deeper than {DEEPEST}"));
        return None;
    };
    let fields = Fields::of(raw, at, report)?.into_left();
    if fields.is_empty() {
        report.add(at, "expected a comparison");
    }
    let mut parts = Vec::new();
    for (name, raw) in fields {
        let place = format!("{at}.{name}");
        let part = if name == "$not" {
            let denied = operators(field, &raw, &place, depth, report);
            denied.map(|it| Condition::None(vec![it]))
        } else {
            let operator = operator(&name, field, &raw, &place, report);
            operator.map(|operator| test(field, operator))
        };
        parts.push(part);
    }
    one(parts)
}

fn operator(
    name: &str,
    field: &Field,
    raw: &RawValue,
    at: &str,
    report: &mut Report,
) -> Option<Operator> {
    Some(match name {
        "$eq" => Operator::Equal(operand(field, raw, at, report)?),
        "$ne" => Operator::NotEqual(operand(field, raw, at, report)?),
        "$gt" => Operator::Greater(ordered(field, raw, at, report)?),
        "$gte" => Operator::AtLeast(ordered(field, raw, at, report)?),
        "$lt" => Operator::Less(ordered(field, raw, at, report)?),
        "$lte" => Operator::AtMost(ordered(field, raw, at, report)?),
        "$in" => Operator::In(operands(field, raw, at, report)?),
        "$nin" => Operator::NotIn(operands(field, raw, at, report)?),
        "$exists" => match raw.get() {
            "true" => Operator::Exists(true),
            "false" => Operator::Exists(false),
            _ => {
                report.add(at, "expected true or false");
                return None;
            }
        },
        _ => {
            let reason = "expected $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists or $not; fields of fields are named with points";
            report.add(at, reason);
            return None;
        }
    })
}

fn operands(field: &Field, raw: &RawValue, at: &str, report: &mut Report) -> Option<Vec<Value>> {
    let Some(values) = elements(raw).filter(|values| (1..=MOST_VALUES).contains(&values.len()))
    else {
        report.add(at, format!("expected a list of 1 to {MOST_VALUES} values"));
        return None;
    };
    let values = values.into_iter().enumerate();
    let values = values.map(|(index, raw)| operand(field, raw, &format!("{at}[{index}]"), report));
    let values: Vec<Option<Value>> = values.collect();
    values.into_iter().collect()
}

/// What something can be greater or less than.
fn ordered(field: &Field, raw: &RawValue, at: &str, report: &mut Report) -> Option<Value> {
    match operand(field, raw, at, report)? {
        value @ (Value::Number(_) | Value::Text(_)) => Some(value),
        Value::Boolean(_) | Value::Null => {
            report.add(at, "expected a number or a text");
            None
        }
    }
}

fn operand(field: &Field, raw: &RawValue, at: &str, report: &mut Report) -> Option<Value> {
    let value = scalar(raw);
    let Some(value) = value else {
        report.add(at, "expected a text, a number, true, false or null");
        return None;
    };
    if matches!(&value, Value::Text(text) if text.len() > LONGEST_TEXT) {
        report.add(at, format!("expected at most {LONGEST_TEXT} bytes"));
        return None;
    }
    if let Some(expected) = expected(field, &value) {
        report.add(at, expected);
        return None;
    }
    Some(value)
}

/// What a field is compared with, where a value is none of that, so that the comparison says nothing.
fn expected(field: &Field, value: &Value) -> Option<&'static str> {
    let is_of =
        |names: &[&str]| matches!(value, Value::Text(text) if names.contains(&text.as_str()));
    let is_text = matches!(value, Value::Text(_) | Value::Null);
    let (fits, expected) = match field {
        Field::Body(_) | Field::Header(_) | Field::Metadata(_) => return None,
        Field::BudgetLeft | Field::ContextTokens | Field::Time(Clock::Hour | Clock::Minute) => {
            (matches!(value, Value::Number(_)), "expected a number")
        }
        Field::Capabilities => (
            is_of(&["audio", "json", "tools", "vision"]),
            "expected audio, json, tools or vision",
        ),
        Field::Stream => (matches!(value, Value::Boolean(_)), "expected true or false"),
        Field::Tier => (
            matches!(value, Value::Text(text) if text.parse::<Tier>().is_ok()),
            "expected the name of a tier",
        ),
        Field::Time(Clock::Weekday) => (
            is_of(&super::WEEKDAYS),
            "expected a day from monday to sunday",
        ),
        Field::Time(Clock::Date) => (is_text, "expected a day, e.g. \"2026-11-21\""),
        Field::Colo
        | Field::Country
        | Field::Key
        | Field::Operation
        | Field::Region
        | Field::User => (is_text, "expected a text"),
    };
    (!fits).then_some(expected)
}

fn test(field: &Field, operator: Operator) -> Condition {
    Condition::Test(Test {
        field: field.clone(),
        operator,
    })
}

/// Parts of which all must hold; `None` where one makes no sense, since without it the others would
/// mean something else.
fn one(parts: Vec<Option<Condition>>) -> Option<Condition> {
    let mut parts: Vec<Condition> = parts.into_iter().collect::<Option<_>>()?;
    if parts.len() > 1 {
        return Some(Condition::All(parts));
    }
    parts.pop()
}
