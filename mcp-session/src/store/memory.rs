//! The store that needs nothing installed and ends with its process.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, ops,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::clock::{self, Instant};
use crate::shards::Parts;
use crate::store::{
    Bound, Draft, Key, Listed, MemoryOutbox, Outbox, Owner, Quota, Record, Revision, Store,
    StoreError,
    bus::{Bus, MemoryBus},
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
    // Held for a map operation only, never across an await.
    parts: Parts<Mutex<Part>>,
    revisions: AtomicU64,
    room: Room,
    bus: Arc<MemoryBus>,
    outbox: Arc<MemoryOutbox>,
}

/// One part of the table.
#[derive(Default)]
struct Part {
    shelves: HashMap<Owner, Shelf>,
    /// When which records expire.
    due: BTreeSet<(Instant, Key)>,
}

/// What one owner has; never empty.
#[derive(Default)]
struct Shelf {
    records: BTreeMap<Arc<str>, Stored>,
    /// In all names and values of the records.
    bytes: usize,
}

struct Stored {
    value: Bytes,
    revision: Revision,
    expires: Option<Instant>,
}

/// The bytes that a whole table may take.
#[derive(Debug)]
pub(super) struct Room {
    taken: AtomicUsize,
    limit: usize,
}

impl MemoryStore {
    /// An empty store of the usual size.
    pub fn new() -> Self {
        Self::with_bytes(DEFAULT_BYTES)
    }

    /// An empty store that takes at most so many bytes, with what it needs itself for each record.
    pub fn with_bytes(bytes: usize) -> Self {
        Self {
            parts: Parts::default(),
            revisions: AtomicU64::new(0),
            room: Room::new(bytes),
            bus: Arc::default(),
            outbox: Arc::new(MemoryOutbox::with_bytes(bytes)),
        }
    }

    /// How many bytes its records take, roughly; some of them may have expired.
    pub fn bytes(&self) -> usize {
        self.room.taken()
    }

    /// Writes to the part of this owner, once more after a sweep where the store was full.
    fn write<T>(
        &self,
        owner: &Owner,
        mut write: impl FnMut(&mut Part) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut once = || {
            let mut part = self.parts.of(owner).lock();
            // Whoever writes pays for as many removals as were written before, on average.
            part.purge(clock::now(), usize::MAX, &self.room);
            write(&mut part)
        };
        match once() {
            Err(StoreError::Full(Bound::Store)) if self.purge(usize::MAX) > 0 => once(),
            outcome => outcome,
        }
    }

