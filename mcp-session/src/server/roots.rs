//! Keeping a handshake session's roots up to date.

use std::sync::Arc;

use crate::peer::inline;
use crate::protocol::{ListRootsResult, Raw, Root, method};
use crate::server::{Live, Server, Session, contained};
use crate::session::Capability;

/// The client's roots differ from what was known.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RootsChange {
    /// What was known before; `None` the first time.
    pub old: Option<Arc<[Root]>>,
    /// What the client says now.
    pub new: Arc<[Root]>,
}

impl Server {
    /// The client says that its roots changed, or has just completed its handshake.
    pub(crate) fn roots_changed(&self, live: &Arc<Live>) {
        let can = live
            .core()
            .client()
            .is_some_and(|client| client.can(Capability::Roots));
        if can {
            live.core().roots.mark_stale();
            self.refresh_roots(live);
        }
    }

    /// Asks for the roots if what is known is stale, nobody is asking, and a stream that concerns
    /// no request is open to ask on.
    pub(crate) fn refresh_roots(&self, live: &Arc<Live>) {
        let Some(standing) = live.core().streams.standing_if_open() else {
            return;
        };
        if !standing.is_connected() || !live.core().roots.begin() {
            return;
        }
        let (server, live) = (self.clone(), Arc::clone(live));
        let patience = self.limits().answer;
        self.inner().tasks.spawn(async move {
            let params = Raw::empty_object();
            let asked = inline::ask(
                live.core(),
                &standing,
                method::ROOTS_LIST,
                &params,
                patience,
            );
            let listed = asked.await.map(|result| result.decode::<ListRootsResult>());
            let roots: Arc<[Root]> = match listed {
                Ok(Ok(listed)) => listed.roots.into(),
                Ok(Err(error)) => return server.roots_unknown(&live, &error),
                Err(error) => return server.roots_unknown(&live, &error),
            };
            if let Some(difference) = live.core().roots.answered(roots) {
                let change = RootsChange {
                    old: difference.old,
                    new: difference.new,
                };
                notify(&live, change).await;
            }
            live.core().roots.settled();
            // A change that was announced meanwhile made this answer stale.
            server.refresh_roots(&live);
        });
    }

    fn roots_unknown(&self, live: &Arc<Live>, error: &(dyn std::error::Error + 'static)) {
        tracing::debug!(
            error,
            "the client did not name its roots; what was known stays"
        );
        if live.core().roots.failed() {
            self.refresh_roots(live);
        }
    }
}

async fn notify(live: &Arc<Live>, change: RootsChange) {
    let Some(hook) = live.blueprint().on_roots_changed.clone() else {
        return;
    };
    let session = Session::new(Arc::clone(live));
    match contained(async move { hook(session, change).await }).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::warn!(error = &*error, "`on_roots_changed` failed"),
        None => tracing::error!("`on_roots_changed` panicked"),
    }
}
