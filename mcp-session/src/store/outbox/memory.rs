//! The outbox that needs nothing installed and ends with its process.

use std::{collections::VecDeque, fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::clock::{self, Instant};
use crate::store::{
    Key, Owner, StoreError,
    outbox::{self, Keep, Logged, Outbox, ReadError},
    table::{Entry, Table},
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
    table: Table<Log>,
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
            table: Table::new(bytes),
        }
    }

    /// How many bytes its logs take, roughly; some of them may have expired.
    pub fn bytes(&self) -> usize {
        self.table.room.taken()
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
        self.table.write(log.owner(), |part, now| {
            let found = part.live(log, now);
            let surplus = Surplus::of(found, &events, keep, now);
            let overhead = if found.is_some() { 0 } else { overhead(log) };
            let values_take: usize = events.iter().map(size).sum();
            self.table
                .room
                .change(surplus.bytes, values_take.saturating_add(overhead))?;

            let mut kept = part.remove(log).unwrap_or_else(Log::begin);
            kept.push(&events, now);
            kept.drop_oldest(surplus.events);
            kept.expires = now.checked_add(keep.max_age());
            let last = kept.last;
            part.insert(log, kept);
            Ok(last)
        })
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError> {
        let part = self.table.part(log.owner());
        let Some(log) = part.live(log, clock::now()) else {
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
        let part = self.table.part(log.owner());
        Ok(part.live(log, clock::now()).map_or(0, |log| log.last))
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.table.clear(owner);
        Ok(())
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.table.purge(limit))
    }
}

impl Entry for Log {
    fn expires(&self) -> Option<Instant> {
        self.expires
    }

    fn size(&self, _: &Key) -> usize {
        self.bytes
    }

    fn overhead(key: &Key) -> usize {
        overhead(key)
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
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
