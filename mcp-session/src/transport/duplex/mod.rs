//! Serving any byte stream: one message on a line, in both directions.
//!
//! The calls of a stream run concurrently; one writer sends what is ready. [`Intake`] bounds how
//! much of a client's input is at work at one time, and the session's queue how much is on its
//! way out, so a client that does not read is not read either, and costs nobody else anything.

mod calls;
mod intake;
mod lines;
mod pending;
mod writer;

use std::{
    fmt,
    io::{self, ErrorKind},
    pin::pin,
    sync::Arc,
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::TaskTracker;

use crate::auth::Principal;
use crate::dispatch::stream::Connection;
use crate::error::{Error, Result};
use crate::server::{Phase, Server, Session};
use crate::session::EndReason;
use crate::transport::duplex::intake::{Intake, Stop};
use crate::transport::duplex::writer::{Unwritten, write};

const READING: &str = "the client's messages cannot be read";
const WRITING: &str = "the client's answers cannot be written";

/// A byte stream that is ready to be served, with its session in hand.
///
/// Made by [`Server::duplex`] for any stream. The session is the one that the client of this
/// stream gets when it sends `initialize`; edit it before or while it is served. Requests of the
/// stateless era on the same stream never see it. Dropping the run ends the session.
///
/// # Examples
///
/// ```
/// use mcp_session::{Server, Template, Tool};
/// use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let template = Template::builder("calculator", "1.0.0")
///     .tool(Tool::new("three").description("Says three.").handler(async || "3"))
///     .build()?;
/// let (mut client, stream) = tokio::io::duplex(1024);
/// let (reader, writer) = tokio::io::split(stream);
///
/// let run = Server::new(template).duplex(reader, writer);
/// run.session().edit(|edit| edit.hide_tool("three"))?;
/// client.shutdown().await?;
/// run.serve().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream is served by `serve`, and ends when this is dropped"]
pub struct Run<R, W> {
    ending: Ending,
    reader: R,
    writer: W,
}

impl<R, W> Run<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    /// The session that the client of this stream gets with `initialize`.
    pub fn session(&self) -> Session {
        self.ending.session()
    }

    /// Serves the stream until the client closes it, the server shuts down or the session is
    /// ended from elsewhere.
    ///
    /// At the end of the input, requests in flight have [`Limits::drain`](crate::Limits::drain)
    /// to be answered; questions to the client fail at once, for nobody can answer them any more;
    /// and every `subscriptions/listen` gets its closing result.
    ///
    /// # Errors
    ///
    /// [`Error::is_io`] when the stream breaks, or the client does not read its last answers in
    /// time. A client that is gone while nothing it asked for is unanswered is no error.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropped halfway, the session ends and calls in flight are cancelled
    /// without an answer.
    pub async fn serve(self) -> Result<()> {
        self.ending.serve(self.reader, self.writer).await
    }
}

impl Server {
    /// Serves one client over a byte stream: a socket, a pipe, a stream in memory. Messages are
    /// lines, as over stdio.
    ///
    /// The same as [`duplex`](Self::duplex) and [`Run::serve`].
    ///
    /// # Errors
    ///
    /// [`Error::is_io`] when the stream breaks.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropped halfway, the session ends and calls in flight are cancelled
    /// without an answer.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(server: mcp_session::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:7000").await?;
    /// loop {
    ///     let (stream, _) = listener.accept().await?;
    ///     let (reader, writer) = stream.into_split();
    ///     let server = server.clone();
    ///     tokio::spawn(async move { server.serve(reader, writer).await });
    /// }
    /// # }
    /// ```
    pub async fn serve<R, W>(&self, reader: R, writer: W) -> Result<()>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        self.duplex(reader, writer).serve().await
    }

    /// Prepares a byte stream of a client nobody vouches for, so that its session can be edited
    /// before it is served.
    pub fn duplex<R, W>(&self, reader: R, writer: W) -> Run<R, W>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Run {
            ending: Ending::new(self, None),
            reader,
            writer,
        }
    }

    /// Prepares a byte stream of a client that the program has verified, by its certificate or by
    /// the credentials of a local socket.
    pub fn duplex_as<R, W>(&self, principal: Principal, reader: R, writer: W) -> Run<R, W>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Run {
            ending: Ending::new(self, Some(principal)),
            reader,
            writer,
        }
    }
}

