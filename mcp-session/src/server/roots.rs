//! Keeping a handshake session's roots up to date.

use std::{sync::Arc, time::Duration};

use crate::clock;
use crate::context::Context;
use crate::peer::{AskError, inline};
use crate::protocol::{Era, ListRootsResult, Raw, Root, method};
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
        if !live.is_listened_to() || !live.core().roots.begin() {
            return;
        }
        let standing = live.core().streams.standing(self.limits().resumable());
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
            #[cfg(feature = "http")]
            live.said();
            let listed = asked.await.map(|result| result.decode::<ListRootsResult>());
            let roots: Arc<[Root]> = match listed {
                Ok(Ok(listed)) => listed.roots.into(),
                Ok(Err(error)) => return server.roots_unknown(&live, &error),
                Err(error) => return server.roots_unknown(&live, &error),
            };
            server.roots_known(&live, roots).await;
        });
    }

    /// Takes an answer, and tells the hook what differs.
    async fn roots_known(&self, live: &Arc<Live>, roots: Arc<[Root]>) {
        if let Some(difference) = live.core().roots.answered(roots) {
            live.changed(None, &[]);
            let change = RootsChange {
                old: difference.old,
                new: difference.new,
            };
            notify(live, change).await;
        }
        live.core().roots.settled();
        // A change that was announced meanwhile made this answer stale.
        self.refresh_roots(live);
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

impl Context {
    /// The directories and files the user works on. Deprecated in 2026-07-28: take paths as
    /// arguments instead.
    ///
    /// In the handshake era the server keeps the roots of a session at hand and asks again when
    /// the client says that they changed. This asks only when nothing is known yet: it waits for
    /// the answer to a question that is out already, and what it learns itself is kept for others,
    /// with one call of `on_roots_changed`. In the stateless era every exchange asks, under the key
    /// `roots`, for nothing is inferred from earlier requests.
    ///
    /// # Errors
    ///
    /// As [`elicit`](Self::elicit).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    pub async fn roots(&self) -> Result<Arc<[Root]>, AskError> {
        self.roots_as("roots").await
    }

    /// As [`roots`](Self::roots), with a key of its own for the question.
    ///
    /// # Errors
    ///
    /// As [`elicit`](Self::elicit).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    pub async fn roots_as(&self, key: &str) -> Result<Arc<[Root]>, AskError> {
        let params = self.askable(Capability::Roots, || Ok(Raw::empty_object()))?;
        if self.core().era() == Era::Stateless {
            let listed: ListRootsResult = self.ask(key, method::ROOTS_LIST, params).await?;
            return Ok(listed.roots.into());
        }
        let session = self.session();
        let live = session.live();
        let roots = &live.core().roots;
        if let Some(known) = roots.known() {
            return Ok(known);
        }
        let claim = Claim::take(live);
        if claim.is_none() {
            let joined = clock::within(JOINED, roots.joined());
            let joined = tokio::select! {
                joined = joined => joined.flatten(),
                () = self.cancelled() => return Err(AskError::Gone),
            };
            if let Some(known) = joined {
                return Ok(known);
            }
        }
        let listed: ListRootsResult = self.ask(key, method::ROOTS_LIST, params).await?;
        let listed: Arc<[Root]> = listed.roots.into();
        if let Some(claim) = claim {
            claim.answered(Arc::clone(&listed));
        }
        Ok(listed)
    }
}

/// How long a handler waits for an answer that another question is to bring: the stream that one
/// was asked on may be gone, and the handler has a stream of its own.
const JOINED: Duration = Duration::from_secs(10);

/// The right, and the duty, to be the one who asks for the roots of a session.
struct Claim {
    /// `None` once the answer was taken.
    live: Option<Arc<Live>>,
}

impl Claim {
    /// `None` when something is known already, or somebody asks.
    fn take(live: &Arc<Live>) -> Option<Self> {
        let live = live.core().roots.begin_first().then(|| Arc::clone(live));
        live.map(|live| Self { live: Some(live) })
    }

    /// Takes the answer; the hook is told in a task, since the handler has what it wanted.
    fn answered(mut self, roots: Arc<[Root]>) {
        let Some(live) = self.live.take() else { return };
        match live.server() {
            Some(server) => {
                let tasks = server.inner().tasks.clone();
                tasks.spawn(async move { server.roots_known(&live, roots).await });
            }
            None => live.core().roots.settled(),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(live) = &self.live
            && live.core().roots.failed()
            && let Some(server) = live.server()
        {
            server.refresh_roots(live);
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
