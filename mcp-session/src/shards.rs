//! A table in parts, each under a lock of its own, so that those who look things up at the same
//! time seldom wait for each other.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
};

use parking_lot::RwLock;

/// How many parts a table has: so many that of a million entries each holds few enough to be looked
/// through, or to be moved when its room doubles, in less than a millisecond.
const SHARDS: usize = 256;

/// How much room a part of a table keeps, however little is in it.
const ROOM: usize = 8;

/// A table in parts.
#[derive(Debug)]
pub(crate) struct Parts<T> {
    parts: Box<[T]>,
    hasher: RandomState,
}

/// One part of a table from keys to values.
pub(crate) type Shard<K, V> = RwLock<HashMap<K, V>>;

/// A table from keys to values in parts.
pub(crate) type Shards<K, V> = Parts<Shard<K, V>>;

impl<T: Default> Default for Parts<T> {
    fn default() -> Self {
        Self {
            parts: (0..SHARDS).map(|_| T::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl<T> Parts<T> {
    /// The part that holds this key, which may come in any form that hashes as the key does.
    pub(crate) fn of<Q: Hash + ?Sized>(&self, key: &Q) -> &T {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 40).unwrap_or(0);
        &self.parts[hash % SHARDS]
    }

    /// All parts, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts.iter()
    }
}

impl<K, V> Shards<K, V> {
    /// Gives back the room that a part does not need any more.
    pub(crate) fn shrink(part: &mut HashMap<K, V>)
    where
        K: Eq + Hash,
    {
        if part.capacity() > ROOM && part.capacity() / 4 > part.len() {
            part.shrink_to_fit();
        }
    }
}
