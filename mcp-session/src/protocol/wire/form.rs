//! The schemas of forms: what 2025-06-18 has of them.

use serde_json::{Map, Value, json};

use crate::protocol::version::ProtocolVersion;
use crate::protocol::wire::question::Unshapeable;

/// Writes a form's schema in the words of the revision.
///
/// 2025-06-18 has no multiple choice; its enums have titles in `enumNames`, and of defaults it
/// knows those of booleans only (2025-06-18 schema, `PrimitiveSchemaDefinition`).
pub(super) fn schema(schema: &Value, version: ProtocolVersion) -> Result<Value, Unshapeable> {
    let mut schema = schema.clone();
    if !version.has_rich_forms()
        && let Some(root) = schema.as_object_mut()
    {
        root.shift_remove("$schema");
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(property) = property.as_object_mut() {
            name_choices(property);
            if !version.has_rich_forms() {
                simplify(name, property, version)?;
            }
        }
    }
    Ok(schema)
}

/// Writes choices the one way that clients know: each a `const` with a `title`, under `oneOf` for
/// one and under `items.anyOf` for several (2025-11-25 schema, `TitledSingleSelectEnumSchema` and
/// `TitledMultiSelectEnumSchema`). Schemas derived from Rust enums have descriptions instead of
/// titles, and clients then take the field for free text.
fn name_choices(property: &mut Map<String, Value>) {
    if let Some(Value::Array(choices)) = property.get_mut("oneOf") {
        *choices = choices.iter().flat_map(named).collect();
    }
    let Some(items) = property.get_mut("items").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(Value::Array(choices)) = items.get("anyOf").or_else(|| items.get("oneOf")) {
        let choices = choices.iter().flat_map(named).collect();
        items.clear();
        items.insert("anyOf".to_owned(), Value::Array(choices));
    }
}

/// The values of one alternative, by their titles.
fn named(choice: &Value) -> Vec<Value> {
    if let Some(value) = choice.get("const") {
        let title = choice.get("title").or_else(|| choice.get("description"));
        return vec![json!({"const": value, "title": title.unwrap_or(value)})];
    }
    // Variants without a description of their own are derived as one alternative together.
    match choice.get("enum") {
        Some(Value::Array(values)) => {
            let values = values.iter();
            values
                .map(|value| json!({"const": value, "title": value}))
                .collect()
        }
        _ => vec![choice.clone()],
    }
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
