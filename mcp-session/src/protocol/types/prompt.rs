//! Prompts: what they are, how they are filled in, and what comes out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::error::RpcError;
use crate::protocol::skim::Part;
use crate::protocol::text::{ByteStr, Raw};
use crate::protocol::types::annotations::Role;
use crate::protocol::types::content::ContentBlock;
use crate::protocol::types::icon::Icon;
use crate::protocol::types::macros::setters;
use crate::protocol::types::meta::Meta;
use crate::protocol::types::tool::object_member;
use crate::protocol::types::{decode_params, is_false, some};

/// A prompt as it stands in a list.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptDefinition {
    /// The name it is asked for by.
    pub name: String,
    /// The name for people (since 2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What can be filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<PromptArgument>>,
    /// Pictures of it (since 2025-11-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icons: Option<Vec<Icon>>,
    /// Additional members (since 2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl PromptDefinition {
    /// Makes a definition of a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            arguments: None,
            icons: None,
            meta: None,
        }
    }
}

setters!(PromptDefinition {
    /// Sets the name for people.
    title: String,
    /// Sets what it is for.
    description: String,
    /// Sets what can be filled in.
    arguments: Vec<PromptArgument>,
    /// Sets the pictures.
    icons: Vec<Icon>,
    /// Sets the additional members.
    meta: Meta,
});

/// Something to fill in.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptArgument {
    /// The name.
    pub name: String,
    /// The name for people (since 2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it must be filled in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
}

impl PromptArgument {
    /// Makes an optional argument.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            required: false,
        }
    }

    /// Makes an argument that must be filled in.
    pub fn required(name: impl Into<String>) -> Self {
        Self {
            required: true,
            ..Self::new(name)
        }
    }
}

setters!(PromptArgument {
    /// Sets the name for people.
    title: String,
    /// Sets what it means.
    description: String,
});

/// One message of a filled-in prompt.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: ContentBlock,
}

impl PromptMessage {
    /// Makes a message.
    pub fn new(role: Role, content: impl Into<ContentBlock>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }

    /// Makes a message of the user.
    pub fn user(content: impl Into<ContentBlock>) -> Self {
        Self::new(Role::User, content)
    }

    /// Makes a message of the model.
    pub fn assistant(content: impl Into<ContentBlock>) -> Self {
        Self::new(Role::Assistant, content)
    }
}

/// The parameters of `prompts/get`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetPromptParams {
    /// The prompt.
    pub name: ByteStr,
    /// What was filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<BTreeMap<String, String>>,
    /// The client's answers, an object, when this is a retry (since 2026-07-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_responses: Option<Raw>,
    /// The state that the server sent along with its questions (since 2026-07-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
}

impl GetPromptParams {
    /// Makes parameters of a name and arguments.
    pub fn new(name: impl Into<ByteStr>, arguments: Option<BTreeMap<String, String>>) -> Self {
        Self {
            name: name.into(),
            arguments,
            input_responses: None,
            request_state: None,
        }
    }

    /// Decodes the parameters.
    ///
    /// # Errors
    ///
    /// -32602 when there is no name, an argument is no string, or `inputResponses` is no object.
    pub fn from_params(params: Option<&Raw>) -> Result<Self, RpcError> {
        let wire: WireGet<'_> = decode_params(params)?;
        let parent = params.map(Raw::text).cloned().unwrap_or_default();
        Ok(Self {
            name: parent.part(&wire.name),
            arguments: wire.arguments,
            input_responses: object_member(&parent, wire.input_responses, "inputResponses")?,
            request_state: wire.request_state,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireGet<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default, deserialize_with = "some")]
    arguments: Option<BTreeMap<String, String>>,
    #[serde(borrow, default, deserialize_with = "some")]
    input_responses: Option<Part<'a>>,
    request_state: Option<String>,
}

/// The answer to `prompts/get`.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GetPromptResult {
    /// What the prompt is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The conversation to begin with.
    pub messages: Vec<PromptMessage>,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl GetPromptResult {
    /// Makes a result of messages.
    pub fn new(messages: Vec<PromptMessage>) -> Self {
        Self {
            messages,
            ..Self::default()
        }
    }
}

setters!(GetPromptResult {
    /// Sets what the prompt is for.
    description: String,
    /// Sets the additional members.
    meta: Meta,
});
