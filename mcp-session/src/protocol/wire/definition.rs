//! Definitions as they stand in a list, revision by revision.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::protocol::version::ProtocolVersion;
use crate::protocol::wire::writer::Object;

/// What a definition defines.
#[expect(clippy::exhaustive_enums, reason = "the protocol lists these four")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DefinitionKind {
    /// A tool.
    Tool,
    /// A prompt.
    Prompt,
    /// A resource.
    Resource,
    /// A resource template.
    ResourceTemplate,
}

/// Leaves out of a definition, given as JSON in the shape of 2026-07-28, what `version` does not
/// know. Members keep their order; if nothing changes, the same bytes are returned.
///
/// Text that is not a JSON object is returned as it is.
pub fn definition(kind: DefinitionKind, canonical: &Bytes, version: ProtocolVersion) -> Bytes {
    if version == ProtocolVersion::LATEST {
        return canonical.clone();
    }
    let Ok(members) = serde_json::from_slice::<Members<'_>>(canonical) else {
        return canonical.clone();
    };
    let mut changed = false;
    let mut buffer = Vec::with_capacity(canonical.len());
    let mut object = Object::open(&mut buffer);
    for (name, value) in &members.0 {
        match adapt(kind, name, value, version) {
            Adapted::Same => object.key(name).extend_from_slice(value.get().as_bytes()),
            Adapted::Changed(value) => {
                changed = true;
                object.member(name, &value);
            }
            Adapted::Gone => changed = true,
        }
    }
    object.close();
    if changed {
        buffer.into()
    } else {
        canonical.clone()
    }
}

enum Adapted {
    Same,
    Changed(Value),
    Gone,
}

impl Adapted {
    fn keep(has: bool) -> Self {
        if has { Self::Same } else { Self::Gone }
    }
}

fn adapt(kind: DefinitionKind, name: &str, value: &RawValue, version: ProtocolVersion) -> Adapted {
    match (kind, name) {
        (_, "title") => Adapted::keep(version.has_titles()),
        (_, "icons") => Adapted::keep(version.has_icons()),
        (_, "_meta") => Adapted::keep(version.has_entry_meta()),
        (DefinitionKind::Tool, "annotations") => Adapted::keep(version.has_tool_annotations()),
        (DefinitionKind::Tool, "inputSchema") => plain_properties(value),
        (DefinitionKind::Tool, "outputSchema") if !version.has_structured_content() => {
            Adapted::Gone
        }
        (DefinitionKind::Tool, "outputSchema") => match root_type(value) {
            Some(root) if root == "object" => plain_properties(value),
            _ => Adapted::Gone,
        },
        (DefinitionKind::Prompt, "arguments") if !version.has_titles() => {
            without_argument_titles(value)
        }
        (DefinitionKind::Resource | DefinitionKind::ResourceTemplate, "annotations")
            if !version.has_last_modified() =>
        {
            edited(value, |hints| {
                hints
                    .as_object_mut()
                    .is_some_and(|it| it.shift_remove("lastModified").is_some())
            })
        }
        _ => Adapted::Same,
    }
}

/// The `type` at the root of a schema, if it is a single one.
fn root_type(schema: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Root {
        r#type: Option<Value>,
    }
    match serde_json::from_str::<Root>(schema.get()).ok()?.r#type? {
        Value::String(name) => Some(name),
        _ => None,
    }
}

/// Writes out properties that are `true` or `false`: before 2026-07-28 each had to be an object.
fn plain_properties(schema: &RawValue) -> Adapted {
    #[derive(Deserialize)]
    struct Root<'a> {
        #[serde(borrow)]
        properties: Option<Members<'a>>,
    }
    let is_flag = |value: &RawValue| matches!(value.get(), "true" | "false");
    let Ok(Root {
        properties: Some(properties),
    }) = serde_json::from_str(schema.get())
    else {
        return Adapted::Same;
    };
    if !properties.0.iter().any(|(_, value)| is_flag(value)) {
        return Adapted::Same;
    }
    edited(schema, |schema| {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(Map::values_mut) {
            match property {
                Value::Bool(true) => *property = Value::Object(Map::new()),
                Value::Bool(false) => *property = serde_json::json!({ "not": {} }),
                _ => {}
            }
        }
        true
    })
}

fn without_argument_titles(arguments: &RawValue) -> Adapted {
    edited(arguments, |arguments| {
        let mut changed = false;
        for argument in arguments.as_array_mut().into_iter().flatten() {
            let members = argument.as_object_mut();
            changed |= members.is_some_and(|it| it.shift_remove("title").is_some());
        }
        changed
    })
}

fn edited(value: &RawValue, edit: impl FnOnce(&mut Value) -> bool) -> Adapted {
    let Ok(mut value) = serde_json::from_str(value.get()) else {
        return Adapted::Same;
    };
    if edit(&mut value) {
        Adapted::Changed(value)
    } else {
        Adapted::Same
    }
}

/// The members of an object in order, values unread.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
