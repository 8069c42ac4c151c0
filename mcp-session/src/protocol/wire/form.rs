//! The schemas of forms: what 2025-06-18 has of them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::protocol::version::ProtocolVersion;
use crate::protocol::wire::question::Unshapeable;

/// Writes a form's schema in the words of the revision.
///
/// 2025-06-18 has no multiple choice; its enums have titles in `enumNames`, and of defaults it
/// knows those of booleans only (2025-06-18 schema, `PrimitiveSchemaDefinition`).
pub(super) fn schema(
    schema: &Value,
    version: ProtocolVersion,
) -> Result<Cow<'_, Value>, Unshapeable> {
    if version.has_rich_forms() {
        return Ok(Cow::Borrowed(schema));
    }
    let mut schema = schema.clone();
    if let Some(root) = schema.as_object_mut() {
        root.shift_remove("$schema");
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(property) = property.as_object_mut() {
            simplify(name, property, version)?;
        }
    }
    Ok(Cow::Owned(schema))
}

fn simplify(
    name: &str,
    property: &mut Map<String, Value>,
    version: ProtocolVersion,
) -> Result<(), Unshapeable> {
    let kind = property
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match kind {
        "array" => {
            let what = format!("multiple choice (the form field `{name}`)");
            return Err(Unshapeable::new(what, version));
        }
        "boolean" => {}
        _ => {
            property.shift_remove("default");
        }
    }
    let Some(Value::Array(choices)) = property.shift_remove("oneOf") else {
        return Ok(());
    };
    let (values, titles): (Vec<Value>, Vec<Value>) = choices
        .into_iter()
        .map(|choice| {
            let value = choice.get("const").cloned().unwrap_or_default();
            let title = choice
                .get("title")
                .cloned()
                .unwrap_or_else(|| value.clone());
            (value, title)
        })
        .unzip();
    property.insert("enum".to_owned(), Value::Array(values));
    property.insert("enumNames".to_owned(), Value::Array(titles));
    Ok(())
}
