//! Structured answers.

/// An answer with structure: for programs as JSON, and for models as the same JSON in a text.
///
/// As a tool's answer it also gives the tool an output schema. As a resource's answer it is the
/// JSON text. The value is written once and read by nobody on the way, so what the type says is
/// what the client gets.
///
/// Prefer a struct at the top: before 2026-07-28 only an object can be structured content ("Tools",
/// "Structured Content"), so clients of older revisions get a list or a number as text alone.
///
/// # Examples
///
/// ```
/// use mcp_session::{Json, JsonSchema, tool};
/// use serde::Serialize;
///
/// #[derive(Serialize, JsonSchema)]
/// struct Sum {
///     sum: i64,
/// }
///
/// /// Adds.
/// #[tool]
/// async fn add(a: i64, b: i64) -> Json<Sum> {
///     Json(Sum { sum: a + b })
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper is its content")]
pub struct Json<T>(pub T);

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
