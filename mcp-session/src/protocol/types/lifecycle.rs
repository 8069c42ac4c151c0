//! Getting to know each other: `initialize` and `server/discover`.

use serde::{Deserialize, Serialize};

use crate::protocol::error::RpcError;
use crate::protocol::text::Raw;
use crate::protocol::types::cache::CacheHint;
use crate::protocol::types::capabilities::{ClientCapabilities, ServerCapabilities};
use crate::protocol::types::implementation::Implementation;
use crate::protocol::types::macros::setters;
use crate::protocol::types::meta::Meta;
use crate::protocol::types::{decode_params, object};
use crate::protocol::version::ProtocolVersion;

/// The parameters of `initialize` (before 2026-07-28).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// The revision that the client wants, whatever that is.
    pub protocol_version: String,
    /// What the client can do.
    pub capabilities: ClientCapabilities,
    /// What the client says it is.
    #[serde(deserialize_with = "object")]
    pub client_info: Implementation,
}

impl InitializeParams {
    /// Makes parameters.
    pub fn new(
        protocol_version: impl Into<String>,
        capabilities: ClientCapabilities,
        client_info: Implementation,
    ) -> Self {
        Self {
            protocol_version: protocol_version.into(),
            capabilities,
            client_info,
        }
    }

    /// Decodes the parameters, keeping nothing of the message's memory.
    ///
    /// # Errors
    ///
    /// -32602 when they do not fit, saying where.
    pub fn from_params(params: Option<&Raw>) -> Result<Self, RpcError> {
        decode_params(params)
    }
}

/// The answer to `initialize`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    /// The revision that will be spoken.
    pub protocol_version: ProtocolVersion,
    /// What the server can do.
    pub capabilities: ServerCapabilities,
    /// What the server is.
    pub server_info: Implementation,
    /// How to use the server, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl InitializeResult {
    /// Makes an answer.
    pub fn new(
        protocol_version: ProtocolVersion,
        capabilities: ServerCapabilities,
        server_info: Implementation,
    ) -> Self {
        Self {
            protocol_version,
            capabilities,
            server_info,
            instructions: None,
            meta: None,
        }
    }
}

setters!(InitializeResult {
    /// Sets how to use the server.
    instructions: String,
    /// Sets the additional members.
    meta: Meta,
});

/// The answer to `server/discover` (since 2026-07-28). The server's identity is added when the
/// result is shaped.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoverResult {
    /// The revisions that the server speaks, newest first.
    pub supported_versions: Vec<ProtocolVersion>,
    /// What the server can do.
    pub capabilities: ServerCapabilities,
    /// How to use the server, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// How long the answer may be kept.
    #[serde(flatten)]
    pub cache: CacheHint,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl DiscoverResult {
    /// Makes an answer that names every revision.
    pub fn new(capabilities: ServerCapabilities, cache: CacheHint) -> Self {
        Self {
            supported_versions: ProtocolVersion::ALL.to_vec(),
            capabilities,
            instructions: None,
            cache,
            meta: None,
        }
    }
}

setters!(DiscoverResult {
    /// Sets how to use the server.
    instructions: String,
    /// Sets the additional members.
    meta: Meta,
});

/// A result that says nothing but that it is done.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyResult {
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl EmptyResult {
    /// Makes an empty result.
    pub fn new() -> Self {
        Self::default()
    }
}

setters!(EmptyResult {
    /// Sets the additional members.
    meta: Meta,
});
