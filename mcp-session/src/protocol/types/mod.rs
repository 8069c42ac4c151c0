//! The nouns of the protocol, one file each, in the shape of the newest revision.

mod macros;

mod annotations;
mod cache;
mod capabilities;
mod complete;
mod content;
mod elicit;
mod icon;
mod implementation;
mod input;
mod lifecycle;
mod list;
mod log;
mod meta;
mod notice;
mod object;
mod prompt;
mod resource;
mod root;
mod sampling;
mod subscription;
mod tool;

#[cfg(test)]
mod tests;

pub use annotations::{Annotations, Role};
pub use cache::{CacheHint, CacheScope};
pub use capabilities::{ClientCapabilities, ListChanged, ResourcesCapability, ServerCapabilities};
pub use complete::{CompleteArgument, CompleteContext, CompleteParams, CompleteRef, Completion};
pub use content::{
    AudioContent, ContentBlock, EmbeddedResource, ImageContent, ResourceContents, ResourceLink,
    TextContent,
};
pub use elicit::{ElicitAction, ElicitFormParams, ElicitResult, ElicitUrlParams};
pub use icon::{Icon, IconTheme};
pub use implementation::Implementation;
pub use input::{InputRequest, InputRequiredResult};
pub use lifecycle::{DiscoverResult, EmptyResult, InitializeParams, InitializeResult};
pub use list::ListParams;
pub use log::{LogLevel, LogParams, SetLevelParams};
pub use meta::Meta;
pub use notice::{CancelledParams, ProgressParams, ResourceUpdatedParams, SubscribeParams};
pub use prompt::{
    GetPromptParams, GetPromptResult, PromptArgument, PromptDefinition, PromptMessage,
};
pub use resource::{
    ReadResourceParams, ReadResourceResult, ResourceDefinition, ResourceTemplateDefinition,
};
pub use root::{ListRootsResult, Root};
pub use sampling::{
    CreateMessageParams, CreateMessageResult, IncludeContext, ModelHint, ModelPreferences,
    SamplingBlock, SamplingContent, SamplingMessage, ToolChoice, ToolChoiceMode, ToolResult,
    ToolUse,
};
pub use subscription::{AcknowledgedParams, ListenParams, SubscriptionFilter};
pub use tool::{CallToolParams, CallToolResult, ToolAnnotations, ToolDefinition};

use serde::Deserialize;

pub(in crate::protocol) use object::Object;

use object::object;

use crate::protocol::error::RpcError;
use crate::protocol::misfit::misfit;
use crate::protocol::text::Raw;

/// Decodes the parameters of a message; absent ones count as `{}`.
///
/// # Errors
///
/// -32602 when they do not fit `T`, saying where.
pub fn decode_params<'a, T: Deserialize<'a>>(params: Option<&'a Raw>) -> Result<T, RpcError> {
    static EMPTY: Raw = Raw::empty_object();
    params
        .unwrap_or(&EMPTY)
        .decode_borrowed()
        .map_err(|error| RpcError::invalid_params(format!("invalid params: {}", misfit(&error))))
}

/// Reads a member that may be null and tells null from absent.
fn some<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Whether a flag is unset, for leaving it out.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}
