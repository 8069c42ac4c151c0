//! One parameter while the arguments are being read.

use std::fmt::{self, Display};

use serde::{
    Deserialize,
    de::{Error, MapAccess},
};
use serde_json::Value;

use crate::catalog::param::Param;
use crate::catalog::text;
use crate::catalog::uri_template::UriVariables;
use crate::context::Context;
use crate::error::ToolError;
use crate::protocol::RpcError;
use crate::schema::{Generator, absent};

/// One parameter while the arguments are being read.
pub struct Slot<T: Param<M>, M> {
    default: Option<fn() -> T>,
    given: bool,
    wrong: bool,
    wire: Option<T::Wire>,
}

impl<T: Param<M>, M> fmt::Debug for Slot<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

/// An empty slot for a parameter, with what it is when the client does not say.
pub fn slot<T: Param<M>, M>(default: Option<fn() -> T>) -> Slot<T, M> {
    Slot {
        default,
        given: false,
        wrong: false,
        wire: None,
    }
}

impl<T: Param<M>, M> Slot<T, M> {
    /// Reads the value of the member called `name`.
    ///
    /// # Errors
    ///
    /// It does not fit, or was there before.
    pub fn fill<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        members: &mut A,
    ) -> Result<(), A::Error> {
        if std::mem::replace(&mut self.given, true) {
            return Err(A::Error::custom(format_args!("`{name}` is given twice")));
        }
        // A null where there is a default counts as absent: models like to send it. A type that
        // accepts absence by itself has a meaning of its own for null.
        self.wire = if self.default.is_some() && absent::<T::Wire>().is_none() {
            members.next_value()?
        } else {
            Some(members.next_value()?)
        };
        Ok(())
    }

    /// Reads the value from text.
    pub fn fill_text(&mut self, name: &str, text: Option<&str>, faults: &mut Faults) {
        // An empty text where there is a default is a field that somebody left empty.
        let Some(text) = text.filter(|text| !text.is_empty() || self.default.is_none()) else {
            return;
        };
        match text::decode(text) {
            Ok(value) => self.wire = Some(value),
            Err(error) => {
                self.wrong = true;
                faults.add(name, error);
            }
        }
    }

    /// Reads the value from a variable of a URI.
    ///
    /// # Errors
    ///
    /// It does not fit: then the URI is not one of this family.
    pub fn fill_variable(&mut self, name: &str, variables: &UriVariables) -> Result<(), ToolError> {
        /// What names the value, since variables are decoded by name.
        #[derive(Deserialize)]
        struct Only<T> {
            value: T,
        }
        if variables.is_list(name) {
            let mut only = UriVariables::new();
            only.set_list("value", variables.list(name).map(str::to_owned).collect());
            let found: Only<T::Wire> = only.deserialize().map_err(|_| ToolError::not_found())?;
            self.wire = Some(found.value);
        } else if let Some(text) = variables.get(name) {
            self.wire = Some(text::decode(text).map_err(|_| ToolError::not_found())?);
        }
        Ok(())
    }

    /// Closes the slot; `None` when something is missing.
    pub fn close(self, name: &str, faults: &mut Faults) -> Option<Accepted<T, M>> {
        if self.wrong {
            return None;
        }
        if let (None, Some(default)) = (&self.wire, self.default) {
            return Some(Accepted::Ready(default()));
        }
        let accepted = T::accept(self.wire);
        if accepted.is_none() {
            faults.add(
                name,
                format_args!("missing, expected {}", expected::<T, M>()),
            );
        }
        accepted.map(Accepted::Pending)
    }
}

/// A parameter that has what it needs of the client.
#[expect(clippy::exhaustive_enums, reason = "only the macros see it")]
pub enum Accepted<T: Param<M>, M> {
    /// It is made already.
    Ready(T),
    /// It still needs to be made.
    Pending(T::Accepted),
}

impl<T: Param<M>, M> fmt::Debug for Accepted<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Pending(_) => "Pending",
        })
    }
}

impl<T: Param<M>, M> Accepted<T, M> {
    /// Makes the value.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub async fn resolve(self, ctx: &Context) -> Result<T, ToolError> {
        match self {
            Self::Ready(value) => Ok(value),
            Self::Pending(accepted) => T::resolve(accepted, ctx).await,
        }
    }
}

/// All that is wrong with the arguments.
#[derive(Debug, Default)]
pub struct Faults(Vec<String>);

impl Faults {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    fn add(&mut self, name: &str, fault: impl Display) {
        self.0.push(format!("`{name}`: {fault}"));
    }

    /// As a failed tool, for the model to correct.
    pub fn into_tool_error(self) -> ToolError {
        ToolError::new(self.0.join("; "))
    }

    /// As a wrong request (2026-07-28, "Prompts", "Error Handling": -32602).
    pub fn into_invalid_params(self) -> ToolError {
        ToolError::protocol(RpcError::invalid_params(self.0.join("; ")))
    }
}

/// The type a model should have sent, in the words of its schema.
#[cold]
fn expected<T: Param<M>, M>() -> String {
    let described = T::describe(&mut Generator::new());
    let schema = described
        .map(|described| described.schema)
        .unwrap_or_default();
    schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("a value")
        .to_owned()
}
