//! Opening a live session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::error::{BoxError, Error};
use crate::server::{Live, Server, Session};
use crate::session::{EndReason, Opening};

/// Why no session was opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// `on_open` refused.
    Refused(BoxError),
    /// `select` or `on_open` panicked.
    Panicked,
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
        let revision = self.inner.variants.choose(&opening);
        Live::new(opening, revision, &self.inner)
    }

    /// Runs `on_open`, where there is one.
    pub(crate) async fn open(&self, live: &Arc<Live>) -> Result<(), OpenError> {
        if let Some(hook) = live.revision().blueprint.on_open.clone() {
            let session = Session::new(Arc::clone(live));
            let hooked = crate::server::contained(async move { hook(session).await }).await;
            match hooked {
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(OpenError::Refused(error)),
                None => return Err(OpenError::Panicked),
            }
        }
        live.opened();
        Ok(())
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

    /// Ends the session for another reason than that its scope is over.
    pub(crate) fn end(mut self, reason: EndReason) {
        self.reason = reason;
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
        }
    }
}
