//! Who holds a copy of what is in the store, and how whoever changes it waits for them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock;
use crate::server::Server;
use crate::server::replica::hearing::{Hearing, Seen};
use crate::server::replica::stored::Stored;
use crate::store::bus::{Bus, Event};
use crate::store::{Draft, Key, Owner, Revision, StoreError};

/// After how long a replica that says nothing is told again.
const AGAIN_TOLD: Duration = Duration::from_millis(250);

/// How many replicas one event names.
const NAMED: usize = 32;

/// How often it is told: it is heard of, or gone, long before.
const TELLINGS: u32 = 20;

/// The names of the records that say who holds a copy begin so.
const HOLDERS: &str = "holder/";

/// The replicas that have not seen a change yet.
pub(super) struct Waiting {
    // Held for a set operation only.
    missing: Mutex<HashSet<Arc<str>>>,
    seen: Notify,
}

impl Waiting {
    /// A replica uses nothing older any more.
    pub(super) fn has_seen(&self, replica: &str) {
        self.missing.lock().remove(replica);
        self.seen.notify_waiters();
    }

    /// Waits until nobody is missing. Cancel safe.
    async fn all(&self) {
        loop {
            let mut seen = std::pin::pin!(self.seen.notified());
            // Registered before the look, so that nothing in between is missed.
            seen.as_mut().enable();
            if self.missing.lock().is_empty() {
                return;
            }
            seen.await;
        }
    }
}

impl Server {
    /// Writes down that this replica holds a copy, so that it is told of changes: before it looks
    /// at the record. False where nobody tells anybody.
    pub(super) async fn hold(&self, owner: &Owner) -> Result<bool, StoreError> {
        if self.inner().hearing().and_then(Hearing::bus).is_none() {
            return Ok(false);
        }
        let draft = Draft::new(Vec::new()).ttl(self.inner().record_ttl());
        // Written anew where it is there already: somebody who took this replica for gone may be
        // about to remove what was there before.
        self.write_over(&self.holder(owner), draft, None).await?;
        Ok(true)
    }

    /// The record that says that this replica holds a copy.
    pub(super) fn holder(&self, owner: &Owner) -> Key {
        owner.key(format!("{HOLDERS}{}", self.own_id()))
    }

    /// As [`tell`](Self::tell), for whoever has not its turn.
    pub(super) async fn tell_in_turn(&self, stored: &Stored) -> Result<(), StoreError> {
        let _turn = stored.turn().await;
        self.tell(stored).await
    }

    /// Sees to it that no other replica uses an older copy of a session that was saved here.
    ///
    /// # Errors
    ///
    /// When nobody could be told.
    pub(super) async fn tell(&self, stored: &Stored) -> Result<(), StoreError> {
        let Some(revision) = stored.untold() else {
            return Ok(());
        };
        self.tell_holders(stored, revision).await?;
        stored.told();
        Ok(())
    }

    async fn tell_holders(&self, stored: &Stored, revision: Revision) -> Result<(), StoreError> {
        let (session, revision) = (stored.session(), revision.number());
        let change = (Arc::clone(&session), revision);
        let event = |to| Event::SessionChanged {
            session: Arc::clone(&session),
            revision,
            from: self.own_id(),
            to,
        };
        self.tell_all_who_hold(stored.owner(), change, event).await
    }

