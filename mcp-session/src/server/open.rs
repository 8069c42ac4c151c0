//! Opening a live session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::clock;
use crate::error::{BoxError, Error};
use crate::protocol::Era;
use crate::server::{Live, Server, Session};
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
}

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
        let revision = self.inner.variants.choose(&opening);
        Live::new(opening, revision, &self.inner)
    }

    /// Runs `on_open`, where there is one. A session that it refuses ends, unless a byte stream
    /// lives on with it.
    pub(crate) async fn open(&self, live: &Arc<Live>) -> Result<(), OpenError> {
        if let Err(error) = self.run_on_open(live).await {
            let reason = match error {
                OpenError::Refused(_) => EndReason::Refused,
                OpenError::Panicked | OpenError::TimedOut => EndReason::Error,
            };
            if live.is_over_http() || live.core().era() == Era::Stateless {
                live.end(reason);
            }
            return Err(error);
        }
        live.opened();
        Ok(())
    }

    async fn run_on_open(&self, live: &Arc<Live>) -> Result<(), OpenError> {
        let Some(hook) = live.revision().blueprint.on_open.clone() else {
            return Ok(());
        };
        live.begin();
        let session = Session::new(Arc::clone(live));
        let hooked = crate::server::contained(async move { hook(session).await });
        let hooked = match live.core().era() {
            Era::Handshake => clock::within(self.limits().handshake, hooked).await,
            // There it is part of a request, whose own deadline it has.
            Era::Stateless => Some(hooked.await),
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
/// request, or that may never come to be used.
#[must_use = "dropping it ends the session"]
pub(crate) struct Scope {
    live: Option<Arc<Live>>,
    reason: EndReason,
}

impl Scope {
    pub(crate) fn new(live: &Arc<Live>, reason: EndReason) -> Self {
        let live = Some(Arc::clone(live));
        Self { live, reason }
    }

    /// The session lives on: somebody else ends it.
    pub(crate) fn keep(mut self) {
        self.live = None;
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            live.end(self.reason);
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Refused(source) => Self::refused(source),
            OpenError::Panicked => Self::refused("`on_open` panicked".into()),
            OpenError::TimedOut => Self::refused("`on_open` took too long".into()),
        }
    }
}
