//! The live handshake sessions, by id.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::RwLock;

use crate::server::variant::Member;
use crate::server::{Live, ServerInner, Session, Totals, metrics};
use crate::session::{EndReason, SessionId};

/// How many parts the table has, each with a lock of its own.
const SHARDS: usize = 32;

/// How often a sweep for idle sessions is due, at most.
const SWEEP_MS: u64 = 10_000;

/// The live handshake sessions: over HTTP found by id, over byte streams known to their stream.
#[derive(Debug)]
pub(crate) struct Registry {
    // Held for a map operation only, never across an await; sessions are ended outside.
    shards: Box<[RwLock<HashMap<SessionId, Arc<Live>>>]>,
    hasher: RandomState,
    /// The sessions over HTTP, which are the ones the limit is about.
    counted: AtomicUsize,
    swept_ms: AtomicU64,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: RandomState::new(),
            counted: AtomicUsize::new(0),
            swept_ms: AtomicU64::new(0),
        }
    }
}

/// A place for one more session over HTTP, given back unless the session is entered.
pub(crate) struct Place {
    server: Arc<ServerInner>,
    taken: bool,
}

impl Place {
    /// Enters the session it was reserved for.
    pub(crate) fn enter(mut self, live: &Arc<Live>) {
        self.taken = false;
        self.server.sessions.insert(live);
    }
}

impl Registry {
    /// Reserves a place before anything is allocated or awaited; `None` at the limit.
    pub(crate) fn reserve(server: &Arc<ServerInner>, limit: usize) -> Option<Place> {
        let counted = &server.sessions.counted;
        let reserved = counted.fetch_update(Ordering::AcqRel, Ordering::Acquire, |counted| {
            (counted < limit).then_some(counted + 1)
        });
        reserved.ok().map(|_| Place {
            server: Arc::clone(server),
            taken: true,
        })
    }

    /// Enters a session that lives and ends with its byte stream.
    pub(crate) fn enter_stream(&self, live: &Arc<Live>) {
        self.insert(live);
    }

    fn insert(&self, live: &Arc<Live>) {
        let id = live.core().id().clone();
        self.shard(id.as_str()).write().insert(id, Arc::clone(live));
        live.totals(Totals::opened);
    }

    /// The session of this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Live>> {
        self.shard(id).read().get(id).cloned()
    }

    /// Ends a session and forgets it; false when there is none of this id.
    pub(crate) fn end(&self, id: &str, reason: EndReason) -> bool {
        let removed = self.shard(id).write().remove(id);
        removed.is_some_and(|live| {
            self.forget(&live, reason);
            true
        })
    }

    fn forget(&self, live: &Arc<Live>, reason: EndReason) {
        metrics::session_closed();
        if live.is_over_http() {
            self.counted.fetch_sub(1, Ordering::AcqRel);
        }
        if live.end(reason) {
            tracing::info!(session = %live.core().id().tag(), %reason, "session ended");
        }
    }

    /// Ends every session.
    pub(crate) fn end_all(&self, reason: EndReason) {
        for shard in &self.shards {
            let sessions = std::mem::take(&mut *shard.write());
            sessions.values().for_each(|live| self.forget(live, reason));
        }
    }

    /// Ends the sessions over HTTP that were idle for so long. Does nothing while the last sweep
    /// is recent.
    pub(crate) fn sweep(&self, now_ms: u64, idle_ms: u64) {
        let last = self.swept_ms.load(Ordering::Acquire);
        let due = now_ms >= last + SWEEP_MS.min(idle_ms);
        let claim = |last| {
            let order = Ordering::AcqRel;
            self.swept_ms
                .compare_exchange(last, now_ms, order, Ordering::Acquire)
                .is_ok()
        };
        if !due || !claim(last) {
            return;
        }
        for shard in &self.shards {
            let is_idle = |live: &Arc<Live>| live.is_idle(now_ms, idle_ms);
            let idle: Vec<_> = shard.write().extract_if(|_, live| is_idle(live)).collect();
            idle.iter()
                .for_each(|(_, live)| self.forget(live, EndReason::Idle));
        }
    }

    /// The sessions of a variant.
    pub(crate) fn of_variant(&self, variant: &Arc<Member>) -> Vec<Arc<Live>> {
        let mut sessions = Vec::new();
        for shard in &self.shards {
            let shard = shard.read();
            let own = shard
                .values()
                .filter(|live| Arc::ptr_eq(live.variant(), variant));
            sessions.extend(own.cloned());
        }
        sessions
    }

    /// Calls `each` with every session, outside any lock.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&Arc<Live>)) {
        for shard in &self.shards {
            let sessions: Vec<_> = shard.read().values().cloned().collect();
            sessions.iter().for_each(&mut each);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    fn shard(&self, id: &str) -> &RwLock<HashMap<SessionId, Arc<Live>>> {
        let hash = usize::try_from(self.hasher.hash_one(id) >> 40).unwrap_or(0);
        &self.shards[hash % SHARDS]
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.taken {
            self.server.sessions.counted.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// The live handshake sessions of a server, those on byte streams included.
///
/// Made by [`Server::sessions`](crate::Server::sessions).
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a> {
    pub(super) registry: &'a Registry,
}

impl<'a> Sessions<'a> {
    pub(crate) fn new(server: &'a ServerInner) -> Self {
        Self {
            registry: &server.sessions,
        }
    }

    /// The session of this id.
    pub fn get(&self, id: &SessionId) -> Option<Session> {
        self.registry.find(id.as_str()).map(Session::new)
    }

    /// Ends the session of this id: what runs in it is cancelled, its streams are closed, its
    /// client gets 404 from here on. False when there is none.
    pub fn end(&self, id: &SessionId) -> bool {
        self.registry.end(id.as_str(), EndReason::Revoked)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.registry.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in no particular order.
    pub fn list(&self) -> Vec<Session> {
        let mut sessions = Vec::new();
        self.registry
            .for_each(|live| sessions.push(Session::new(Arc::clone(live))));
        sessions
    }
}
