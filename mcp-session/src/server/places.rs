//! How many sessions there may be, over HTTP and of principals: places that are taken before
//! anything is allocated or awaited, and given back on every path.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use crate::auth::Principal;
use crate::server::{AtCapacity, Limits, Live, Refusal, ServerInner};
use crate::session::{EndReason, SessionId};

/// How often a place that was just made may be lost to somebody else before the client is
/// refused.
const TRIES: usize = 3;

/// What one opening costs in the bucket of openings.
const OPENING: u64 = 1_000;

/// The places of a server.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: AtomicUsize,
    // Held for a table operation only, never across an await.
    owners: Mutex<HashMap<Principal, Owned>>,
    // Held for two assignments.
    openings: Mutex<Bucket>,
}

/// What one principal has.
#[derive(Debug, Default)]
struct Owned {
    taken: usize,
    sessions: Vec<SessionId>,
}

/// How many more may be opened now, in thousandths; it fills up over time.
#[derive(Debug, Default)]
struct Bucket {
    level: Option<u64>,
    filled_ms: u64,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    Server,
    Principal,
    TooFast,
}

/// A place for one more session, given back unless the session is entered.
pub(crate) struct Place {
    server: Arc<ServerInner>,
    principal: Option<Principal>,
    /// Which of the two it holds.
    of_server: bool,
    of_principal: bool,
}

impl Place {
    /// Takes a place, from a session that rests if need be and may be; tells whoever watches
    /// where there is none.
    pub(crate) fn reserve(
        server: &Arc<ServerInner>,
        principal: Option<&Principal>,
    ) -> Result<Self, Full> {
        let place = Self::take(server, principal);
        place.inspect_err(|full| server.refused(principal, full.refusal()))
    }

    fn take(server: &Arc<ServerInner>, principal: Option<&Principal>) -> Result<Self, Full> {
        let (limits, places) = (&server.limits, server.sessions.places());
        if !places.may_open(limits, server.hub.now_ms()) {
            return Err(Full::TooFast);
        }
        let mut place = Self {
            server: Arc::clone(server),
            principal: principal.cloned(),
            of_server: false,
            of_principal: false,
        };
        if let Some(principal) = principal {
            let take = || places.take_of(principal, limits.per_principal);
            let evict = || server.sessions.evict_among(&places.sessions_of(principal));
            place.of_principal = taken(limits.at_capacity, take, evict);
            if !place.of_principal {
                return Err(Full::Principal);
            }
        }
        let take = || places.take(limits.sessions);
        let evict = || server.sessions.evict_longest(&server.hub);
        place.of_server = taken(limits.at_capacity, take, evict);
        if place.of_server {
            Ok(place)
        } else {
            Err(Full::Server)
        }
    }

    /// Enters the session it was reserved for, which gives the place back when it ends.
    pub(crate) fn enter(mut self, live: &Arc<Live>) {
        (self.of_server, self.of_principal) = (false, false);
        let sessions = &self.server.sessions;
        sessions.enter(live);
        if self.server.stopping.is_cancelled() {
            // Entered behind the back of a shutdown, which ended all there were.
            sessions.end(live.core().id().as_str(), EndReason::Shutdown);
        }
    }
}

fn taken(policy: AtCapacity, take: impl Fn() -> bool, evict: impl Fn() -> bool) -> bool {
    (0..TRIES).any(|_| take() || (policy == AtCapacity::EvictIdle && evict() && take()))
}

impl Places {
    /// How many are taken.
    pub(crate) fn len(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    fn take(&self, limit: usize) -> bool {
        let order = Ordering::AcqRel;
        let more = |taken| (taken < limit).then_some(taken + 1);
        self.taken
            .fetch_update(order, Ordering::Acquire, more)
            .is_ok()
    }

    fn take_of(&self, principal: &Principal, limit: usize) -> bool {
        let mut owners = self.owners.lock();
        let taken = owners.get(principal).map_or(0, |owned| owned.taken);
        if taken >= limit {
            return false;
        }
        owners.entry(principal.clone()).or_default().taken += 1;
        true
    }

    fn sessions_of(&self, principal: &Principal) -> Vec<SessionId> {
        let owners = self.owners.lock();
        owners
            .get(principal)
            .map_or_else(Vec::new, |owned| owned.sessions.clone())
    }

    /// Notes whose session this is.
    pub(crate) fn entered(&self, live: &Live) {
        if let Some(principal) = live.core().principal()
            && let Some(owned) = self.owners.lock().get_mut(principal)
        {
            owned.sessions.push(live.core().id().clone());
        }
    }

    /// Gives back the place of a session that was entered.
    pub(crate) fn left(&self, live: &Live) {
        self.taken.fetch_sub(1, Ordering::AcqRel);
        if let Some(principal) = live.core().principal() {
            self.give_back(principal, Some(live.core().id()));
        }
    }

    fn give_back(&self, principal: &Principal, session: Option<&SessionId>) {
        let mut owners = self.owners.lock();
        let Some(owned) = owners.get_mut(principal) else {
            return;
        };
        owned.taken = owned.taken.saturating_sub(1);
        let known = session.and_then(|id| owned.sessions.iter().position(|own| own == id));
        known.map(|index| owned.sessions.swap_remove(index));
        if owned.taken == 0 {
            owners.remove(principal);
            if owners.is_empty() {
                owners.shrink_to_fit();
            }
        }
    }

    /// Takes one opening from what may be opened now.
    fn may_open(&self, limits: &Limits, now_ms: u64) -> bool {
        let Some(rate) = limits.openings.map(u64::from) else {
            return true;
        };
        let mut bucket = self.openings.lock();
        let full = rate.saturating_mul(OPENING);
        let elapsed = now_ms.saturating_sub(bucket.filled_ms);
        let level = bucket.level.unwrap_or(full);
        let level = level.saturating_add(elapsed.saturating_mul(rate)).min(full);
        bucket.filled_ms = now_ms;
        bucket.level = Some(level.saturating_sub(OPENING));
        if level < OPENING {
            bucket.level = Some(level);
        }
        level >= OPENING
    }
}

impl Full {
    /// What a client is told.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::Server => "the server takes no more sessions now",
            Self::Principal => "you have as many sessions as you may: end one",
            Self::TooFast => "too many sessions are being opened now",
        }
    }

    fn refusal(self) -> Refusal {
        match self {
            Self::Server => Refusal::ServerFull,
            Self::Principal => Refusal::PrincipalFull,
            Self::TooFast => Refusal::TooFast,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let places = self.server.sessions.places();
        if self.of_server {
            places.taken.fetch_sub(1, Ordering::AcqRel);
        }
        if self.of_principal
            && let Some(principal) = &self.principal
        {
            places.give_back(principal, None);
        }
    }
}
