//! Resources and resource templates: what they are and what reading one gives.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::protocol::error::RpcError;
use crate::protocol::skim::Part;
use crate::protocol::text::{ByteStr, Raw};
use crate::protocol::types::annotations::Annotations;
use crate::protocol::types::cache::CacheHint;
use crate::protocol::types::content::ResourceContents;
use crate::protocol::types::icon::Icon;
use crate::protocol::types::macros::setters;
use crate::protocol::types::meta::Meta;
use crate::protocol::types::tool::object_member;
use crate::protocol::types::{decode_params, some};

/// A resource as it stands in a list.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDefinition {
    /// The address it is read by.
    pub uri: String,
    /// The name for programs.
    pub name: String,
    /// The name for people (since 2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Hints for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Pictures of it (since 2025-11-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icons: Option<Vec<Icon>>,
    /// Additional members (since 2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ResourceDefinition {
    /// Makes a definition of an address and a name.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
            annotations: None,
            icons: None,
            meta: None,
        }
    }
}

setters!(ResourceDefinition {
    /// Sets the name for people.
    title: String,
    /// Sets what it is.
    description: String,
    /// Sets the media type.
    mime_type: String,
    /// Sets the size in bytes.
    size: u64,
    /// Sets the hints.
    annotations: Annotations,
    /// Sets the pictures.
    icons: Vec<Icon>,
    /// Sets the additional members.
    meta: Meta,
});

/// A family of resources as it stands in a list.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTemplateDefinition {
    /// The addresses, as an RFC 6570 template.
    pub uri_template: String,
    /// The name for programs.
    pub name: String,
    /// The name for people (since 2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Their media type, if all have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Hints for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Pictures of them (since 2025-11-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icons: Option<Vec<Icon>>,
    /// Additional members (since 2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ResourceTemplateDefinition {
    /// Makes a definition of an RFC 6570 template and a name.
    pub fn new(uri_template: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri_template: uri_template.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            annotations: None,
            icons: None,
            meta: None,
        }
    }
}

setters!(ResourceTemplateDefinition {
    /// Sets the name for people.
    title: String,
    /// Sets what they are.
    description: String,
    /// Sets the media type.
    mime_type: String,
    /// Sets the hints.
    annotations: Annotations,
    /// Sets the pictures.
    icons: Vec<Icon>,
    /// Sets the additional members.
    meta: Meta,
});

/// The parameters of `resources/read`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadResourceParams {
    /// The address.
    pub uri: ByteStr,
    /// The client's answers, an object, when this is a retry (since 2026-07-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_responses: Option<Raw>,
    /// The state that the server sent along with its questions (since 2026-07-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
}

impl ReadResourceParams {
    /// Makes parameters of an address.
    pub fn new(uri: impl Into<ByteStr>) -> Self {
        Self {
            uri: uri.into(),
            input_responses: None,
            request_state: None,
        }
    }

    /// Decodes the parameters.
    ///
    /// # Errors
    ///
    /// -32602 when there is no address, or `inputResponses` is no object.
    pub fn from_params(params: Option<&Raw>) -> Result<Self, RpcError> {
        let wire: WireRead<'_> = decode_params(params)?;
        let parent = params.map(Raw::text).cloned().unwrap_or_default();
        Ok(Self {
            uri: parent.part(&wire.uri),
            input_responses: object_member(&parent, wire.input_responses, "inputResponses")?,
            request_state: wire.request_state,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRead<'a> {
    #[serde(borrow)]
    uri: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "some")]
    input_responses: Option<Part<'a>>,
    request_state: Option<String>,
}

/// The answer to `resources/read`.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadResourceResult {
    /// What is in the resource, or in several when it is a collection.
    pub contents: Vec<ResourceContents>,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
    /// How long it may be kept (since 2026-07-28); private and not at all when absent.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheHint>,
}

impl ReadResourceResult {
    /// Makes a result of contents.
    pub fn new(contents: Vec<ResourceContents>) -> Self {
        Self {
            contents,
            ..Self::default()
        }
    }
}

setters!(ReadResourceResult {
    /// Sets the additional members.
    meta: Meta,
    /// Sets how long it may be kept.
    cache: CacheHint,
});
