//! Opening a live session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::sync::watch;

use crate::clock;
use crate::error::{BoxError, Error};
use crate::protocol::Era;
use crate::server::{Full, Known, Live, Refusal, Server, Session};
use crate::session::{EndReason, Opening};

/// Why no session was opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// `on_open` refused.
    Refused(BoxError),
    /// `select` or `on_open` panicked.
    Panicked,
    /// `on_open` took longer than [`Limits::handshake`](crate::Limits::handshake).
    TimedOut,
    /// There is no place for one more.
    Full(Full),
    /// What is kept of its principal could not be had.
    Unavailable(Error),
    /// It ended while it was being opened.
    Ended,
}

/// How `on_open` ended, for everybody who waits for it.
pub(crate) type Opened = Result<(), Arc<OpenError>>;

impl Server {
    /// As [`prepare`](Self::prepare), for openings that come from a client: a `select` that panics
    /// costs its own request only.
    pub(crate) fn try_prepare(&self, opening: Opening) -> Result<Arc<Live>, OpenError> {
        let prepared = catch_unwind(AssertUnwindSafe(|| self.prepare(opening)));
        prepared.map_err(|_| OpenError::Panicked)
    }

    /// Opens a session from the newest revision of the variant for this opening, without running
    /// `on_open` yet.
    pub(crate) fn prepare(&self, opening: Opening) -> Arc<Live> {
        self.inner.hub.settle();
        let variant = Arc::clone(self.inner.variants.choose(&opening));
        Live::new(opening, &variant, &self.inner)
    }

    /// Finds or prepares the session of a stateless request: its principal's, or one that ends
    /// with the request.
    pub(crate) fn enter(&self, opening: &Opening) -> Result<(Arc<Live>, Scope), OpenError> {
        self.enter_again(opening, None)
    }

    /// As [`enter`](Self::enter), for a byte stream whose last request entered what is known.
    pub(crate) fn enter_again(
        &self,
        opening: &Opening,
        known: Option<&Known>,
    ) -> Result<(Arc<Live>, Scope), OpenError> {
        let Some(principal) = opening.principal() else {
            let live = self.try_prepare(opening.clone())?;
            let scope = Scope::new(&live, EndReason::Request);
            return Ok((live, scope));
        };
        let choose = || Arc::clone(self.inner.variants.choose(opening));
        let variant = catch_unwind(AssertUnwindSafe(choose)).map_err(|_| OpenError::Panicked)?;
        self.inner.hub.settle();
        if let Some(entered) = known.and_then(|known| known.enter(&variant)) {
            return Ok(entered);
        }
        let (live, scope) = self.inner.enter(principal, &variant)?;
        known.inspect(|known| known.remember(&live));
        Ok((live, scope))
    }

