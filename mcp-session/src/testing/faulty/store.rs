//! A store that fails as it is told to.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::store::{
    Draft, Key, Listed, Outbox, Owner, Quota, Record, Revision, Store, StoreError, bus::Bus,
};
use crate::testing::faulty::{
    Fault, Operation,
    plan::{Plan, perform, told_to_fail},
};

/// A store in front of another one, which fails as it is told to and counts what it is asked.
///
/// For tests of what depends on a store: it shows what becomes of an effect when the engine is
/// away, slow, or does what it was asked and then says that it is not available.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use mcp_session::store::{Draft, MemoryStore, Owner, Quota, Store, StoreError};
/// use mcp_session::testing::{Fault, FaultyStore, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = Arc::new(FaultyStore::over(MemoryStore::new()));
/// let key = Owner::new("test", "ann").key("one");
/// store.next(Operation::Create, Fault::Lost);
/// let made = store.create(&key, Draft::new("x"), Quota::NONE).await;
/// assert!(matches!(made, Err(StoreError::Unavailable(_))));
/// assert!(store.load(&key).await.is_ok_and(|record| record.is_some()));
/// assert_eq!(store.asked(Operation::Create), 1);
/// # }
/// ```
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    bus: Option<Arc<dyn Bus>>,
    outbox: Option<Arc<dyn Outbox>>,
    // Held for a moment only, never across an await.
    plan: Mutex<Plan>,
    durable: bool,
}

told_to_fail!(FaultyStore);

impl FaultyStore {
    /// A store that does all that this one does, until it is told to fail. Its bus and its outbox are
    /// those of this one, and do not fail with it.
    pub fn over(inner: impl Store) -> Self {
        Self {
            bus: inner.bus(),
            outbox: inner.outbox(),
            inner: Arc::new(inner),
            plan: Mutex::default(),
            durable: false,
        }
    }

    /// The same store, which says that it outlives the process: several servers of one process that
    /// share it are to each other what replicas are.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// With this bus instead of that of the store, such as a [`FaultyBus`](super::FaultyBus).
    #[must_use]
    pub fn with_bus(mut self, bus: impl Bus) -> Self {
        self.bus = Some(Arc::new(bus));
        self
    }

    /// With this outbox instead of that of the store, such as a
    /// [`FaultyOutbox`](super::FaultyOutbox).
    #[must_use]
    pub fn with_outbox(mut self, outbox: impl Outbox) -> Self {
        self.outbox = Some(Arc::new(outbox));
        self
    }

    /// Without a bus and an outbox, as a store is that brings none.
    #[must_use]
    pub fn alone(mut self) -> Self {
        (self.bus, self.outbox) = (None, None);
        self
    }

    /// How many operations were asked for so far, with those that failed: the round trips to an
    /// engine. What its bus and its outbox are asked is not counted.
    pub fn round_trips(&self) -> usize {
        self.plan.lock().asked().len()
    }

    async fn perform<T: Send, F>(
        &self,
        operation: Operation,
        again: impl FnMut() -> F + Send,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        perform(&self.plan, operation, again).await
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.perform(Operation::Load, || self.inner.load(key)).await
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        let create = || self.inner.create(key, draft.clone(), quota);
        self.perform(Operation::Create, create).await
    }

    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        let save = || self.inner.save(key, expected, draft.clone(), quota);
        self.perform(Operation::Save, save).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        self.perform(Operation::Touch, || self.inner.touch(key, ttl))
            .await
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        let delete = || self.inner.delete(key, expected);
        self.perform(Operation::Delete, delete).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.perform(Operation::Clear, || self.inner.clear(owner))
            .await
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let list = || self.inner.list(owner, after, limit);
        self.perform(Operation::List, list).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.perform(Operation::Sweep, || self.inner.sweep(limit))
            .await
    }

    fn is_durable(&self) -> bool {
        self.durable || self.inner.is_durable()
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.bus.clone()
    }

    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        self.outbox.clone()
    }
}
