//! Shutting down, before a deadline.

use std::{sync::OnceLock, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::clock::{self, Instant};
use crate::error::{Error, Result};
use crate::server::signals::Signals;
use crate::server::{Server, ServerInner};
use crate::session::EndReason;

/// What stands for ever: a moment can be that far away.
const EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What is left of a deadline for the process to end.
const MARGIN: Duration = Duration::from_millis(200);

/// How far a shutdown has come, and how long it may take.
#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    /// Set by the first that begins, before anybody is told.
    deadlines: OnceLock<Deadlines>,
    /// Nobody waits for the rest.
    cut: CancellationToken,
    /// Nothing is left to do but to close connections.
    over: CancellationToken,
}

#[derive(Debug, Clone, Copy)]
struct Deadlines {
    /// Calls that still run then are dropped.
    calls: Instant,
    /// Nothing takes longer.
    all: Instant,
}

/// What a shutdown waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Calls come to their end.
    Calls,
    /// Hooks run, and what was said is sent.
    Rest,
}

impl Server {
    /// Ends every session and every open stream, and waits for what still runs, their `on_close`
    /// included.
    ///
    /// New requests are refused from here on. Calls in flight get
    /// [`Limits::drain`](crate::Limits::drain) to finish; what is left then is dropped, and the
    /// rest takes as long again at most. [`shutdown_within`](Self::shutdown_within) says when all
    /// of it must be over. Every `subscriptions/listen` gets its closing result.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropped halfway, the server stops admitting but may leave sessions to
    /// their own end.
    pub async fn shutdown(&self) {
        let drain = self.limits().drain;
        self.stop(drain, drain.saturating_mul(2)).await;
    }

    /// Like [`shutdown`](Self::shutdown), and all of it is over before the deadline.
    ///
    /// Calls in flight have three quarters of the time to finish, or all but
    /// [`Limits::hook`](crate::Limits::hook) if that is more. The rest is for `on_close`, and for
    /// clients to take what was said.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe, as [`shutdown`](Self::shutdown).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use mcp_session::{Server, Template};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mcp_session::Result<()> {
    /// let server = Server::new(Template::builder("calculator", "1.0.0").build()?);
    /// server.shutdown_within(Duration::from_secs(10)).await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown_within(&self, deadline: Duration) {
        let rest = (deadline / 4).min(self.limits().hook);
        // The process has to end as well.
        let margin = (deadline / 20).min(MARGIN);
        self.stop(deadline - rest, deadline - margin).await;
    }

    /// Listens for what asks this process to stop, from now on: Ctrl-C, and on Unix SIGTERM. The
    /// future waits for it, and then [shuts the server down](Self::shutdown_within).
    ///
    /// [`serve_http`](Self::serve_http) and [`serve_stdio`](Self::serve_stdio) return when that is
    /// over. Asked a second time, the process waits for nothing any more: what still runs is
    /// dropped, and they return at once.
    ///
    /// The process hears these signals for the rest of its life, so they no longer end it by
    /// themselves.
    ///
    /// # Errors
    ///
    /// [`Error::is_io`] when the operating system lets nobody listen for signals.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without I/O.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the signal does nothing; later it is as with
    /// [`shutdown`](Self::shutdown).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use mcp_session::{Server, Template};
    /// # #[tokio::main]
    /// # async fn main() -> mcp_session::Result<()> {
    /// let server = Server::new(Template::builder("calculator", "1.0.0").build()?);
    /// tokio::spawn(server.shutdown_on_signal(Duration::from_secs(10))?);
    /// server.serve_http("127.0.0.1:8000").await
    /// # }
    /// ```
    ///
    /// In a router of your own it is what axum waits for:
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn run(
    /// #     server: mcp_session::Server,
    /// #     listener: tokio::net::TcpListener,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let app: axum::Router = axum::Router::new().nest_service("/mcp", server.http());
    /// axum::serve(listener, app)
    ///     .with_graceful_shutdown(server.shutdown_on_signal(Duration::from_secs(10))?)
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown_on_signal(
        &self,
        deadline: Duration,
    ) -> Result<impl Future<Output = ()> + Send + 'static + use<>> {
        let signals = Signals::listen();
        let mut signals = signals.map_err(|error| Error::io("signals cannot be heard", error))?;
        let server = self.clone();
        Ok(async move {
            signals.received().await;
            tracing::info!(?deadline, "asked to stop");
            tokio::select! {
                () = server.shutdown_within(deadline) => {}
                () = signals.received() => {
                    tracing::warn!("asked to stop once more: nothing is waited for");
                    server.cut_short();
                }
            }
        })
    }

    /// Stops: calls end within so long, and all within so long.
    async fn stop(&self, calls: Duration, all: Duration) {
        let inner = &self.inner;
        inner.shutdown.begin(calls, all);
        inner.stopping.cancel();
        inner.tasks.close();
        let calls = inner.tasks.wait();
        if within(calls, inner.shutdown.left(Phase::Calls))
            .await
            .is_none()
        {
            tracing::warn!("calls were still running at the end of the drain, and are cancelled");
        }
        self.end_everything();
        let rest = async {
            inner.tasks.wait().await;
            inner.hub.hooks.wait().await;
        };
        if within(rest, inner.shutdown.left(Phase::Rest))
            .await
            .is_none()
        {
            tracing::warn!("tasks are still running after they were cancelled");
        }
        inner.shutdown.over.cancel();
    }

    /// Waits for nothing any more.
    fn cut_short(&self) {
        self.end_everything();
        self.inner.shutdown.over.cancel();
        self.inner.shutdown.cut.cancel();
    }

    fn end_everything(&self) {
        self.inner.drained.cancel();
        self.inner.sessions.end_all(EndReason::Shutdown);
    }
}

impl Shutdown {
    fn begin(&self, calls: Duration, all: Duration) {
        let now = clock::now();
        self.deadlines.get_or_init(|| Deadlines {
            calls: now + calls.min(EVER),
            all: now + all.min(EVER),
        });
    }

    /// How long a phase may still take; `None` unless the server is shutting down.
    fn left(&self, phase: Phase) -> Option<Duration> {
        let deadlines = self.deadlines.get()?;
        let by = match phase {
            Phase::Calls => deadlines.calls,
            Phase::Rest => deadlines.all,
        };
        Some(by.saturating_duration_since(clock::now()))
    }
}

async fn within<F: Future>(future: F, left: Option<Duration>) -> Option<F::Output> {
    clock::within(left.unwrap_or(EVER), future).await
}

impl ServerInner {
    /// `future`, for as long as a phase of the shutdown may take; for so long where there is none.
    pub(crate) async fn in_time<F: Future>(
        &self,
        phase: Phase,
        otherwise: Duration,
        future: F,
    ) -> Option<F::Output> {
        let left = self.shutdown.left(phase).unwrap_or(otherwise);
        tokio::select! {
            biased;
            done = clock::within(left, future) => done,
            () = self.shutdown.cut.cancelled() => None,
        }
    }

    /// Completes when a shutdown under way is over, or was to be; at once where there is none.
    pub(crate) async fn settled(&self) {
        let over = self.shutdown.over.cancelled();
        self.in_time(Phase::Rest, Duration::ZERO, over).await;
    }

    /// Completes when nobody waits any more for what a shutdown left behind.
    pub(crate) async fn given_up(&self) {
        self.stopping.cancelled().await;
        let never = std::future::pending::<()>();
        self.in_time(Phase::Rest, Duration::ZERO, never).await;
    }
}
