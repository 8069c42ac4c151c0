//! What a resource may answer with.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Serialize;

use crate::catalog::reply::Json;
use crate::error::ToolError;
use crate::protocol::{InputRequiredResult, ReadResourceResult, ResourceContents};

/// A resource's answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ResourceReply {
    /// The resource was read.
    Complete(ReadResourceResult),
    /// The resource needs answers before it can be read (2026-07-28 only).
    InputRequired(InputRequiredResult),
}

/// What contents are the contents of.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResourceTarget {
    /// The URI that was asked for.
    pub uri: String,
    /// The media type the resource was registered with.
    pub mime_type: Option<String>,
}

impl ResourceTarget {
    /// A text under this URI, of the resource's media type.
    pub fn text(&self, text: impl Into<String>) -> ResourceContents {
        self.typed(ResourceContents::text(&self.uri, text), None)
    }

    /// Bytes under this URI, of the resource's media type.
    pub fn bytes(&self, bytes: impl AsRef<[u8]>) -> ResourceContents {
        self.typed(
            ResourceContents::blob(&self.uri, STANDARD.encode(bytes)),
            None,
        )
    }

    fn typed(&self, contents: ResourceContents, otherwise: Option<&str>) -> ResourceContents {
        match self.mime_type.as_deref().or(otherwise) {
            Some(mime_type) => contents.with_mime_type(mime_type),
            None => contents,
        }
    }
}

/// What a resource may answer with: text, bytes, [`Json`], [`ResourceContents`], an `Option`
/// (`None` is answered like an unknown URI), or a `Result` of one of these.
///
/// Implement it for a type of your own by turning that into one of these.
#[diagnostic::on_unimplemented(
    message = "a resource cannot answer with `{Self}`",
    label = "not an answer",
    note = "a resource answers with text, bytes, `Json<T>`, `ResourceContents`, a `ReadResourceResult`, or an `Option` or `Result` of one of these"
)]
pub trait IntoResourceReply {
    /// Turns the value into a reply.
    ///
    /// # Errors
    ///
    /// The resource cannot be read, or the value has no JSON form.
    fn into_resource_reply(self, target: &ResourceTarget) -> Result<ResourceReply, ToolError>;
}

fn contents(contents: Vec<ResourceContents>) -> Result<ResourceReply, ToolError> {
    Ok(ResourceReply::Complete(ReadResourceResult::new(contents)))
}

impl IntoResourceReply for ResourceReply {
    fn into_resource_reply(self, _target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        Ok(self)
    }
}

impl IntoResourceReply for ReadResourceResult {
    fn into_resource_reply(self, _target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        Ok(ResourceReply::Complete(self))
    }
}

impl IntoResourceReply for InputRequiredResult {
    fn into_resource_reply(self, _target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        Ok(ResourceReply::InputRequired(self))
    }
}

impl<T: IntoResourceReply, E: Into<ToolError>> IntoResourceReply for Result<T, E> {
    fn into_resource_reply(self, target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        self.map_err(Into::into)?.into_resource_reply(target)
    }
}

/// `None` is answered like an unknown URI.
impl<T: IntoResourceReply> IntoResourceReply for Option<T> {
    fn into_resource_reply(self, target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        self.ok_or_else(ToolError::not_found)?
            .into_resource_reply(target)
    }
}

impl IntoResourceReply for ResourceContents {
    fn into_resource_reply(self, _target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        contents(vec![self])
    }
}

impl IntoResourceReply for Vec<ResourceContents> {
    fn into_resource_reply(self, _target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        contents(self)
    }
}

impl<const N: usize> IntoResourceReply for [ResourceContents; N] {
    fn into_resource_reply(self, _target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        contents(self.into())
    }
}

/// The JSON text; its media type is `application/json` unless the resource names another.
impl<T: Serialize> IntoResourceReply for Json<T> {
    fn into_resource_reply(self, target: &ResourceTarget) -> Result<ResourceReply, ToolError> {
        let text = ResourceContents::text(&target.uri, serde_json::to_string(&self.0)?);
        contents(vec![target.typed(text, Some("application/json"))])
    }
}

/// Implements the trait for texts and for bytes.
macro_rules! plain {
    ($($type:ty => $make:ident),* $(,)?) => {$(
        impl IntoResourceReply for $type {
            fn into_resource_reply(
                self,
                target: &ResourceTarget,
            ) -> Result<ResourceReply, ToolError> {
                contents(vec![target.$make(self)])
            }
        }
    )*};
}

plain! {
    String => text,
    &'static str => text,
    Cow<'static, str> => text,
    Vec<u8> => bytes,
    &'static [u8] => bytes,
    Bytes => bytes,
}
