//! Who reads a queue: almost always one, who takes no room of its own.

use crate::session::outbox::queue::Waiting;

/// The readers of a queue. The newest one is active; when it goes, the one before it is.
#[derive(Debug, Default)]
pub(super) struct Readers {
    active: Option<Waiting>,
    /// Those that it took over from, the oldest first; none where nobody is active.
    earlier: Vec<Waiting>,
}

impl Readers {
    pub(super) fn attach(&mut self, reader: Waiting) {
        self.earlier.extend(self.active.replace(reader));
    }

    /// Takes a reader out, and says whether it was the active one; `None` where it is not there.
    pub(super) fn detach(&mut self, id: u64) -> Option<(Waiting, bool)> {
        if let Some(active) = self.active.take_if(|active| active.id == id) {
            self.active = self.earlier.pop();
            return Some((active, true));
        }
        let index = self.earlier.iter().position(|reader| reader.id == id)?;
        Some((self.earlier.remove(index), false))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.active.is_none()
    }

    pub(super) fn active(&self) -> Option<&Waiting> {
        self.active.as_ref()
    }

    pub(super) fn active_mut(&mut self) -> Option<&mut Waiting> {
        self.active.as_mut()
    }

    pub(super) fn earlier_mut(&mut self) -> &mut [Waiting] {
        &mut self.earlier
    }

    pub(super) fn find(&self, id: u64) -> Option<&Waiting> {
        self.iter().find(|reader| reader.id == id)
    }

    pub(super) fn find_mut(&mut self, id: u64) -> Option<&mut Waiting> {
        self.iter_mut().find(|reader| reader.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.active.iter().chain(&self.earlier)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Waiting> {
        self.active.iter_mut().chain(&mut self.earlier)
    }
}
