//! Tools: what they are, how they are called, and what they answer.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::error::RpcError;
use crate::protocol::params::Found;
use crate::protocol::skim::{self, Part};
use crate::protocol::text::{ByteStr, Raw};
use crate::protocol::types::content::ContentBlock;
use crate::protocol::types::icon::Icon;
use crate::protocol::types::macros::setters;
use crate::protocol::types::meta::Meta;
use crate::protocol::types::{decode_params, is_false, some};

/// A tool as it stands in a list.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolDefinition {
    /// The name it is called by.
    pub name: String,
    /// The name for people (since 2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of the arguments; its root is of type object.
    pub input_schema: Value,
    /// JSON Schema of the structured content (since 2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Hints on its behaviour (since 2025-03-26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<ToolAnnotations>,
    /// Pictures of it (since 2025-11-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icons: Option<Vec<Icon>>,
    /// Additional members (since 2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ToolDefinition {
    /// Makes a definition of a name and the schema of the arguments.
    pub fn new(name: impl Into<String>, input_schema: Value) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            input_schema,
            output_schema: None,
            annotations: None,
            icons: None,
            meta: None,
        }
    }
}

setters!(ToolDefinition {
    /// Sets the name for people.
    title: String,
    /// Sets what it does.
    description: String,
    /// Sets the schema of the structured content.
    output_schema: Value,
    /// Sets the hints on its behaviour.
    annotations: ToolAnnotations,
    /// Sets the pictures.
    icons: Vec<Icon>,
    /// Sets the additional members.
    meta: Meta,
});

/// Hints on how a tool behaves; what is absent has the protocol's default.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolAnnotations {
    /// The name for people, for revisions that have none elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether it changes nothing (default: it may).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// Whether its changes may destroy something (default: they may).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// Whether calling it again with the same arguments changes nothing more (default: it does).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// Whether it reaches outside, such as the web (default: it does).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

impl ToolAnnotations {
    /// Makes annotations that say nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

setters!(ToolAnnotations {
    /// Sets the name for people.
    title: String,
    /// Sets whether it changes nothing.
    read_only_hint: bool,
    /// Sets whether its changes may destroy something.
    destructive_hint: bool,
    /// Sets whether calling it again changes nothing more.
    idempotent_hint: bool,
    /// Sets whether it reaches outside.
    open_world_hint: bool,
});

/// The parameters of `tools/call`, with the arguments still raw.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolParams {
    /// The tool.
    pub name: ByteStr,
    /// The arguments, an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Raw>,
    /// The client's answers, an object, when the call is a retry (since 2026-07-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_responses: Option<Raw>,
    /// The state that the server sent along with its questions (since 2026-07-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
}

impl CallToolParams {
    /// Makes parameters of a name and arguments.
    pub fn new(name: impl Into<ByteStr>, arguments: Option<Raw>) -> Self {
        Self {
            name: name.into(),
            arguments,
            input_responses: None,
            request_state: None,
        }
    }

    /// What was found of the parameters already, where nothing is wrong with that.
    pub(crate) fn of_found(found: Found) -> Option<Self> {
        let are_objects = [&found.arguments, &found.input_responses]
            .into_iter()
            .flatten()
            .all(Raw::is_object);
        let name = found.name.filter(|_| found.is_plain && are_objects)?;
        let state = found.request_state;
        Some(Self {
            name: name.plain_text()?,
            arguments: found.arguments,
            input_responses: found.input_responses,
            request_state: state.map(|state| state.decode()).transpose().ok()?,
        })
    }

