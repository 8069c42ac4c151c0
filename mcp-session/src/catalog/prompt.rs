//! A prompt: a text that a user picks and fills in.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::catalog::common::Common;
use crate::catalog::completion::{Completers, completing};
use crate::catalog::describe::{describing, needing};
use crate::catalog::function::{Handler, Head, Input};
use crate::catalog::handler::{BoxFuture, PromptHandler};
use crate::catalog::origin::{Origin, originated, originating};
use crate::catalog::via::ViaArguments;
use crate::catalog::{CheckedPrompt, IntoPromptReply, PromptReply, text};
use crate::context::{Context, Needs};
use crate::error::ToolError;
use crate::protocol::{PromptArgument, PromptDefinition, RpcError};
use crate::schema::{self, JsonSchema};

/// A text for a model that a user picks and fills in.
///
/// Make one with [`#[prompt]`](macro@crate::prompt), or here without macros. Nothing is checked
/// until it is registered with a template or a session, and then every mistake is reported
/// together.
///
/// # Examples
///
/// ```
/// use mcp_session::{JsonSchema, Prompt};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Trip {
///     /// Where to go.
///     city: String,
///     /// How many days to stay.
///     days: Option<u8>,
/// }
///
/// let plan = Prompt::new("plan_trip")
///     .description("Plans a trip.")
///     .complete("city", ["Lima", "Oslo"])
///     .handler(|trip: Trip| async move {
///         format!("Plan {} days in {}.", trip.days.unwrap_or(2), trip.city)
///     });
/// ```
#[derive(Clone)]
#[must_use = "a prompt is of use only once it is registered"]
pub struct Prompt {
    common: Common<PromptParts, CheckedPrompt>,
    origin: Option<Arc<Origin>>,
}

/// What a prompt is made of.
#[derive(Clone)]
pub(crate) struct PromptParts {
    pub(super) definition: PromptDefinition,
    pub(super) needs: Needs,
    pub(super) handler: Arc<dyn PromptHandler>,
    pub(super) completers: Completers,
}

/// A prompt that has no function yet. Made by [`Prompt::new`].
#[derive(Debug, Clone)]
#[must_use = "a prompt does nothing until `handler` gives it a function"]
pub struct PromptBuilder {
    definition: PromptDefinition,
    needs: Needs,
    completers: Completers,
    origin: Option<Arc<Origin>>,
}

impl Prompt {
    /// Begins a prompt of this name.
    #[expect(
        clippy::new_ret_no_self,
        reason = "a prompt without a handler is not one yet"
    )]
    pub fn new(name: impl Into<String>) -> PromptBuilder {
        let definition = PromptDefinition::new(name);
        PromptBuilder {
            definition,
            needs: Needs::default(),
            completers: Completers::default(),
            origin: None,
        }
    }

    /// The name it is asked for by.
    pub fn name(&self) -> &str {
        &self.common.definition.name
    }

    /// The prompt as it stands in a list.
    pub fn definition(&self) -> &PromptDefinition {
        &self.common.definition
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.common.needs
    }

    /// Who suggests values, by argument.
    pub(crate) fn completers(&self) -> &Completers {
        &self.common.completers
    }

    /// What its clones have in common with it.
    pub(super) fn common(&self) -> &Common<PromptParts, CheckedPrompt> {
        &self.common
    }

    /// What setters change.
    fn change(&mut self) -> &mut PromptParts {
        self.common.change()
    }
}

impl PromptBuilder {
    /// Adds an optional argument, instead of deriving all from the handler's type.
    pub fn argument(self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.arguments([PromptArgument::new(name).description(description)])
    }

    /// Adds an argument that must be filled in, instead of deriving all from the handler's type.
    pub fn required_argument(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        self.arguments([PromptArgument::required(name).description(description)])
    }

