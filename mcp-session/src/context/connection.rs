//! What a handler, or a task it spawned, can wait for: the end of its connection, and of its call.

use std::fmt;

use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// The connection that carries what a request says: one HTTP response, or a byte stream.
///
/// Made by [`Context::connection`]. It is not the session: a client that reconnects has a new
/// connection and the same session.
#[derive(Clone)]
pub struct Connection {
    gone: CancellationToken,
}

impl Connection {
    /// Waits until the connection is gone: closed by the client, lost, let go of, or finished.
    /// Resolves once and stays resolved; a client that comes back does so on another connection.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn done(&self) {
        self.gone.cancelled().await;
    }

    /// True when the connection is gone.
    pub fn is_done(&self) -> bool {
        self.gone.is_cancelled()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("done", &self.is_done())
            .finish()
    }
}

/// Says when a request is no longer wanted: for tasks that its handler spawned.
///
/// Made by [`Context::cancellation`]. Unlike a [`Context`] it keeps nothing of the request alive.
#[derive(Clone)]
pub struct Cancellation {
    token: CancellationToken,
}

impl Cancellation {
    /// Waits until the client has cancelled the request, or its session has ended. Stays pending
    /// for ever once the request is answered.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// True when the request was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Runs `future` until it is done or the request is cancelled: `None` then.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `future`.
    pub async fn run<F: Future>(&self, future: F) -> Option<F::Output> {
        self.token.run_until_cancelled(future).await
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation")
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}

impl Context {
    /// The connection that carries this request now. One that is done already where its client
    /// is away; ask again after it has come back.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Context, tool};
    ///
    /// /// Stops previewing as soon as nobody watches.
    /// #[tool]
    /// async fn preview(ctx: Context) -> &'static str {
    ///     let watched = ctx.connection();
    ///     tokio::select! {
    ///         () = watched.done() => "nobody watched to the end",
    ///         () = std::future::ready(()) => "done",
    ///     }
    /// }
    /// ```
    pub fn connection(&self) -> Connection {
        Connection {
            gone: self.now().parts.outlet.gone(),
        }
    }

    /// Says when this request is no longer wanted, to tasks that outlive their handler.
    pub fn cancellation(&self) -> Cancellation {
        Cancellation {
            token: self.now().parts.cancel.token().clone(),
        }
    }
}