impl<R, W> fmt::Debug for Run<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ending.fmt(f)
    }
}

/// A connection that ends when this is dropped, whatever happens.
pub(super) struct Ending {
    connection: Arc<Connection>,
}

impl Ending {
    pub(super) fn new(server: &Server, principal: Option<Principal>) -> Self {
        Self {
            connection: Connection::new(server, principal),
        }
    }

    pub(super) fn session(&self) -> Session {
        Session::new(Arc::clone(self.connection.live()))
    }

    /// The server of this connection.
    pub(super) fn server(&self) -> Server {
        self.connection.server().clone()
    }

    /// Serves the connection over this stream.
    pub(super) async fn serve<R, W>(self, reader: R, writer: W) -> Result<()>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let connection = &self.connection;
        let server = connection.server().inner();
        // A shutdown waits until the last answer is written, not only until it is known.
        let _running = server.tasks.token();
        let drain = server.limits.drain;
        let mut intake = Intake::new(connection, reader);
        let calls = intake.tasks();
        let mut writing = pin!(write(connection.outbox().reader(), writer, |bytes| {
            connection.live().told(bytes);
        }));
        let stop = tokio::select! {
            biased;
            written = &mut writing => {
                return self.lost(&calls, unless_gone(written, intake.owes())).await;
            }
            stop = intake.run() => stop,
        };
        connection.hang_up();
        let drained = tokio::select! {
            biased;
            written = &mut writing => {
                return self.lost(&calls, unless_gone(written, intake.owes())).await;
            }
            drained = server.in_time(Phase::Calls, drain, intake.drain()) => drained,
        };
        if drained.is_none() {
            tracing::warn!("requests were still unanswered at the end of the drain");
            connection.live().core().calls.cancel_all();
        }
        let answered = async {
            calls.close();
            calls.wait().await;
            connection.outbox().end();
        };
        let last = async { tokio::join!(writing, answered).0 };
        let written = match server.in_time(Phase::Rest, drain, last).await {
            Some(written) => unless_gone(written, intake.owes()),
            None => Err(ErrorKind::TimedOut.into()),
        };
        let read = match stop {
            Stop::EndOfInput => Ok(EndReason::Transport),
            Stop::Shutdown => Ok(EndReason::Shutdown),
            Stop::Broken(error) => Err(Error::io(READING, error)),
        };
        connection.end(*read.as_ref().unwrap_or(&EndReason::Transport));
        self.told().await;
        written.map_err(|error| Error::io(WRITING, error))?;
        read.map(drop)
    }

    /// Waits until the hooks were told of the end, in so far as they keep to their time: the
    /// program may be over with the stream, and must not take them with it.
    async fn told(&self) {
        let live = self.connection.live();
        let server = self.connection.server().inner();
        let patience = live.hub().patience * 3;
        let told = server.in_time(Phase::Rest, patience, live.gone()).await;
        if told.is_none() {
            tracing::warn!("the hooks of a session took too long");
        }
    }

    /// The writer is done before everything was said: the stream broke, or the session was ended
    /// from elsewhere.
    async fn lost(&self, calls: &TaskTracker, written: io::Result<()>) -> Result<()> {
        self.connection.end(EndReason::Transport);
        calls.close();
        let server = self.connection.server().inner();
        let stopped = server.in_time(Phase::Rest, server.limits.drain, calls.wait());
        if stopped.await.is_none() {
            tracing::warn!("calls are still running after they were cancelled");
        }
        self.told().await;
        written.map_err(|error| Error::io(WRITING, error))
    }
}

/// What became of the writing. A client that has gone away and waits for no answer has ended the
/// stream as it may: what it did not read were notices and questions of ours.
fn unless_gone(written: Result<(), Unwritten>, owed: bool) -> io::Result<()> {
    written.or_else(|unwritten| match unwritten.error.kind() {
        ErrorKind::BrokenPipe if !owed && !unwritten.owed => {
            tracing::debug!("the client went away without reading the last notices");
            Ok(())
        }
        _ => Err(unwritten.error),
    })
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.connection.end(EndReason::Transport);
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("session", &self.session())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
