//! A table in memory: what owners have, when it expires, and how many bytes all of it may take.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};

use crate::clock::{self, Instant};
use crate::shards::Parts;
use crate::store::{Bound, Key, Owner, StoreError};

/// What lies in a table.
pub(super) trait Entry {
    /// When it is absent from; `None` for never.
    fn expires(&self) -> Option<Instant>;

    /// What it counts for its owner.
    fn size(&self, key: &Key) -> usize;

    /// What an entry under this key takes besides its size, roughly.
    fn overhead(key: &Key) -> usize;
}

/// Entries by owner and name.
pub(super) struct Table<E> {
    // Held for a moment only, never across an await.
    parts: Parts<Mutex<Part<E>>>,
    pub(super) room: Room,
}

/// One part of a table.
pub(super) struct Part<E> {
    shelves: HashMap<Owner, Shelf<E>>,
    /// When which entries expire.
    due: BTreeSet<(Instant, Key)>,
}

/// What one owner has; never empty.
pub(super) struct Shelf<E> {
    pub(super) entries: BTreeMap<Arc<str>, E>,
    /// The sizes of all of them.
    pub(super) bytes: usize,
}

/// The bytes that a whole table may take.
#[derive(Debug)]
pub(super) struct Room {
    taken: AtomicUsize,
    limit: usize,
}

impl<E: Entry> Table<E> {
    /// An empty table that takes at most so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            parts: Parts::default(),
            room: Room {
                taken: AtomicUsize::new(0),
                limit: bytes,
            },
        }
    }

    /// The part where this owner's entries are.
    pub(super) fn part(&self, owner: &Owner) -> MutexGuard<'_, Part<E>> {
        self.parts.of(owner).lock()
    }

    /// Writes to the part of this owner, without what has expired there by now; once more after a
    /// sweep where the table was full.
    pub(super) fn write<T>(
        &self,
        owner: &Owner,
        mut write: impl FnMut(&mut Part<E>, Instant) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut once = || {
            let mut part = self.part(owner);
            let now = clock::now();
            // Whoever writes pays for as many removals as were written before, on average.
            part.purge(now, usize::MAX, &self.room);
            write(&mut part, now)
        };
        match once() {
            Err(StoreError::Full(Bound::Store)) if self.purge(usize::MAX) > 0 => once(),
            outcome => outcome,
        }
    }

    /// Removes what has expired, at most `limit` entries, and says how many there were.
    pub(super) fn purge(&self, limit: usize) -> usize {
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

    /// Removes everything an owner has.
    pub(super) fn clear(&self, owner: &Owner) {
        let mut part = self.part(owner);
        let names = part.shelf(owner).map(|shelf| shelf.entries.keys().cloned());
        let names: Vec<_> = names.into_iter().flatten().collect();
        for name in names {
            part.take(&owner.key(name), &self.room);
        }
    }
}

impl<E: Entry> Part<E> {
    /// What an owner has, expired or not.
    pub(super) fn shelf(&self, owner: &Owner) -> Option<&Shelf<E>> {
        self.shelves.get(owner)
    }

    pub(super) fn live(&self, key: &Key, now: Instant) -> Option<&E> {
        let entry = self.shelf(key.owner())?.entries.get(key.name())?;
        is_live(entry, now).then_some(entry)
    }

    pub(super) fn insert(&mut self, key: &Key, entry: E) {
        if let Some(expires) = entry.expires() {
            self.due.insert((expires, key.clone()));
        }
        let shelf = self.shelves.entry(key.owner().clone()).or_default();
        shelf.bytes += entry.size(key);
        shelf.entries.insert(Arc::clone(key.shared_name()), entry);
    }

    /// Takes an entry out; its room stays taken.
    pub(super) fn remove(&mut self, key: &Key) -> Option<E> {
        let shelf = self.shelves.get_mut(key.owner())?;
        let entry = shelf.entries.remove(key.name())?;
        shelf.bytes -= entry.size(key);
        if shelf.entries.is_empty() {
            self.shelves.remove(key.owner());
        }
        if let Some(expires) = entry.expires() {
            self.due.remove(&(expires, key.clone()));
        }
        Some(entry)
    }

    /// Takes an entry out for good.
    pub(super) fn take(&mut self, key: &Key, room: &Room) {
        if let Some(entry) = self.remove(key) {
            room.give(entry.size(key) + E::overhead(key));
        }
    }

    /// Removes what has expired, at most `limit` entries.
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

/// True while an entry is not absent.
pub(super) fn is_live<E: Entry>(entry: &E, now: Instant) -> bool {
    entry.expires().is_none_or(|expires| expires > now)
}

impl Room {
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    pub(super) fn take(&self, bytes: usize) -> Result<(), StoreError> {
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

impl<E> Default for Part<E> {
    fn default() -> Self {
        Self {
            shelves: HashMap::new(),
            due: BTreeSet::new(),
        }
    }
}

impl<E> Default for Shelf<E> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            bytes: 0,
        }
    }
}

impl<E> fmt::Debug for Table<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}
