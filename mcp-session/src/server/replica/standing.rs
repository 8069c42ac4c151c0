//! Reading the standing stream of a stored session, at whatever replica its client comes to.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::server::replica::outgoing::Feed;
use crate::server::replica::record::Listening;
use crate::server::replica::stored::Stored;
use crate::server::{Live, Server};
use crate::session::{Outbox, Reader};
use crate::store::bus::Event;
use crate::store::{self, Draft, Key, StoreError};

/// What a client was given is remembered for so much less than what is said to it is kept: as long
/// as it is, all that was said since half of this before is there.
const LESS: Duration = Duration::from_secs(10 * 60);

/// Half of that, in milliseconds; the other half is for writing it down.
const LATELY_MS: u64 = 5 * 60 * 1_000;

/// What a client was given of its standing stream when that was closed.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Told {
    /// The number of the last event.
    seen: u64,
    /// Nothing followed it, lately.
    all: bool,
}

/// Why a standing stream cannot be read from there.
#[derive(Debug)]
pub(crate) enum Unread {
    /// Something behind the event is gone, or it was never there.
    Gone,
    Unavailable(StoreError),
}

impl From<StoreError> for Unread {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error)
    }
}

impl From<store::ReadError> for Unread {
    fn from(error: store::ReadError) -> Self {
        match error {
            store::ReadError::Store(error) => Self::Unavailable(error),
            _ => Self::Gone,
        }
    }
}

impl Stored {
    /// How far its client has read the standing stream.
    fn told_key(&self) -> Key {
        self.owner().key("told")
    }
}

impl Server {
    /// The standing stream of a session, behind the last event that its client has seen; where it
    /// names none, behind the last one that it was given. `None` where streams are not stored.
    ///
    /// Whoever read it before, here or elsewhere, is let go of.
    pub(crate) async fn read_standing(
        &self,
        live: &Arc<Live>,
        seen: Option<u64>,
    ) -> Result<Option<(u64, Reader)>, Unread> {
        let (Some(stored), Some(log)) = (live.stored(), self.outbox()) else {
            return Ok(None);
        };
        let key = stored.standing_log();
        let from = match seen {
            // Looked at before anybody is let go of.
            Some(seen) => self.behind(stored, log, &key, seen).await?,
            None => self.untold(stored, log, &key).await?,
        };
        let outbox = Outbox::going_on(self.limits().transient(), from);
        let reader = outbox.reader();
        stored.set_feed(Some(Arc::new(Feed::new(Arc::clone(&outbox)))));
        live.core().streams.feed(&outbox);
        let own = self.own_id();
        let listening = Listening {
            at: Some(Arc::clone(&own)),
            now: true,
        };
        if stored.listening() != listening {
            stored.set_listening(listening);
            live.changed(None, &[]);
        }
        self.say(Event::StreamOpened {
            session: stored.session(),
            from: own,
        });
        live.feed(self).await;
        Ok(Some((from, reader)))
    }

    /// Behind what its client has seen.
    async fn behind(
        &self,
        stored: &Stored,
        log: &Arc<dyn store::Outbox>,
        key: &Key,
        seen: u64,
    ) -> Result<u64, Unread> {
        match log.read(key, seen, 1).await {
            Ok(_) => Ok(seen),
            // Nothing was said for long, perhaps, and the log is gone or began anew.
            Err(store::ReadError::Purged) => {
                let told = self.told(stored).await?;
                if !told.is_some_and(|told| told.all && told.seen == seen) {
                    return Err(Unread::Gone);
                }
                // What followed is kept for longer than this is remembered: it would be there. Of a
                // log that began anew, all must be.
                log.read(key, 0, 1).await?;
                Ok(seen)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Behind what its client was given.
    async fn untold(
        &self,
        stored: &Stored,
        log: &Arc<dyn store::Outbox>,
        key: &Key,
    ) -> Result<u64, Unread> {
        let told = self.told(stored).await?.map_or(0, |told| told.seen);
        match log.read(key, told, 1).await {
            // The numbers of a log begin anywhere.
            Ok(first) => Ok(first.first().map_or(told, |first| first.number - 1)),
            // Nobody came for it in time.
            Err(store::ReadError::Purged) => Ok(log.last(key).await?),
            Err(error) => Err(error.into()),
        }
    }

    async fn told(&self, stored: &Stored) -> Result<Option<Told>, StoreError> {
        let told = self.inner().store().load(&stored.told_key()).await?;
        Ok(told.and_then(|told| serde_json::from_slice(&told.value).ok()))
    }
}

impl Live {
    /// A standing stream is closed, whose client was given so many events.
    pub(crate) fn standing_closed(self: &Arc<Self>, outbox: &Arc<Outbox>, seen: u64) {
        let Some((stored, server)) = self.stored().zip(self.server()) else {
            return;
        };
        let feed = stored.feed();
        let Some(feed) = feed.filter(|feed| Arc::ptr_eq(&feed.outbox, outbox)) else {
            // Another one took its place.
            return;
        };
        stored.set_feed(None);
        let since_ms = self.hub().now_ms().saturating_sub(LATELY_MS);
        let all = feed.gave_all(seen, since_ms);
        let told = Told { seen, all };
        let listening = stored.listening();
        if listening.now && listening.at.as_ref() == Some(&server.own_id()) {
            let now = false;
            stored.set_listening(Listening { now, ..listening });
            self.changed(None, &[]);
        }
        let live = Arc::clone(self);
        self.hub().spawn(async move {
            let Some(stored) = live.stored() else { return };
            if let Err(error) = server.remember_told(stored, told).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a client may be told something twice");
            }
        });
    }
}

impl Server {
    async fn remember_told(&self, stored: &Stored, told: Told) -> Result<(), StoreError> {
        let (store, key) = (self.inner().store(), stored.told_key());
        let known = store.load(&key).await?.map(|known| known.revision);
        let text = serde_json::to_vec(&told).map_err(StoreError::unavailable)?;
        let ttl = self.inner().record_ttl().saturating_sub(LESS);
        self.write_over(&key, Draft::new(text).ttl(ttl), known)
            .await
    }
}