    /// Adds arguments, instead of deriving all from the handler's type.
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = PromptArgument>) -> Self {
        self.definition
            .arguments
            .get_or_insert_default()
            .extend(arguments);
        self
    }

    /// Gives the prompt its function.
    ///
    /// The function takes at most one parameter with the arguments, any type that derives
    /// `serde::Deserialize` and `schemars::JsonSchema`; then up to eight that implement
    /// [`FromContext`](crate::FromContext). It answers with anything that implements
    /// [`IntoPromptReply`].
    ///
    /// Clients send arguments as texts. Numbers, booleans and enums are read from them; for
    /// anything with inner structure the text is taken for JSON. An optional argument that is
    /// empty counts as not given.
    pub fn handler<M, H>(mut self, handler: H) -> Prompt
    where
        H: Handler<PromptArguments, M, Output: IntoPromptReply>,
    {
        let needs = std::mem::take(&mut self.needs);
        let mut signature = PromptSignature {
            arguments: Vec::new(),
            needs,
        };
        H::describe(&mut signature);
        let handler = Arc::new(handler);
        self.finish(signature, move |arguments, ctx| {
            let handler = Arc::clone(&handler);
            handler.start(
                PromptArguments(arguments),
                ctx,
                H::Output::into_prompt_reply,
            )
        })
    }

    /// A prompt of a function whose parameters are described already: what `#[prompt]` makes.
    pub(crate) fn described(
        self,
        arguments: Vec<PromptArgument>,
        needs: Needs,
        run: impl Fn(BTreeMap<String, String>, Context) -> BoxFuture<Result<PromptReply, ToolError>>
        + Send
        + Sync
        + 'static,
    ) -> Prompt {
        self.finish(PromptSignature { arguments, needs }, run)
    }

    fn finish(
        self,
        signature: PromptSignature,
        run: impl Fn(BTreeMap<String, String>, Context) -> BoxFuture<Result<PromptReply, ToolError>>
        + Send
        + Sync
        + 'static,
    ) -> Prompt {
        let Self {
            mut definition,
            completers,
            origin,
            ..
        } = self;
        if definition.arguments.is_none() && !signature.arguments.is_empty() {
            definition.arguments = Some(signature.arguments);
        }
        let required = definition
            .arguments
            .iter()
            .flatten()
            .filter(|argument| argument.required);
        let required = required.map(|argument| argument.name.clone()).collect();
        let handler = Arc::new(Function { required, run });
        Prompt {
            common: Common::new(PromptParts {
                definition,
                needs: signature.needs,
                handler,
                completers,
            }),
            origin,
        }
    }

    /// What setters change.
    fn change(&mut self) -> &mut Self {
        self
    }
}

describing!(Prompt);
describing!(PromptBuilder);
needing!(PromptBuilder);
completing!(Prompt);
completing!(PromptBuilder);
originating!(Prompt);
originating!(PromptBuilder);
originated!(Prompt);

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("definition", &self.common.definition)
            .field("completers", &self.common.completers)
            .finish_non_exhaustive()
    }
}

/// What a prompt's handler is handed: the arguments as texts.
#[derive(Debug)]
pub struct PromptArguments(BTreeMap<String, String>);

/// What registration learns from a prompt's function.
#[derive(Debug, Default)]
pub struct PromptSignature {
    arguments: Vec<PromptArgument>,
    needs: Needs,
}

impl Input for PromptArguments {
    type Signature = PromptSignature;

    fn needs(signature: &mut PromptSignature) -> &mut Needs {
        &mut signature.needs
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Head<PromptArguments, ViaArguments> for T {
    type Read = T;

    fn describe(signature: &mut PromptSignature) {
        signature.arguments = arguments_of(&schema::of::<T>());
    }

    fn read(input: PromptArguments) -> Result<T, ToolError> {
        let given = input
            .0
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        text::decode_all(given).map_err(|error| wrong(error.to_string()))
    }

    async fn resolve(read: T, _ctx: &Context) -> Result<T, ToolError> {
        Ok(read)
    }
}

/// The properties of an object's schema as arguments of a prompt.
pub(crate) fn arguments_of(schema: &Value) -> Vec<PromptArgument> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let arguments = properties.map(|(name, property)| {
        let mut argument = PromptArgument::new(name);
        argument.required = is_required(name);
        let text = |key| property.get(key).and_then(Value::as_str).map(str::to_owned);
        argument.title = text("title");
        argument.description = text("description");
        argument
    });
    arguments.collect()
}

/// A wrong argument (all revisions, "Prompts", "Error Handling": -32602).
fn wrong(problem: String) -> ToolError {
    ToolError::protocol(RpcError::invalid_params(problem))
}

/// An erased function.
struct Function<F> {
    required: Vec<String>,
    run: F,
}

impl<F> PromptHandler for Function<F>
where
    F: Fn(BTreeMap<String, String>, Context) -> BoxFuture<Result<PromptReply, ToolError>>
        + Send
        + Sync,
{
    fn run(
        &self,
        arguments: BTreeMap<String, String>,
        ctx: Context,
    ) -> BoxFuture<Result<PromptReply, ToolError>> {
        let missing = self
            .required
            .iter()
            .filter(|name| !arguments.contains_key(*name));
        let missing: Vec<String> = missing.map(|name| format!("`{name}`: missing")).collect();
        if !missing.is_empty() {
            return Box::pin(std::future::ready(Err(wrong(missing.join("; ")))));
        }
        (self.run)(arguments, ctx)
    }
}
