//! What the server's end of a subscription looks like over a byte stream.

/// What a client is sent over stdio, or any byte stream, when the server ends its
/// `subscriptions/listen`: at a shutdown, and at the end of input.
///
/// 2026-07-28 asks for both messages: a server "MUST send `notifications/cancelled`" when it tears
/// a subscription down ("Cancellation"), and "SHOULD" answer the request with a result ("Graceful
/// Closure"). The other two are for clients that take the second message for a mistake.
///
/// Over HTTP there is no choice: the result, and then the stream ends.
///
/// # Examples
///
/// ```
/// use mcp_session::{Server, Template, server::Farewell};
///
/// let template = Template::builder("files", "1.0.0").build()?;
/// let server = Server::builder(template).farewell(Farewell::Result).build()?;
/// # let _ = server;
/// # Ok::<(), mcp_session::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Farewell {
    /// `notifications/cancelled`, and then the result.
    #[default]
    CancelledThenResult,
    /// `notifications/cancelled` alone: the request gets no answer.
    Cancelled,
    /// The result alone.
    Result,
}

impl Farewell {
    pub(crate) fn cancels(self) -> bool {
        self != Self::Result
    }

    pub(crate) fn answers(self) -> bool {
        self != Self::Cancelled
    }
}
