//! What a tool may answer with.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::catalog::reply::{Audio, Image, Json};
use crate::error::ToolError;
use crate::protocol::{
    AudioContent, CallToolResult, ContentBlock, EmbeddedResource, ImageContent,
    InputRequiredResult, ResourceLink, TextContent,
};
use crate::schema::{self, JsonSchema};

/// A tool's answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ToolReply {
    /// The tool is done.
    Complete(CallToolResult),
    /// The tool needs answers before it can go on (2026-07-28 only).
    InputRequired(InputRequiredResult),
}

/// What a tool may answer with: text, numbers, [`Json`], content blocks, a whole
/// [`CallToolResult`], or a `Result` of one of these.
///
/// Implement it for a type of your own by turning that into one of these.
///
/// # Examples
///
/// ```
/// use mcp_session::ToolError;
/// use mcp_session::catalog::{IntoToolReply, ToolReply};
///
/// struct Celsius(f64);
///
/// impl IntoToolReply for Celsius {
///     fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
///         format!("{} °C", self.0).into_tool_reply()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a tool cannot answer with `{Self}`",
    label = "not an answer",
    note = "a tool answers with text, a number, `Json<T>`, content blocks, `()`, a `CallToolResult`, or a `Result` of one of these"
)]
pub trait IntoToolReply {
    /// Turns the value into a reply.
    ///
    /// # Errors
    ///
    /// The tool failed, or the value has no JSON form.
    fn into_tool_reply(self) -> Result<ToolReply, ToolError>;

    /// The schema of the structured part, where the type has one.
    fn output_schema() -> Option<Value> {
        None
    }
}

fn complete(content: Vec<ContentBlock>) -> Result<ToolReply, ToolError> {
    Ok(ToolReply::Complete(CallToolResult::new(content)))
}

impl IntoToolReply for ToolReply {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        Ok(self)
    }
}

impl IntoToolReply for CallToolResult {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        Ok(ToolReply::Complete(self))
    }
}

impl IntoToolReply for InputRequiredResult {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        Ok(ToolReply::InputRequired(self))
    }
}

impl<T: IntoToolReply, E: Into<ToolError>> IntoToolReply for Result<T, E> {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        self.map_err(Into::into)?.into_tool_reply()
    }

    fn output_schema() -> Option<Value> {
        T::output_schema()
    }
}

/// An empty answer: done, and nothing to say.
impl IntoToolReply for () {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        complete(Vec::new())
    }
}

impl<T: Serialize + JsonSchema> IntoToolReply for Json<T> {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        let value = serde_json::to_value(&self.0)?;
        let result = CallToolResult::text(value.to_string()).structured_content(value);
        Ok(ToolReply::Complete(result))
    }

    fn output_schema() -> Option<Value> {
        Some(schema::output_of::<T>())
    }
}

/// Implements the trait for what is best said in words.
macro_rules! texts {
    ($($type:ty),*) => {$(
        impl IntoToolReply for $type {
            fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
                complete(vec![ContentBlock::text(self.to_string())])
            }
        }
    )*};
}

texts!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, bool, char
);

impl IntoToolReply for String {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        complete(vec![ContentBlock::text(self)])
    }
}

impl IntoToolReply for &'static str {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        complete(vec![ContentBlock::text(self)])
    }
}

impl IntoToolReply for Cow<'static, str> {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        complete(vec![ContentBlock::text(self)])
    }
}

impl IntoToolReply for ContentBlock {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        complete(vec![self])
    }
}

impl IntoToolReply for Vec<ContentBlock> {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        complete(self)
    }
}

impl<const N: usize> IntoToolReply for [ContentBlock; N] {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        complete(self.into())
    }
}

/// Implements the trait for one block of content.
macro_rules! blocks {
    ($($type:ty => $block:expr),* $(,)?) => {$(
        impl IntoToolReply for $type {
            fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
                complete(vec![$block(self)])
            }
        }
    )*};
}

blocks! {
    TextContent => ContentBlock::Text,
    ImageContent => ContentBlock::Image,
    AudioContent => ContentBlock::Audio,
    ResourceLink => ContentBlock::ResourceLink,
    EmbeddedResource => ContentBlock::Resource,
    Image => ContentBlock::from,
    Audio => ContentBlock::from,
}
