//! Where a JSON Schema holds further schemas.
//!
//! Everything that looks into a schema goes through this one table, so that data (`default`,
//! `examples`, `const`, `enum`) is never taken for a schema and no schema is overlooked.

use serde_json::{Map, Value};

/// How a subschema is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To the same value as its parent (`allOf`, `if`, …).
    Same,
    /// To a named property, through the `properties` keyword.
    Property,
    /// To some other part of the value (`items`, `additionalProperties`, …).
    Part,
    /// Not at all, until something refers to it (`$defs`).
    Definition,
}

/// What the value of a keyword looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    Many,
    Named,
    OneOrMany,
    /// A map whose values are schemas or lists of property names (draft-07 `dependencies`).
    NamedOrNames,
}

fn keyword(name: &str) -> Option<(Shape, Place)> {
    Some(match name {
        "allOf" | "anyOf" | "oneOf" => (Shape::Many, Place::Same),
        "not" | "if" | "then" | "else" => (Shape::One, Place::Same),
        "dependentSchemas" => (Shape::Named, Place::Same),
        "dependencies" => (Shape::NamedOrNames, Place::Same),
        "properties" => (Shape::Named, Place::Property),
        "patternProperties" => (Shape::Named, Place::Part),
        "items" => (Shape::OneOrMany, Place::Part),
        "prefixItems" => (Shape::Many, Place::Part),
        "additionalProperties"
        | "unevaluatedProperties"
        | "propertyNames"
        | "additionalItems"
        | "unevaluatedItems"
        | "contains"
        | "contentSchema" => (Shape::One, Place::Part),
        "$defs" | "definitions" => (Shape::Named, Place::Definition),
        _ => return None,
    })
}

/// One direct subschema of a schema.
#[derive(Debug)]
pub(super) struct Child<'a> {
    /// The keyword that holds it.
    pub(super) keyword: &'a str,
    /// The property or definition name, or the index in a list; none for a single schema.
    pub(super) key: Option<String>,
    pub(super) place: Place,
    pub(super) schema: &'a Value,
}

impl Child<'_> {
    /// The JSON pointer of the child, given that of its parent.
    pub(super) fn pointer(&self, parent: &str) -> String {
        let mut pointer = format!("{parent}/{}", escape(self.keyword));
        if let Some(key) = &self.key {
            pointer.push('/');
            pointer.push_str(&escape(key));
        }
        pointer
    }
}

/// The direct subschemas of a schema object, in document order.
pub(super) fn children(schema: &Map<String, Value>) -> Vec<Child<'_>> {
    let mut found = Vec::new();
    for (name, value) in schema {
        let Some((shape, place)) = keyword(name) else {
            continue;
        };
        let mut push = |key: Option<String>, schema| {
            found.push(Child {
                keyword: name,
                key,
                place,
                schema,
            });
        };
        match (shape, value) {
            (Shape::Many | Shape::OneOrMany, Value::Array(list)) => {
                for (index, item) in list.iter().enumerate() {
                    push(Some(index.to_string()), item);
                }
            }
            (Shape::One | Shape::OneOrMany, value) => push(None, value),
            (Shape::Named, Value::Object(map)) => {
                for (key, item) in map {
                    push(Some(key.clone()), item);
                }
            }
            (Shape::NamedOrNames, Value::Object(map)) => {
                for (key, item) in map.iter().filter(|(_, item)| !item.is_array()) {
                    push(Some(key.clone()), item);
                }
            }
            (Shape::Many | Shape::Named | Shape::NamedOrNames, _) => {}
        }
    }
    found
}

/// Calls `visit` with each direct subschema of a schema object and the keyword that holds it.
pub(super) fn for_each_child_mut(
    schema: &mut Map<String, Value>,
    visit: &mut dyn FnMut(&str, &mut Value),
) {
    for (name, value) in schema {
        let Some((shape, _)) = keyword(name) else {
            continue;
        };
        match (shape, value) {
            (Shape::Many | Shape::OneOrMany, Value::Array(list)) => {
                list.iter_mut().for_each(|item| visit(name, item));
            }
            (Shape::One | Shape::OneOrMany, value) => visit(name, value),
            (Shape::Named, Value::Object(map)) => {
                map.values_mut().for_each(|item| visit(name, item));
            }
            (Shape::NamedOrNames, Value::Object(map)) => {
                let schemas = map.values_mut().filter(|item| !item.is_array());
                schemas.for_each(|item| visit(name, item));
            }
            (Shape::Many | Shape::Named | Shape::NamedOrNames, _) => {}
        }
    }
}

/// Escapes one reference token of a JSON pointer (RFC 6901 section 3).
pub(super) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_is_not_taken_for_a_schema() {
        let schema = json!({
            "default": {"properties": {"x": {}}},
            "const": {"items": {}},
            "properties": {"a/b": {}, "default": {}},
            "dependencies": {"a": ["b"], "b": {}},
        });
        let pointers: Vec<String> = children(schema.as_object().unwrap())
            .iter()
            .map(|c| c.pointer(""))
            .collect();
        assert_eq!(
            pointers,
            ["/properties/a~1b", "/properties/default", "/dependencies/b"]
        );
    }
}
