//! Turns a schema as schemars writes it into one that every client takes.
//!
//! Why each rule exists: one bad reference makes some clients reject the whole list, a property
//! that is only a `$ref` counts as having no type, providers refuse `null` unions and `format`
//! names they do not know, and boolean schemas are taken for malformed ones.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::schema::walk::{children, for_each_child_mut};

/// The most subschemas a schema may have with everything inlined. Past it, what is used more than
/// once stays behind a reference, so that the size is that of the types and no longer that of the
/// paths through them.
const INLINE_BUDGET: usize = 500;

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
pub(super) fn portable(root: Value, definitions: &Map<String, Value>, nulls: Nulls) -> Value {
    let mut inliner = Inliner::new(&root, definitions);
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

/// The definitions a schema refers to, as often as it does.
fn referents(schema: &Value) -> Vec<String> {
    let Value::Object(object) = schema else {
        return Vec::new();
    };
    let mut found: Vec<String> = referent(object).into_iter().collect();
    for child in children(object) {
        found.extend(referents(child.schema));
    }
    found
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

/// What refers to what.
struct References<'a>(BTreeMap<&'a str, (Vec<String>, usize)>);

impl<'a> References<'a> {
    fn new(definitions: &'a Map<String, Value>) -> Self {
        let entry = |(name, schema): (&'a String, &Value)| {
            (name.as_str(), (referents(schema), subschemas(schema)))
        };
        Self(definitions.iter().map(entry).collect())
    }

    /// The definitions that lead back to themselves.
    fn recursive(&self) -> BTreeSet<String> {
        let names = self.0.keys().filter(|name| self.leads_to_itself(name));
        names.map(|name| (*name).to_owned()).collect()
    }

    fn leads_to_itself(&self, start: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![start];
        while let Some(name) = open.pop() {
            for next in self
                .0
                .get(name)
                .into_iter()
                .flat_map(|(referents, _)| referents)
            {
                if next == start {
                    return true;
                }
                if seen.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        false
    }

    /// How many subschemas a definition has with all but the recursive ones inlined.
    fn inlined_size(
        &self,
        name: &str,
        recursive: &BTreeSet<String>,
        known: &mut BTreeMap<String, usize>,
    ) -> usize {
        if let Some(size) = known.get(name) {
            return *size;
        }
        let Some(&(ref referents, mut size)) = self.0.get(name) else {
            return 0;
        };
        for next in referents.iter().filter(|next| !recursive.contains(*next)) {
            size = size.saturating_add(self.inlined_size(next, recursive, known));
        }
        known.insert(name.to_owned(), size);
        size
    }
}

/// Replaces references by what they refer to.
struct Inliner<'a> {
    definitions: &'a Map<String, Value>,
    /// Definitions that are never inlined.
    referenced: BTreeSet<String>,
    /// Definitions after inlining.
    done: BTreeMap<String, Value>,
    /// Definitions that are still referred to.
    kept: BTreeSet<String>,
}

impl<'a> Inliner<'a> {
    fn new(root: &Value, definitions: &'a Map<String, Value>) -> Self {
        let references = References::new(definitions);
        let mut referenced = references.recursive();
        let mut known = BTreeMap::new();
        let from_root = referents(root);
        let units = from_root.iter().chain(&referenced);
        let size = units.fold(subschemas(root), |size, name| {
            size.saturating_add(references.inlined_size(name, &referenced, &mut known))
        });
        if size > INLINE_BUDGET {
            let mut times = BTreeMap::new();
            let inner = references.0.values().flat_map(|(referents, _)| referents);
            for name in from_root.iter().chain(inner) {
                *times.entry(name).or_insert(0_usize) += 1;
            }
            let shared = times.into_iter().filter(|(_, times)| *times > 1);
            referenced.extend(shared.map(|(name, _)| name.clone()));
        }
        Self {
            definitions,
            referenced,
            done: BTreeMap::new(),
            kept: BTreeSet::new(),
        }
    }

    /// Like [`inline`](Self::inline), but a root that is a reference is opened in any case, so
    /// that it has a `type` and `properties` of its own.
    fn inline_root(&mut self, mut root: Value) -> Value {
        if let Value::Object(object) = &mut root
            && let Some(body) = referent(object).and_then(|name| self.definitions.get(&name))
        {
            object.shift_remove("$ref");
            root = merged(body.clone(), std::mem::take(object));
        }
        self.inline(&mut root);
        root
    }

    fn inline(&mut self, schema: &mut Value) {
        let Value::Object(object) = schema else {
            return;
        };
        for_each_child_mut(object, &mut |_, child| self.inline(child));
        let Some(name) = referent(object) else { return };
        if self.referenced.contains(&name) {
            self.kept.insert(name);
        } else if self.definitions.contains_key(&name) {
            object.shift_remove("$ref");
            let beside = std::mem::take(object);
            *schema = merged(self.definition(&name), beside);
        }
    }

    /// A definition after inlining.
    fn definition(&mut self, name: &str) -> Value {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let mut body = self.definitions.get(name).cloned().unwrap_or_default();
        // Ends: what leads back to itself is referenced, and `inline` does not open that.
        self.inline(&mut body);
        self.done.insert(name.to_owned(), body.clone());
        body
    }

    /// The definitions that are still referred to, and what they refer to in turn.
    fn kept(mut self) -> Map<String, Value> {
        let mut found = BTreeMap::new();
        while let Some(name) = self.kept.pop_first() {
            let body = self.definition(&name);
            self.kept.extend(
                referents(&body)
                    .into_iter()
                    .filter(|next| !found.contains_key(next)),
            );
            self.kept.remove(&name);
            found.insert(name, body);
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
        // A flattened map leaves this behind; without it everything is just as open.
        if object.get("unevaluatedProperties") == Some(&Value::Bool(true)) {
            object.shift_remove("unevaluatedProperties");
        }
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
        if !object.contains_key("type")
            && let Some(derived) = self.derived_type(object)
        {
            object.shift_insert(0, "type".to_owned(), derived);
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
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && values.iter().any(|value| !value.is_null())
    {
        values.retain(|value| !value.is_null());
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
