//! The outbox that needs nothing installed and ends with its process.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::clock::{self, Instant};
use crate::shards::Parts;
use crate::store::{
    Bound, Key, Owner, StoreError,
    memory::Room,
    outbox::{self, Keep, Logged, Outbox, ReadError},
};

/// What a log takes besides its texts and events, roughly.
const LOG_OVERHEAD: usize = 512;

/// What an event takes besides its value, roughly.
const EVENT_OVERHEAD: usize = 64;

const DEFAULT_BYTES: usize = 256 << 20;

/// Keeps logs in memory, as long as the process lives: what servers share that share a
/// [`MemoryStore`](crate::store::MemoryStore).
///
/// It takes 256 MiB at most, or [as much as it is told](Self::with_bytes), and refuses what is more
/// ([`StoreError::Full`]): besides what is [kept](Keep) of each log, nothing in it is given up to make
/// room. Logs whose time is over are removed by those who append after that, and by
/// [`Outbox::sweep`].
pub struct MemoryOutbox {
    // Held for a moment only, never across an await.
    parts: Parts<Mutex<Part>>,
    room: Room,
}

/// One part of the table.
#[derive(Default)]
struct Part {
    /// The logs of each owner, which are never none.
    shelves: HashMap<Owner, BTreeMap<Arc<str>, Log>>,
    /// When which logs expire.
    due: BTreeSet<(Instant, Key)>,
}

struct Log {
    /// Its first number comes after this.
    base: u64,
    last: u64,
    /// What is kept, up to the last.
    events: VecDeque<Kept>,
    /// What these take.
    bytes: usize,
    expires: Option<Instant>,
}

struct Kept {
    value: Bytes,
    since: Instant,
}

impl MemoryOutbox {
    /// An empty outbox of the usual size.
    pub fn new() -> Self {
        Self::with_bytes(DEFAULT_BYTES)
    }

    /// An empty outbox that takes at most so many bytes, with what it needs itself for each event.
    pub fn with_bytes(bytes: usize) -> Self {
        Self {
            parts: Parts::default(),
            room: Room::new(bytes),
        }
    }

    /// How many bytes its logs take, roughly; some of them may have expired.
    pub fn bytes(&self) -> usize {
        self.room.taken()
    }

    /// Appends, as far as there is room.
    fn try_append(&self, log: &Key, values: &[Bytes], keep: Keep) -> Result<u64, StoreError> {
        let mut part = self.parts.of(log.owner()).lock();
        let now = clock::now();
        // Whoever writes pays for as many removals as were written before, on average.
        part.purge(now, usize::MAX, &self.room);
        let found = part.find(log);
        let surplus = Surplus::of(found, values, keep, now);
        let overhead = if found.is_some() { 0 } else { overhead(log) };
        let values_take: usize = values.iter().map(size).sum();
        self.room
            .change(surplus.bytes, values_take.saturating_add(overhead))?;

        let mut kept = part.remove(log).unwrap_or_else(Log::begin);
        kept.push(values, now);
        kept.drop_oldest(surplus.events);
        kept.expires = now.checked_add(keep.max_age());
        let last = kept.last;
        part.insert(log, kept);
        Ok(last)
    }

    /// Removes expired logs, at most `limit`, and says how many there were.
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
}

impl Default for MemoryOutbox {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn append(&self, log: &Key, events: Vec<Bytes>, keep: Keep) -> Result<u64, StoreError> {
        if events.is_empty() {
            return self.last(log).await;
        }
        match self.try_append(log, &events, keep) {
            Err(StoreError::Full(Bound::Store)) if self.purge(usize::MAX) > 0 => {
                self.try_append(log, &events, keep)
            }
            outcome => outcome,
        }
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError> {
        let part = self.parts.of(log.owner()).lock();
        let Some(log) = part.find_live(log, clock::now()) else {
            outbox::position(after, 0, 0, 0)?;
            return Ok(Vec::new());
        };
        let trimmed = log.trimmed();
        let after = outbox::position(after, log.base, trimmed, log.last)?;
        let skipped = usize::try_from(after - trimmed).unwrap_or(usize::MAX);
        let following = (after + 1..).zip(log.events.iter().skip(skipped));
        let logged = following.map(|(number, kept)| Logged::new(number, kept.value.clone()));
        Ok(logged.take(limit).collect())
    }

