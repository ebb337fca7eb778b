//! What fits a schema that was read.

use std::fmt;

use serde_json::Value;

use super::referred;

/// Characters of a place or of a rule that a model is told.
const SHOWN: usize = 300;

/// Where in a value something is, written out only where it is told.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Named(&'a Place<'a>, &'a str),
    Numbered(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Named(parent, name) => write!(formatter, "{parent}/{name}"),
            Self::Numbered(parent, index) => write!(formatter, "{parent}/{index}"),
        }
    }
}

/// What does not fit: most of it is never told, since another option fits.
pub(super) struct Misfit<'a> {
    at: String,
    what: What<'a>,
}

enum What<'a> {
    Missing,
    Rule(&'a str, &'a Value),
    TooMuch,
}

impl fmt::Display for Misfit<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: String = self.at.chars().take(SHOWN).collect();
        match self.what {
            What::Missing => write!(formatter, "`{at}` is missing"),
            What::TooMuch => write!(formatter, "`{at}` may not be there"),
            What::Rule(keyword, rule) => {
                let rule: String = rule.to_string().chars().take(SHOWN).collect();
                write!(formatter, "`{at}` does not fit {keyword}: {rule}")
            }
        }
    }
}

/// Holds values against a schema that was read.
pub(super) struct Validator<'a> {
    root: &'a Value,
}

impl<'a> Validator<'a> {
    pub(super) const fn of(root: &'a Value) -> Self {
        Self { root }
    }

    /// Checks a value.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub(super) fn validate(&self, value: &Value) -> Result<(), Misfit<'a>> {
        self.check(self.root, value, Place::Root)
    }

    fn check(&self, schema: &'a Value, value: &Value, at: Place<'_>) -> Result<(), Misfit<'a>> {
        let Some(keywords) = schema.as_object() else {
            return Ok(());
        };
        for (keyword, rule) in keywords {
            let others = keywords.get("properties");
            if !self.fits((keyword, rule), others, value, at)? {
                return Err(misfit(at, What::Rule(keyword, rule)));
            }
        }
        Ok(())
    }

    /// Whether a value fits a keyword.
    fn fits(
        &self,
        (keyword, rule): (&str, &'a Value),
        properties: Option<&Value>,
        value: &Value,
        at: Place<'_>,
    ) -> Result<bool, Misfit<'a>> {
        let fitting = |options: &'a Vec<Value>| {
            let fits = |option: &&'a Value| self.check(option, value, at).is_ok();
            options.iter().filter(fits).take(2).count()
        };
        Ok(match keyword {
            "$ref" => {
                if let Some(schema) = referred(self.root, rule) {
                    self.check(schema, value, at)?;
                }
                true
            }
            "additionalProperties" => {
                self.check_others(rule, properties, value, at)?;
                true
            }
            "allOf" => {
                for part in rule.as_array().into_iter().flatten() {
                    self.check(part, value, at)?;
                }
                true
            }
            "anyOf" => rule.as_array().is_none_or(|options| fitting(options) > 0),
            "oneOf" => rule.as_array().is_none_or(|options| fitting(options) == 1),
            "const" => value == rule,
            "enum" => rule.as_array().is_none_or(|values| values.contains(value)),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(rule, item, Place::Numbered(&at, index))?;
                }
                true
            }
            "exclusiveMaximum" | "exclusiveMinimum" | "maximum" | "minimum" => {
                is_within(keyword, value.as_f64(), rule.as_f64())
            }
            "maxItems" | "minItems" => is_as_long(keyword, value.as_array().map(Vec::len), rule),
            "maxLength" | "minLength" => {
                let length = value.as_str().map(|text| text.chars().count());
                is_as_long(keyword, length, rule)
            }
            "properties" => {
                for (name, property) in rule.as_object().into_iter().flatten() {
                    if let Some(value) = value.get(name) {
                        self.check(property, value, Place::Named(&at, name))?;
                    }
                }
                true
            }
            "required" => {
                let names = rule.as_array().into_iter().flatten();
                for name in names.filter_map(Value::as_str) {
                    if value.is_object() && value.get(name).is_none() {
                        return Err(misfit(Place::Named(&at, name), What::Missing));
                    }
                }
                true
            }
            "type" => match rule.as_array() {
                Some(names) => names.iter().any(|name| is_of(value, name)),
                None => is_of(value, rule),
            },
            _ => true,
        })
    }

    fn check_others(
        &self,
        rule: &'a Value,
        properties: Option<&Value>,
        value: &Value,
        at: Place<'_>,
    ) -> Result<(), Misfit<'a>> {
        let known = |name: &str| properties.is_some_and(|known| known.get(name).is_some());
        let entries = value.as_object().into_iter().flatten();
        for (name, value) in entries.filter(|(name, _)| !known(name)) {
            let at = Place::Named(&at, name);
            if rule == &Value::Bool(false) {
                return Err(misfit(at, What::TooMuch));
            }
            self.check(rule, value, at)?;
        }
        Ok(())
    }
}

fn misfit<'a>(at: Place<'_>, what: What<'a>) -> Misfit<'a> {
    let at = at.to_string();
    Misfit { at, what }
}

/// What is no number fits any bound of numbers.
fn is_within(keyword: &str, value: Option<f64>, bound: Option<f64>) -> bool {
    let (Some(value), Some(bound)) = (value, bound) else {
        return true;
    };
    match keyword {
        "exclusiveMaximum" => value < bound,
        "exclusiveMinimum" => value > bound,
        "maximum" => value <= bound,
        _ => value >= bound,
    }
}

/// What has no length fits any bound of lengths.
fn is_as_long(keyword: &str, length: Option<usize>, bound: &Value) -> bool {
    let length = length.and_then(|length| u64::try_from(length).ok());
    let (Some(length), Some(bound)) = (length, bound.as_u64()) else {
        return true;
    };
    if keyword.starts_with("max") {
        length <= bound
    } else {
        length >= bound
    }
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("array") => value.is_array(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|it| it.fract() == 0.0)
        }
        Some("null") => value.is_null(),
        Some("number") => value.is_number(),
        Some("object") => value.is_object(),
        _ => value.is_string(),
    }
}
