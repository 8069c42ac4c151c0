//! Schemas from types.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::schema::JsonSchema;
use crate::schema::portable::{Nulls, portable};

/// The portable schema of what a type *accepts*: the one to offer as an input schema.
///
/// JSON Schema 2020-12 without a `$schema` member, in the subset that clients agree on:
///
/// - types that do not refer to themselves are inlined; recursive ones sit under the root's
///   `$defs`, and every `$ref` is of the form `#/$defs/Name`;
/// - `Option<T>` is written as `T`: that it may be left out is said by `required`, and a model
///   has no need to send `null`;
/// - every schema has a `type` where one can be derived, also beside a `$ref` or a `oneOf`;
/// - what merely repeats Rust (`format: "int64"`) is left out.
///
/// The schema of a type with very many shared parts keeps references rather than growing without
/// bound.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::{self, JsonSchema};
/// use serde_json::json;
///
/// #[derive(JsonSchema)]
/// #[allow(dead_code)]
/// struct Search {
///     /// What to look for.
///     query: String,
///     limit: Option<u8>,
/// }
///
/// assert_eq!(
///     schema::of::<Search>(),
///     json!({
///         "type": "object",
///         "properties": {
///             "query": {"description": "What to look for.", "type": "string"},
///             "limit": {"type": "integer", "minimum": 0, "maximum": 255},
///         },
///         "required": ["query"],
///     }),
/// );
/// ```
pub fn of<T: JsonSchema + ?Sized>() -> Value {
    root::<T>(
        SchemaSettings::draft2020_12().for_deserialize(),
        Nulls::Drop,
    )
}

/// The portable schema of what a type *produces*: the one to offer as an output schema.
///
/// Like [`of`], but true to what serde writes: an `Option` that is written as `null` may be
/// `null` here too, because clients hold results against their schema.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::{self, JsonSchema};
/// use serde_json::json;
///
/// #[derive(JsonSchema)]
/// #[allow(dead_code)]
/// struct Found {
///     best: Option<String>,
/// }
///
/// let schema = schema::output_of::<Found>();
/// assert_eq!(schema["properties"]["best"], json!({"type": ["string", "null"]}));
/// assert_eq!(schema["required"], json!(["best"]));
/// ```
pub fn output_of<T: JsonSchema + ?Sized>() -> Value {
    root::<T>(SchemaSettings::draft2020_12().for_serialize(), Nulls::Keep)
}

fn root<T: JsonSchema + ?Sized>(settings: SchemaSettings, nulls: Nulls) -> Value {
    let mut generator = settings.into_generator();
    let schema = generator.subschema_for::<T>().to_value();
    portable(schema, &generator.take_definitions(true), nulls)
}

/// Builds the schema of an object piece by piece, for example from a list of parameters.
///
/// One generator serves all pieces, so a recursive type that several parameters share is
/// collected once. Use [`of`] when there is a type for the whole object.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::Generator;
/// use serde_json::{Map, json};
///
/// let mut generator = Generator::new();
/// let mut properties = Map::new();
/// let mut city = generator.subschema::<String>();
/// city["description"] = json!("For example \"Oslo\".");
/// properties.insert("city".into(), city);
/// properties.insert("days".into(), generator.subschema::<Option<u8>>());
///
/// assert_eq!(
///     generator.finish_object(properties, vec!["city".into()]),
///     json!({
///         "type": "object",
///         "properties": {
///             "city": {"type": "string", "description": "For example \"Oslo\"."},
///             "days": {"type": "integer", "minimum": 0, "maximum": 255},
///         },
///         "required": ["city"],
///     }),
/// );
/// ```
#[derive(Debug)]
pub struct Generator {
    inner: SchemaGenerator,
}

impl Generator {
    /// Makes a generator of input schemas.
    pub fn new() -> Self {
        Self {
            inner: SchemaSettings::draft2020_12()
                .for_deserialize()
                .into_generator(),
        }
    }

    /// The schema of one property, always an object, so that `description` or `default` may be
    /// set on it.
    ///
    /// It may still hold references that only [`finish_object`](Self::finish_object) resolves.
    pub fn subschema<T: JsonSchema + ?Sized>(&mut self) -> Value {
        match self.inner.subschema_for::<T>().to_value() {
            Value::Bool(true) => Value::Object(Map::new()),
            Value::Bool(false) => serde_json::json!({"not": {}}),
            schema => schema,
        }
    }

    /// Puts the properties together: `type`, `properties`, `required` unless it is empty, and
    /// `$defs` where a recursive type needs it, in this order.
    ///
    /// Properties made elsewhere may be mixed in. They get the same clean-up as the rest.
    pub fn finish_object(mut self, properties: Map<String, Value>, required: Vec<String>) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), properties.into());
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        portable(
            schema.into(),
            &self.inner.take_definitions(true),
            Nulls::Drop,
        )
    }
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}