    /// Removes expired records, at most `limit`, and says how many there were.
    fn purge(&self, limit: usize) -> usize {
        let now = clock::now();
        let mut purged = 0;
        for part in self.parts.iter() {
            purged += part.lock().purge(now, limit - purged, &self.room);
            if purged >= limit {
                break;
            }
        }
        purged
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
        let part = self.parts.of(key.owner()).lock();
        Ok(part.live(key, now).map(|stored| stored.record(now)))
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        self.write(key.owner(), |part| {
            let now = clock::now();
            if part.live(key, now).is_some() {
                return Err(StoreError::Conflict);
            }
            let size = size(key, draft.value());
            let shelf = part.shelves.get(key.owner());
            let (records, bytes) = shelf.map_or((0, 0), |shelf| (shelf.records.len(), shelf.bytes));
            if records >= quota.max_records() {
                return Err(StoreError::Full(Bound::Records));
            }
            if bytes.saturating_add(size) > quota.max_bytes() {
                return Err(StoreError::Full(Bound::Bytes));
            }
            self.room.take(size + overhead(key))?;
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
        self.write(key.owner(), |part| {
            let now = clock::now();
            let stored = part.live(key, now).ok_or(StoreError::Conflict)?;
            if stored.revision != expected {
                return Err(StoreError::Conflict);
            }
            let (old, new) = (stored.value.len(), draft.value().len());
            let bytes = part.shelves.get(key.owner()).map_or(0, |shelf| shelf.bytes);
            if new > old {
                if (bytes - old).saturating_add(new) > quota.max_bytes() {
                    return Err(StoreError::Full(Bound::Bytes));
                }
                self.room.take(new - old)?;
            } else {
                self.room.give(old - new);
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
        let mut part = self.parts.of(key.owner()).lock();
        let Some(stored) = part.live(key, now) else {
            return Ok(None);
        };
        let expires = later(stored.expires, Some(now.checked_add(ttl)));
        part.postpone(key, expires);
        Ok(part.live(key, now).map(|stored| stored.record(now)))
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        let now = clock::now();
        let mut part = self.parts.of(key.owner()).lock();
        let Some(stored) = part.live(key, now) else {
            return Ok(false);
        };
        if expected.is_some_and(|expected| expected != stored.revision) {
            return Err(StoreError::Conflict);
        }
        part.take(key, &self.room);
        Ok(true)
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        let mut part = self.parts.of(owner).lock();
        let names = part.shelves.get(owner);
        let names: Vec<_> =
            names.map_or_else(Vec::new, |shelf| shelf.records.keys().cloned().collect());
        for name in names {
            part.take(&owner.key(name), &self.room);
        }
        Ok(())
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let now = clock::now();
        let part = self.parts.of(owner).lock();
        let Some(shelf) = part.shelves.get(owner) else {
            return Ok(Vec::new());
        };
        let first = after.map_or(ops::Bound::Unbounded, ops::Bound::Excluded);
        let records = shelf
            .records
            .range::<str, _>((first, ops::Bound::Unbounded));
        let live = records.filter(|(_, stored)| stored.is_live(now));
        let listed = live.map(|(name, stored)| Listed::new(&**name, stored.record(now)));
        Ok(listed.take(limit).collect())
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.purge(limit))
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

impl Part {
    fn live(&self, key: &Key, now: Instant) -> Option<&Stored> {
        let stored = self.shelves.get(key.owner())?.records.get(key.name())?;
        stored.is_live(now).then_some(stored)
    }

    fn insert(&mut self, key: &Key, stored: Stored) {
        if let Some(expires) = stored.expires {
            self.due.insert((expires, key.clone()));
        }
        let shelf = self.shelves.entry(key.owner().clone()).or_default();
        shelf.bytes += size(key, &stored.value);
        shelf.records.insert(Arc::clone(key.shared_name()), stored);
    }

    /// Takes a record out.
    fn remove(&mut self, key: &Key) -> Option<Stored> {
        let shelf = self.shelves.get_mut(key.owner())?;
        let stored = shelf.records.remove(key.name())?;
        shelf.bytes -= size(key, &stored.value);
        if shelf.records.is_empty() {
            self.shelves.remove(key.owner());
        }
        if let Some(expires) = stored.expires {
            self.due.remove(&(expires, key.clone()));
        }
        Some(stored)
    }

    /// Takes a record out for good.
    fn take(&mut self, key: &Key, room: &Room) {
        if let Some(stored) = self.remove(key) {
            room.give(size(key, &stored.value) + overhead(key));
        }
    }

    fn postpone(&mut self, key: &Key, expires: Option<Instant>) {
        if let Some(mut stored) = self.remove(key) {
            stored.expires = expires;
            self.insert(key, stored);
        }
    }

    /// Removes what has expired, at most `limit` records.
    fn purge(&mut self, now: Instant, limit: usize, room: &Room) -> usize {
        let mut purged = 0;
        while purged < limit
            && let Some((_, key)) = self.due.first().filter(|(expires, _)| *expires <= now)
        {
            let key = key.clone();
            self.take(&key, room);
            purged += 1;
        }
        purged
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

    fn is_live(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    fn record(&self, now: Instant) -> Record {
        let ttl = self.expires.map(|expires| expires.duration_since(now));
        Record::new(self.value.clone(), self.revision, ttl)
    }
}

impl Room {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            limit,
        }
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    fn take(&self, bytes: usize) -> Result<(), StoreError> {
        self.change(0, bytes)
    }

    /// Gives and takes at once. It is refused where more is taken than given, and it does not fit.
    pub(super) fn change(&self, given: usize, taken: usize) -> Result<(), StoreError> {
        let next = |now: usize| {
            // What is both given and taken need not have been there before.
            let then = now.checked_add(taken)?.checked_sub(given)?;
            (then <= self.limit || taken <= given).then_some(then)
        };
        let order = Ordering::AcqRel;
        let taken = self.taken.fetch_update(order, Ordering::Acquire, next);
        taken.map(drop).map_err(|_| StoreError::Full(Bound::Store))
    }

    pub(super) fn give(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::AcqRel);
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
            .field("limit", &self.room.limit)
            .finish_non_exhaustive()
    }
}
