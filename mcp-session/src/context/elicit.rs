//! What a user is asked before a handler runs.

use std::ops::Deref;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::context::{Context, Needs};
use crate::error::ToolError;
use crate::peer::Elicited;
use crate::session::Capability;

/// What the user answered to a question that was asked before the handler ran.
///
/// Take it as a parameter of a function under [`#[tool]`](macro@crate::tool),
/// [`#[prompt]`](macro@crate::prompt) or [`#[resource]`](macro@crate::resource), with the question
/// in `#[ask("…")]`; the parameter's name is the question's key. All such questions go out together,
/// and the body runs once they are answered: in the stateless era it is not run again for them, as
/// it is for questions that it asks [itself](Context::elicit). A client that cannot be asked is
/// refused before anything runs.
///
/// # Examples
///
/// ```
/// use mcp_session::{Elicit, Elicited, JsonSchema, tool};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Seat {
///     /// Row and letter, such as 12C.
///     seat: String,
/// }
///
/// /// Books a flight.
/// #[tool]
/// async fn book(
///     flight: String,
///     #[ask("Which seat?")] seat: Elicit<Seat>,
/// ) -> String {
///     match seat.into_inner() {
///         Elicited::Accept(chosen) => format!("{flight}, seat {}", chosen.seat),
///         Elicited::Decline | Elicited::Cancel => "not booked".to_owned(),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elicit<T>(Elicited<T>);

impl<T> Elicit<T> {
    /// An answer, to call a handler directly in a test.
    pub fn new(answer: Elicited<T>) -> Self {
        Self(answer)
    }

    /// What the user did.
    pub fn into_inner(self) -> Elicited<T> {
        self.0
    }
}

impl<T> Deref for Elicit<T> {
    type Target = Elicited<T>;

    fn deref(&self) -> &Elicited<T> {
        &self.0
    }
}

/// A parameter that is asked for: what `#[ask("…")]` stands on. Implemented by [`Elicit`] only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing a user can be asked for",
    label = "not an `Elicit`",
    note = "`#[ask(\"…\")]` goes on a parameter of the type `Elicit<T>`"
)]
pub trait Asked: Sized + Send {
    /// Adds what the client must be able to do.
    fn needs(needs: &mut Needs);

    /// Asks.
    ///
    /// # Errors
    ///
    /// There is no answer.
    fn ask(
        ctx: &Context,
        key: &str,
        message: &str,
    ) -> impl Future<Output = Result<Self, ToolError>> + Send;
}

impl<T: DeserializeOwned + JsonSchema + Send> Asked for Elicit<T> {
    fn needs(needs: &mut Needs) {
        needs.capability(Capability::Elicitation);
    }

    async fn ask(ctx: &Context, key: &str, message: &str) -> Result<Self, ToolError> {
        Ok(Self(ctx.elicit(key, message).await?))
    }
}
