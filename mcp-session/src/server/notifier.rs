//! Telling clients of changes, from anywhere.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use crate::auth::Principal;
use crate::server::{Live, ServerInner, Session};

/// A cloneable handle that tells clients of changes: for use in background tasks, in callbacks of
/// other libraries, anywhere outside a request.
///
/// It does not keep the server alive; once that is gone, telling does nothing.
///
/// # Examples
///
/// ```
/// # use mcp_session::Server;
/// # fn example(server: &Server) {
/// let notifier = server.notifier();
/// std::thread::spawn(move || {
///     // A file watcher saw a change:
///     notifier.resource_updated("file:///etc/motd");
/// });
/// # }
/// ```
#[derive(Clone)]
pub struct Notifier {
    server: Weak<ServerInner>,
    audience: Audience,
}

/// Whom a notifier tells.
#[derive(Clone)]
enum Audience {
    Everybody,
    /// One session; none once it is gone.
    Session(Weak<Live>),
    Principal(Principal),
}

impl Notifier {
    pub(crate) fn new(server: &Arc<ServerInner>) -> Self {
        Self {
            server: Arc::downgrade(server),
            audience: Audience::Everybody,
        }
    }

    /// One that tells this session's client only. Sessions are of the handshake era: in the
    /// stateless era they end with their request, and [`for_principal`](Self::for_principal)
    /// reaches who stays.
    ///
    /// It does not keep the session alive.
    #[must_use]
    pub fn for_session(&self, session: &Session) -> Self {
        Self {
            server: self.server.clone(),
            audience: Audience::Session(Arc::downgrade(session.live())),
        }
    }

    /// One that tells the clients of this principal only: its handshake sessions, and its
    /// `subscriptions/listen` streams.
    #[must_use]
    pub fn for_principal(&self, principal: &Principal) -> Self {
        Self {
            server: self.server.clone(),
            audience: Audience::Principal(principal.clone()),
        }
    }

    /// Tells whoever of its audience subscribed to a resource that it has changed: handshake
    /// sessions that called `resources/subscribe`, and `subscriptions/listen` streams that named
    /// it.
    ///
    /// Never waits. Notices that nobody has read yet coalesce to one.
    pub fn resource_updated(&self, uri: &str) {
        let Some(server) = self.server.upgrade() else {
            return;
        };
        if let Audience::Session(live) = &self.audience {
            if let Some(live) = live.upgrade() {
                Session::new(live).resource_updated(uri);
            }
            return;
        }
        let only = match &self.audience {
            Audience::Principal(principal) => Some(principal),
            Audience::Everybody | Audience::Session(_) => None,
        };
        server.sessions.for_each(|live| {
            if (only.is_none() || live.core().principal() == only) && live.is_told_here() {
                Session::new(Arc::clone(live)).resource_updated(uri);
            }
        });
        server.listeners.resource_updated(uri, only);
        #[cfg(feature = "http")]
        server.tell_replicas(uri, only);
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").finish_non_exhaustive()
    }
}
