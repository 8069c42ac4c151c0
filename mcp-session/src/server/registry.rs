//! The live sessions that outlive a request, by id: who is there, who leaves, who makes room.

use std::{
    borrow::Borrow,
    cmp::Reverse,
    hash::{Hash, Hasher},
    sync::{Arc, Weak, atomic::Ordering},
};

use parking_lot::Mutex;

use crate::server::hub::Hub;
use crate::server::places::Places;
use crate::server::principal::Principals;
use crate::server::variant::Member;
use crate::server::{Live, Totals, metrics};
use crate::session::{EndReason, SessionId};
use crate::shards::{Shard, Shards};

/// How many sessions that could make room are found at one go.
const CANDIDATES: usize = 256;

/// After how many sessions that were passed by or looked after others have their turn.
const TURN: usize = 2_048;

/// How long nobody searches again after a search that found nothing.
const FRUITLESS_MS: u64 = 1_000;

/// The live sessions of both kinds: handshake sessions, over HTTP found by id and over byte
/// streams known to their stream, and those of principals in the stateless era.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    // Held for a map operation only, never across an await; sessions are ended outside.
    shards: Shards<ById, ()>,
    /// The same sessions by the principals whose requests share them.
    principals: Principals,
    places: Places,
    // Held for a list operation only.
    resting: Mutex<Resting>,
    /// The janitor is at work. Held to look and to set.
    pub(crate) janitor: Mutex<bool>,
}

/// A live session as the table holds it: found by its id, of which it needs no copy.
#[derive(Debug)]
struct ById(Arc<Live>);

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        self.0.core().id().as_str()
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.core().id() == other.0.core().id()
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let id: &str = self.borrow();
        id.hash(state);
    }
}

/// Sessions that were at rest when somebody searched, the longest at the end.
#[derive(Debug, Default)]
struct Resting {
    candidates: Vec<(u64, Weak<Live>)>,
    not_before_ms: u64,
}

impl Registry {
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn principals(&self) -> &Principals {
        &self.principals
    }

    /// Enters a session that lives and ends with its byte stream.
    pub(crate) fn enter_stream(&self, live: &Arc<Live>) {
        self.insert(live);
    }

    /// Enters a session that has a place.
    pub(crate) fn enter(&self, live: &Arc<Live>) {
        self.places.entered(live);
        self.insert(live);
    }

    fn insert(&self, live: &Arc<Live>) {
        let shard = self.shards.of(live.core().id().as_str());
        shard.write().insert(ById(Arc::clone(live)), ());
        live.totals(Totals::opened);
    }

