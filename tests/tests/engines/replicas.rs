//! Several clients of one engine as one store: what one of them writes, the next one reads.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_session::bus::{Bus, Event, Subscription};
use mcp_session::store::{
    Draft, Keep, Key, Listed, Logged, Outbox, Owner, Quota, ReadError, Record, Revision, Store,
    StoreError,
};

/// A store of several replicas, which take turns. What they leave in the engine is removed when it
/// is dropped.
#[derive(Debug)]
pub(crate) struct Replicas<S> {
    stores: Vec<S>,
    turn: AtomicUsize,
    _cleanup: Cleanup,
}

/// How to remove what a test leaves.
pub(crate) struct Cleanup(pub(crate) Option<Box<dyn FnOnce() + Send + Sync>>);

impl<S> Replicas<S> {
    pub(crate) fn new(stores: Vec<S>, cleanup: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self {
            stores,
            turn: AtomicUsize::new(0),
            _cleanup: Cleanup(Some(Box::new(cleanup))),
        }
    }

    fn next(&self) -> &S {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.stores[turn % self.stores.len()]
    }
}

impl<S: Store> Replicas<S> {
    /// Their bus, on which they take turns as well.
    pub(crate) fn into_bus(self) -> Buses {
        Buses {
            members: self.stores.iter().filter_map(Store::bus).collect(),
            turn: AtomicUsize::new(0),
            _stores: Box::new(self),
        }
    }

    /// Their outbox as well.
    pub(crate) fn into_outbox(self) -> Outboxes {
        Outboxes {
            members: self.stores.iter().filter_map(Store::outbox).collect(),
            turn: AtomicUsize::new(0),
            _stores: Box::new(self),
        }
    }
}

/// A bus of several replicas, which take turns.
#[derive(Debug)]
pub(crate) struct Buses {
    members: Vec<Arc<dyn Bus>>,
    turn: AtomicUsize,
    _stores: Box<dyn Kept>,
}

/// What is kept as long as something else is.
trait Kept: fmt::Debug + Send + Sync {}

impl<T: fmt::Debug + Send + Sync> Kept for T {}

impl Buses {
    fn next(&self) -> &dyn Bus {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &*self.members[turn % self.members.len()]
    }
}

#[async_trait]
impl Bus for Buses {
    async fn publish(&self, event: &Event) -> Result<(), StoreError> {
        self.next().publish(event).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        self.next().subscribe().await
    }
}

/// An outbox of several replicas, which take turns.
#[derive(Debug)]
pub(crate) struct Outboxes {
    members: Vec<Arc<dyn Outbox>>,
    turn: AtomicUsize,
    _stores: Box<dyn Kept>,
}

impl Outboxes {
    fn next(&self) -> &dyn Outbox {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &*self.members[turn % self.members.len()]
    }
}

#[async_trait]
impl Outbox for Outboxes {
    async fn append(&self, log: &Key, events: Vec<Bytes>, keep: Keep) -> Result<u64, StoreError> {
        self.next().append(log, events, keep).await
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError> {
        self.next().read(log, after, limit).await
    }

    async fn last(&self, log: &Key) -> Result<u64, StoreError> {
        self.next().last(log).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.next().clear(owner).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.next().sweep(limit).await
    }
}

#[async_trait]
impl<S: Store> Store for Replicas<S> {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.next().load(key).await
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        self.next().create(key, draft, quota).await
    }

    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        self.next().save(key, expected, draft, quota).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        self.next().touch(key, ttl).await
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        self.next().delete(key, expected).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.next().clear(owner).await
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.next().list(owner, after, limit).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.next().sweep(limit).await
    }

    fn is_durable(&self) -> bool {
        self.stores.iter().all(Store::is_durable)
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.stores[0].bus()
    }

    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        self.stores[0].outbox()
    }
}

/// In a thread of its own, since a test that panics is in the middle of something.
impl Drop for Cleanup {
    fn drop(&mut self) {
        if let Some(clean) = self.0.take() {
            drop(std::thread::spawn(clean).join());
        }
    }
}

impl fmt::Debug for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cleanup")
    }
}
