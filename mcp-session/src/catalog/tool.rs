//! A tool: something a model can do.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::catalog::common::Common;
use crate::catalog::describe::{describing, needing};
use crate::catalog::function::{Handler, Head, Input};
use crate::catalog::handler::{BoxFuture, ToolHandler};
use crate::catalog::origin::{Origin, originated, originating};
use crate::catalog::via::ViaArguments;
use crate::catalog::{CheckedTool, IntoToolReply, ToolReply, constraint};
use crate::context::{Context, Needs};
use crate::error::ToolError;
use crate::protocol::{Raw, ToolAnnotations, ToolDefinition};
use crate::schema::{self, JsonSchema};

/// Something a model can do: a name, a description, a schema of the arguments, and a function.
///
/// Make one with [`#[tool]`](macro@crate::tool), or here without macros. Nothing is checked until
/// it is registered with a template or a session, and then every mistake is reported together.
///
/// # Examples
///
/// ```
/// use mcp_session::{Context, JsonSchema, Tool};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct AddArgs {
///     a: i64,
///     /// What to add.
///     b: i64,
/// }
///
/// let add = Tool::new("add")
///     .description("Adds two numbers.")
///     .read_only()
///     .handler(|args: AddArgs, ctx: Context| async move {
///         ctx.progress(1.0).send();
///         args.a + args.b
///     });
/// ```
///
/// A tool that is known only when the program runs has its schema as a value. Arguments are held
/// against it before the function sees them:
///
/// ```
/// use mcp_session::Tool;
/// use serde_json::{Value, json};
///
/// let echo = Tool::new("echo")
///     .description("Says it again.")
///     .input_schema(json!({
///         "type": "object",
///         "properties": {"text": {"type": "string", "maxLength": 80}},
///         "required": ["text"],
///     }))
///     .handler(|arguments: Value| async move { arguments["text"].to_string() });
/// ```
#[derive(Clone)]
#[must_use = "a tool is of use only once it is registered"]
pub struct Tool {
    common: Common<ToolParts, CheckedTool>,
    origin: Option<Arc<Origin>>,
}

/// What a tool is made of.
#[derive(Clone)]
pub(crate) struct ToolParts {
    pub(super) definition: ToolDefinition,
    pub(super) needs: Needs,
    pub(super) handler: Arc<dyn ToolHandler>,
    pub(super) held: Held,
}

/// What is held against its schema, whenever the tool is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) arguments: bool,
    pub(crate) answers: bool,
}

/// A tool that has no function yet. Made by [`Tool::new`].
#[derive(Debug, Clone)]
#[must_use = "a tool does nothing until `handler` gives it a function"]
pub struct ToolBuilder {
    definition: ToolDefinition,
    input_schema: Option<Value>,
    needs: Needs,
    origin: Option<Arc<Origin>>,
}

impl Tool {
    /// Begins a tool of this name: 1 to 128 of `A-Z a-z 0-9 _ . -`.
    #[expect(
        clippy::new_ret_no_self,
        reason = "a tool without a handler is not one yet"
    )]
    pub fn new(name: impl Into<String>) -> ToolBuilder {
        let definition = ToolDefinition::new(name, json!({"type": "object"}));
        ToolBuilder {
            definition,
            input_schema: None,
            needs: Needs::default(),
            origin: None,
        }
    }

    /// The name it is called by.
    pub fn name(&self) -> &str {
        &self.common.definition.name
    }

    /// The tool as it stands in a list.
    pub fn definition(&self) -> &ToolDefinition {
        &self.common.definition
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.common.needs
    }

    /// What its clones have in common with it.
    pub(super) fn common(&self) -> &Common<ToolParts, CheckedTool> {
        &self.common
    }

    /// Puts a tool together from its erased parts.
    fn assemble(
        builder: ToolBuilder,
        signature: ToolSignature,
        output: Option<Value>,
        run: impl Fn(Option<Raw>, Context) -> BoxFuture<Result<ToolReply, ToolError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let ToolBuilder {
            mut definition,
            input_schema,
            origin,
            ..
        } = builder;
        let held = Held {
            // A derived schema says nothing that decoding does not find out, but for constraints.
            arguments: input_schema.is_some() || signature.constrained,
            answers: definition.output_schema.is_some(),
        };
        if let Some(schema) = input_schema.or(signature.schema) {
            definition.input_schema = schema;
        }
        if !held.answers {
            definition.output_schema = output;
        }
        Self {
            common: Common::new(ToolParts {
                definition,
                needs: signature.needs,
                handler: Arc::new(run),
                held,
            }),
            origin,
        }
    }

    /// What setters change.
    fn change(&mut self) -> &mut ToolParts {
        self.common.change()
    }
}

impl ToolBuilder {
    /// Sets the schema of the arguments, instead of deriving it from the handler's type: for
    /// tools that are known only when the program runs. Arguments are held against it.
    ///
    /// Its root must be of type `object`.
    pub fn input_schema(mut self, schema: Value) -> Self {
        self.input_schema = Some(schema);
        self
    }

