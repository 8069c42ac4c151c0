//! What one session changed of what its template offers.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::catalog::snapshot::{Listed, Snapshot};
use crate::catalog::{Catalog, CheckedPrompt, CheckedResource, CheckedTemplate, CheckedTool};

/// The changes of one session, by kind. Empty until the session changes something, and as large
/// as what it changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay {
    pub(crate) tools: Changes<CheckedTool>,
    pub(crate) prompts: Changes<CheckedPrompt>,
    pub(crate) resources: Changes<CheckedResource>,
    pub(crate) templates: Changes<CheckedTemplate>,
}

/// The changes to one kind of entry, relative to one snapshot.
#[derive(Clone)]
pub(crate) struct Changes<E> {
    // Boxed at first use: most sessions change nothing.
    some: Option<Box<Made<E>>>,
}

#[derive(Clone)]
struct Made<E> {
    /// By position in the snapshot, ascending; `None` hides, `Some` replaces.
    changed: Vec<(u32, Option<E>)>,
    /// Entries of the session's own, in the order they came.
    added: Vec<Own<E>>,
    /// The number the next added entry gets.
    next: u32,
    /// What was hidden in an earlier snapshot and is not in this one: it stays hidden should it
    /// come back.
    missing: Vec<Arc<str>>,
}

/// An entry that the snapshot does not have.
#[derive(Clone)]
pub(crate) struct Own<E> {
    /// Its place behind the snapshot's entries, which it keeps.
    pub(crate) number: u32,
    /// Of its key: so that of many the one that is looked for is found without a look at each.
    digest: u32,
    pub(crate) entry: E,
}

/// What happens to changes, where a newer snapshot changes the same entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Rebase {
    /// The session's changes win: its entries stay, in the place of newcomers of the same name,
    /// and as its own where the template no longer has what they replaced.
    #[default]
    KeepOwn,
    /// The template's changes win: entries of the session's own give way to newcomers of the same
    /// name, and replacements to an original that changed or is gone. A replacement of what still
    /// looks the same stays.
    TakeTemplate,
}

impl<E: Listed> Changes<E> {
    /// Adds an entry, or replaces the one with its key in place.
    pub(crate) fn put(&mut self, snapshot: &Snapshot<E>, entry: E) {
        let key = entry.definition().key();
        if let Some(position) = snapshot.position(key) {
            return self.change(position, Some(entry));
        }
        let some = self.some.get_or_insert_with(Box::default);
        some.missing.retain(|missing| missing != key);
        if let Some(index) = some.own(key) {
            some.added[index].entry = entry;
        } else {
            some.added.push(Own {
                number: some.next,
                digest: digest(key),
                entry,
            });
            some.next += 1;
        }
    }

    /// Hides an entry of the snapshot, or removes one of the session's own. False when the view
    /// has none with this key.
    pub(crate) fn hide(&mut self, snapshot: &Snapshot<E>, key: &str) -> bool {
        if let Some(some) = &mut self.some
            && let Some(index) = some.own(key)
        {
            some.added.remove(index);
            return true;
        }
        match snapshot.position(key) {
            Some(position) if !matches!(self.at(position), Some(None)) => {
                self.change(position, None);
                true
            }
            _ => false,
        }
    }

    /// Shows an entry of the snapshot as it is there. False when the snapshot has none.
    pub(crate) fn restore(&mut self, snapshot: &Snapshot<E>, key: &str) -> bool {
        let Some(position) = snapshot.position(key) else {
            return false;
        };
        if let Some(some) = &mut self.some
            && let Ok(index) = some
                .changed
                .binary_search_by_key(&position, |change| change.0)
        {
            some.changed.remove(index);
        }
        true
    }

