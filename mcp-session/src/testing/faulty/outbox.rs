//! An outbox that fails as it is told to.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::store::{Keep, Key, Logged, Outbox, Owner, ReadError, StoreError};
use crate::testing::faulty::{
    Fault, Operation,
    plan::{Plan, perform, told_to_fail},
};

/// An outbox in front of another one, which fails as it is told to and counts what it is asked.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mcp_session::store::{Keep, MemoryOutbox, Outbox, Owner, ReadError};
/// use mcp_session::testing::{Fault, FaultyOutbox, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let outbox = FaultyOutbox::over(MemoryOutbox::new());
/// let log = Owner::new("test", "ann").key("stream 1");
/// let keep = Keep::new(Duration::from_secs(60));
/// // The answer is lost, and whoever asks again appends twice.
/// outbox.next(Operation::Append, Fault::Lost);
/// assert!(outbox.append(&log, vec!["x".into()], keep).await.is_err());
/// assert!(outbox.append(&log, vec!["x".into()], keep).await.is_ok());
/// assert!(outbox.read(&log, 0, 10).await.is_ok_and(|read| read.len() == 2));
///
/// outbox.next(Operation::Read, Fault::Conflict);
/// assert!(matches!(outbox.read(&log, 0, 10).await, Err(ReadError::Purged)));
/// # }
/// ```
#[derive(Debug)]
pub struct FaultyOutbox {
    inner: Arc<dyn Outbox>,
    // Held for a moment only, never across an await.
    plan: Mutex<Plan>,
}

told_to_fail!(FaultyOutbox);

impl FaultyOutbox {
    /// An outbox that does all that this one does, until it is told to fail.
    pub fn over(inner: impl Outbox) -> Self {
        Self {
            inner: Arc::new(inner),
            plan: Mutex::default(),
        }
    }
}

#[async_trait]
impl Outbox for FaultyOutbox {
    async fn append(&self, log: &Key, events: Vec<Bytes>, keep: Keep) -> Result<u64, StoreError> {
        let append = || self.inner.append(log, events.clone(), keep);
        perform(&self.plan, Operation::Append, append).await
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError> {
        let read = || self.inner.read(log, after, limit);
        match perform(&self.plan, Operation::Read, read).await {
            Err(ReadError::Store(StoreError::Conflict)) => Err(ReadError::Purged),
            outcome => outcome,
        }
    }

    async fn last(&self, log: &Key) -> Result<u64, StoreError> {
        perform(&self.plan, Operation::Last, || self.inner.last(log)).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        let clear = || self.inner.clear(owner);
        perform(&self.plan, Operation::ClearLogs, clear).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let sweep = || self.inner.sweep(limit);
        perform(&self.plan, Operation::SweepLogs, sweep).await
    }
}