    /// Runs `on_open`, where there is one. For the session of a principal it runs once, in a task
    /// of its own, however many requests wait for it and however many of them are given up; what a
    /// store keeps of the principal is read first.
    pub(crate) async fn open(&self, live: &Arc<Live>) -> Opened {
        let Some(shared) = live.principals() else {
            return self.open_once(live).await.map_err(Arc::new);
        };
        if live.is_open() {
            return self.catch_up(live).await;
        }
        let mut opened = shared.opened(|| self.open_shared(live));
        match opened.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
            // Its runtime is gone.
            Err(_) => Err(Arc::new(OpenError::Ended)),
        }
    }

    /// Looks at what other replicas may have changed of what an open session shows.
    async fn catch_up(&self, live: &Arc<Live>) -> Opened {
        #[cfg(feature = "http")]
        if !self.inner.shows_the_newest(live) {
            let recalled = self.inner.recall(live).await;
            recalled.map_err(|error| Arc::new(OpenError::Unavailable(error)))?;
        }
        #[cfg(not(feature = "http"))]
        let _ = live;
        Ok(())
    }

    /// True when a request can be served at once: its session is open, and shows the newest.
    #[cfg(feature = "http")]
    pub(crate) fn is_ready(&self, live: &Live) -> bool {
        live.is_open() && self.inner.shows_the_newest(live)
    }

    /// True when a request can be served at once: its session is open.
    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "no other process changes anything")]
    pub(crate) fn is_ready(&self, live: &Live) -> bool {
        live.is_open()
    }

    fn open_shared(&self, live: &Arc<Live>) -> watch::Receiver<Option<Opened>> {
        let (say, hear) = watch::channel(None);
        let (server, live, scope) = (self.clone(), Arc::clone(live), Scope::shared(live));
        self.inner.tasks.spawn(async move {
            let outcome = tokio::select! {
                biased;
                () = server.inner.drained.cancelled() => Err(OpenError::Ended),
                _ = live.core().done() => Err(OpenError::Ended),
                outcome = server.open_once(&live) => outcome,
            };
            say.send_replace(Some(outcome.map_err(Arc::new)));
            drop(scope);
        });
        hear
    }

    /// Runs `on_open`, where there is one. A session that it refuses ends, unless a byte stream
    /// lives on with it.
    async fn open_once(&self, live: &Arc<Live>) -> Result<(), OpenError> {
        let recalled = self
            .inner
            .recall(live)
            .await
            .map_err(OpenError::Unavailable);
        let opened = match recalled {
            Ok(()) => self.run_on_open(live).await,
            Err(error) => Err(error),
        };
        if let Err(error) = opened {
            let reason = match error {
                OpenError::Refused(_) | OpenError::Full(_) | OpenError::Ended => EndReason::Refused,
                OpenError::Panicked | OpenError::TimedOut | OpenError::Unavailable(_) => {
                    EndReason::Error
                }
            };
            if live.principals().is_some() {
                let refusal = match error {
                    OpenError::Unavailable(_) => Refusal::Unavailable,
                    _ => Refusal::Hook,
                };
                self.inner.refused(live.core().principal(), refusal);
                let id = live.core().id().as_str();
                self.inner.sessions.end(id, reason);
            } else if live.is_over_http() || live.core().era() == Era::Stateless {
                live.end(reason);
            }
            return Err(error);
        }
        live.opened();
        Ok(())
    }

    async fn run_on_open(&self, live: &Arc<Live>) -> Result<(), OpenError> {
        let Some(hook) = live.blueprint().on_open.clone() else {
            return Ok(());
        };
        live.begin_telling();
        let session = Session::new(Arc::clone(live));
        let hooked = crate::server::contained(async move { hook(session).await });
        let hooked = if live.core().era() == Era::Stateless && live.principals().is_none() {
            // There it is part of a request, whose own deadline it has.
            Some(hooked.await)
        } else {
            clock::within(self.limits().handshake, hooked).await
        };
        match hooked {
            Some(Some(Ok(()))) => Ok(()),
            Some(Some(Err(error))) => Err(OpenError::Refused(error)),
            Some(None) => Err(OpenError::Panicked),
            None => Err(OpenError::TimedOut),
        }
    }
}

/// Ends a session when dropped, unless it was [kept](Self::keep): one that lives as long as a
/// request, or that may never come to be used. A principal's session it only lets rest.
#[must_use = "dropping it ends the session"]
pub(crate) struct Scope {
    live: Option<Arc<Live>>,
    ends: Ends,
}

/// What the end of a scope does to its session.
enum Ends {
    For(EndReason),
    /// The session is in use once less.
    Use,
}

impl Scope {
    pub(crate) fn new(live: &Arc<Live>, reason: EndReason) -> Self {
        Self {
            live: Some(Arc::clone(live)),
            ends: Ends::For(reason),
        }
    }

    /// Says that a principal's session is in use, as long as this lives.
    pub(crate) fn shared(live: &Arc<Live>) -> Self {
        if let Some(shared) = live.principals() {
            shared.used();
        }
        Self {
            live: Some(Arc::clone(live)),
            ends: Ends::Use,
        }
    }

    /// The session lives on: somebody else ends it.
    #[cfg(feature = "http")]
    pub(crate) fn keep(mut self) {
        self.live = None;
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let Some(live) = &self.live else { return };
        match self.ends {
            Ends::For(reason) => {
                live.end(reason);
            }
            Ends::Use => {
                // The time of silence begins when the last use is over.
                live.touch().ok();
                live.unused();
            }
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Refused(source) => Self::refused(source),
            OpenError::Full(full) => Self::refused(full.why().into()),
            OpenError::Unavailable(error) => error,
            OpenError::Ended => Self::ended(),
            OpenError::Panicked => Self::refused("`on_open` panicked".into()),
            OpenError::TimedOut => Self::refused("`on_open` took too long".into()),
        }
    }
}
