//! Looks after what is kept in the store: removes what has expired, and keeps what is in use.
//!
//! One task per server, begun by the first request that needs the store. It holds no server: when
//! that is dropped, or shuts down, the task ends.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::Notify};

use crate::clock::{self, Instant};
use crate::server::ServerInner;
use crate::store::{Key, Store, StoreError};

/// How often expired records are removed.
const PAUSE: Duration = Duration::from_secs(60);

/// How many are removed at a time.
const SWEPT: usize = 1_000;

/// How many records in use are touched at the same time.
const TOUCHED: usize = 16;

/// What the keeper knows.
#[derive(Default)]
pub(crate) struct Keeper {
    at_work: AtomicBool,
    // Held for a map operation only, never across an await.
    held: Mutex<Held>,
    /// Something is due earlier than it was.
    earlier: Notify,
}

/// What is in use.
#[derive(Default)]
struct Held {
    leases: HashMap<Key, Lease>,
    /// When the keeper looks next.
    next: Option<Instant>,
}

/// A record that is in use.
struct Lease {
    holders: usize,
    ttl: Duration,
    /// When its time to live is extended.
    due: Instant,
}

/// Keeps one record from expiring until it is dropped.
pub(crate) struct Hold {
    keeper: Arc<Keeper>,
    key: Key,
}

impl Keeper {
    /// Says that a record is in use, which was given this time to live just now.
    pub(crate) fn hold(self: &Arc<Self>, key: &Key, ttl: Duration) -> Hold {
        let due = after(ttl / 2);
        let mut held = self.held.lock();
        match held.leases.entry(key.clone()) {
            Entry::Occupied(mut lease) => lease.get_mut().holders += 1,
            Entry::Vacant(place) => {
                let holders = 1;
                place.insert(Lease { holders, ttl, due });
            }
        }
        let earlier = held.next.is_some_and(|next| due < next);
        drop(held);
        if earlier {
            self.earlier.notify_one();
        }
        Hold {
            keeper: Arc::clone(self),
            key: key.clone(),
        }
    }

    /// When something is due next: what is held, or a sweep at this time.
    fn next(&self, sweep: Instant) -> Instant {
        let mut held = self.held.lock();
        let dues = held.leases.values().map(|lease| lease.due);
        let next = dues.chain([sweep]).min().unwrap_or(sweep);
        held.next = Some(next);
        next
    }

    /// The records whose time to live must be extended now.
    fn due(&self) -> Vec<(Key, Duration)> {
        let now = clock::now();
        let mut due = Vec::new();
        for (key, lease) in &mut self.held.lock().leases {
            if lease.due <= now {
                lease.due = after(lease.ttl / 2);
                due.push((key.clone(), lease.ttl));
            }
        }
        due
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.keeper.held.lock();
        if let Entry::Occupied(mut lease) = held.leases.entry(self.key.clone()) {
            lease.get_mut().holders -= 1;
            if lease.get().holders == 0 {
                lease.remove();
            }
        }
    }
}

impl ServerInner {
    /// The store, for somebody who is about to use it: looked after from here on.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        if !self.keeper.at_work.load(Ordering::Acquire) {
            self.look_after_store();
        }
        &self.store
    }

    #[cold]
    fn look_after_store(&self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let order = Ordering::AcqRel;
        let keeper = &self.keeper;
        if self.stopping.is_cancelled() || keeper.at_work.swap(true, order) {
            return;
        }
        let at_work = AtWork(Arc::clone(keeper));
        let (store, stopping) = (Arc::clone(&self.store), self.stopping.clone());
        let work = async move {
            tokio::select! {
                biased;
                () = stopping.cancelled() => {}
                () = at_work.0.work(&*store) => {}
            }
        };
        self.tasks.spawn_on(work, &runtime);
    }
}

impl Keeper {
    async fn work(&self, store: &dyn Store) {
        let mut sweep = after(PAUSE);
        loop {
            tokio::select! {
                () = clock::timer_until(self.next(sweep)) => {}
                () = self.earlier.notified() => {}
            }
            let touched = stream::iter(self.due()).map(|(key, ttl)| async move {
                if let Err(error) = store.touch(&key, ttl).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a record in use may expire"
                    );
                }
            });
            touched.buffer_unordered(TOUCHED).collect::<()>().await;
            if clock::now() >= sweep {
                if let Err(error) = swept(store).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "expired records were not removed"
                    );
                }
                sweep = after(PAUSE);
            }
        }
    }
}

/// Removes everything that has expired, logs as well.
async fn swept(store: &dyn Store) -> Result<(), StoreError> {
    while store.sweep(SWEPT).await? >= SWEPT {
        // A store that never waits lets others run all the same.
        tokio::task::yield_now().await;
    }
    if let Some(outbox) = store.outbox() {
        while outbox.sweep(SWEPT).await? >= SWEPT {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// The keeper is at work until this is dropped: its runtime is gone then, perhaps, and the next
/// request comes in another one.
struct AtWork(Arc<Keeper>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.store(false, Ordering::Release);
    }
}

/// This much later; for what never comes, a year.
fn after(duration: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    clock::now() + duration.min(YEAR)
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("held", &self.held.lock().leases.len())
            .finish_non_exhaustive()
    }
}
