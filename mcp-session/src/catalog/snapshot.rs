//! An immutable, ordered set of entries of one kind, already serialised.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::catalog::cursor::CursorKey;
use crate::catalog::{Definition, Recipe};
use crate::protocol::ProtocolVersion;

/// One kind of thing on offer.
pub(crate) trait Listed: Clone + Send + Sync + 'static {
    fn definition(&self) -> &Definition;

    /// How a factory made it, if one did and it is to be kept.
    fn recipe(&self) -> Option<&Recipe>;
}

/// The entries of one kind, in registration order. Never changes; editing makes the next one.
pub(crate) struct Snapshot<E> {
    entries: Box<[E]>,
    by_key: HashMap<Arc<str>, u32>,
    revision: u64,
    cursor_key: CursorKey,
    texts: [OnceLock<Text>; ProtocolVersion::ALL.len()],
}

/// All entries of a snapshot, serialised for one revision and joined by commas.
pub(crate) struct Text {
    joined: Bytes,
    /// Entry `i` is `joined[starts[i]..starts[i + 1] - 1]`.
    starts: Box<[usize]>,
}

impl<E: Listed> Snapshot<E> {
    /// A later entry with the key of an earlier one replaces it in place.
    pub(crate) fn new(entries: impl IntoIterator<Item = E>) -> Self {
        let mut kept: Vec<E> = Vec::new();
        let mut by_key = HashMap::new();
        for entry in entries {
            let key = Arc::clone(entry.definition().key());
            let next = u32::try_from(kept.len()).expect("fewer than four thousand million entries");
            match *by_key.entry(key).or_insert(next) {
                new if new == next => kept.push(entry),
                old => kept[old as usize] = entry,
            }
        }
        let (revision, cursor_key) = digest(&kept);
        Self {
            entries: kept.into(),
            by_key,
            revision,
            cursor_key,
            texts: Default::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A digest of the content: equal on every replica that offers the same.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// What seals the places in its cursors; equal wherever the revision is.
    pub(crate) fn cursor_key(&self) -> CursorKey {
        self.cursor_key
    }

    pub(crate) fn position(&self, key: &str) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn at(&self, position: u32) -> Option<&E> {
        self.entries.get(position as usize)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.entries.iter()
    }

    /// The serialised entries for this revision, made at first use.
    pub(crate) fn text(&self, version: ProtocolVersion) -> &Text {
        self.texts[version.index()].get_or_init(|| Text::new(&self.entries, version))
    }
}

impl Text {
    fn new<E: Listed>(entries: &[E], version: ProtocolVersion) -> Self {
        let mut joined = Vec::new();
        let mut starts = Vec::with_capacity(entries.len() + 1);
        for entry in entries {
            starts.push(joined.len());
            joined.extend_from_slice(&entry.definition().shaped(version));
            joined.push(b',');
        }
        starts.push(joined.len());
        Self {
            joined: joined.into(),
            starts: starts.into(),
        }
    }

    /// Entries `from..to` as they stand in a list. No copy; `None` when there are none.
    pub(crate) fn run(&self, from: usize, to: usize) -> Option<Bytes> {
        (from < to).then(|| self.joined.slice(self.starts[from]..self.starts[to] - 1))
    }

    /// The end of the longest run from `from` on that fits in so many bytes.
    pub(crate) fn fitting(&self, from: usize, bytes: usize) -> usize {
        let limit = self.starts[from].saturating_add(bytes);
        let ends = &self.starts[from + 1..];
        from + ends.partition_point(|end| end - 1 <= limit)
    }
}

fn digest<E: Listed>(entries: &[E]) -> (u64, CursorKey) {
    let mut hash = Sha256::new();
    for entry in entries {
        let json = entry.definition().canonical();
        hash.update(json.len().to_le_bytes());
        hash.update(json);
    }
    let digest = hash.finalize();
    let (mut first, mut key) = ([0; 8], [0; 16]);
    first.copy_from_slice(&digest[..8]);
    key.copy_from_slice(&digest[16..]);
    (u64::from_le_bytes(first), CursorKey(key))
}

impl<E> fmt::Debug for Snapshot<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Snapshot({} entries, {:016x})",
            self.entries.len(),
            self.revision
        )
    }
}
