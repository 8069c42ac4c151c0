//! Closing a stream on a client that will come back for the rest.

use crate::context::Context;

impl Context {
    /// Closes the connection that waits for this request's answer, and lets the request go on: the
    /// client comes back for the rest after a second (2025-11-25, "Transports", "Sending Messages
    /// to the Server").
    ///
    /// For work that takes so long that holding a connection for it is a waste. What was said so
    /// far is sent first; what is said from here on, the answer included, is kept until the client
    /// comes.
    ///
    /// Does nothing where the client cannot come back: over stdio, in the stateless era, and
    /// before 2025-11-25.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Context, tool};
    ///
    /// /// Takes its time.
    /// #[tool]
    /// async fn patience(ctx: Context) -> &'static str {
    ///     ctx.close_connection();
    ///     "worth the wait"
    /// }
    /// ```
    pub fn close_connection(&self) {
        if self.client().version().has_priming_event() {
            self.now().parts.outlet.let_go();
        }
    }
}
