//! The live sessions of principals, by principal and variant.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::auth::Principal;
use crate::protocol::Era;
use crate::server::open::{OpenError, Scope};
use crate::server::principal::record::{Record, Records};
use crate::server::shards::Shards;
use crate::server::variant::Member;
use crate::server::{Live, ServerInner};
use crate::session::{EndReason, Opening};

/// How often a sweep for idle sessions is due, at most.
const SWEEP_MS: u64 = 10_000;

/// Whose session it is, and of which variant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    principal: Principal,
    variant: Arc<str>,
}

/// The live sessions of principals, and what is kept of them.
#[derive(Debug, Default)]
pub(crate) struct Principals {
    // Held for a map operation only, never across an await; sessions are ended outside.
    shards: Shards<Key, Arc<Live>>,
    counted: AtomicUsize,
    swept_ms: AtomicU64,
    records: Records,
}

impl Key {
    fn new(principal: &Principal, variant: &Arc<str>) -> Self {
        Self {
            principal: principal.clone(),
            variant: Arc::clone(variant),
        }
    }
}

impl Principals {
    /// The session of this principal, in use from here on: the one there is, or a new one.
    pub(crate) fn enter(
        &self,
        server: &Arc<ServerInner>,
        principal: &Principal,
        variant: &Arc<Member>,
    ) -> Result<(Arc<Live>, Scope), OpenError> {
        let key = Key::new(principal, variant.name());
        let shard = self.shards.of(&key);
        // In use before the lock is let go, so that nobody takes it for idle.
        let found = shard.read().get(&key).map(in_use);
        if let Some((live, scope)) = found {
            // One that ends meanwhile refuses what is asked of it.
            live.touch().ok();
            if !live.is_current() {
                live.renew(None);
            }
            return Ok((live, scope));
        }
        self.sweep(server);
        self.reserve(server)?;
        let mut sessions = shard.write();
        if let Some(live) = sessions.get(&key) {
            self.counted.fetch_sub(1, Ordering::AcqRel);
            return Ok(in_use(live));
        }
        // Read under the lock: an edit looks for the session after it has kept its changes.
        let durable = self.records.load(&key);
        let opening = Opening::new(Era::Stateless, Some(principal.clone()));
        let live = Live::shared(opening, variant, server, durable);
        if variant.blueprint().on_open.is_none() {
            live.opened();
        }
        sessions.insert(key, Arc::clone(&live));
        Ok(in_use(&live))
    }

    /// The live session of this principal, if there is one.
    pub(crate) fn find(&self, principal: &Principal, variant: &Arc<str>) -> Option<Arc<Live>> {
        let key = Key::new(principal, variant);
        self.shards.of(&key).read().get(&key).cloned()
    }

    /// What is kept of this principal, to edit.
    pub(crate) fn record(&self, principal: &Principal, variant: &Arc<str>) -> Arc<Record> {
        self.records.record(Key::new(principal, variant))
    }

    /// Brings the sessions of a variant to its newest revision. One that is called meanwhile
    /// brings itself.
    pub(crate) fn renew(&self, variant: &Arc<Member>) {
        for shard in self.shards.iter() {
            let of_variant = |live: &&Arc<Live>| Arc::ptr_eq(live.variant(), variant);
            let sessions = shard.read();
            let sessions: Vec<_> = sessions.values().filter(of_variant).cloned().collect();
            sessions.iter().for_each(|live| live.renew(None));
        }
    }

    /// Ends one session and forgets it.
    pub(crate) fn forget(&self, live: &Arc<Live>, reason: EndReason) {
        if let Some(principal) = live.core().principal() {
            let key = Key::new(principal, live.variant().name());
            let mut sessions = self.shards.of(&key).write();
            if sessions.get(&key).is_some_and(|own| Arc::ptr_eq(own, live)) {
                sessions.remove(&key);
                self.counted.fetch_sub(1, Ordering::AcqRel);
            }
        }
        live.end(reason);
    }

    /// Ends every session. What is kept of principals stays.
    pub(crate) fn end_all(&self, reason: EndReason) {
        for shard in self.shards.iter() {
            let sessions = std::mem::take(&mut *shard.write());
            self.counted.fetch_sub(sessions.len(), Ordering::AcqRel);
            sessions.values().for_each(|live| {
                live.end(reason);
            });
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.counted.load(Ordering::Acquire)
    }

    /// Reserves a place before anything is allocated. At the limit, half of those that rest make
    /// room, the longest first: nothing of them is lost but what `on_open` did.
    fn reserve(&self, server: &ServerInner) -> Result<(), OpenError> {
        let limit = server.limits.sessions;
        let order = Ordering::AcqRel;
        let next = |counted| (counted < limit).then_some(counted + 1);
        let taken = || self.counted.fetch_update(order, Ordering::Acquire, next);
        if taken().is_ok() {
            return Ok(());
        }
        let mut resting = Vec::new();
        for shard in self.shards.iter() {
            let sessions = shard.read();
            resting.extend(sessions.values().filter_map(|live| live.rests_since()));
        }
        resting.sort_unstable();
        if let Some(until) = resting.get(resting.len() / 2).copied() {
            self.end_resting(until, EndReason::Evicted);
        }
        taken().map(|_| ()).map_err(|_| OpenError::Full)
    }

    /// Ends the sessions that were idle for too long. Does nothing while the last sweep is recent.
    fn sweep(&self, server: &ServerInner) {
        let now_ms = server.hub.now_ms();
        let idle_ms = u64::try_from(server.limits.idle.as_millis()).unwrap_or(u64::MAX);
        let last = self.swept_ms.load(Ordering::Acquire);
        let claim = || {
            let order = Ordering::AcqRel;
            self.swept_ms
                .compare_exchange(last, now_ms, order, Ordering::Acquire)
                .is_ok()
        };
        if now_ms >= last.saturating_add(SWEEP_MS.min(idle_ms))
            && claim()
            && let Some(until) = now_ms.checked_sub(idle_ms)
        {
            self.end_resting(until, EndReason::Idle);
        }
    }

    /// Ends the sessions that rest since then, or longer.
    fn end_resting(&self, until_ms: u64, reason: EndReason) {
        for shard in self.shards.iter() {
            let rests = |live: &Arc<Live>| live.rests_since().is_some_and(|at| at <= until_ms);
            let resting: Vec<_> = shard.write().extract_if(|_, live| rests(live)).collect();
            self.counted.fetch_sub(resting.len(), Ordering::AcqRel);
            for (_, live) in &resting {
                live.end(reason);
            }
        }
    }
}

fn in_use(live: &Arc<Live>) -> (Arc<Live>, Scope) {
    (Arc::clone(live), Scope::shared(live))
}
