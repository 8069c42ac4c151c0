//! The store that needs nothing installed and ends with its process.

use std::{
    fmt, ops,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::clock::{self, Instant};
use crate::store::{
    Bound, Draft, Key, Listed, MemoryOutbox, Outbox, Owner, Quota, Record, Revision, Store,
    StoreError,
    bus::{Bus, MemoryBus},
    table::{self, Entry, Table},
};

/// What a record takes besides its texts, roughly.
const OVERHEAD: usize = 256;

const DEFAULT_BYTES: usize = 256 << 20;

/// Keeps records in memory, as long as the process lives: what a server has unless it is given
/// another store.
///
/// It takes 256 MiB at most, or [as much as it is told](Self::with_bytes), and refuses what is
/// more ([`StoreError::Full`]): nothing in it is given up to make room. Records whose time is over
/// are removed by those who write after that, and by [`Store::sweep`].
///
/// Its [outbox](Store::outbox) takes as much again. Servers that share the store, in an `Arc`, share
/// that and its [bus](Store::bus) as well.
pub struct MemoryStore {
    table: Table<Stored>,
    revisions: AtomicU64,
    bus: Arc<MemoryBus>,
    outbox: Arc<MemoryOutbox>,
}

struct Stored {
    value: Bytes,
    revision: Revision,
    expires: Option<Instant>,
}

impl MemoryStore {
    /// An empty store of the usual size.
    pub fn new() -> Self {
        Self::with_bytes(DEFAULT_BYTES)
    }

    /// An empty store that takes at most so many bytes, with what it needs itself for each record.
    pub fn with_bytes(bytes: usize) -> Self {
        Self {
            table: Table::new(bytes),
            revisions: AtomicU64::new(0),
            bus: Arc::default(),
            outbox: Arc::new(MemoryOutbox::with_bytes(bytes)),
        }
    }

    /// How many bytes its records take, roughly; some of them may have expired.
    pub fn bytes(&self) -> usize {
        self.table.room.taken()
    }

    /// A revision no record ever had.
    fn next_revision(&self) -> Revision {
        Revision::new(self.revisions.fetch_add(1, Ordering::AcqRel))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let now = clock::now();
        let part = self.table.part(key.owner());
        Ok(part.live(key, now).map(|stored| stored.record(now)))
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        self.table.write(key.owner(), |part, now| {
            if part.live(key, now).is_some() {
                return Err(StoreError::Conflict);
            }
            let size = size(key, draft.value());
            let shelf = part.shelf(key.owner());
            let (records, bytes) = shelf.map_or((0, 0), |shelf| (shelf.entries.len(), shelf.bytes));
            if records >= quota.max_records() {
                return Err(StoreError::Full(Bound::Records));
            }
            if bytes.saturating_add(size) > quota.max_bytes() {
                return Err(StoreError::Full(Bound::Bytes));
            }
            self.table.room.take(size + overhead(key))?;
            let revision = self.next_revision();
            let ttl = draft.time_to_live();
            let expires = ttl.and_then(|ttl| now.checked_add(ttl));
            part.insert(key, Stored::new(draft.value(), revision, expires));
            Ok(revision)
        })
    }

    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        self.table.write(key.owner(), |part, now| {
            let stored = part.live(key, now).ok_or(StoreError::Conflict)?;
            if stored.revision != expected {
                return Err(StoreError::Conflict);
            }
            let (old, new) = (stored.value.len(), draft.value().len());
            let bytes = part.shelf(key.owner()).map_or(0, |shelf| shelf.bytes);
            if new > old {
                if (bytes - old).saturating_add(new) > quota.max_bytes() {
                    return Err(StoreError::Full(Bound::Bytes));
                }
                self.table.room.take(new - old)?;
            } else {
                self.table.room.give(old - new);
            }
            let ttl = draft.time_to_live();
            let expires = later(stored.expires, ttl.map(|ttl| now.checked_add(ttl)));
            let revision = self.next_revision();
            part.remove(key);
            part.insert(key, Stored::new(draft.value(), revision, expires));
            Ok(revision)
        })
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        let now = clock::now();
        let mut part = self.table.part(key.owner());
        let Some(stored) = part.live(key, now) else {
            return Ok(None);
        };
        let expires = later(stored.expires, Some(now.checked_add(ttl)));
        if let Some(mut stored) = part.remove(key) {
            stored.expires = expires;
            part.insert(key, stored);
        }
        Ok(part.live(key, now).map(|stored| stored.record(now)))
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        let now = clock::now();
        let mut part = self.table.part(key.owner());
        let Some(stored) = part.live(key, now) else {
            return Ok(false);
        };
        if expected.is_some_and(|expected| expected != stored.revision) {
            return Err(StoreError::Conflict);
        }
        part.take(key, &self.table.room);
        Ok(true)
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.table.clear(owner);
        Ok(())
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let now = clock::now();
        let part = self.table.part(owner);
        let Some(shelf) = part.shelf(owner) else {
            return Ok(Vec::new());
        };
        let first = after.map_or(ops::Bound::Unbounded, ops::Bound::Excluded);
        let records = shelf
            .entries
            .range::<str, _>((first, ops::Bound::Unbounded));
        let live = records.filter(|(_, stored)| table::is_live(*stored, now));
        let listed = live.map(|(name, stored)| Listed::new(&**name, stored.record(now)));
        Ok(listed.take(limit).collect())
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.table.purge(limit))
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        Some(Arc::clone(&self.bus) as Arc<dyn Bus>)
    }

    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        Some(Arc::clone(&self.outbox) as Arc<dyn Outbox>)
    }
}

impl Entry for Stored {
    fn expires(&self) -> Option<Instant> {
        self.expires
    }

    fn size(&self, key: &Key) -> usize {
        size(key, &self.value)
    }

    fn overhead(key: &Key) -> usize {
        overhead(key)
    }
}

impl Stored {
    fn new(value: &Bytes, revision: Revision, expires: Option<Instant>) -> Self {
        Self {
            // A copy, for what was given may be a small part of a large buffer.
            value: Bytes::copy_from_slice(value),
            revision,
            expires,
        }
    }

    fn record(&self, now: Instant) -> Record {
        let ttl = self.expires.map(|expires| expires.duration_since(now));
        Record::new(self.value.clone(), self.revision, ttl)
    }
}

/// What a record counts for the quota of its owner.
fn size(key: &Key, value: &Bytes) -> usize {
    key.name().len() + value.len()
}

/// What a record takes besides its name and value.
fn overhead(key: &Key) -> usize {
    OVERHEAD + key.owner().space().len() + key.owner().id().len()
}

/// The later of two expiries, where another one is asked for; `None` is never.
fn later(now: Option<Instant>, asked: Option<Option<Instant>>) -> Option<Instant> {
    match (now, asked) {
        (now, None) => now,
        (Some(now), Some(Some(asked))) => Some(now.max(asked)),
        (None, Some(_)) | (Some(_), Some(None)) => None,
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("bytes", &self.bytes())
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