    /// Tells those who hold something that it changed, and waits until they have seen it.
    pub(super) async fn tell_all_who_hold(
        &self,
        owner: &Owner,
        change: Seen,
        event: impl Fn(Vec<Arc<str>>) -> Event,
    ) -> Result<(), StoreError> {
        let inner = self.inner();
        let Some(hearing) = inner.hearing() else {
            return Ok(());
        };
        let Some(bus) = hearing.bus() else {
            return Ok(());
        };
        // Who is told says so, which must be heard.
        self.begin_hearing().await;
        let holders = self.holders(owner).await?;
        let telling = Telling {
            hearing,
            bus,
            said: hearing.said(),
        };
        if holders.keys().any(|holder| hearing.is_gone(holder)) {
            hearing.catch_up(telling.said, AGAIN_TOLD).await;
        }
        let gone = holders.keys().filter(|holder| telling.is_gone(holder));
        let mut absent: HashSet<Arc<str>> = gone.cloned().collect();
        let here = |holder: &&Arc<str>| !absent.contains(*holder);
        let to: Vec<Arc<str>> = holders.keys().filter(here).cloned().collect();
        if !to.is_empty() {
            let events: Vec<Event> = to.chunks(NAMED).map(|some| event(some.to_vec())).collect();
            absent.extend(telling.wait_for(change, &events, to).await?);
        }
        for holder in absent {
            let key = owner.key(format!("{HOLDERS}{holder}"));
            let expected = holders.get(&holder).copied();
            match inner.store().delete(&key, expected).await {
                // It is there again, and looks before it trusts anything.
                Ok(_) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The other replicas that hold a session, or held it once, and when they wrote so.
    async fn holders(&self, owner: &Owner) -> Result<HashMap<Arc<str>, Revision>, StoreError> {
        const PAGE: usize = 100;
        let own = self.own_id();
        let mut holders = HashMap::new();
        let mut after = HOLDERS.to_owned();
        loop {
            let page = self.inner().store().list(owner, Some(&after), PAGE).await?;
            let full = page.len() == PAGE;
            for listed in page {
                let Some(holder) = listed.name.strip_prefix(HOLDERS) else {
                    return Ok(holders);
                };
                if *holder != *own {
                    holders.insert(holder.into(), listed.record.revision);
                }
                after.clone_from(&listed.name);
            }
            if !full {
                return Ok(holders);
            }
        }
    }
}

/// Holders are told of a change.
struct Telling<'a> {
    hearing: &'a Hearing,
    bus: &'a Arc<dyn Bus>,
    /// The last beat before it was known who holds a copy.
    said: u64,
}

impl Telling<'_> {
    /// True when a holder says nothing any more. It said that it is there before it wrote that it
    /// holds a copy: what was heard before that proves nothing.
    fn is_gone(&self, holder: &str) -> bool {
        self.hearing.has_heard_since(self.said) && self.hearing.is_gone(holder)
    }

    /// Tells, and waits until all have seen it or are gone; gives those who are.
    ///
    /// # Errors
    ///
    /// When nobody can be told, or one that is there says nothing.
    async fn wait_for(
        &self,
        change: Seen,
        events: &[Event],
        to: Vec<Arc<str>>,
    ) -> Result<HashSet<Arc<str>>, StoreError> {
        let waiting = Arc::new(Waiting {
            missing: Mutex::new(to.into_iter().collect()),
            seen: Notify::new(),
        });
        let (hearing, registered) = (self.hearing, Arc::clone(&waiting));
        hearing.waiting.lock().insert(change.clone(), registered);
        let _registered = Registered { hearing, change };
        let mut gone = HashSet::new();
        for _ in 0..TELLINGS {
            for event in events {
                self.bus.publish(event).await?;
            }
            let all = clock::within(AGAIN_TOLD, waiting.all());
            if all.await.is_some() {
                return Ok(gone);
            }
            waiting.missing.lock().retain(|replica| {
                let is_gone = self.is_gone(replica);
                if is_gone {
                    gone.insert(Arc::clone(replica));
                }
                !is_gone
            });
            if waiting.missing.lock().is_empty() {
                return Ok(gone);
            }
        }
        let why = "another replica that holds this is there and says nothing";
        Err(StoreError::unavailable(why))
    }
}

/// Somebody waits for a change to be seen.
struct Registered<'a> {
    hearing: &'a Hearing,
    change: Seen,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.hearing.waiting.lock().remove(&self.change);
    }
}