    async fn last(&self, log: &Key) -> Result<u64, StoreError> {
        let part = self.parts.of(log.owner()).lock();
        Ok(part.find_live(log, clock::now()).map_or(0, |log| log.last))
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        let mut part = self.parts.of(owner).lock();
        let names = part.shelves.get(owner);
        let names: Vec<_> = names.map_or_else(Vec::new, |shelf| shelf.keys().cloned().collect());
        for name in names {
            part.take(&owner.key(name), &self.room);
        }
        Ok(())
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.purge(limit))
    }
}

impl Part {
    fn find(&self, key: &Key) -> Option<&Log> {
        self.shelves.get(key.owner())?.get(key.name())
    }

    fn find_live(&self, key: &Key, now: Instant) -> Option<&Log> {
        let log = self.find(key)?;
        let live = log.expires.is_none_or(|expires| expires > now);
        live.then_some(log)
    }

    fn insert(&mut self, key: &Key, log: Log) {
        if let Some(expires) = log.expires {
            self.due.insert((expires, key.clone()));
        }
        let shelf = self.shelves.entry(key.owner().clone()).or_default();
        shelf.insert(Arc::clone(key.shared_name()), log);
    }

    /// Takes a log out.
    fn remove(&mut self, key: &Key) -> Option<Log> {
        let shelf = self.shelves.get_mut(key.owner())?;
        let log = shelf.remove(key.name())?;
        if shelf.is_empty() {
            self.shelves.remove(key.owner());
        }
        if let Some(expires) = log.expires {
            self.due.remove(&(expires, key.clone()));
        }
        Some(log)
    }

    /// Takes a log out for good.
    fn take(&mut self, key: &Key, room: &Room) {
        if let Some(log) = self.remove(key) {
            room.give(log.bytes + overhead(key));
        }
    }

    /// Removes what has expired, at most `limit` logs.
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

impl Log {
    fn begin() -> Self {
        let base = outbox::beginning();
        Self {
            base,
            last: base,
            events: VecDeque::new(),
            bytes: 0,
            expires: None,
        }
    }

    /// The number of the newest event that is gone.
    fn trimmed(&self) -> u64 {
        self.last - self.events.len() as u64
    }

    fn push(&mut self, values: &[Bytes], since: Instant) {
        for value in values {
            self.bytes += size(value);
            // A copy, for what was given may be a small part of a large buffer.
            let value = Bytes::copy_from_slice(value);
            self.events.push_back(Kept { value, since });
        }
        self.last += values.len() as u64;
    }

    fn drop_oldest(&mut self, many: usize) {
        for dropped in self.events.drain(..many) {
            self.bytes -= size(&dropped.value);
        }
    }
}

/// What a log has more than is kept, once something is appended.
#[derive(Default)]
struct Surplus {
    events: usize,
    /// What they take.
    bytes: usize,
}

impl Surplus {
    fn of(log: Option<&Log>, values: &[Bytes], keep: Keep, now: Instant) -> Self {
        let (events, taken) = log.map_or((0, 0), |log| (log.events.len(), log.bytes));
        let new_bytes: usize = values.iter().map(Bytes::len).sum();
        let mut left = events + values.len();
        let mut bytes = taken - events * EVENT_OVERHEAD + new_bytes;

        let old = log.map(|log| &log.events).into_iter().flatten();
        let old = old.map(|kept| (&kept.value, now.saturating_duration_since(kept.since)));
        let new = values.iter().map(|value| (value, Duration::ZERO));
        let mut surplus = Self::default();
        for (value, age) in old.chain(new) {
            let within = left <= keep.max_events() && bytes <= keep.max_bytes();
            if left <= 1 || within && age < keep.max_age() {
                break;
            }
            left -= 1;
            bytes -= value.len();
            surplus.events += 1;
            surplus.bytes += size(value);
        }
        surplus
    }
}

/// What an event takes.
fn size(value: &Bytes) -> usize {
    EVENT_OVERHEAD + value.len()
}

/// What a log takes besides its events.
fn overhead(log: &Key) -> usize {
    let texts = log.owner().space().len() + log.owner().id().len() + log.name().len();
    LOG_OVERHEAD + texts
}

impl fmt::Debug for MemoryOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOutbox")
            .field("bytes", &self.bytes())
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}
