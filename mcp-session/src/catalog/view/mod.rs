//! A catalog seen through an overlay: the only way to list, and the only way to find.

use bytes::Bytes;

use crate::catalog::cursor::{Cursor, Stale};
use crate::catalog::overlay::Changes;
use crate::catalog::snapshot::{Listed, Snapshot};
use crate::protocol::ProtocolVersion;

/// One kind of entry as one session sees it.
pub(crate) struct View<'a, E> {
    snapshot: &'a Snapshot<E>,
    changes: &'a Changes<E>,
}

/// How much one page of a list holds. At least one entry, whatever its size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageLimits {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// The entries' JSON, in pieces that refer to what is already serialised: within a piece the
    /// commas are there, between pieces they are not.
    pub(crate) pieces: Vec<Bytes>,
    /// Where to go on, if there is more.
    pub(crate) next: Option<Cursor>,
}

impl<'a, E: Listed> View<'a, E> {
    pub(crate) fn new(snapshot: &'a Snapshot<E>, changes: &'a Changes<E>) -> Self {
        Self { snapshot, changes }
    }

    /// The entry with this key; what is hidden is not there.
    pub(crate) fn find(&self, key: &str) -> Option<&'a E> {
        // What is the session's own has no place in the snapshot.
        let Some(position) = self.snapshot.position(key) else {
            return self.changes.own(key);
        };
        match self.changes.at(position) {
            Some(changed) => changed,
            None => self.snapshot.at(position),
        }
    }

    /// True when the session hid the entry with this key, be it one that the snapshot no longer
    /// has.
    pub(crate) fn hides(&self, key: &str) -> bool {
        match self.snapshot.position(key) {
            Some(position) => matches!(self.changes.at(position), Some(None)),
            None => self
                .changes
                .missing()
                .iter()
                .any(|missing| **missing == *key),
        }
    }

    /// Every entry, in list order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a E> {
        let Self { snapshot, changes } = *self;
        let kept = (0..)
            .zip(snapshot.iter())
            .filter_map(|(position, entry)| changes.at(position).unwrap_or(Some(entry)));
        kept.chain(changes.added().iter().map(|own| &own.entry))
    }

    /// True when a list of this view and of the other show the same.
    pub(crate) fn lists_like(&self, other: &View<'_, E>) -> bool {
        if self.changes.is_empty() && other.changes.is_empty() {
            return self.snapshot.revision() == other.snapshot.revision();
        }
        let json = |entry: &'a E| entry.definition().canonical();
        self.iter()
            .map(json)
            .eq(other.iter().map(|entry| entry.definition().canonical()))
    }

    /// The page that begins at `cursor`, or the first one.
    pub(crate) fn page(
        &self,
        cursor: Option<Cursor>,
        version: ProtocolVersion,
        limits: PageLimits,
    ) -> Result<Page, Stale> {
        let (revision, key) = (self.snapshot.revision(), self.snapshot.cursor_key());
        let start = match cursor {
            Some(cursor) => cursor.place(revision, key)? as usize + 1,
            None => 0,
        };
        let mut filling = Filling {
            pieces: Vec::new(),
            entries: 0,
            bytes: 0,
            limits,
        };
        let end = match self.fill_from_snapshot(start, version, &mut filling) {
            Some(stopped) => Some(stopped),
            None => self.fill_from_added(start, version, &mut filling),
        };
        let next = end.map(|next| {
            let last = u32::try_from(next).unwrap_or(u32::MAX).saturating_sub(1);
            Cursor::after(last, revision, key)
        });
        Ok(Page {
            pieces: filling.pieces,
            next,
        })
    }

    /// Adds entries of the snapshot; gives the position of the first that no longer fits.
    fn fill_from_snapshot(
        &self,
        start: usize,
        version: ProtocolVersion,
        filling: &mut Filling,
    ) -> Option<usize> {
        let text = self.snapshot.text(version);
        let changed = self.changes.changed();
        let mut next_change = changed.partition_point(|(position, _)| (*position as usize) < start);
        let mut at = start;
        while at < self.snapshot.len() {
            let change = changed.get(next_change);
            let stop = change.map_or(self.snapshot.len(), |(position, _)| *position as usize);
            if at < stop {
                let to = filling.reach(text.fitting(at, filling.room()), at, stop);
                if let Some(run) = text.run(at, to) {
                    filling.push(run, to - at);
                }
                at = to;
                if at < stop {
                    return Some(at);
                }
            } else if let Some((_, to)) = change {
                if let Some(entry) = to
                    && !filling.try_push(entry.definition().shaped(version))
                {
                    return Some(at);
                }
                at += 1;
                next_change += 1;
            }
        }
        None
    }

    /// Adds entries of the session's own, whose places follow the snapshot's.
    fn fill_from_added(
        &self,
        start: usize,
        version: ProtocolVersion,
        filling: &mut Filling,
    ) -> Option<usize> {
        let base = self.snapshot.len();
        for own in self.changes.added() {
            let place = base + own.number as usize;
            if place >= start && !filling.try_push(own.entry.definition().shaped(version)) {
                return Some(place);
            }
        }
        None
    }
}

/// A page in the making.
struct Filling {
    pieces: Vec<Bytes>,
    entries: usize,
    bytes: usize,
    limits: PageLimits,
}

impl Filling {
    /// How many bytes are left.
    fn room(&self) -> usize {
        self.limits.bytes.saturating_sub(self.bytes)
    }

    /// How far a run from `at` may go: to what fits, what the page may hold, and `stop`; the first
    /// entry of a page always fits.
    fn reach(&self, fitting: usize, at: usize, stop: usize) -> usize {
        let least = at + usize::from(self.entries == 0);
        let most = at + self.limits.entries.saturating_sub(self.entries);
        fitting.max(least).min(most.max(least)).min(stop)
    }

    fn push(&mut self, piece: Bytes, entries: usize) {
        self.bytes += piece.len() + 1;
        self.entries += entries;
        self.pieces.push(piece);
    }

    fn try_push(&mut self, piece: Bytes) -> bool {
        let fits = self.entries < self.limits.entries && piece.len() <= self.room();
        if fits || self.entries == 0 {
            self.push(piece, 1);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests;
