//! JSON-RPC and the Model Context Protocol as plain data.
//!
//! Bytes become a [`Message`] in [`decode`], its parameters stay [`Raw`] until the method is
//! known and then become one of the types here. Answers go the other way: a result is shaped for
//! the revision the client speaks in [`wire`] and becomes a [`Frame`].
//!
//! Nothing here does I/O, keeps state or knows of sessions; all revisions share one set of
//! types, which is the newest revision's.

pub mod meta;
pub mod method;
pub mod wire;

mod decode;
mod encode;
mod error;
mod id;
mod message;
mod misfit;
mod params;
mod preamble;
mod skim;
mod text;
mod types;
mod version;

#[cfg(test)]
mod tests;

pub use decode::{DecodeError, DecodeErrorKind, DecodeLimits, Incoming, decode};
pub(crate) use decode::{Received, receive};
pub use encode::{Frame, Payload};
pub use error::{RpcError, code};
pub use id::{ProgressToken, RequestId};
pub use message::{Message, Notification, Request, Response};
pub use meta::{RequestMeta, RequestedLogLevel};
pub(crate) use misfit::{in_json_terms, misfit};
pub(crate) use params::{Foreword, Found};
pub(crate) use preamble::{ClientInfo, Preamble};
pub use text::{ByteStr, Raw};
pub use types::{
    AcknowledgedParams, Annotations, AudioContent, CacheHint, CacheScope, CallToolParams,
    CallToolResult, CancelledParams, ClientCapabilities, CompleteArgument, CompleteContext,
    CompleteParams, CompleteRef, Completion, ContentBlock, CreateMessageParams,
    CreateMessageResult, DiscoverResult, ElicitAction, ElicitFormParams, ElicitResult,
    ElicitUrlParams, EmbeddedResource, EmptyResult, GetPromptParams, GetPromptResult, Icon,
    IconTheme, ImageContent, Implementation, IncludeContext, InitializeParams, InitializeResult,
    InputRequest, InputRequiredResult, ListChanged, ListParams, ListRootsResult, ListenParams,
    LogLevel, LogParams, Meta, ModelHint, ModelPreferences, ProgressParams, PromptArgument,
    PromptDefinition, PromptMessage, ReadResourceParams, ReadResourceResult, ResourceContents,
    ResourceDefinition, ResourceLink, ResourceTemplateDefinition, ResourceUpdatedParams,
    ResourcesCapability, Role, Root, SamplingBlock, SamplingContent, SamplingMessage,
    ServerCapabilities, SetLevelParams, SubscribeParams, SubscriptionFilter, TextContent,
    ToolAnnotations, ToolChoice, ToolChoiceMode, ToolDefinition, ToolResult, ToolUse,
    decode_params,
};
pub use version::{Era, ProtocolVersion};
