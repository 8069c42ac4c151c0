//! Schemas that were checked before anyone is offered them.

use std::io;

use serde_json::{Map, Value};

use crate::schema::explain::explain_schema;
use crate::schema::graph::Graph;
use crate::schema::header::{self, HeaderParam};
use crate::schema::validator::build;
use crate::schema::{Problem, refs};

/// How deep JSON may nest for a client that reads it with a usual decoder (many stop at 128
/// levels), once it is wrapped in a list result.
const MAX_JSON_DEPTH: usize = 110;

/// How large a schema may be.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::SchemaLimits;
///
/// let limits = SchemaLimits { max_depth: 8, ..SchemaLimits::default() };
/// assert_eq!(limits.max_bytes, 256 * 1024);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by struct update from the default"
)]
pub struct SchemaLimits {
    /// How many schemas may lie inside one another.
    pub max_depth: usize,
    /// How long the schema may be as JSON text.
    pub max_bytes: usize,
    /// How many subschemas there may be; also how many a single value may be held against.
    pub max_subschemas: usize,
}

impl Default for SchemaLimits {
    fn default() -> Self {
        Self {
            max_depth: 32,
            max_bytes: 256 * 1024,
            max_subschemas: 2_000,
        }
    }
}

impl SchemaLimits {
    /// True where the longest schema that [is bare](is_bare) is within them.
    fn let_through_any_bare(&self) -> bool {
        self.max_bytes >= 128 && self.max_depth >= 2 && self.max_subschemas >= 2
    }
}

/// The dialects of JSON Schema that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Draft202012,
    Draft7,
}

impl Dialect {
    /// The dialect of a document; 2020-12 where it names none (2026-07-28, basic/index, "Schema
    /// Dialect").
    pub(super) fn of(schema: &Value) -> Result<Self, Problem> {
        let Some(name) = schema.get("$schema") else {
            return Ok(Self::Draft202012);
        };
        match name
            .as_str()
            .map(|name| name.strip_suffix('#').unwrap_or(name))
        {
            Some("https://json-schema.org/draft/2020-12/schema") => Ok(Self::Draft202012),
            Some("http://json-schema.org/draft-07/schema") => Ok(Self::Draft7),
            _ => Err(Problem::new(
                "/$schema",
                format!("dialect {name} is not supported; use JSON Schema 2020-12 or draft-07"),
            )),
        }
    }

    pub(super) fn draft(self) -> jsonschema::Draft {
        match self {
            Self::Draft202012 => jsonschema::Draft::Draft202012,
            Self::Draft7 => jsonschema::Draft::Draft7,
        }
    }
}

/// An input schema that passed every check; what a tool may be registered with.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::{InputSchema, SchemaLimits};
/// use serde_json::json;
///
/// let schema = json!({
///     "type": "object",
///     "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
/// });
/// let schema = InputSchema::check(schema, &SchemaLimits::default()).unwrap();
/// assert_eq!(schema.header_params()[0].path, ["region"]);
///
/// let bad = json!({"type": "string", "properties": {"a": {"$ref": "#/$defs/gone"}}});
/// let problems = InputSchema::check(bad, &SchemaLimits::default()).unwrap_err();
/// assert_eq!(problems.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct InputSchema {
    value: Value,
    header_params: Vec<HeaderParam>,
}

impl InputSchema {
    /// Checks a schema for the arguments of a tool.
    ///
    /// It must be an object whose root `type` is `"object"`, valid in its dialect (2020-12, or
    /// draft-07 where `$schema` says so), within `limits`, with references that stay in the
    /// document, lead to a schema and never run in circles, patterns that match in linear time,
    /// and `x-mcp-header` only where the specification allows it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, together. Only a schema that is out of bounds or in an unknown
    /// dialect is not looked at further.
    pub fn check(schema: Value, limits: &SchemaLimits) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut header_params = Vec::new();
        if is_bare(&schema) && limits.let_through_any_bare() {
            return Ok(Self {
                value: schema,
                header_params,
            });
        }
        if let Some(graph) = document(&schema, limits, &mut problems) {
            if schema.get("type").and_then(Value::as_str) != Some("object") {
                problems.push(Problem::new("/type", "must be \"object\" at the root"));
            }
            header_params = header::collect(&graph, &mut problems);
        }
        conclude(&schema, &problems)?;
        if problems.is_empty() {
            Ok(Self {
                value: schema,
                header_params,
            })
        } else {
            Err(problems)
        }
    }

    /// The schema as JSON.
    pub fn as_value(&self) -> &Value {
        &self.value
    }

    /// Takes the JSON out.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// The parameters that clients repeat in HTTP headers, in document order.
    pub fn header_params(&self) -> &[HeaderParam] {
        &self.header_params
    }
}

