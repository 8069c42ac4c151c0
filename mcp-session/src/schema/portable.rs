//! Turns a schema as schemars writes it into one that every client takes.
//!
//! Why each rule exists: one bad reference makes some clients reject the whole list, a property
//! that is only a `$ref` counts as having no type, providers refuse `null` unions and `format`
//! names they do not know, and boolean schemas are taken for malformed ones.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::schema::walk::{children, for_each_child_mut};

/// The most subschemas that inlining may bring into one schema; past it, references stay.
const INLINE_BUDGET: usize = 400;

/// The formats that JSON Schema 2020-12 defines (validation, section 7.3).
const STANDARD_FORMATS: [&str; 19] = [
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uuid",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

/// What becomes of `null` as an alternative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// It is dropped: leaving the property out says the same.
    Drop,
    /// It stays: the value will be written as `null`.
    Keep,
}

/// Inlines what can be inlined, moves the rest under the root's `$defs`, and cleans up.
pub(super) fn portable(root: Value, definitions: Map<String, Value>, nulls: Nulls) -> Value {
    let mut inliner = Inliner::new(&definitions);
    let mut root = inliner.inline_root(root);
    let mut defs = inliner.kept();
    let cleaner = Cleaner {
        nulls,
        types: BTreeMap::new(),
    };
    for schema in defs.values_mut() {
        cleaner.clean(schema);
    }
    let types = defs
        .iter()
        .filter_map(|(name, schema)| Some((name.clone(), schema.get("type")?.clone())));
    let cleaner = Cleaner {
        nulls,
        types: types.collect(),
    };
    // A second round gives a type to what refers to another definition.
    for schema in defs.values_mut() {
        cleaner.clean(schema);
    }
    cleaner.clean(&mut root);
    if let (false, Value::Object(object)) = (defs.is_empty(), &mut root) {
        object.insert("$defs".to_owned(), defs.into());
    }
    root
}

/// The definition a reference points at, if it has the form `#/$defs/Name`.
fn referent(schema: &Map<String, Value>) -> Option<String> {
    let name = schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
    let name = percent_decode_str(name).decode_utf8().ok()?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

fn referents(schema: &Value, found: &mut BTreeSet<String>) {
    let Value::Object(object) = schema else {
        return;
    };
    found.extend(referent(object));
    for child in children(object) {
        referents(child.schema, found);
    }
}

fn subschemas(schema: &Value) -> usize {
    let Value::Object(object) = schema else {
        return 1;
    };
    1 + children(object)
        .iter()
        .map(|child| subschemas(child.schema))
        .sum::<usize>()
}

/// Replaces references by what they refer to.
struct Inliner<'a> {
    definitions: &'a Map<String, Value>,
    recursive: BTreeSet<&'a str>,
    /// Definitions after inlining, with the number of their subschemas.
    done: BTreeMap<String, (Value, usize)>,
    /// Definitions that are still referred to.
    kept: BTreeSet<String>,
}

impl<'a> Inliner<'a> {
    fn new(definitions: &'a Map<String, Value>) -> Self {
        let edges: BTreeMap<&str, BTreeSet<String>> = definitions
            .iter()
            .map(|(name, schema)| {
                let mut found = BTreeSet::new();
                referents(schema, &mut found);
                (name.as_str(), found)
            })
            .collect();
        let reaches_itself = |start: &str| {
            let mut seen = BTreeSet::new();
            let mut open = vec![start];
            while let Some(name) = open.pop() {
                for next in edges.get(name).into_iter().flatten() {
                    if next == start {
                        return true;
                    }
                    if seen.insert(next.as_str()) {
                        open.push(next);
                    }
                }
            }
            false
        };
        let recursive = definitions
            .keys()
            .map(String::as_str)
            .filter(|name| reaches_itself(name));
        Self {
            definitions,
            recursive: recursive.collect(),
            done: BTreeMap::new(),
            kept: BTreeSet::new(),
        }
    }

    /// Like [`inline`](Self::inline), but a recursive root is opened up once, so that it has a
    /// `type` and `properties` of its own.
    fn inline_root(&mut self, mut root: Value) -> Value {
        let recursive = root
            .as_object()
            .and_then(referent)
            .filter(|name| self.is_recursive(name));
        if let (Some(name), Value::Object(object)) = (recursive, &mut root) {
            object.shift_remove("$ref");
            if let Some(body) = self.definitions.get(&name) {
                root = merged(body.clone(), std::mem::take(object));
            }
        }
        let mut used = 0;
        self.inline(&mut root, &mut used);
        root
    }

    fn is_recursive(&self, name: &str) -> bool {
        self.recursive.contains(name)
    }

    fn inline(&mut self, schema: &mut Value, used: &mut usize) {
        let Value::Object(object) = schema else {
            return;
        };
        for_each_child_mut(object, &mut |_, child| self.inline(child, used));
        let Some(name) = referent(object) else { return };
        if !self.definitions.contains_key(&name) {
            return;
        }
        if self.is_recursive(&name) {
            self.kept.insert(name);
            return;
        }
        let (body, weight) = self.definition(&name);
        if *used + weight > INLINE_BUDGET {
            self.kept.insert(name);
            return;
        }
        *used += weight;
        object.shift_remove("$ref");
        *schema = merged(body, std::mem::take(object));
    }

