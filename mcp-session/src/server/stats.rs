//! What a server and its sessions count.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;

use crate::server::principal::Shared;
use crate::server::{Live, Server, Session, metrics};
use crate::session::{Counters, EndReason, Traffic};

/// What is counted for a server as a whole, since it was made.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) traffic: Counters,
    opened: AtomicU64,
    streams: AtomicUsize,
    // Held for a map operation only, never across an await.
    ended: Mutex<HashMap<EndReason, u64>>,
}

impl Totals {
    pub(crate) fn opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        metrics::session_opened();
    }

    pub(crate) fn ended(&self, reason: EndReason, age: Duration) {
        metrics::session_ended(reason, age);
        *self.ended.lock().entry(reason).or_default() += 1;
    }

    pub(crate) fn stream_opened(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
        metrics::stream_opened();
    }

    pub(crate) fn stream_closed(&self) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
        metrics::stream_closed();
    }
}

/// What is known of one session. Made by [`Session::stats`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionStats {
    /// How long ago it was opened.
    pub age: Duration,
    /// How long ago something was last heard of its client.
    pub silence: Duration,
    /// What was said. Over a byte stream this is of the whole stream, with its requests of the
    /// stateless era.
    pub traffic: Traffic,
    /// Requests that are being answered. Those of a principal's session include its open
    /// `subscriptions/listen` streams.
    pub in_flight: usize,
    /// Messages that wait to be read by the client.
    pub queued: usize,
    /// Resources the client subscribed to.
    pub subscriptions: usize,
    /// True while a stream of a handshake session is open.
    pub connected: bool,
}

/// What is known of a server. Made by [`Server::stats`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerStats {
    /// Live sessions: handshake sessions, those on byte streams included, and those of principals.
    pub sessions: usize,
    /// How many of these were opened so far.
    pub opened: u64,
    /// What was said, to and by all clients of both eras.
    pub traffic: Traffic,
    /// Requests that are being answered in handshake sessions.
    pub in_flight: usize,
    /// Event streams that are open over HTTP, those of `subscriptions/listen` included.
    pub streams: usize,
    /// Open `subscriptions/listen` requests.
    pub listening: usize,
    /// Messages that wait to be read by the clients of handshake sessions.
    pub queued: usize,
    ended: HashMap<EndReason, u64>,
}

impl ServerStats {
    /// How many sessions have ended for this reason; those of single requests are not counted.
    pub fn ended(&self, reason: EndReason) -> u64 {
        self.ended.get(&reason).copied().unwrap_or(0)
    }

    /// The reasons for which sessions have ended, and how many for each.
    pub fn ends(&self) -> impl Iterator<Item = (EndReason, u64)> + '_ {
        self.ended.iter().map(|(reason, count)| (*reason, *count))
    }
}

impl Session {
    /// What was counted for this session until now.
    pub fn stats(&self) -> SessionStats {
        let live = self.live();
        let core = live.core();
        let (age, silence) = live.times();
        SessionStats {
            age: Duration::from_millis(age),
            silence: Duration::from_millis(silence),
            traffic: core.traffic.read(),
            in_flight: core.calls.len() + live.principals().map_or(0, Shared::users),
            queued: core.streams.unread(),
            subscriptions: core.subscription_count(),
            connected: core.streams.is_connected(),
        }
    }
}

impl Server {
    /// What was counted until now. Looks at every live session, so it suits a dashboard and not
    /// every request.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{EndReason, Server, Template};
    ///
    /// let server = Server::new(Template::builder("weather", "1.0.0").build()?);
    /// let stats = server.stats();
    /// assert_eq!((stats.sessions, stats.ended(EndReason::Idle)), (0, 0));
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn stats(&self) -> ServerStats {
        let inner = self.inner();
        let (mut sessions, mut in_flight, mut queued) = (0, 0, 0);
        inner.sessions.for_each(|live: &Arc<Live>| {
            sessions += 1;
            in_flight += live.core().calls.len();
            queued += live.core().streams.unread();
        });
        let totals = &inner.totals;
        ServerStats {
            sessions,
            opened: totals.opened.load(Ordering::Relaxed),
            traffic: totals.traffic.read(),
            in_flight,
            streams: totals.streams.load(Ordering::Relaxed),
            listening: inner.listeners.len(),
            queued,
            ended: totals.ended.lock().clone(),
        }
    }
}
