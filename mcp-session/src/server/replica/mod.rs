//! This process as one of several that serve the same sessions.
//!
//! Where the store is durable, a handshake session over HTTP is a record there, and a live session
//! is one copy of it. A request that finds no live session here makes one from the record, and
//! one that finds a copy which may be old looks at the record first. What a request changes is in
//! the store before it is answered.

mod answers;
mod ending;
mod freshness;
mod hearing;
mod holders;
mod news;
mod notices;
mod outgoing;
mod principals;
mod record;
mod restore;
mod resuming;
mod saving;
mod standing;
mod stored;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;

use crate::server::{Server, ServerInner};
use crate::session::random_text;
use crate::store::bus::Bus;
use crate::store::{Contest, Draft, Key, Outbox, Owner, Quota, Revision, StoreError};

pub(crate) use freshness::Freshness;
pub(crate) use restore::Unfetched;
pub(crate) use standing::Unread;
pub(crate) use stored::Stored;

use hearing::Hearing;
use restore::Flights;

/// How a server knows that its copy of a session is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Consistency {
    /// A copy is used until another replica says that it changed the session. Whoever changes one
    /// waits, before it answers, until every other replica that holds it has heard so; a replica
    /// that cannot be heard is waited for as long as it may still trust its copy, and one that
    /// hears nothing trusts none. A request that changes nothing then needs the store for nothing.
    ///
    /// Where there is no bus this is [`ReadPerRequest`](Self::ReadPerRequest).
    #[default]
    Cached,
    /// Every request looks at the record first: one round trip to the store.
    ReadPerRequest,
}

/// What a server is that shares its sessions with others.
pub(crate) struct Replica {
    /// Tells it from all others, for as long as it runs.
    pub(super) id: Arc<str>,
    consistency: Consistency,
    flights: Flights,
    hearing: Hearing,
    /// Where streams are stored.
    outbox: Option<Arc<dyn Outbox>>,
    /// The sessions whose end is on its way into the store: to clients they have ended.
    // Held for a map operation only, never across an await.
    ending: Mutex<HashMap<Owner, usize>>,
}

impl Replica {
    pub(super) fn new(
        consistency: Consistency,
        bus: Option<Arc<dyn Bus>>,
        outbox: Option<Arc<dyn Outbox>>,
    ) -> Self {
        Self {
            id: random_text()[..16].into(),
            consistency,
            hearing: Hearing::new(bus),
            outbox,
            flights: Flights::default(),
            ending: Mutex::default(),
        }
    }
}

impl ServerInner {
    /// True when a copy is the newest there is, as far as is known, and nothing can have been missed.
    fn trusts(&self, freshness: &Freshness) -> bool {
        // In this order: whoever hears again after a gap counts a new time first.
        self.hears() && freshness.is_fresh(self.times())
    }

    /// How long a record lives behind the last use of its session: longer than a session may
    /// rest, so that somebody ends it who knows what that entails.
    fn record_ttl(&self) -> Duration {
        const SPARE: Duration = Duration::from_secs(60 * 60);
        let retention = self.limits.retention;
        retention
            .saturating_add(retention / 8)
            .saturating_add(SPARE)
    }

    /// How often what says that this replica holds copies is written again.
    fn renewal_ms(&self) -> u64 {
        let ttl = u64::try_from(self.record_ttl().as_millis()).unwrap_or(u64::MAX);
        (ttl / 4).max(1)
    }

    /// How much of that may pass before a session in use is touched: no request waits for it, and
    /// most need none.
    fn touch_pause_ms(&self) -> u64 {
        let pause = (self.limits.retention / 8).min(Duration::from_secs(10 * 60));
        u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Server {
    /// True when this replica's copy is the newest there is.
    fn is_fresh(&self, stored: &Stored) -> bool {
        let Some(replica) = &self.inner().replica else {
            return true;
        };
        match replica.consistency {
            Consistency::Cached => self.inner().trusts(&stored.freshness),
            Consistency::ReadPerRequest => false,
        }
    }

    /// Writes a record over whatever is there, which is at this revision as far as is known.
    async fn write_over(
        &self,
        key: &Key,
        draft: Draft,
        mut known: Option<Revision>,
    ) -> Result<(), StoreError> {
        let store = self.inner().store();
        let mut contest = Contest::default();
        loop {
            let draft = draft.clone();
            let written = match known {
                None => store.create(key, draft, Quota::NONE).await,
                Some(revision) => store.save(key, revision, draft, Quota::NONE).await,
            };
            match written {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
            contest.lost().await.map_err(StoreError::unavailable)?;
            known = store.load(key).await?.map(|record| record.revision);
        }
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica")
            .field("id", &self.id)
            .field("consistency", &self.consistency)
            .finish_non_exhaustive()
    }
}
