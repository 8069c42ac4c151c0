//! The end of a session, and who waits for it.

use std::{fmt, sync::OnceLock};

use tokio::sync::{Notify, futures::Notified};

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The client ended it, by HTTP DELETE.
    Client,
    /// Nothing was heard of the client for longer than
    /// [`Limits::retention`](crate::Limits::retention), or nothing after its handshake.
    Idle,
    /// It was open for as long as a session may be: [`Limits::lifetime`](crate::Limits::lifetime).
    Lifetime,
    /// It was at rest, and its place was given to a new session:
    /// [`AtCapacity::EvictIdle`](crate::server::AtCapacity::EvictIdle).
    Evicted,
    /// The byte stream it lived on was closed, or the client that was opening it went away.
    Transport,
    /// The program ended it through [`Sessions::end`](crate::server::Sessions::end).
    Revoked,
    /// The program put another session in its place; see
    /// [`Sessions::end_as`](crate::server::Sessions::end_as).
    Replaced,
    /// `select` or `on_open` panicked or took too long.
    Error,
    /// The server is shutting down.
    Shutdown,
    /// `on_open` refused it.
    Refused,
    /// The request it lived for is over: in the stateless era a session lives no longer.
    Request,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Idle => "idle",
            Self::Lifetime => "lifetime",
            Self::Evicted => "evicted",
            Self::Transport => "transport lost",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Error => "error",
            Self::Shutdown => "shutdown",
            Self::Refused => "refused",
            Self::Request => "request over",
        })
    }
}

/// Set once, when the session ends; wakes everybody who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    reason: OnceLock<EndReason>,
    waiting: Notify,
}

impl Ended {
    /// Ends it; false when it had ended already.
    pub(crate) fn set(&self, reason: EndReason) -> bool {
        let first = self.reason.set(reason).is_ok();
        self.waiting.notify_waiters();
        first
    }

    /// Wakes whoever waits for what comes of the end.
    pub(crate) fn cleared(&self) {
        self.waiting.notify_waiters();
    }

    /// Completes when something is new about the end; register before you look. Cancel safe.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.waiting.notified()
    }

    pub(crate) fn reason(&self) -> Option<EndReason> {
        self.reason.get().copied()
    }

    /// Waits for the end. Cancel safe.
    pub(crate) async fn wait(&self) -> EndReason {
        loop {
            let woken = self.waiting.notified();
            // Registered before the look, so that an end in between is not missed.
            if let Some(reason) = self.reason() {
                return reason;
            }
            woken.await;
        }
    }
}
