//! A tool that was checked.

use std::sync::{Arc, LazyLock};

use futures_util::FutureExt;
use serde_json::Value;

use crate::catalog::checked::{Checking, provided};
use crate::catalog::contract::Contract;
use crate::catalog::handler::BoxFuture;
use crate::catalog::snapshot::Listed;
use crate::catalog::{Definition, Origin, Recipe, Tool, ToolHandler, ToolReply, check};
use crate::context::{Context, Deps, Needs};
use crate::error::{Mistake, ToolError};
use crate::protocol::wire::DefinitionKind;
use crate::protocol::{CallToolResult, Raw};
use crate::schema::{HeaderParam, InputSchema, OutputSchema, SchemaLimits};

/// What the model reads when a tool breaks its own promise; the details are in the log.
const MISFIT: &str = "the tool's answer does not fit its output schema";

/// A tool that was checked.
#[derive(Clone)]
pub(crate) struct CheckedTool(Arc<ToolBody>);

struct ToolBody {
    definition: Definition,
    header_params: Box<[HeaderParam]>,
    /// Apart, for most tools need nothing, and a session may have many of its own.
    needs: Option<Box<Needs>>,
    handler: Arc<dyn ToolHandler>,
    /// What arguments are held against, and answers. Apart, for most are decoded and no more.
    arguments: Option<Box<Contract>>,
    answers: Option<Box<Contract>>,
    origin: Option<Arc<Origin>>,
}

impl Listed for CheckedTool {
    fn definition(&self) -> &Definition {
        &self.0.definition
    }

    fn recipe(&self) -> Option<&Recipe> {
        self.0.origin.as_ref()?.recipe()
    }
}

impl CheckedTool {
    /// Checks a tool; all its mistakes together when there are any.
    pub(crate) fn check(tool: &Tool, deps: &Deps) -> Result<Self, Vec<Mistake>> {
        let common = tool.common();
        let checked = common.checked(tool.origin(), || Self::apart(tool));
        provided(checked, ("tool", tool.name()), tool.needs(), deps)
    }

    /// Checks what holds for it wherever it is offered.
    fn apart(tool: &Tool) -> Result<Self, Vec<Mistake>> {
        let definition = tool.definition();
        let mut checking = Checking::new("tool", &definition.name);
        checking.that(check::tool_name(&definition.name));
        checking.common(
            definition.icons.as_ref(),
            definition.meta.as_ref(),
            tool.needs(),
        );
        let limits = SchemaLimits::default();
        let input = InputSchema::check(definition.input_schema.clone(), &limits);
        let input = checking.schema("input schema", input);
        if let Some(output) = &definition.output_schema {
            checking.schema(
                "output schema",
                OutputSchema::check(output.clone(), &limits),
            );
        }
        let canonical = checking.serialised(definition);
        let held = tool.common().held;
        let mut contract = |schema: Option<&Value>| {
            let contract = Contract::of(schema?, &canonical).map(Box::new);
            if contract.is_none() {
                checking.problem("its schema is not in its JSON");
            }
            contract
        };
        let input_schema = Some(&definition.input_schema);
        let arguments = contract(input_schema.filter(|_| held.arguments));
        let output_schema = definition.output_schema.as_ref();
        let answers = contract(output_schema.filter(|_| held.answers));
        let (Some(input), []) = (input, &*checking.mistakes) else {
            return Err(checking.mistakes);
        };
        Ok(Self(Arc::new(ToolBody {
            definition: Definition::new(
                definition.name.as_str().into(),
                DefinitionKind::Tool,
                canonical,
            ),
            header_params: input.header_params().into(),
            needs: (*tool.needs() != Needs::default()).then(|| Box::new(tool.needs().clone())),
            handler: Arc::clone(&tool.common().handler),
            arguments,
            answers,
            origin: tool.origin().cloned(),
        })))
    }

    pub(crate) fn header_params(&self) -> &[HeaderParam] {
        &self.0.header_params
    }

    pub(crate) fn needs(&self) -> &Needs {
        static NOTHING: LazyLock<Needs> = LazyLock::new(Needs::default);
        self.0.needs.as_deref().unwrap_or_else(|| &NOTHING)
    }

    /// Runs the tool between the schemas it is held to. `arguments` is what the client sent, an
    /// object; `None` counts as `{}`.
    pub(crate) fn run(
        &self,
        arguments: Option<Raw>,
        ctx: Context,
    ) -> BoxFuture<Result<ToolReply, ToolError>> {
        let body = &*self.0;
        if let Some(contract) = &body.arguments
            && let Err(error) =
                contract.check_arguments(body.definition.canonical(), arguments.as_ref())
        {
            return Box::pin(std::future::ready(Err(error)));
        }
        let reply = body.handler.run(arguments, ctx);
        if body.answers.is_none() {
            return reply;
        }
        let tool = self.clone();
        reply.map(move |reply| Ok(tool.kept(reply?))).boxed()
    }

    /// The reply, or a failure where it breaks what the output schema promises (2025-06-18 and
    /// later, "Tools", "Output Schema": a result must fit, unless it is an error).
    fn kept(&self, reply: ToolReply) -> ToolReply {
        let ToolReply::Complete(result) = &reply else {
            return reply;
        };
        let Some(contract) = self.0.answers.as_ref().filter(|_| !result.is_error) else {
            return reply;
        };
        let listed = self.0.definition.canonical();
        let outcome = match &result.structured_content {
            Some(value) => contract.check(listed, value),
            None => Err("it has no structured content".to_owned()),
        };
        match outcome {
            Ok(()) => reply,
            Err(problems) => {
                tracing::error!(problems, "{MISFIT}");
                ToolReply::Complete(CallToolResult::error(MISFIT))
            }
        }
    }
}