    /// Decodes the parameters without copying the arguments. `task` is ignored.
    ///
    /// # Errors
    ///
    /// -32602 when there is no name, or when `arguments` or `inputResponses` is no object.
    pub fn from_params(params: Option<&Raw>) -> Result<Self, RpcError> {
        let plain = params.map(Raw::as_str).and_then(WireCall::of_plain);
        let wire = plain.map_or_else(|| decode_params(params), Ok)?;
        let parent = params.map(Raw::text).cloned().unwrap_or_default();
        Ok(Self {
            name: parent.part(&wire.name),
            arguments: object_member(&parent, wire.arguments, "arguments")?,
            input_responses: object_member(&parent, wire.input_responses, "inputResponses")?,
            request_state: wire.request_state,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCall<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "some")]
    arguments: Option<Part<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    input_responses: Option<Part<'a>>,
    request_state: Option<String>,
}

impl<'a> WireCall<'a> {
    fn of_plain(text: &'a str) -> Option<Self> {
        let (mut own, mut arguments, mut responses, mut state) = (None, None, None, None);
        skim::object(text, |skim, name| {
            let value = skim.value()?;
            match name {
                "name" => skim::once(&mut own, value.plain_text()?),
                "arguments" => skim::once(&mut arguments, value),
                "inputResponses" => skim::once(&mut responses, value),
                "requestState" => skim::once(&mut state, value.plain_text()?.to_owned()),
                _ => Some(()),
            }
        })?;
        Some(Self {
            name: own?.into(),
            arguments,
            input_responses: responses,
            request_state: state,
        })
    }
}

/// Shares a member that must be an object if it is there.
pub(super) fn object_member(
    parent: &ByteStr,
    value: Option<Part<'_>>,
    name: &'static str,
) -> Result<Option<Raw>, RpcError> {
    match value.map(|value| Raw::slice_of(parent, value)) {
        Some(raw) if !raw.is_object() => Err(RpcError::invalid_params(format!(
            "invalid params: `{name}` must be an object"
        ))),
        checked => Ok(checked),
    }
}

/// The answer to `tools/call`.
///
/// ```
/// use mcp_session::protocol::{CallToolResult, ContentBlock};
///
/// let result = CallToolResult::new(vec![ContentBlock::text("42")]);
/// assert!(!result.is_error);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolResult {
    /// What the model reads.
    pub content: Vec<ContentBlock>,
    /// What a program reads (since 2025-06-18; before 2026-07-28 an object).
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    pub structured_content: Option<Value>,
    /// Whether the tool failed, in a way that the model may be able to correct.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_error: bool,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl CallToolResult {
    /// Makes a result of content.
    pub fn new(content: Vec<ContentBlock>) -> Self {
        Self {
            content,
            ..Self::default()
        }
    }

    /// Makes a result of one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(vec![ContentBlock::text(text)])
    }

    /// Makes a failure of one text, which the model reads.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            is_error: true,
            ..Self::text(text)
        }
    }
}

setters!(CallToolResult {
    /// Sets what a program reads.
    structured_content: Value,
    /// Sets the additional members.
    meta: Meta,
});

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn call(text: &'static str) -> Result<CallToolParams, RpcError> {
        CallToolParams::from_params(Some(
            &Raw::parse(Bytes::from_static(text.as_bytes())).unwrap(),
        ))
    }

    #[test]
    fn arguments_stay_raw_and_task_is_ignored() {
        let params =
            call(r#"{"name":"add","arguments":{"a": 1},"task":7,"_meta":{},"requestState":"s"}"#)
                .unwrap();
        assert_eq!(params.name, "add");
        assert_eq!(params.arguments.unwrap().as_str(), r#"{"a": 1}"#);
        assert_eq!(params.request_state.as_deref(), Some("s"));
    }

    #[test]
    fn parameters_are_written_as_they_are_read() {
        let text = r#"{"name":"add","arguments":{"a":1},"requestState":"s"}"#;
        assert_eq!(serde_json::to_string(&call(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_name_with_escapes_is_decoded() {
        assert_eq!(call(r#"{"name":"a\u0064d"}"#).unwrap().name, "add");
    }

    #[test]
    fn wrong_members_are_invalid_params() {
        for text in [
            "{}",
            r#"{"name":7}"#,
            r#"{"name":"a","arguments":[]}"#,
            r#"{"name":"a","arguments":null}"#,
            r#"{"name":"a","inputResponses":1}"#,
            r#"{"name":"a","requestState":{}}"#,
            r#"{"name":"a","name":"b"}"#,
        ] {
            assert_eq!(call(text).unwrap_err().code, -32602, "{text}");
        }
        assert_eq!(CallToolParams::from_params(None).unwrap_err().code, -32602);
    }

    #[test]
    fn null_structured_content_is_not_absent() {
        let result: CallToolResult =
            serde_json::from_str(r#"{"content":[],"structuredContent":null}"#).unwrap();
        assert_eq!(result.structured_content, Some(Value::Null));
    }
}
