//! Telling clients of changes, from anywhere.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use crate::server::{ServerInner, Session};

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
}

impl Notifier {
    pub(crate) fn new(server: &Arc<ServerInner>) -> Self {
        Self {
            server: Arc::downgrade(server),
        }
    }

    /// Tells everybody who subscribed to a resource that it has changed: handshake sessions that
    /// called `resources/subscribe`, and `subscriptions/listen` streams that named it.
    ///
    /// Never waits. Notices that nobody has read yet coalesce to one.
    pub fn resource_updated(&self, uri: &str) {
        let Some(server) = self.server.upgrade() else {
            return;
        };
        server
            .sessions
            .for_each(|live| Session::new(Arc::clone(live)).resource_updated(uri));
        server.listeners.resource_updated(uri);
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").finish_non_exhaustive()
    }
}
