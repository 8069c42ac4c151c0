//! What a prompt may answer with.

use std::borrow::Cow;

use crate::catalog::reply::{Audio, Image};
use crate::error::ToolError;
use crate::protocol::{ContentBlock, GetPromptResult, InputRequiredResult, PromptMessage};

/// A prompt's answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PromptReply {
    /// The prompt is filled in.
    Complete(GetPromptResult),
    /// The prompt needs answers before it can go on (2026-07-28 only).
    InputRequired(InputRequiredResult),
}

/// What a prompt may answer with: text or content (one message of the user), messages, a whole
/// [`GetPromptResult`], or a `Result` of one of these.
///
/// Implement it for a type of your own by turning that into one of these.
#[diagnostic::on_unimplemented(
    message = "a prompt cannot answer with `{Self}`",
    label = "not an answer",
    note = "a prompt answers with text, `PromptMessage`s, a `GetPromptResult`, or a `Result` of one of these"
)]
pub trait IntoPromptReply {
    /// Turns the value into a reply.
    ///
    /// # Errors
    ///
    /// The prompt failed.
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError>;
}

fn messages(messages: Vec<PromptMessage>) -> Result<PromptReply, ToolError> {
    Ok(PromptReply::Complete(GetPromptResult::new(messages)))
}

impl IntoPromptReply for PromptReply {
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
        Ok(self)
    }
}

impl IntoPromptReply for GetPromptResult {
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
        Ok(PromptReply::Complete(self))
    }
}

impl IntoPromptReply for InputRequiredResult {
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
        Ok(PromptReply::InputRequired(self))
    }
}

impl<T: IntoPromptReply, E: Into<ToolError>> IntoPromptReply for Result<T, E> {
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
        self.map_err(Into::into)?.into_prompt_reply()
    }
}

impl IntoPromptReply for PromptMessage {
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
        messages(vec![self])
    }
}

impl IntoPromptReply for Vec<PromptMessage> {
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
        messages(self)
    }
}

impl<const N: usize> IntoPromptReply for [PromptMessage; N] {
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
        messages(self.into())
    }
}

impl IntoPromptReply for Cow<'static, str> {
    fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
        self.into_owned().into_prompt_reply()
    }
}

/// Implements the trait for what becomes one message of the user.
macro_rules! by_the_user {
    ($($type:ty),*) => {$(
        impl IntoPromptReply for $type {
            fn into_prompt_reply(self) -> Result<PromptReply, ToolError> {
                messages(vec![PromptMessage::user(self)])
            }
        }
    )*};
}

by_the_user!(String, &'static str, ContentBlock, Image, Audio);
