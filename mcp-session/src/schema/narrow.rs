//! A schema narrowed to one value, so that explaining what is wrong with it stays cheap.
//!
//! Whether a value fits is decided in polynomial time. *Why* it does not fit is not: with eight
//! alternatives that refer back to the whole, each level of nesting multiplies the work by eight.
//! So a schema that can unfold like that is first narrowed to the value at hand: references are
//! opened where the value has something to say to them, and of several alternatives those remain
//! that the value may have meant. The result only ever serves to explain.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::schema::portable::type_name;

/// The most subschemas in a narrowed schema; what lies beyond is not explained.
const MAX_SUBSCHEMAS: usize = 2_000;

/// How deep a narrowed schema may nest.
const MAX_DEPTH: usize = 200;

/// The longest chain of references that is followed to look at an alternative.
const MAX_CHAIN: usize = 8;

/// A 2020-12 schema without references that accepts no fewer values like `instance`.
pub(super) fn narrow(root: &Value, instance: &Value) -> Value {
    let mut narrower = Narrower {
        root,
        left: MAX_SUBSCHEMAS,
    };
    narrower.schema(root, instance, MAX_DEPTH)
}

struct Narrower<'a> {
    root: &'a Value,
    left: usize,
}

impl<'a> Narrower<'a> {
    fn schema(&mut self, schema: &'a Value, instance: &Value, depth: usize) -> Value {
        let Value::Object(object) = schema else {
            return schema.clone();
        };
        if self.left == 0 || depth == 0 {
            return Value::Bool(true);
        }
        self.left -= 1;
        let depth = depth - 1;
        let mut narrowed = Map::new();
        let mut all = Vec::new();
        for (keyword, value) in object {
            match keyword.as_str() {
                "$ref" | "$dynamicRef" => {
                    if let Some(target) = self.target(value) {
                        all.push(self.schema(target, instance, depth));
                    }
                }
                "allOf" => {
                    let branches = value.as_array().into_iter().flatten();
                    all.extend(branches.map(|branch| self.schema(branch, instance, depth)));
                }
                "anyOf" | "oneOf" => {
                    let branches = value.as_array().map(Vec::as_slice).unwrap_or_default();
                    let fitting = || branches.iter().filter(|branch| self.fits(branch, instance));
                    let meant: Vec<&Value> = fitting().collect();
                    if let [branch] = meant.as_slice() {
                        all.push(self.schema(branch, instance, depth));
                    } else {
                        let branches = branches.iter();
                        let branches = branches.map(|branch| self.schema(branch, instance, depth));
                        narrowed.insert(keyword.clone(), branches.collect());
                    }
                }
                "properties" | "items" | "prefixItems" | "additionalItems" | "$defs"
                | "definitions" | "$schema" | "$id" | "$anchor" | "$dynamicAnchor" => {}
                "additionalProperties" if value.is_object() => {}
                _ if refers(value) || is_broad(keyword, instance) => {}
                _ => {
                    narrowed.insert(keyword.clone(), value.clone());
                }
            }
        }
        match instance {
            Value::Object(members) => self.properties(object, members, depth, &mut narrowed),
            Value::Array(list) => self.items(object, list, depth, &mut narrowed),
            _ => {}
        }
        if !all.is_empty() {
            narrowed.insert("allOf".to_owned(), all.into());
        }
        narrowed.into()
    }

    fn properties(
        &mut self,
        schema: &'a Map<String, Value>,
        members: &Map<String, Value>,
        depth: usize,
        narrowed: &mut Map<String, Value>,
    ) {
        let mut properties = Map::new();
        for (name, schema) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let schema = match members.get(name) {
                Some(member) => self.schema(schema, member, depth),
                None => Value::Bool(true),
            };
            properties.insert(name.clone(), schema);
        }
        let additional = schema
            .get("additionalProperties")
            .filter(|schema| schema.is_object());
        if let (Some(additional), false) = (additional, schema.contains_key("patternProperties")) {
            for (name, member) in members {
                if self.left > 0 && !properties.contains_key(name) {
                    properties.insert(name.clone(), self.schema(additional, member, depth));
                }
            }
        }
        if !properties.is_empty() {
            narrowed.insert("properties".to_owned(), properties.into());
        }
    }

    fn items(
        &mut self,
        schema: &'a Map<String, Value>,
        list: &[Value],
        depth: usize,
        narrowed: &mut Map<String, Value>,
    ) {
        // Draft-07 writes `items` and `additionalItems` for `prefixItems` and `items`.
        let (first, rest) = match schema.get("items") {
            Some(first @ Value::Array(_)) => (Some(first), schema.get("additionalItems")),
            rest => (schema.get("prefixItems"), rest),
        };
        let first = first
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut items = Vec::new();
        for (index, item) in list.iter().enumerate() {
            let schema = first.get(index).or(rest).filter(|_| self.left > 0);
            let Some(schema) = schema else { break };
            items.push(self.schema(schema, item, depth));
        }
        if !items.is_empty() {
            narrowed.insert("prefixItems".to_owned(), items.into());
        }
    }

    fn target(&self, reference: &Value) -> Option<&'a Value> {
        let fragment = reference.as_str()?.strip_prefix('#')?;
        let fragment = percent_decode_str(fragment).decode_utf8().ok()?;
        self.root.pointer(&fragment)
    }

    /// Whether a value may have been meant for a schema: its type fits, and so do the members that
    /// tell alternatives apart.
    fn fits(&self, schema: &'a Value, instance: &Value) -> bool {
        let mut schema = schema;
        for _ in 0..MAX_CHAIN {
            if !admits(schema, instance) {
                return false;
            }
            let properties = schema.get("properties").and_then(Value::as_object);
            let mut told = properties
                .into_iter()
                .flatten()
                .filter_map(|(name, schema)| Some((schema, instance.get(name)?)));
            if told.any(|(schema, member)| {
                (schema.get("const").is_some() || schema.get("enum").is_some())
                    && !admits(schema, member)
            }) {
                return false;
            }
            match schema
                .get("$ref")
                .and_then(|reference| self.target(reference))
            {
                Some(target) => schema = target,
                None => return true,
            }
        }
        true
    }
}

/// Whether `type`, `const` and `enum` admit a value.
fn admits(schema: &Value, instance: &Value) -> bool {
    let name = type_name(instance);
    let is = |expected: &Value| {
        expected == name
            || expected == "number" && name == "integer"
            || expected == "integer"
                && instance
                    .as_f64()
                    .is_some_and(|number| number.fract() == 0.0)
    };
    let type_fits = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
        None => true,
    };
    let options = schema.get("enum").and_then(Value::as_array);
    type_fits
        && schema
            .get("const")
            .is_none_or(|expected| expected == instance)
        && options.is_none_or(|options| options.contains(instance))
}

/// Whether a keyword looks at every part of a value that has very many.
fn is_broad(keyword: &str, instance: &Value) -> bool {
    match keyword {
        "patternProperties" | "propertyNames" | "unevaluatedProperties" => instance
            .as_object()
            .is_some_and(|members| members.len() > MAX_SUBSCHEMAS),
        "contains" | "unevaluatedItems" => instance
            .as_array()
            .is_some_and(|list| list.len() > MAX_SUBSCHEMAS),
        _ => false,
    }
}

/// Whether a reference occurs anywhere in a value.
fn refers(value: &Value) -> bool {
    match value {
        Value::Object(object) => object
            .iter()
            .any(|(key, value)| matches!(key.as_str(), "$ref" | "$dynamicRef") || refers(value)),
        Value::Array(list) => list.iter().any(refers),
        _ => false,
    }
}
