//! What an entry does, once its types are forgotten.
//!
//! A handler is typed until it is registered and these traits from then on: nothing above the
//! catalog is generic over handlers.

use std::collections::BTreeMap;

use crate::catalog::uri_template::UriVariables;
use crate::catalog::{CompletionRequest, PromptReply, ResourceReply, ToolReply};
use crate::context::Context;
use crate::error::ToolError;
use crate::protocol::{Completion, Raw};

/// A boxed future that owns all it needs.
pub(crate) type BoxFuture<T> = futures_util::future::BoxFuture<'static, T>;

/// Answers `tools/call`.
pub(crate) trait ToolHandler: Send + Sync {
    /// Runs the tool. `arguments` is what the client sent, an object; `None` counts as `{}`.
    fn run(&self, arguments: Option<Raw>, ctx: Context) -> BoxFuture<Result<ToolReply, ToolError>>;
}

/// Answers `prompts/get`.
pub(crate) trait PromptHandler: Send + Sync {
    /// Fills in the prompt.
    fn run(
        &self,
        arguments: BTreeMap<String, String>,
        ctx: Context,
    ) -> BoxFuture<Result<PromptReply, ToolError>>;
}

/// Answers `resources/read`.
pub(crate) trait ResourceHandler: Send + Sync {
    /// Reads the resource.
    fn run(
        &self,
        request: ResourceRequest,
        ctx: Context,
    ) -> BoxFuture<Result<ResourceReply, ToolError>>;
}

/// Answers `completion/complete` for one argument or variable.
pub(crate) trait Completer: Send + Sync {
    /// Suggests values.
    fn run(
        &self,
        request: CompletionRequest,
        ctx: Context,
    ) -> BoxFuture<Result<Completion, ToolError>>;
}

/// What a client wants to read.
///
/// Take it as the first parameter of a resource's handler to learn the URI that was asked for.
///
/// # Examples
///
/// ```
/// use mcp_session::{ResourceRequest, ResourceTemplate};
///
/// ResourceTemplate::new("notes://{id}", "note")
///     .handler(|request: ResourceRequest| async move { format!("this is {}", request.uri()) });
/// ```
#[derive(Debug, Clone)]
pub struct ResourceRequest {
    uri: String,
    variables: UriVariables,
}

impl ResourceRequest {
    pub(crate) fn new(uri: impl Into<String>, variables: UriVariables) -> Self {
        Self {
            uri: uri.into(),
            variables,
        }
    }

    /// The URI as the client wrote it. Untrusted: use
    /// [`SafeRoot`](crate::catalog::SafeRoot) before it becomes a path.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// What the template's variables stand for; empty for a resource with one fixed URI.
    pub fn variables(&self) -> &UriVariables {
        &self.variables
    }
}
