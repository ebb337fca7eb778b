//! Which schemas are read: those of which every keyword is understood, and no more than is checked in time.

use serde_json::Value;

use super::referred;

/// Schemas inside each other, references followed.
const DEEPEST: usize = 32;
/// Schemas in all, references followed.
const MOST: usize = 2_000;
/// Bytes of what values are compared with, references followed.
const MOST_COMPARED: usize = 64 * 1024;
const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "null", "number", "object", "string",
];

/// Reads a schema, and what it refers to each time it does.
pub(super) struct Reader<'a> {
    root: &'a Value,
    schemas: usize,
    compared: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn of(root: &'a Value) -> Self {
        Self {
            root,
            schemas: 0,
            compared: 0,
        }
    }

    /// Checks a schema of so many around it.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn check(&mut self, schema: &Value, at: &str, depth: usize) -> Result<(), String> {
        let wrong = |reason: String| Err(format!("`{at}` {reason}"));
        let Some(keywords) = schema.as_object() else {
            return wrong("must be a schema, which is an object".to_owned());
        };
        if depth > DEEPEST {
            return wrong(format!(
                "is too deep: at most {DEEPEST} schemas inside each other, and none inside itself"
            ));
        }
        self.schemas = self.schemas.saturating_add(1);
        if self.schemas > MOST {
            return wrong(format!(
                "is too much: at most {MOST} schemas, each counted as often as it is referred to"
            ));
        }
        for (keyword, value) in keywords {
            let at = format!("{at}/{keyword}");
            if !self.check_keyword(keyword, value, &at, depth)? {
                return Err(format!("`{at}` has not the value that this keyword takes"));
            }
        }
        Ok(())
    }

    /// Whether a keyword has the kind of value that it takes.
    fn check_keyword(
        &mut self,
        keyword: &str,
        value: &Value,
        at: &str,
        depth: usize,
    ) -> Result<bool, String> {
        let inner = depth.saturating_add(1);
        Ok(match keyword {
            "$comment" | "$schema" | "default" | "deprecated" | "description" | "discriminator"
            | "examples" | "readOnly" | "title" | "writeOnly" => true,
            "const" => self.compare(value, at)?,
            "$ref" => match referred(self.root, value) {
                Some(schema) => {
                    self.check(schema, at, inner)?;
                    true
                }
                None => {
                    return Err(format!("`{at}` leads nowhere: expected `#/$defs/NAME`"));
                }
            },
            "additionalProperties" if value.is_boolean() => true,
            "additionalProperties" | "items" => {
                self.check(value, at, inner)?;
                true
            }
            "allOf" | "anyOf" | "oneOf" => {
                for (index, option) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(option, &format!("{at}/{index}"), inner)?;
                }
                value.as_array().is_some_and(|options| !options.is_empty())
            }
            "enum" => {
                let has_some = value.as_array().is_some_and(|values| !values.is_empty());
                has_some && self.compare(value, at)?
            }
            "exclusiveMaximum" | "exclusiveMinimum" | "maximum" | "minimum" => value.is_number(),
            "maxItems" | "maxLength" | "minItems" | "minLength" => value.is_u64(),
            "$defs" | "definitions" | "properties" => {
                for (name, property) in value.as_object().into_iter().flatten() {
                    self.check(property, &format!("{at}/{name}"), inner)?;
                }
                value.is_object()
            }
            "required" => {
                let names = value.as_array();
                let are_names = names.is_some_and(|names| names.iter().all(Value::is_string));
                are_names && self.compare(value, at)?
            }
            "type" => {
                let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
                let several = |names: &Vec<Value>| !names.is_empty() && names.iter().all(known);
                known(value) || value.as_array().is_some_and(several)
            }
            _ => return Err(format!("`{at}` is a keyword that is not checked here")),
        })
    }

    /// Counts what values are compared with.
    fn compare(&mut self, rule: &Value, at: &str) -> Result<bool, String> {
        self.compared = self.compared.saturating_add(rule.to_string().len());
        if self.compared > MOST_COMPARED {
            return Err(format!(
                "`{at}` is too much: at most {MOST_COMPARED} bytes, each counted as often as it is referred to"
            ));
        }
        Ok(true)
    }
}