    /// A definition after inlining, and its weight.
    fn definition(&mut self, name: &str) -> (Value, usize) {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let mut body = self.definitions.get(name).cloned().unwrap_or_default();
        // Ends: a definition that is not recursive is never met again below itself, and a
        // recursive one is not opened by `inline`.
        self.inline(&mut body, &mut 0);
        let weight = subschemas(&body);
        self.done.insert(name.to_owned(), (body.clone(), weight));
        (body, weight)
    }

    /// The definitions that are still referred to, and what they refer to in turn.
    fn kept(mut self) -> Map<String, Value> {
        let mut found = BTreeMap::new();
        while let Some(name) = self.kept.pop_first() {
            if !found.contains_key(&name) {
                let (body, _) = self.definition(&name);
                let mut further = BTreeSet::new();
                referents(&body, &mut further);
                self.kept.extend(further);
                found.insert(name, body);
            }
        }
        found.into_iter().collect()
    }
}

/// The body of a definition with what stood beside the reference: the latter wins where it only
/// describes, and both hold where it constrains.
fn merged(body: Value, beside: Map<String, Value>) -> Value {
    if beside.is_empty() {
        return body;
    }
    let Value::Object(mut object) = body else {
        return match body {
            Value::Bool(false) => body,
            _ => beside.into(),
        };
    };
    let conflicts = beside
        .keys()
        .any(|key| !describes(key) && object.contains_key(key));
    if conflicts {
        let mut outer = beside;
        let branches = outer
            .entry("allOf")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(branches) = branches {
            branches.push(object.into());
        }
        return outer.into();
    }
    for (key, value) in beside {
        object.insert(key, value);
    }
    object.into()
}

/// Whether a keyword only describes and never constrains.
fn describes(keyword: &str) -> bool {
    matches!(
        keyword,
        "title"
            | "description"
            | "default"
            | "examples"
            | "deprecated"
            | "readOnly"
            | "writeOnly"
            | "$comment"
    )
}

/// Removes what clients choke on and adds the types they ask for.
struct Cleaner {
    nulls: Nulls,
    /// The types of the definitions that are referred to.
    types: BTreeMap<String, Value>,
}

impl Cleaner {
    fn clean(&self, schema: &mut Value) {
        let Value::Object(object) = schema else {
            return;
        };
        for_each_child_mut(object, &mut |keyword, child| {
            // `additionalProperties: true` is a flag that everyone understands.
            let flag = matches!(
                keyword,
                "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems"
            );
            if *child == Value::Bool(true) && !flag {
                *child = Value::Object(Map::new());
            }
            self.clean(child);
        });
        object.shift_remove("$schema");
        object.shift_remove("nullable");
        if self.nulls == Nulls::Drop {
            drop_nulls(object);
        }
        let standard = |format: &Value| {
            format
                .as_str()
                .is_some_and(|format| STANDARD_FORMATS.contains(&format))
        };
        if object.get("format").is_some_and(|format| !standard(format)) {
            object.shift_remove("format");
        }
        if !object.contains_key("type") {
            if let Some(derived) = self.derived_type(object) {
                object.shift_insert(0, "type".to_owned(), derived);
            }
        }
    }

    /// The one type that all values of a schema have, where it can be told.
    fn derived_type(&self, schema: &Map<String, Value>) -> Option<Value> {
        if let Some(name) = referent(schema) {
            return self.types.get(&name).cloned();
        }
        if let Some(value) = schema.get("const") {
            return Some(type_name(value).into());
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return common(values.iter().map(|value| Some(type_name(value).into())));
        }
        for keyword in ["oneOf", "anyOf"] {
            if let Some(Value::Array(branches)) = schema.get(keyword) {
                return common(branches.iter().map(|branch| branch.get("type").cloned()));
            }
        }
        let Value::Array(branches) = schema.get("allOf")? else {
            return None;
        };
        branches
            .iter()
            .find_map(|branch| branch.get("type").cloned())
    }
}

/// The single type that all of `types` name.
fn common(mut types: impl Iterator<Item = Option<Value>>) -> Option<Value> {
    let first = types.next()??;
    (first.is_string() && types.all(|next| next.as_ref() == Some(&first))).then_some(first)
}

pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn drop_nulls(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        if types.len() > 1 {
            types.retain(|name| name != "null");
        }
        if let [single] = types.as_slice() {
            let single = single.clone();
            schema.insert("type".to_owned(), single);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        if values.iter().any(|value| !value.is_null()) {
            values.retain(|value| !value.is_null());
        }
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(branches)) = schema.get_mut(keyword) else {
            continue;
        };
        let before = branches.len();
        if branches.iter().any(|branch| !is_null(branch)) {
            branches.retain(|branch| !is_null(branch));
        }
        if branches.len() == before || branches.len() != 1 {
            continue;
        }
        let branch = branches.pop().unwrap_or_default();
        let mut outer = std::mem::take(schema);
        outer.shift_remove(keyword);
        if let Value::Object(merged) = merged(branch, outer) {
            *schema = merged;
        }
    }
    let null_allowed = schema.get("type").is_some_and(|name| name == "null");
    if !null_allowed && schema.get("default").is_some_and(Value::is_null) {
        schema.shift_remove("default");
    }
}

/// Whether a schema admits `null` and nothing else.
fn is_null(schema: &Value) -> bool {
    let Value::Object(object) = schema else {
        return false;
    };
    object.get("type").is_some_and(|name| name == "null")
        || object.get("const").is_some_and(Value::is_null)
}
