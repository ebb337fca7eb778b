//! What a route may know of a request.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Timelike};
use serde_json::value::RawValue;

use super::condition::{Clock, Field, Number, Value, WEEKDAYS};
use crate::audit::Scalar;
use crate::http::Place;
use crate::money::Nanos;
use crate::protocol::Needs;
use crate::protocol::json::{Object, Shape, elements, shape, text};

/// What a route may know of a request.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The fields of the body.
    pub body: Object<'a>,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The caller's own values about it.
    pub metadata: BTreeMap<String, Scalar>,
    /// The operation.
    pub operation: String,
    /// The operation's tier.
    pub tier: String,
    /// The end user; empty where none is named.
    pub user: String,
    /// The id of the API key.
    pub key: String,
    /// Where it comes from.
    pub place: Place,
    /// What is left of the org's budgets, where that was asked for; the most there is where nothing
    /// limits it.
    pub budget_left: Option<Nanos>,
    /// The time, Unix milliseconds, ahead by the offset of the org's zone.
    pub local_time: u64,
    /// About how many tokens the prompt has.
    pub context_tokens: u64,
    /// What it needs of a model.
    pub needs: Needs,
    /// Whether a stream is asked for.
    pub stream: bool,
}

/// What a request has in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// The text of a header.
    Header(String),
    /// A list: of it that which can be compared.
    List(Vec<Value>),
    /// An object, which can be compared with nothing.
    Object,
    /// A value.
    Value(Value),
}

impl Facts<'_> {
    /// What it has in a field.
    #[must_use]
    pub fn find(&self, field: &Field) -> Found {
        let filled = |text: &String| {
            let text = Some(text).filter(|text| !text.is_empty());
            text.map_or(Found::Absent, |text| Found::text(text))
        };
        match field {
            Field::Body(path) => self.in_body(path),
            Field::BudgetLeft => self.budget_left.map_or(Found::Absent, |left| {
                Number::parse(&left.to_usd()).map_or(Found::Absent, Found::number)
            }),
            Field::Capabilities => Found::List(self.capabilities()),
            Field::Colo => filled(&self.place.colo),
            Field::ContextTokens => Found::number(self.context_tokens.into()),
            Field::Country => filled(&self.place.country),
            Field::Header(name) => {
                let header = self.headers.get(name).cloned();
                header.map_or(Found::Absent, Found::Header)
            }
            Field::Key => filled(&self.key),
            Field::Metadata(name) => match self.metadata.get(name) {
                None => Found::Absent,
                Some(Scalar::Boolean(value)) => Found::Value(Value::Boolean(*value)),
                Some(Scalar::Number(number)) => {
                    Number::parse(&number.to_string()).map_or(Found::Absent, Found::number)
                }
                Some(Scalar::Text(text)) => Found::text(text),
            },
            Field::Operation => filled(&self.operation),
            Field::Region => filled(&self.place.region),
            Field::Stream => Found::Value(Value::Boolean(self.stream)),
            Field::Tier => filled(&self.tier),
            Field::Time(part) => self.time(*part),
            Field::User => filled(&self.user),
        }
    }

    fn in_body(&self, path: &[String]) -> Found {
        let Some((first, rest)) = path.split_first() else {
            return Found::Absent;
        };
        let mut raw = self.body.get(first);
        for name in rest {
            raw = raw.and_then(|raw| within(raw, name));
        }
        raw.map_or(Found::Absent, of_json)
    }

    fn capabilities(&self) -> Vec<Value> {
        let needs = [
            (self.needs.audio, "audio"),
            (self.needs.json, "json"),
            (self.needs.tools, "tools"),
            (self.needs.vision, "vision"),
        ];
        let needed = needs.into_iter().filter(|(needed, _)| *needed);
        needed
            .map(|(_, name)| Value::Text(name.to_owned()))
            .collect()
    }

    fn time(&self, part: Clock) -> Found {
        let at = i64::try_from(self.local_time).ok();
        let Some(at) = at.and_then(DateTime::from_timestamp_millis) else {
            return Found::Absent;
        };
        match part {
            Clock::Date => {
                let (year, month, day) = (at.year(), at.month(), at.day());
                Found::text(&format!("{year:04}-{month:02}-{day:02}"))
            }
            Clock::Hour => Found::number(u64::from(at.hour()).into()),
            Clock::Minute => Found::number(u64::from(at.minute()).into()),
            Clock::Weekday => {
                let day = usize::try_from(at.weekday().num_days_from_monday());
                let name = day.ok().and_then(|day| WEEKDAYS.get(day));
                name.map_or(Found::Absent, |name| Found::text(name))
            }
        }
    }
}

/// A field of an object, or an element of a list by its number.
fn within<'a>(raw: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    match shape(raw) {
        Shape::Array => elements(raw)?.get(name.parse::<usize>().ok()?).copied(),
        Shape::Object => Object::of(raw)?.get(name),
        _ => None,
    }
}

fn of_json(raw: &RawValue) -> Found {
    if let Some(value) = scalar(raw) {
        return Found::Value(value);
    }
    match shape(raw) {
        Shape::Array => {
            let values = elements(raw).unwrap_or_default();
            Found::List(values.into_iter().filter_map(scalar).collect())
        }
        _ => Found::Object,
    }
}

/// The value of JSON that is neither an object nor a list.
pub(super) fn scalar(raw: &RawValue) -> Option<Value> {
    match shape(raw) {
        Shape::Boolean => Some(Value::Boolean(raw.get() == "true")),
        Shape::Null => Some(Value::Null),
        Shape::Number => Number::parse(raw.get()).map(Value::Number),
        Shape::String => text(raw).map(Value::Text),
        Shape::Array | Shape::Object => None,
    }
}

impl Found {
    fn text(text: &str) -> Self {
        Self::Value(Value::Text(text.to_owned()))
    }

    const fn number(number: Number) -> Self {
        Self::Value(Value::Number(number))
    }

    /// Whether there is anything.
    #[must_use]
    pub fn exists(&self) -> bool {
        *self != Self::Absent
    }

    /// Whether it is a value, or a list that has it.
    #[must_use]
    pub fn equals(&self, value: &Value) -> bool {
        match self {
            Self::Absent => *value == Value::Null,
            Self::Header(text) => Value::of_header(text, value) == *value,
            Self::List(values) => values.contains(value),
            Self::Object => false,
            Self::Value(found) => found == value,
        }
    }

    /// Whether it, or one of a list, compares with a value in such a way.
    #[must_use]
    pub fn any_is(&self, value: &Value, wanted: fn(Ordering) -> bool) -> bool {
        let is = |found: &Value| found.compare(value).is_some_and(wanted);
        match self {
            Self::Absent | Self::Object => false,
            Self::Header(text) => is(&Value::of_header(text, value)),
            Self::List(values) => values.iter().any(is),
            Self::Value(found) => is(found),
        }
    }

    /// The text by which a subject is known; `None` where it has none.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::Header(text) | Self::Value(Value::Text(text)) => Some(text.clone()),
            Self::Value(Value::Boolean(_) | Value::Number(_)) => self.to_json(),
            _ => None,
        }
        .filter(|subject| !subject.is_empty())
    }

    /// It as JSON; nothing of what is absent.
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Header(text) => Some(Value::Text(text.clone()).to_string()),
            Self::List(values) => {
                let texts: Vec<String> = values.iter().map(Value::to_string).collect();
                Some(format!("[{}]", texts.join(",")))
            }
            Self::Object => Some("{…}".to_owned()),
            Self::Value(value) => Some(value.to_string()),
        }
    }
}
