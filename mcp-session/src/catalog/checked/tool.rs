//! A tool that was checked.

use std::sync::{Arc, LazyLock};

use crate::catalog::checked::Checking;
use crate::catalog::snapshot::Listed;
use crate::catalog::{Definition, Origin, Recipe, Tool, ToolHandler, check};
use crate::context::{Deps, Needs};
use crate::error::Mistake;
use crate::protocol::wire::DefinitionKind;
use crate::schema::{HeaderParam, InputSchema, OutputSchema, SchemaLimits};

/// A tool that was checked.
#[derive(Clone)]
pub(crate) struct CheckedTool(Arc<ToolBody>);

struct ToolBody {
    definition: Definition,
    header_params: Box<[HeaderParam]>,
    /// Apart, for most tools need nothing, and a session may have many of its own.
    needs: Option<Box<Needs>>,
    handler: Arc<dyn ToolHandler>,
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
        let definition = tool.definition();
        let mut checking = Checking::new("tool", &definition.name);
        checking.that(check::tool_name(&definition.name));
        checking.common(
            definition.icons.as_ref(),
            definition.meta.as_ref(),
            tool.needs(),
            deps,
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
            handler: Arc::clone(tool.handler()),
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

    pub(crate) fn handler(&self) -> &dyn ToolHandler {
        &*self.0.handler
    }
}
