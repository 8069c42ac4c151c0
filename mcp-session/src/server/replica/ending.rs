//! The end of a stored session: once, on whichever replica writes it first; and letting go of a
//! copy while the session lives on.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::clock;
use crate::server::replica::record::SessionRecord;
use crate::server::replica::stored::Stored;
use crate::server::{Live, Server};
use crate::session::EndReason;
use crate::store::bus::Event;
use crate::store::{Contest, Draft, Owner, Quota, StoreError};

/// How often it is tried to write that a session is over.
const ATTEMPTS: u32 = 5;

/// How long it waits after the first failure; twice as long after each other one.
const PAUSE: Duration = Duration::from_millis(200);

impl Server {
    /// Writes that a session is over, as its client wishes, and ends it here. What the end entails
    /// is done by whoever wrote so first.
    ///
    /// # Errors
    ///
    /// When the store does not take it: the session lives on.
    pub(crate) async fn end_stored(
        &self,
        live: &Arc<Live>,
        reason: EndReason,
    ) -> Result<(), StoreError> {
        let (server, live) = (self.clone(), Arc::clone(live));
        // A task of its own: a client may go away as soon as it has said so.
        let ending = self.inner().tasks.spawn(async move {
            if let Some(stored) = live.stored() {
                server.write_end(stored, reason).await?;
            }
            let id = live.core().id().as_str();
            server.inner().sessions.end(id, reason);
            Ok(())
        });
        let ended = ending.await;
        ended.unwrap_or_else(|_| Err(StoreError::unavailable("the server is going away")))
    }

    /// Lets go of a copy of a session that goes on elsewhere, or has ended there.
    pub(super) fn let_go(&self, live: &Arc<Live>, reason: EndReason) {
        if let Some(stored) = live.stored() {
            stored.mark_left();
        }
        self.inner().sessions.end(live.core().id().as_str(), reason);
    }

    /// True when it was this replica that wrote so.
    async fn write_end(&self, stored: &Stored, reason: EndReason) -> Result<bool, StoreError> {
        let (store, key) = (self.inner().store(), stored.key());
        let _turn = stored.turn().await;
        let mut contest = Contest::default();
        loop {
            let (record, revision) = stored.last();
            if let Some(by) = record.ended_by() {
                // Its answer was lost, perhaps: then it was this replica all the same.
                let ours = **by == *self.own_id();
                if ours {
                    stored.ended_here.store(true, Ordering::SeqCst);
                    self.tell_of_end(stored).await;
                }
                return Ok(ours);
            }
            let over = record.over(reason, self.own_id());
            let draft = Draft::new(over.encode());
            match store.save(&key, revision, draft, Quota::NONE).await {
                Ok(revision) => {
                    stored.ended_here.store(true, Ordering::SeqCst);
                    stored.set_written(over, revision);
                    self.tell_of_end(stored).await;
                    return Ok(true);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
            let Some(loaded) = store.load(&key).await? else {
                return Ok(false);
            };
            let record = SessionRecord::decode(&loaded.value).map_err(StoreError::unavailable)?;
            stored.set_last(record, loaded.revision);
            contest.lost().await.map_err(StoreError::unavailable)?;
        }
    }

    async fn tell_of_end(&self, stored: &Stored) {
        if let Err(error) = self.tell(stored).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "other replicas learn later that a session is over");
        }
        self.say(Event::SessionEnded {
            session: stored.session(),
        });
    }

    /// As [`write_end`](Self::write_end), for an end that nobody waits for.
    async fn surely_write_end(&self, stored: &Stored, reason: EndReason) -> bool {
        let mut pause = PAUSE;
        for _ in 0..ATTEMPTS {
            match self.write_end(stored, reason).await {
                Ok(ours) => return ours,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the end of a session was not stored yet");
                }
            }
            clock::sleep(pause).await;
            pause *= 2;
        }
        tracing::error!("the end of a session was not stored: it can be gone on with");
        false
    }
}

impl Live {
    /// What becomes of a stored session that ends here: it ends everywhere, or lives on in the
    /// store. True when all that its end entails is left to this.
    pub(crate) fn closes_stored(self: &Arc<Self>, reason: EndReason) -> bool {
        let Some(stored) = self.stored() else {
            return false;
        };
        let server = self.server();
        let replica = server
            .as_ref()
            .and_then(|server| server.inner().replica.as_ref());
        replica.inspect(|replica| replica.hearing.left(&stored.session(), self));
        if stored.ended_here.load(Ordering::SeqCst) {
            return false;
        }
        let lives_on = matches!(reason, EndReason::Evicted | EndReason::Shutdown);
        if lives_on || stored.is_left() || server.is_none() {
            stored.mark_left();
            self.cleared();
            return true;
        }
        // One that rests may be in use elsewhere: until that is known it can be gone on with.
        let ends = reason != EndReason::Idle;
        let begin = |server: &Server| Ending::begin(server, stored.owner());
        let ending = server.as_ref().filter(|_| ends).map(begin);
        let live = Arc::clone(self);
        self.hub().spawn(async move {
            let (Some(stored), Some(server)) = (live.stored(), server) else {
                return;
            };
            let unused = ends || live.rests_everywhere(stored, &server).await;
            let _ending = ending.or_else(|| unused.then(|| Ending::begin(&server, stored.owner())));
            if unused && server.surely_write_end(stored, reason).await {
                live.conclude(reason);
            } else {
                stored.mark_left();
                live.cleared();
            }
        })
    }

    /// True when no other replica has used it since this one did.
    async fn rests_everywhere(&self, stored: &Stored, server: &Server) -> bool {
        const SLACK_MS: u128 = 1_000;
        let (_, silence_ms) = self.times();
        let loaded = server.inner().store().load(&stored.key()).await;
        let Ok(Some(left)) = loaded.map(|record| record.and_then(|record| record.ttl)) else {
            return false;
        };
        let unused = server.inner().record_ttl().saturating_sub(left);
        unused.as_millis() + SLACK_MS >= u128::from(silence_ms)
    }

    /// Removes what is stored of it, where it was this replica that ended it.
    pub(crate) fn forget_stored(&self, stored: &Stored, state: Owner) {
        if !stored.ended_here.load(Ordering::SeqCst) {
            return;
        }
        let (Some(server), owner) = (self.server(), stored.owner().clone()) else {
            return;
        };
        self.hub().spawn(async move {
            let store = server.inner().store();
            if let Some(streams) = server.outbox()
                && let Err(error) = streams.clear(&owner).await
            {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the streams of an ended session expire later");
            }
            // The record last: while it is there, somebody can come back to this.
            for owner in [&state, &owner] {
                if let Err(error) = store.clear(owner).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "what an ended session had was not removed");
                    return;
                }
            }
        });
    }
}

/// The end of a session is on its way into the store.
struct Ending {
    server: Server,
    owner: Owner,
}

impl Ending {
    fn begin(server: &Server, owner: &Owner) -> Self {
        if let Some(replica) = &server.inner().replica {
            *replica.ending.lock().entry(owner.clone()).or_default() += 1;
        }
        Self {
            server: server.clone(),
            owner: owner.clone(),
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(replica) = &self.server.inner().replica {
            let mut ending = replica.ending.lock();
            if let Some(count) = ending.get_mut(&self.owner) {
                *count -= 1;
                if *count == 0 {
                    ending.remove(&self.owner);
                }
            }
        }
    }
}
