//! Which schemas say more than their types enforce.
//!
//! Arguments are decoded straight into their types, and that is all the checking most need. Only
//! where a schema also limits values (`#[schemars(range(min = 1))]`, patterns, lengths) is it
//! worth running JSON Schema on them.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::schema::JsonSchema;

/// True when the schema of `T` limits values in a way that decoding a `T` does not.
///
/// This looks at the schema as schemars writes it: there the `format` of an integer tells a limit
/// that comes with the type from one that the author set.
pub(crate) fn constrains<T: JsonSchema>() -> bool {
    let generator = SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator();
    limits(&generator.into_root_schema_for::<T>().to_value())
}

fn limits(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            members
                .iter()
                .any(|(keyword, value)| match keyword.as_str() {
                    // Data, not schemas.
                    "default" | "examples" | "enum" | "const" | "required" => false,
                    _ => is_limit(keyword, value, members) || limits(value),
                })
        }
        Value::Array(branches) => branches.iter().any(limits),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether a keyword limits values. A property that happens to be called like a keyword holds a
/// schema, which none of these keywords does.
fn is_limit(keyword: &str, value: &Value, beside: &Map<String, Value>) -> bool {
    match keyword {
        "minimum" | "maximum" => value.is_number() && !comes_with_the_type(keyword, value, beside),
        "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "minLength" | "maxLength"
        | "minProperties" | "maxProperties" | "minContains" | "maxContains" => value.is_number(),
        // Arrays of a fixed length have both; their types see to it.
        "minItems" => value.is_number() && beside.get("maxItems") != Some(value),
        "maxItems" => value.is_number() && beside.get("minItems") != Some(value),
        "pattern" => value.is_string(),
        "uniqueItems" => value == &Value::Bool(true),
        "format" => value
            .as_str()
            .is_some_and(|format| !is_number_format(format)),
        _ => false,
    }
}

fn is_number_format(format: &str) -> bool {
    matches!(format, "float" | "double") || format.trim_start_matches('u').starts_with("int")
}

/// Whether a bound is that of the integer type named in `format`.
fn comes_with_the_type(keyword: &str, value: &Value, beside: &Map<String, Value>) -> bool {
    let format = beside
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let implied: Option<i64> = match (format, keyword) {
        ("uint" | "uint8" | "uint16" | "uint32" | "uint64" | "uint128", "minimum") => Some(0),
        ("uint8", _) => Some(u8::MAX.into()),
        ("uint16", _) => Some(u16::MAX.into()),
        ("uint32", _) => Some(u32::MAX.into()),
        ("int8", "minimum") => Some(i8::MIN.into()),
        ("int8", _) => Some(i8::MAX.into()),
        ("int16", "minimum") => Some(i16::MIN.into()),
        ("int16", _) => Some(i16::MAX.into()),
        ("int32", "minimum") => Some(i32::MIN.into()),
        ("int32", _) => Some(i32::MAX.into()),
        _ => None,
    };
    implied.is_some() && value.as_i64() == implied
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::*;

    /// Made to be described, never to be read.
    macro_rules! shapes {
        ($($(#[$attr:meta])* $name:ident: $of:ty),* $(,)?) => {
            $(
                #[derive(JsonSchema)]
                #[allow(dead_code, reason = "only its schema is looked at")]
                struct $name {
                    $(#[$attr])*
                    it: $of,
                }
            )*
        };
    }

    shapes! {
        Plain: Vec<Option<(u8, i64, f64, String)>>,
        Keyword: HashMap<String, [u32; 3]>,
        #[schemars(range(min = 0))]
        Floor: i64,
        #[schemars(range(min = 1))]
        Raised: u32,
        #[schemars(range(min = 0))]
        Implied: u32,
        #[schemars(regex(pattern = "^a"))]
        Patterned: String,
        #[schemars(length(max = 3))]
        Short: Option<String>,
        #[schemars(email)]
        Address: String,
        Set: BTreeSet<String>,
        Deep: Option<Vec<Raised>>,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Confusing {
        pattern: String,
        minimum: u8,
        format: Option<String>,
    }

    #[test]
    fn limits_that_types_enforce_are_not_counted() {
        assert!(!constrains::<Plain>());
        assert!(!constrains::<Keyword>());
        assert!(!constrains::<Implied>());
        assert!(!constrains::<Confusing>());
    }

    #[test]
    fn limits_that_types_do_not_enforce_are_found() {
        assert!(constrains::<Floor>());
        assert!(constrains::<Raised>());
        assert!(constrains::<Patterned>());
        assert!(constrains::<Short>());
        assert!(constrains::<Address>());
        assert!(constrains::<Set>());
        assert!(constrains::<Deep>());
    }
}
