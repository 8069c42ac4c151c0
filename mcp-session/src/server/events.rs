//! What happens to sessions, for the operator to watch.

use std::sync::OnceLock;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::auth::Principal;
use crate::server::Server;
use crate::session::{EndReason, SessionId, SessionState};

/// How many events wait for one subscriber that is slow.
const WAITING: usize = 1024;

/// Something that happened to a handshake session or to a principal's, or to a client that wanted
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A session has opened: `on_open` is done, its client is told so.
    Opened {
        /// Which. Treat it as a secret over HTTP.
        session: SessionId,
        /// Whose; `None` for an anonymous caller.
        principal: Option<Principal>,
    },
    /// A session went from one state to another. Its last two states are
    /// [`Ended`](Self::Ended).
    StateChanged {
        /// Which.
        session: SessionId,
        /// What it was.
        from: SessionState,
        /// What it is.
        to: SessionState,
    },
    /// A session that is stored goes on in this process: one that was opened, or used, in another.
    Restored {
        /// Which.
        session: SessionId,
    },
    /// This process lets go of a session that is stored: it lives on in the store, or has ended in
    /// another process. `on_close` does not run here.
    LetGo {
        /// Which.
        session: SessionId,
        /// Why.
        reason: EndReason,
    },
    /// A session has ended, its `on_close` has run, and what belonged to it is free.
    Ended {
        /// Which.
        session: SessionId,
        /// Why.
        reason: EndReason,
    },
    /// A client wanted a session and got none: over HTTP, or a principal's.
    Refused {
        /// Who it was; `None` for an anonymous caller.
        principal: Option<Principal>,
        /// Why it got none.
        reason: Refusal,
    },
    /// So many events were lost, because the subscriber did not take them in time.
    Lagged(u64),
}

/// Why a client was refused a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// There are as many as there may be: [`Limits::sessions`](crate::Limits::sessions).
    ServerFull,
    /// Its principal has as many as it may:
    /// [`Limits::per_principal`](crate::Limits::per_principal).
    PrincipalFull,
    /// Too many are being opened:
    /// [`Limits::openings_per_second`](crate::Limits::openings_per_second).
    TooFast,
    /// `select` or `on_open` refused or failed.
    Hook,
    /// What is kept of its principal could not be had from the store.
    Unavailable,
}

/// A subscription to what happens to the sessions of a server, from [`Server::events`].
///
/// It holds up nobody: whoever takes its events too slowly loses the oldest, and is told how many.
#[derive(Debug)]
#[must_use = "events are lost on whoever does not take them"]
pub struct Events {
    receiver: broadcast::Receiver<SessionEvent>,
}

impl Events {
    /// The next event; `None` when the server and its sessions are gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<SessionEvent> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(lost)) => Some(SessionEvent::Lagged(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// The sending side: nothing at all until somebody subscribes.
#[derive(Debug, Default)]
pub(crate) struct Publisher {
    sender: OnceLock<broadcast::Sender<SessionEvent>>,
}

impl Publisher {
    fn subscribe(&self) -> Events {
        let sender = self.sender.get_or_init(|| broadcast::Sender::new(WAITING));
        Events {
            receiver: sender.subscribe(),
        }
    }

    /// Tells whoever listens; makes the event only if somebody does.
    pub(crate) fn publish(&self, event: impl FnOnce() -> SessionEvent) {
        if let Some(sender) = self.sender.get()
            && sender.receiver_count() > 0
        {
            // Nobody is left to hear it: that is no failure.
            sender.send(event()).ok();
        }
    }
}

impl Server {
    /// Subscribes to what happens to the sessions of this server from now on: opened, at rest,
    /// parked, ended and why, refused. The sessions of single stateless requests are not told
    /// about.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn watch(server: mcp_session::Server) {
    /// let mut events = server.events();
    /// while let Some(event) = events.next().await {
    ///     println!("{event:?}");
    /// }
    /// # }
    /// ```
    pub fn events(&self) -> Events {
        self.inner().hub.events.subscribe()
    }
}