/// An output schema that passed every check.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::{OutputSchema, SchemaLimits};
/// use serde_json::json;
///
/// let list = json!({"type": "array", "items": {"type": "string"}});
/// let schema = OutputSchema::check(list, &SchemaLimits::default()).unwrap();
/// assert!(!schema.is_object());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OutputSchema {
    value: Value,
}

impl OutputSchema {
    /// Checks a schema for the structured output of a tool: as for [`InputSchema::check`], except
    /// that the root may describe any value and headers mean nothing.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, together.
    pub fn check(schema: Value, limits: &SchemaLimits) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        document(&schema, limits, &mut problems);
        conclude(&schema, &problems)?;
        if problems.is_empty() {
            Ok(Self { value: schema })
        } else {
            Err(problems)
        }
    }

    /// The schema as JSON.
    pub fn as_value(&self) -> &Value {
        &self.value
    }

    /// Takes the JSON out.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Whether the root `type` is `"object"`: the only kind that clients before 2026-07-28 know.
    pub fn is_object(&self) -> bool {
        self.value.get("type").and_then(Value::as_str) == Some("object")
    }
}

/// True for an object of no properties in particular. Nothing can be wrong with that, and sessions
/// that make tools as they go make many that take no arguments.
fn is_bare(schema: &Value) -> bool {
    let harmless = |(name, value): (&String, &Value)| match name.as_str() {
        "type" => value == "object",
        "properties" => value.as_object().is_some_and(Map::is_empty),
        "additionalProperties" => value.is_boolean(),
        _ => false,
    };
    let object = schema.as_object();
    object.is_some_and(|object| object.contains_key("type") && object.iter().all(harmless))
}

/// The checks that hold for every schema document. Returns its subschemas unless the document is
/// out of bounds.
pub(super) fn document<'a>(
    schema: &'a Value,
    limits: &SchemaLimits,
    problems: &mut Vec<Problem>,
) -> Option<Graph<'a>> {
    if !schema.is_object() {
        problems.push(Problem::new("", "must be a JSON object"));
        return None;
    }
    let graph = within(schema, limits).and_then(|()| Graph::build(schema, limits));
    let (mut graph, dialect) = match (graph, Dialect::of(schema)) {
        (Ok(graph), Ok(dialect)) => (graph, dialect),
        (graph, dialect) => {
            problems.extend(graph.err());
            problems.extend(dialect.err());
            return None;
        }
    };
    let meta = match dialect {
        Dialect::Draft202012 => jsonschema::draft202012::meta::validator(),
        Dialect::Draft7 => jsonschema::draft7::meta::validator(),
    };
    if !meta.is_valid(schema) {
        problems.extend(explain_schema(meta.iter_errors(schema)));
    }
    refs::resolve(&mut graph, dialect, problems);
    refs::bound_unfolding(&graph, limits.max_subschemas, problems);
    Some(graph)
}

/// Compiles the schema where that can still fail: patterns are the one thing that neither the
/// metaschema nor the checks above look into.
fn conclude(schema: &Value, problems: &[Problem]) -> Result<(), Vec<Problem>> {
    if problems.is_empty() && mentions_pattern(schema) {
        build(schema).map(drop)
    } else {
        Ok(())
    }
}

fn mentions_pattern(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.iter().any(|(key, value)| {
            matches!(key.as_str(), "pattern" | "patternProperties") || mentions_pattern(value)
        }),
        Value::Array(list) => list.iter().any(mentions_pattern),
        _ => false,
    }
}

fn within(schema: &Value, limits: &SchemaLimits) -> Result<(), Problem> {
    let mut open = vec![(schema, 1_usize)];
    while let Some((value, depth)) = open.pop() {
        if depth > MAX_JSON_DEPTH {
            return Err(Problem::new(
                "",
                format!("nests deeper than {MAX_JSON_DEPTH} JSON levels"),
            ));
        }
        match value {
            Value::Object(object) => open.extend(object.values().map(|value| (value, depth + 1))),
            Value::Array(list) => open.extend(list.iter().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    let mut room = Room(limits.max_bytes);
    serde_json::to_writer(&mut room, schema)
        .map_err(|_| Problem::new("", format!("is longer than {} bytes", limits.max_bytes)))
}

/// A writer that keeps nothing and fails once too much was written.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(bytes.len()) {
            Some(left) => {
                self.0 = left;
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
