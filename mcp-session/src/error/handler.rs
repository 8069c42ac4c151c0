//! What a handler answers when it fails.

use std::{error::Error as StdError, fmt};

use crate::error::BoxError;
use crate::protocol::{ContentBlock, RpcError};

/// What a tool, prompt or resource handler returns when it fails.
///
/// A tool's error reaches the *model*, as a result marked `isError` whose text is this error's
/// message: say what went wrong and what to do differently. Prompts and resources have no such
/// result, so theirs becomes a JSON-RPC error with the same message.
///
/// It converts from every [`std::error::Error`], so `?` works on all of them; for that reason it
/// is not one itself. What is no `std::error::Error`, such as a `String`, a [`BoxError`] or what
/// `anyhow` gives, becomes one with `.map_err(ToolError::caused_by)?`. The text of a converted
/// error is shown to the client, its sources are not.
///
/// # Examples
///
/// ```
/// use mcp_session::ToolError;
///
/// fn parse(text: &str) -> Result<u16, ToolError> {
///     if text.is_empty() {
///         return Err(ToolError::new("give a port, such as 8080"));
///     }
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(parse("").unwrap_err().to_string(), "give a port, such as 8080");
/// assert_eq!(parse("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct ToolError {
    kind: ToolErrorKind,
}

pub(crate) enum ToolErrorKind {
    Message(String),
    Content(Vec<ContentBlock>),
    Source(BoxError),
    Rpc(RpcError),
    NotFound,
}

impl ToolError {
    /// An error that tells the model `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: ToolErrorKind::Message(message.into()),
        }
    }

    /// An error whose message is that of another, of a type that `?` does not convert: a `String`,
    /// a [`BoxError`], an error of `anyhow` or `eyre`.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{BoxError, ToolError};
    ///
    /// fn load() -> Result<u8, BoxError> {
    ///     Err("the disk is full".into())
    /// }
    ///
    /// fn answer() -> Result<u8, ToolError> {
    ///     load().map_err(ToolError::caused_by)
    /// }
    ///
    /// assert_eq!(answer().unwrap_err().to_string(), "the disk is full");
    /// ```
    pub fn caused_by(error: impl Into<BoxError>) -> Self {
        Self {
            kind: ToolErrorKind::Source(error.into()),
        }
    }

    /// An error whose result carries these content blocks instead of one text.
    pub fn content(content: impl IntoIterator<Item = ContentBlock>) -> Self {
        Self {
            kind: ToolErrorKind::Content(content.into_iter().collect()),
        }
    }

    /// A JSON-RPC error, for what is wrong with the request itself and not with what was asked.
    ///
    /// A model usually never sees it; prefer [`ToolError::new`] in tools.
    pub fn protocol(error: RpcError) -> Self {
        Self {
            kind: ToolErrorKind::Rpc(error),
        }
    }

    /// Nothing answers to this name or URI: the client gets exactly what it gets for an unknown
    /// one.
    pub fn not_found() -> Self {
        Self {
            kind: ToolErrorKind::NotFound,
        }
    }

    /// The error this was converted from, if it was.
    pub fn source(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        match &self.kind {
            ToolErrorKind::Source(source) => Some(&**source),
            ToolErrorKind::Message(_)
            | ToolErrorKind::Content(_)
            | ToolErrorKind::Rpc(_)
            | ToolErrorKind::NotFound => None,
        }
    }

    pub(crate) fn into_kind(self) -> ToolErrorKind {
        self.kind
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self {
            kind: ToolErrorKind::Source(Box::new(error)),
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ToolErrorKind::Message(message) => f.write_str(message),
            ToolErrorKind::Content(_) => f.write_str("the tool failed"),
            ToolErrorKind::Source(source) => fmt::Display::fmt(source, f),
            ToolErrorKind::Rpc(error) => fmt::Display::fmt(error, f),
            ToolErrorKind::NotFound => f.write_str("not found"),
        }
    }
}

impl fmt::Debug for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ToolErrorKind::Source(source) => fmt::Debug::fmt(source, f),
            _ => write!(f, "ToolError({self})"),
        }
    }
}
