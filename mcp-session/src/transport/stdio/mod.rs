//! Serving this process's client over standard input and output.
//!
//! On Unix the protocol takes private duplicates of both descriptors while it is served:
//! descriptor 1 then leads to standard error, so that nothing a handler prints can corrupt the
//! protocol, and descriptor 0 to nowhere, so that no child process can take the client's messages
//! away. Both are put back at the end. Elsewhere `print!` in a handler does reach the client.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::auth::Principal;
use crate::error::{Error, Result};
use crate::server::{Phase, Server, Session};
use crate::transport::duplex::Ending;

#[cfg(not(unix))]
use self::other as system;
#[cfg(unix)]
use self::unix as system;

/// Standard input and output are being served.
static SERVED: AtomicBool = AtomicBool::new(false);

/// Standard input and output, ready to be served, with the session of this process's client in
/// hand.
///
/// Made by [`Server::stdio`]. The session is the one that the client gets when it sends
/// `initialize`; requests of the stateless era never see it. Dropping the run ends the session
/// and puts the descriptors back.
///
/// # Examples
///
/// ```no_run
/// use mcp_session::{Server, Template};
///
/// # #[tokio::main]
/// # async fn main() -> mcp_session::Result<()> {
/// let template = Template::builder("weather", "1.0.0").build()?;
/// let run = Server::new(template).stdio().await?;
/// let session = run.session();
/// tokio::spawn(async move { eprintln!("the session has ended: {}", session.done().await) });
/// run.serve().await
/// # }
/// ```
#[must_use = "nothing is served before `serve`, and the session ends when this is dropped"]
pub struct StdioRun {
    ending: Ending,
    streams: system::Streams,
    /// Last, so that the streams are put back before others may claim them.
    _claim: Claim,
}

impl StdioRun {
    /// The session that the client of this process gets with `initialize`.
    pub fn session(&self) -> Session {
        self.ending.session()
    }

    /// Goes on when the process that started this one is gone, for as long as standard input is
    /// open: for servers started through something that does not wait for them.
    pub fn outlive_parent(mut self) -> Self {
        self.streams.outlive_parent();
        self
    }

    /// Serves until standard input ends, the parent process is gone (on Unix; see
    /// [`outlive_parent`](Self::outlive_parent)), the server shuts down or the session is ended from
    /// elsewhere. See [`Run::serve`](crate::transport::Run::serve) for what happens then.
    ///
    /// # Errors
    ///
    /// [`Error::is_io`] when a stream breaks, the client does not read its last answers in time,
    /// or the operating system refuses a thread. A client that is gone while nothing it asked for
    /// is unanswered is no error.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropped halfway, the session ends and calls in flight are cancelled
    /// without an answer.
    pub async fn serve(mut self) -> Result<()> {
        let (input, output) = self.streams.open()?;
        let server = self.ending.server();
        let served = self.ending.serve(input, output).await;
        // The process is likely over now; the last requests may still have hooks that run.
        let (inner, hub) = (server.inner(), &server.inner().hub);
        inner
            .in_time(Phase::Rest, hub.patience, hub.hooks.wait())
            .await;
        inner.settled().await;
        served
    }
}

impl Server {
    /// Serves the client that started this process, over standard input and output, until
    /// standard input ends or, on Unix, that process is gone. Signals end this process as usual,
    /// unless [`shutdown_on_signal`](Self::shutdown_on_signal) hears them.
    ///
    /// On Unix, handlers may print: while the client is served, standard output leads to standard
    /// error. On other systems whatever a handler prints reaches the client and corrupts the
    /// protocol; log to standard error there.
    ///
    /// # Errors
    ///
    /// [`Error::is_configuration`] when this process serves standard input and output already;
    /// [`Error::is_io`] when they break.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropped halfway, the session ends and calls in flight are cancelled
    /// without an answer.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use mcp_session::{Server, Template, Tool};
    ///
    /// #[tokio::main]
    /// async fn main() -> mcp_session::Result<()> {
    ///     let template = Template::builder("calculator", "1.0.0")
    ///         .tool(Tool::new("three").description("Says three.").handler(async || "3"))
    ///         .build()?;
    ///     Server::new(template).serve_stdio().await
    /// }
    /// ```
    pub async fn serve_stdio(&self) -> Result<()> {
        self.stdio().await?.serve().await
    }

    /// Takes standard input and output for a client, and gives its session in hand before
    /// anything is read.
    ///
    /// # Errors
    ///
    /// [`Error::is_configuration`] when this process serves standard input and output already;
    /// [`Error::is_io`] when the operating system refuses to hand them over.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn stdio(&self) -> Result<StdioRun> {
        let claim = Claim::take()?;
        let streams = system::Streams::take()?;
        let ending = Ending::new(self, Some(Principal::local()));
        Ok(StdioRun {
            ending,
            streams,
            _claim: claim,
        })
    }
}

impl fmt::Debug for StdioRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ending.fmt(f)
    }
}

/// There is one standard input in a process; this is the right to it.
struct Claim;

impl Claim {
    fn take() -> Result<Self> {
        if SERVED.swap(true, Ordering::AcqRel) {
            let message = "this process serves standard input and output already";
            return Err(Error::configuration(message));
        }
        Ok(Self)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        SERVED.store(false, Ordering::Release);
    }
}