    /// Sets the schema of the structured content, instead of deriving it from the handler's
    /// answer. Answers are held against it, and one that does not fit never leaves the server.
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.definition.output_schema = Some(schema);
        self
    }

    /// Sets how long one call may take, instead of
    /// [`Limits::request`](crate::Limits::request). One that takes longer is stopped, and its
    /// client gets a failed result.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.needs.timeout(timeout);
        self
    }

    /// Sets how many calls of it there may be per second, of all callers together, instead of
    /// [`Limits::calls_per_tool`](crate::Limits::calls_per_tool).
    pub fn calls_per_second(mut self, calls: u32) -> Self {
        self.needs.calls_per_second(calls);
        self
    }

    /// Gives the tool its function.
    ///
    /// The function takes at most one parameter with the arguments, any type that derives
    /// `serde::Deserialize` and `schemars::JsonSchema`; then up to eight that implement
    /// [`FromContext`](crate::FromContext). It answers with anything that implements
    /// [`IntoToolReply`].
    pub fn handler<M, H>(mut self, handler: H) -> Tool
    where
        H: Handler<ToolArguments, M, Output: IntoToolReply>,
    {
        let mut signature = self.signature();
        H::describe(&mut signature);
        let handler = Arc::new(handler);
        Tool::assemble(
            self,
            signature,
            H::Output::output_schema(),
            move |arguments, ctx| {
                let handler = Arc::clone(&handler);
                handler.start(ToolArguments(arguments), ctx, H::Output::into_tool_reply)
            },
        )
    }

    /// Gives the tool a function that reads its arguments itself, from their JSON text.
    ///
    /// Prefer [`handler`](Self::handler). Arguments are held against the
    /// [`input_schema`](Self::input_schema), if there is one.
    pub fn raw_handler<F, Fut>(mut self, handler: F) -> Tool
    where
        F: Fn(Raw, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoToolReply> + Send + 'static,
    {
        let output = Fut::Output::output_schema();
        let signature = self.signature();
        Tool::assemble(self, signature, output, move |arguments, ctx| {
            let answer = handler(arguments.unwrap_or_default(), ctx);
            answer.map(IntoToolReply::into_tool_reply).boxed()
        })
    }

    /// A tool of a function whose parameters are described already: what `#[tool]` makes.
    pub(crate) fn described(
        self,
        signature: ToolSignature,
        output: Option<Value>,
        run: impl Fn(Option<Raw>, Context) -> BoxFuture<Result<ToolReply, ToolError>>
        + Send
        + Sync
        + 'static,
    ) -> Tool {
        Tool::assemble(self, signature, output, run)
    }

    /// A signature that has what was asked for so far.
    fn signature(&mut self) -> ToolSignature {
        ToolSignature {
            needs: std::mem::take(&mut self.needs),
            ..ToolSignature::default()
        }
    }

    /// What setters change.
    fn change(&mut self) -> &mut Self {
        self
    }
}

describing!(Tool);
describing!(ToolBuilder);
needing!(ToolBuilder);
originating!(Tool);
originating!(ToolBuilder);
originated!(Tool);

/// Adds the hints on how a tool behaves.
macro_rules! behaving {
    ($type:ty) => {
        impl $type {
            /// Hints that it changes nothing.
            pub fn read_only(mut self) -> Self {
                self.hints().read_only_hint = Some(true);
                self
            }

            /// Hints that its changes may destroy something, which is also what a client assumes.
            pub fn destructive(mut self) -> Self {
                self.hints().destructive_hint = Some(true);
                self
            }

            /// Hints that calling it again with the same arguments changes nothing more.
            pub fn idempotent(mut self) -> Self {
                self.hints().idempotent_hint = Some(true);
                self
            }

            /// Hints that it reaches outside, such as the web, which is also what a client
            /// assumes.
            pub fn open_world(mut self) -> Self {
                self.hints().open_world_hint = Some(true);
                self
            }

            /// Hints that its changes destroy nothing.
            pub fn non_destructive(mut self) -> Self {
                self.hints().destructive_hint = Some(false);
                self
            }

            /// Hints that it reaches nothing outside.
            pub fn closed_world(mut self) -> Self {
                self.hints().open_world_hint = Some(false);
                self
            }

            /// Sets all hints at once (since 2025-03-26).
            pub fn annotations(mut self, annotations: ToolAnnotations) -> Self {
                self.change().definition.annotations = Some(annotations);
                self
            }

            fn hints(&mut self) -> &mut ToolAnnotations {
                let definition = &mut self.change().definition;
                definition.annotations.get_or_insert_default()
            }
        }
    };
}

behaving!(Tool);
behaving!(ToolBuilder);

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("definition", &self.common.definition)
            .field("needs", &self.common.needs)
            .finish_non_exhaustive()
    }
}

/// What a tool's handler is handed: the arguments as JSON text.
#[derive(Debug)]
pub struct ToolArguments(Option<Raw>);

/// What registration learns from a tool's function.
#[derive(Debug, Default)]
pub struct ToolSignature {
    pub(crate) schema: Option<Value>,
    pub(crate) constrained: bool,
    pub(crate) needs: Needs,
}

impl<F> ToolHandler for F
where
    F: Fn(Option<Raw>, Context) -> BoxFuture<Result<ToolReply, ToolError>> + Send + Sync,
{
    fn run(&self, arguments: Option<Raw>, ctx: Context) -> BoxFuture<Result<ToolReply, ToolError>> {
        self(arguments, ctx)
    }
}

impl Input for ToolArguments {
    type Signature = ToolSignature;

    fn needs(signature: &mut ToolSignature) -> &mut Needs {
        &mut signature.needs
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Head<ToolArguments, ViaArguments> for T {
    type Read = T;

    fn describe(signature: &mut ToolSignature) {
        let mut schema = schema::of::<T>();
        // What takes anything takes any object: the root has to say so.
        if schema == true || schema.as_object().is_some_and(serde_json::Map::is_empty) {
            schema = json!({"type": "object"});
        }
        signature.schema = Some(schema);
        signature.constrained = constraint::constrains::<T>();
    }

    fn read(input: ToolArguments) -> Result<T, ToolError> {
        let text = input.0.unwrap_or_default();
        schema::decode_args(text.as_str()).map_err(|error| ToolError::new(error.to_string()))
    }

    async fn resolve(read: T, _ctx: &Context) -> Result<T, ToolError> {
        Ok(read)
    }
}
