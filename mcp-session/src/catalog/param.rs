//! Where a handler's parameters come from: found by their types, not by their names.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::catalog::constraint;
use crate::catalog::via::{ViaArguments, ViaContext};
use crate::context::{Context, FromContext, Needs};
use crate::error::ToolError;
use crate::schema::{Generator, JsonSchema, absent};

/// One parameter of a function under `#[tool]`, `#[prompt]` or `#[resource]`.
///
/// It is never implemented by hand. A type that derives `serde::Deserialize` and
/// `schemars::JsonSchema` is an argument, which the client fills in; a type that implements
/// [`FromContext`] is given by the server, and nothing the client sends can reach it. `M` tells
/// the two apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a handler",
    label = "neither an argument nor something a handler is given",
    note = "an argument derives `serde::Deserialize` and `schemars::JsonSchema`; anything else implements `FromContext`"
)]
pub trait Param<M>: Sized + Send + 'static {
    /// What is read from the client's arguments.
    type Wire: DeserializeOwned + Send + 'static;
    /// What is left to resolve once all arguments are there.
    type Accepted: Send + 'static;

    /// How the parameter shows in the schema of the arguments; `None` when it does not.
    fn describe(generator: &mut Generator) -> Option<Described>;

    /// Adds what the parameter needs.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }

    /// Takes what the client sent; `None` when it sent nothing and had to.
    fn accept(wire: Option<Self::Wire>) -> Option<Self::Accepted>;

    /// Makes the value.
    ///
    /// # Errors
    ///
    /// The handler then does not run, and the request fails with this error.
    fn resolve(
        accepted: Self::Accepted,
        ctx: &Context,
    ) -> impl Future<Output = Result<Self, ToolError>> + Send;
}

/// How an argument shows in a schema.
#[derive(Debug)]
#[non_exhaustive]
pub struct Described {
    /// Its schema.
    pub schema: Value,
    /// Whether the schema says more than the type enforces, so that values must be checked.
    pub constrained: bool,
    /// What a model must know besides the parameter's own description.
    pub hint: Option<String>,
}

impl Described {
    pub(crate) fn new(schema: Value) -> Self {
        Self {
            schema,
            constrained: false,
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Param<ViaArguments> for T {
    type Wire = T;
    type Accepted = T;

    fn describe(generator: &mut Generator) -> Option<Described> {
        Some(Described {
            constrained: constraint::constrains::<T>(),
            ..Described::new(generator.subschema::<T>())
        })
    }

    fn accept(wire: Option<T>) -> Option<T> {
        // Absence is decided by the decoder, so that the schema cannot disagree with it.
        wire.or_else(absent)
    }

    async fn resolve(accepted: T, _ctx: &Context) -> Result<T, ToolError> {
        Ok(accepted)
    }
}

#[diagnostic::do_not_recommend]
impl<T: FromContext> Param<ViaContext> for T {
    type Wire = IgnoredAny;
    type Accepted = ();

    fn describe(_generator: &mut Generator) -> Option<Described> {
        None
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }

    fn accept(_wire: Option<IgnoredAny>) -> Option<()> {
        Some(())
    }

    fn resolve(_accepted: (), ctx: &Context) -> impl Future<Output = Result<T, ToolError>> + Send {
        T::from_context(ctx)
    }
}
