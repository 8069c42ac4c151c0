//! A schema that values are held against, compiled when first needed.

use std::{ops::Range, sync::OnceLock};

use serde_json::Value;

use crate::error::ToolError;
use crate::protocol::Raw;
use crate::schema::{Problem, Validator};

/// A schema to hold values against: a part of what is listed, so that it is there once.
#[derive(Debug)]
pub(super) struct Contract {
    /// Where the schema is in the JSON that is listed.
    at: Range<u32>,
    /// Compiled at the first check: most tools of a big catalog are never called.
    compiled: OnceLock<Box<Compiled>>,
}

type Compiled = Result<Validator, Vec<Problem>>;

impl Contract {
    /// A schema that is in what is listed; `None` where it is not.
    pub(super) fn of(schema: &Value, listed: &[u8]) -> Option<Self> {
        let schema = schema.to_string();
        let start = std::str::from_utf8(listed).ok()?.find(&schema)?;
        let end = start + schema.len();
        Some(Self {
            at: start.try_into().ok()?..end.try_into().ok()?,
            compiled: OnceLock::new(),
        })
    }

    /// Holds arguments against the schema, and says what is wrong in words a model can act on.
    ///
    /// A `null` for an optional property counts as leaving it out, as it does for a decoder:
    /// models send it, and portable schemas have no way to say so.
    pub(super) fn check_arguments(
        &self,
        listed: &[u8],
        arguments: Option<&Raw>,
    ) -> Result<(), ToolError> {
        let mut arguments = match arguments {
            Some(text) => text.decode()?,
            None => Value::Object(serde_json::Map::new()),
        };
        if let Ok(validator) = self.compiled(listed) {
            drop_nulls(&mut arguments, validator.schema());
        }
        self.check(listed, &arguments).map_err(ToolError::new)
    }

    /// Holds a value against the schema; the error lists what is wrong.
    pub(super) fn check(&self, listed: &[u8], value: &Value) -> Result<(), String> {
        let problems = match self.compiled(listed) {
            Ok(validator) => validator.check(value).err(),
            // Registration refuses such a schema.
            Err(problems) => Some(problems.clone()),
        };
        problems.map_or(Ok(()), |problems| Err(told(&problems)))
    }

    fn compiled(&self, listed: &[u8]) -> &Compiled {
        self.compiled.get_or_init(|| {
            let at = self.at.start as usize..self.at.end as usize;
            let schema = serde_json::from_slice(listed.get(at).unwrap_or_default());
            let schema = schema.map_err(|error| vec![Problem::new("", error.to_string())]);
            Box::new(schema.and_then(|schema| Validator::compile(&schema)))
        })
    }
}

fn told(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Removes members that are null though their property may be left out and cannot be null.
fn drop_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(members) => {
            let properties = schema.get("properties");
            members.retain(|name, member| {
                !member.is_null() || is_required(schema, name) || {
                    let property = properties.and_then(|properties| properties.get(name));
                    property.is_none_or(may_be_null)
                }
            });
            for (name, member) in members {
                if let Some(property) = properties.and_then(|properties| properties.get(name)) {
                    drop_nulls(member, property);
                }
            }
        }
        Value::Array(elements) => {
            if let Some(items) = schema.get("items") {
                elements
                    .iter_mut()
                    .for_each(|element| drop_nulls(element, items));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|required| required == name))
}

fn may_be_null(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == "null",
        Some(Value::Array(types)) => types.iter().any(|one| one == "null"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_counts_as_absent_where_a_property_is_optional() {
        let schema = json!({
            "type": "object",
            "properties": {
                "limit": {"type": "integer", "minimum": 1},
                "query": {"type": "string"},
                "inner": {"type": "object", "properties": {"deep": {"type": "string"}}},
            },
            "required": ["query"],
        });
        let listed = json!({"name": "search", "inputSchema": schema}).to_string();
        let contract = Contract::of(&schema, listed.as_bytes()).unwrap();
        let check = |value| {
            let arguments = Raw::from_value(&value).unwrap();
            contract
                .check_arguments(listed.as_bytes(), Some(&arguments))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            check(json!({"query": "x", "limit": null, "inner": {"deep": null}})),
            Ok(())
        );
        assert!(check(json!({"query": null})).unwrap_err().contains("query"));
        assert!(
            check(json!({"query": "x", "limit": 0}))
                .unwrap_err()
                .contains("limit")
        );
    }
}
