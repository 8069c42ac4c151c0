//! What registration learns from the parameters of a function.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::catalog::macro_support::Parameter;
use crate::catalog::prompt::arguments_of;
use crate::catalog::tool::ToolSignature;
use crate::context::Needs;
use crate::protocol::PromptArgument;
use crate::schema::Generator;
use crate::session::Capability;

/// The parameters of a function, in the order of their declaration.
#[derive(Debug, Default)]
pub struct Signature {
    generator: Generator,
    properties: Map<String, Value>,
    required: Vec<String>,
    constrained: bool,
    needs: Needs,
}

impl Signature {
    /// No parameters so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter with its description and its default.
    pub fn param<W, A>(
        &mut self,
        name: &str,
        description: &str,
        default: Option<Value>,
        parameter: &Parameter<W, A>,
    ) {
        (parameter.needs)(&mut self.needs);
        let Some(described) = (parameter.describe)(&mut self.generator) else {
            return;
        };
        self.constrained |= described.constrained;
        let mut schema = described.schema;
        // Absence is decided by the decoder, so that the schema cannot disagree with it.
        if default.is_none() && (parameter.accept)(None).is_none() {
            self.required.push(name.to_owned());
        }
        if let Value::Object(members) = &mut schema {
            let hint = described.hint.unwrap_or_default();
            if !description.is_empty() || !hint.is_empty() {
                let both = format!("{description} {hint}");
                members.insert("description".to_owned(), both.trim().into());
            }
            // A default of null says nothing that leaving the property out does not.
            if let Some(default) = default.filter(|default| !default.is_null()) {
                members.insert("default".to_owned(), default);
            }
        }
        self.properties.insert(name.to_owned(), schema);
    }

    /// Adds a parameter of a resource that is no variable.
    pub fn part(&mut self, needs: fn(&mut Needs)) {
        needs(&mut self.needs);
    }

    /// Adds something the client must be able to do.
    pub fn capability(&mut self, capability: Capability) {
        self.needs.capability(capability);
    }

    /// Adds a scope that the caller's credential must have.
    pub fn scope(&mut self, scope: impl Into<String>) {
        self.needs.scope(scope);
    }

    pub(super) fn into_tool(self) -> ToolSignature {
        ToolSignature {
            schema: Some(self.generator.finish_object(self.properties, self.required)),
            constrained: self.constrained,
            needs: self.needs,
        }
    }

    pub(super) fn into_prompt(self) -> (Vec<PromptArgument>, Needs) {
        let schema = self.generator.finish_object(self.properties, self.required);
        (arguments_of(&schema), self.needs)
    }

    pub(super) fn into_needs(self) -> Needs {
        self.needs
    }
}

/// A default as JSON; `None` where it has no JSON form, and then the schema does not mention it.
pub fn default_value<T: Serialize>(default: &T) -> Option<Value> {
    serde_json::to_value(default).ok()
}

/// A type whose default can be written as a text.
#[diagnostic::on_unimplemented(
    message = "the default of a `{Self}` cannot be a text",
    label = "not made from a text"
)]
pub trait FromText {
    /// The value of this text.
    fn from_text(text: &'static str) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: From<&'static str>> FromText for T {
    fn from_text(text: &'static str) -> Self {
        text.into()
    }
}
