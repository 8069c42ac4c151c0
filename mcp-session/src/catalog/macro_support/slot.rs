//! One parameter: how it is described, and what becomes of it while the arguments are being read.

use std::fmt::{self, Display};

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error, MapAccess};
use serde_json::Value;

use crate::catalog::param::Described;
use crate::catalog::text;
use crate::catalog::uri_template::UriVariables;
use crate::context::Needs;
use crate::error::ToolError;
use crate::protocol::{RpcError, in_json_terms};
use crate::schema::{Generator, absent};

/// What [`Param`](crate::catalog::Param) says of one parameter.
pub struct Parameter<W, A> {
    pub(super) describe: fn(&mut Generator) -> Option<Described>,
    pub(super) needs: fn(&mut Needs),
    pub(super) accept: fn(Option<W>) -> Option<A>,
}

/// A parameter, from the functions of its trait.
///
/// They are passed one by one, and not by the type's name, so that a type which is no parameter
/// is reported once.
pub fn parameter<W, A>(
    describe: fn(&mut Generator) -> Option<Described>,
    needs: fn(&mut Needs),
    accept: fn(Option<W>) -> Option<A>,
) -> Parameter<W, A> {
    Parameter {
        describe,
        needs,
        accept,
    }
}

impl<W, A> fmt::Debug for Parameter<W, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parameter")
    }
}

/// One parameter while the arguments are being read.
pub struct Slot<T, W, A> {
    parameter: Parameter<W, A>,
    default: Option<fn() -> T>,
    given: bool,
    wrong: bool,
    wire: Option<W>,
}

/// An empty slot for a parameter, with what it is when the client does not say.
pub fn slot<T, W, A>(parameter: Parameter<W, A>, default: Option<fn() -> T>) -> Slot<T, W, A> {
    Slot {
        parameter,
        default,
        given: false,
        wrong: false,
        wire: None,
    }
}

impl<T, W: DeserializeOwned, A> Slot<T, W, A> {
    /// Reads the value of the member called `name`.
    ///
    /// # Errors
    ///
    /// It does not fit, or was there before.
    pub fn fill<'de, M: MapAccess<'de>>(
        &mut self,
        name: &str,
        members: &mut M,
    ) -> Result<(), M::Error> {
        if std::mem::replace(&mut self.given, true) {
            return Err(M::Error::custom(format_args!("`{name}` is given twice")));
        }
        // A null where there is a default counts as absent: models like to send it. A type that
        // accepts absence by itself has a meaning of its own for null.
        self.wire = if self.default.is_some() && absent::<W>().is_none() {
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
                faults.add(name, in_json_terms(&error.to_string()));
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
            let found: Only<W> = only.deserialize().map_err(|_| ToolError::not_found())?;
            self.wire = Some(found.value);
        } else if let Some(text) = variables.get(name) {
            self.wire = Some(text::decode(text).map_err(|_| ToolError::not_found())?);
        }
        Ok(())
    }

    /// Closes the slot; `None` when something is missing.
    pub fn close(self, name: &str, faults: &mut Faults) -> Option<Accepted<T, A>> {
        if self.wrong {
            return None;
        }
        if let (None, Some(default)) = (&self.wire, self.default) {
            return Some(Accepted::Ready(default()));
        }
        let accepted = (self.parameter.accept)(self.wire);
        if accepted.is_none() {
            let expected = expected(self.parameter.describe);
            faults.add(name, format_args!("missing, expected {expected}"));
        }
        accepted.map(Accepted::Pending)
    }
}

impl<T, W, A> fmt::Debug for Slot<T, W, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

/// A parameter that has what it needs of the client.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "only the macros see it")]
pub enum Accepted<T, A> {
    /// It is made already.
    Ready(T),
    /// It still needs to be made.
    Pending(A),
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

/// The type a client should have sent, in the words of its schema.
#[cold]
fn expected(describe: fn(&mut Generator) -> Option<Described>) -> String {
    let schema = describe(&mut Generator::new()).map(|described| described.schema);
    let schema = schema.unwrap_or_default();
    match schema.get("type").and_then(Value::as_str) {
        None => "a value".to_owned(),
        Some(name @ ("array" | "integer" | "object")) => format!("an {name}"),
        Some(name) => format!("a {name}"),
    }
}