    fn change(&mut self, position: u32, to: Option<E>) {
        let changed = &mut self.some.get_or_insert_with(Box::default).changed;
        match changed.binary_search_by_key(&position, |change| change.0) {
            Ok(index) => changed[index].1 = to,
            Err(index) => changed.insert(index, (position, to)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changed().is_empty() && self.added().is_empty()
    }

    pub(crate) fn changed(&self) -> &[(u32, Option<E>)] {
        self.some.as_ref().map_or(&[], |some| &some.changed)
    }

    pub(crate) fn added(&self) -> &[Own<E>] {
        self.some.as_ref().map_or(&[], |some| &some.added)
    }

    /// What is hidden although the snapshot does not have it.
    pub(crate) fn missing(&self) -> &[Arc<str>] {
        self.some.as_ref().map_or(&[], |some| &some.missing)
    }

    /// What became of a position of the snapshot: `None` when nothing did.
    pub(crate) fn at(&self, position: u32) -> Option<Option<&E>> {
        let changed = self.changed();
        let index = changed
            .binary_search_by_key(&position, |change| change.0)
            .ok()?;
        Some(changed[index].1.as_ref())
    }

    /// The session's own entry with this key.
    pub(crate) fn own(&self, key: &str) -> Option<&E> {
        let some = self.some.as_ref()?;
        Some(&some.added[some.own(key)?].entry)
    }

    /// True when a list shows the same with either.
    pub(crate) fn lists_like(&self, other: &Self, snapshot: &Snapshot<E>) -> bool {
        self.listed().eq(other.listed()) && self.visible(snapshot).eq(other.visible(snapshot))
    }

    /// What a list shows of the entries of its own.
    fn listed(&self) -> impl Iterator<Item = &Bytes> {
        self.added().iter().map(|own| json(&own.entry))
    }

    /// What a list shows in place of the snapshot's entries, where that looks different.
    fn visible(&self, snapshot: &Snapshot<E>) -> impl Iterator<Item = (u32, Option<&Bytes>)> {
        let shown = self.changed().iter();
        let shown = shown.map(|(position, to)| (*position, to.as_ref().map(json)));
        shown.filter(|(position, to)| *to != snapshot.at(*position).map(json))
    }

    /// What is wrong with changes of this snapshot; nothing is what to expect.
    fn problem(&self, snapshot: &Snapshot<E>) -> Option<&'static str> {
        let (changed, added) = (self.changed(), self.added());
        let own = |own: &Own<E>| snapshot.position(own.entry.definition().key()).is_some();
        if changed.iter().any(|(at, _)| *at as usize >= snapshot.len()) {
            Some("changes what its snapshot does not have")
        } else if !changed.is_sorted_by(|(a, _), (b, _)| a < b) {
            Some("changes one entry twice")
        } else if added.iter().any(own) {
            Some("adds what its snapshot has")
        } else {
            None
        }
    }

    /// The same changes, by key, relative to a newer snapshot. What is hidden stays hidden.
    pub(crate) fn onto(&self, old: &Snapshot<E>, new: &Snapshot<E>, policy: Rebase) -> Self {
        let found = |key: &str| new.position(key).and_then(|position| new.at(position));
        let mut moved = Self::default();
        for (position, to) in self.changed() {
            let Some(original) = old.at(*position) else {
                continue;
            };
            let key = original.definition().key();
            let Some(entry) = to else {
                moved.keep_hidden(new, key);
                continue;
            };
            let same = found(key).is_some_and(|now| json(now) == json(original));
            if policy == Rebase::KeepOwn || same {
                moved.put(new, entry.clone());
            }
        }
        for key in self.missing() {
            moved.keep_hidden(new, key);
        }
        for Own { entry, .. } in self.added() {
            if policy == Rebase::KeepOwn || found(entry.definition().key()).is_none() {
                moved.put(new, entry.clone());
            }
        }
        moved
    }

    /// Hides what has this key, now and whenever a snapshot has it again.
    pub(crate) fn keep_hidden(&mut self, snapshot: &Snapshot<E>, key: &Arc<str>) {
        if let Some(position) = snapshot.position(key) {
            return self.change(position, None);
        }
        self.hide(snapshot, key);
        let some = self.some.get_or_insert_with(Box::default);
        if !some.missing.contains(key) {
            some.missing.push(Arc::clone(key));
        }
    }

    /// The snapshot with these changes made.
    pub(crate) fn applied(&self, snapshot: &Snapshot<E>) -> Snapshot<E> {
        let kept =
            (0..)
                .zip(snapshot.iter())
                .filter_map(|(position, entry)| match self.at(position) {
                    None => Some(entry.clone()),
                    Some(changed) => changed.cloned(),
                });
        Snapshot::new(kept.chain(self.added().iter().map(|own| own.entry.clone())))
    }
}

impl<E: Listed> Made<E> {
    /// Where the session's own entry with this key is.
    fn own(&self, key: &str) -> Option<usize> {
        if self.added.is_empty() {
            return None;
        }
        let digest = digest(key);
        let found = |own: &Own<E>| own.digest == digest && **own.entry.definition().key() == *key;
        self.added.iter().position(found)
    }
}

/// What a list shows of an entry.
fn json<E: Listed>(entry: &E) -> &Bytes {
    entry.definition().canonical()
}

/// Of a key, quickly made; whoever makes keys that share one makes looking for them slower, and
/// nothing else. It is FNV-1a.
fn digest(key: &str) -> u32 {
    let mix = |digest: u32, byte: &u8| (digest ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    key.as_bytes().iter().fold(0x811c_9dc5, mix)
}

impl Overlay {
    /// True when the session changed nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.tools.is_empty()
            && self.prompts.is_empty()
            && self.resources.is_empty()
            && self.templates.is_empty()
    }
}

impl Overlay {
    /// What is wrong with an overlay of this catalog; nothing is what to expect.
    pub(crate) fn problems(&self, catalog: &Catalog) -> Vec<String> {
        let kinds = [
            ("tools", self.tools.problem(&catalog.tools)),
            ("prompts", self.prompts.problem(&catalog.prompts)),
            ("resources", self.resources.problem(&catalog.resources)),
            ("templates", self.templates.problem(&catalog.templates)),
        ];
        let told = |(kind, problem): (&str, Option<&str>)| Some(format!("{kind}: it {}", problem?));
        kinds.into_iter().filter_map(told).collect()
    }
}

impl<E> Default for Changes<E> {
    fn default() -> Self {
        Self { some: None }
    }
}

impl<E> Default for Made<E> {
    fn default() -> Self {
        Self {
            changed: Vec::new(),
            added: Vec::new(),
            next: 0,
            missing: Vec::new(),
        }
    }
}

impl<E: Listed> fmt::Debug for Changes<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self
            .added()
            .iter()
            .map(|own| Arc::clone(own.entry.definition().key()));
        f.debug_struct("Changes")
            .field("changed", &self.changed().len())
            .field("added", &keys.collect::<Vec<_>>())
            .finish()
    }
}
