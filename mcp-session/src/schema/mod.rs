//! JSON Schema: made from Rust types, checked before it is offered, and run on values.
//!
//! Three jobs, each usable alone:
//!
//! - [`of`], [`output_of`] and [`Generator`] turn types into *portable* schemas, the subset that
//!   clients and model providers agree on;
//! - [`InputSchema`] and [`OutputSchema`] are schemas that passed every check the protocol asks
//!   for, so that a bad one is refused where it is registered and never while a list is served;
//! - [`decode_args`] and [`Validator`] hold arguments against a type or a schema, with messages
//!   from which a model can correct itself.

mod check;
mod decode;
mod explain;
mod generate;
mod graph;
mod header;
mod narrow;
mod portable;
mod problem;
mod refs;
mod validator;
mod walk;

pub use check::{InputSchema, OutputSchema, SchemaLimits};
pub use decode::{ArgumentError, absent, decode_args};
pub use generate::{Generator, of, output_of};
pub use header::{HeaderKind, HeaderParam};
pub use problem::Problem;
pub use schemars::JsonSchema;
pub use validator::Validator;

#[cfg(test)]
mod tests;
