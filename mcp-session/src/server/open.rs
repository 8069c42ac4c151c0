//! Opening a live session.

use std::sync::Arc;

use crate::error::{BoxError, Error};
use crate::server::{Live, Server, Session};
use crate::session::Opening;

/// Why no session was opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// `on_open` refused.
    Refused(BoxError),
    /// `on_open` panicked.
    Panicked,
}

impl Server {
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

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Refused(source) => Self::refused(source),
            OpenError::Panicked => Self::refused("`on_open` panicked".into()),
        }
    }
}