    /// The session of this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Live>> {
        let shard = self.shards.of(id).read();
        shard
            .get_key_value(id)
            .map(|(found, ())| Arc::clone(&found.0))
    }

    /// Ends a session and forgets it; false when there is none of this id.
    pub(crate) fn end(&self, id: &str, reason: EndReason) -> bool {
        let Some(live) = self.remove(id) else {
            return false;
        };
        self.left(&live);
        live.end(reason);
        true
    }

    /// Forgets a session that has ended.
    fn forget(&self, live: &Arc<Live>) {
        let removed = self.remove(live.core().id().as_str());
        removed.inspect(|live| self.left(live));
    }

    fn remove(&self, id: &str) -> Option<Arc<Live>> {
        let removed = self.shards.of(id).write().remove_entry(id);
        removed.map(|(found, ())| found.0)
    }

    fn left(&self, live: &Arc<Live>) {
        metrics::session_closed();
        if live.principals().is_some() {
            self.principals.forget(live);
        }
        if live.has_place() {
            self.places.left(live);
        }
    }

    /// Ends every session.
    #[expect(
        clippy::mutable_key_type,
        reason = "a session is found by its id, which never changes"
    )]
    pub(crate) fn end_all(&self, reason: EndReason) {
        for shard in self.shards.iter() {
            let sessions = std::mem::take(&mut *shard.write());
            for ById(live) in sessions.keys() {
                self.left(live);
                live.end(reason);
            }
        }
    }

    /// Looks after every session that has a place and for which there may be something to do. Nobody
    /// waits for long: a lock is held to look through one part of the table, and others have their
    /// turn after every [so many](TURN).
    pub(crate) async fn look(&self, hub: &Hub) {
        // What was found before is old by now, and holds memory of sessions that are gone.
        *self.resting.lock() = Resting::default();
        let mut passed = 0;
        for shard in self.shards.iter() {
            let due = due(shard, hub.now_ms());
            for live in due.iter().filter(|live| live.has_place()) {
                live.look(|| self.forget(live));
            }
            passed += due.len();
            drop(due);
            passed += {
                let mut sessions = shard.write();
                Shards::shrink(&mut sessions);
                sessions.len()
            };
            if passed >= TURN {
                passed = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// True when there is nothing to look after; the janitor is then no longer at work.
    pub(crate) fn is_deserted(&self) -> bool {
        // Under its lock, so that whoever takes a place now sees that nobody is at work.
        let mut at_work = self.janitor.lock();
        *at_work = self.places.len() > 0;
        !*at_work
    }

    /// Ends the one of these sessions that rested longest; false when none rests.
    pub(crate) fn evict_among(&self, ids: &[SessionId]) -> bool {
        let found = ids.iter().filter_map(|id| self.find(id.as_str()));
        let resting = found.filter_map(|live| Some((live.rests_for()?, live)));
        let longest = resting.max_by_key(|(rested, _)| *rested);
        longest.is_some_and(|(_, live)| live.evict(|| self.forget(&live)))
    }

    /// Ends the session with a place that rested longest; false when none rests. A search finds
    /// many at one go, so that a full server does not search for each client.
    pub(crate) fn evict_longest(&self, hub: &Hub) -> bool {
        let now = hub.now_ms();
        if self.evict_candidate(now) {
            return true;
        }
        let rested = hub.rested.swap(false, Ordering::AcqRel);
        if now < self.resting.lock().not_before_ms && !rested {
            return false;
        }
        let mut found = Vec::new();
        self.for_each(|live| {
            if live.has_place()
                && let Some(rested) = live.rests_for()
            {
                found.push((now.saturating_sub(rested), Arc::downgrade(live)));
            }
        });
        if found.len() > CANDIDATES {
            found.select_nth_unstable_by_key(CANDIDATES, |(since, _)| *since);
            found.truncate(CANDIDATES);
        }
        found.sort_unstable_by_key(|(since, _)| Reverse(*since));
        let not_before_ms = if found.is_empty() {
            now + FRUITLESS_MS
        } else {
            0
        };
        *self.resting.lock() = Resting {
            candidates: found,
            not_before_ms,
        };
        self.evict_candidate(now)
    }

    fn evict_candidate(&self, now: u64) -> bool {
        loop {
            let Some((since, candidate)) = self.resting.lock().candidates.pop() else {
                return false;
            };
            let Some(live) = candidate.upgrade() else {
                continue;
            };
            let rested = live.rests_for().map(|rested| now.saturating_sub(rested));
            // One that was used in between is not the one that rested longest.
            let longest = rested.is_some_and(|now| now <= since);
            if longest && live.evict(|| self.forget(&live)) {
                return true;
            }
        }
    }

    /// The handshake sessions of a variant.
    pub(crate) fn of_variant(&self, variant: &Arc<Member>) -> Vec<Arc<Live>> {
        let mut sessions = Vec::new();
        for shard in self.shards.iter() {
            let own = |live: &Arc<Live>| {
                live.principals().is_none() && Arc::ptr_eq(live.variant(), variant)
            };
            sessions.extend(all(shard).into_iter().filter(own));
        }
        sessions
    }

    /// Calls `each` with every session, outside any lock.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&Arc<Live>)) {
        for shard in self.shards.iter() {
            all(shard).iter().for_each(&mut each);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }
}

/// The sessions of one part of the table.
fn all(shard: &Shard<ById, ()>) -> Vec<Arc<Live>> {
    let sessions = shard.read();
    sessions.keys().map(|found| Arc::clone(&found.0)).collect()
}

/// Those of one part of the table for which there may be something to do by now. Of the others no
/// more than that is read: they are many, and each is a place in memory of its own.
fn due(shard: &Shard<ById, ()>, now_ms: u64) -> Vec<Arc<Live>> {
    let sessions = shard.read();
    let due = sessions.keys().filter(|found| found.0.is_due(now_ms));
    due.map(|found| Arc::clone(&found.0)).collect()
}
