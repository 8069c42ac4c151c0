//! Holding values against a schema.

use std::fmt;

use jsonschema::PatternOptions;
use serde_json::Value;

use crate::schema::check::{Dialect, document};
use crate::schema::explain::{explain, explain_schema};
use crate::schema::narrow::narrow;
use crate::schema::refs::unfolds_beyond;
use crate::schema::{Problem, SchemaLimits};

/// The largest compiled pattern, in bytes; a short pattern can ask for very much.
const MAX_PATTERN: usize = 1 << 20;

/// Past this many schemas along every path, problems are explained on a narrowed schema.
const MAX_UNFOLDING: usize = 2_000;

/// Past this many parts of a value, too.
const MAX_PARTS: usize = 2_000;

/// A schema made ready for checking values.
///
/// Compiling costs far more than checking, so keep it. It never reads a file or the network,
/// `pattern` runs in linear time, and the formats that JSON Schema defines are enforced.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::Validator;
/// use serde_json::json;
///
/// let schema = json!({"type": "object", "properties": {"days": {"type": "integer", "maximum": 7}}});
/// let validator = Validator::compile(&schema).unwrap();
/// assert!(validator.check(&json!({"days": 3})).is_ok());
///
/// let problems = validator.check(&json!({"days": "three"})).unwrap_err();
/// assert_eq!(problems[0].to_string(), "/days: expected integer, got string \"three\"");
/// ```
pub struct Validator {
    inner: jsonschema::Validator,
    /// What was compiled; explaining may need to narrow it.
    schema: Value,
    /// Whether explaining problems on the schema as it is could take exponential time.
    unfolds: bool,
}

impl Validator {
    /// Compiles a schema, 2020-12 unless its `$schema` names draft-07.
    ///
    /// # Errors
    ///
    /// What is wrong with the schema: it may be one that never went through
    /// [`InputSchema::check`](crate::schema::InputSchema::check).
    pub fn compile(schema: &Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut unfolds = false;
        if !schema.is_boolean() {
            let graph = document(schema, &SchemaLimits::default(), &mut problems);
            unfolds = graph.is_some_and(|graph| unfolds_beyond(&graph, MAX_UNFOLDING));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            inner: build(schema)?,
            schema: schema.clone(),
            unfolds,
        })
    }

    /// What was compiled.
    pub(crate) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// Up to eight problems; each names the place in the value and what was expected there.
    pub fn check(&self, instance: &Value) -> Result<(), Vec<Problem>> {
        if self.inner.is_valid(instance) {
            return Ok(());
        }
        if !self.unfolds && !is_large(instance) {
            return Err(explain(self.inner.iter_errors(instance)));
        }
        let narrowed = build(&narrow(&self.schema, instance));
        match narrowed.map(|narrowed| explain(narrowed.iter_errors(instance))) {
            Ok(problems) if !problems.is_empty() => Err(problems),
            _ => Err(vec![Problem::new("", "does not fit the schema")]),
        }
    }
}

/// Whether every part of a value being wrong would make too many problems to keep.
fn is_large(instance: &Value) -> bool {
    let mut open = vec![instance];
    let mut parts = 0_usize;
    while let Some(value) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list.iter().take(MAX_PARTS)),
            Value::Object(members) => open.extend(members.values().take(MAX_PARTS)),
            _ => {}
        }
        parts += 1;
        if parts + open.len() > MAX_PARTS {
            return true;
        }
    }
    false
}

/// Compiles a schema whose references and bounds were checked.
pub(super) fn build(schema: &Value) -> Result<jsonschema::Validator, Vec<Problem>> {
    let dialect = Dialect::of(schema).map_err(|problem| vec![problem])?;
    let patterns = PatternOptions::regex()
        .size_limit(MAX_PATTERN)
        .dfa_size_limit(MAX_PATTERN);
    jsonschema::options()
        .with_draft(dialect.draft())
        .offline()
        .with_pattern_options(patterns)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .build(schema)
        .map_err(|error| explain_schema([error]))
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").finish_non_exhaustive()
    }
}
