//! Coming back to a stream: what is kept for it, and for how long.

use std::{sync::Arc, task::Waker};

use crate::clock::{self, Instant};
use crate::session::outbox::reader::Reader;
use crate::session::outbox::{Kind, Outbox};

impl Outbox {
    /// Appends an event without a message.
    #[cfg(feature = "http")]
    pub(crate) fn push_priming(&self) {
        self.append(Kind::Priming, None);
    }

    /// Appends an event without a message, so that the reader has an id to resume from; not
    /// where something is unread, which gives it one.
    pub(crate) fn prime(&self) {
        if !self.has_unread() {
            self.append(Kind::Priming, None);
        }
    }

    /// Attaches a reader that has seen so many events, all of them given to a reader before;
    /// `None` when that cannot be, or one that follows is gone.
    pub(crate) fn reader_after(self: &Arc<Self>, seen: u64) -> Option<Reader> {
        let mut queue = self.queue.lock();
        queue.trim(self.limits.replay);
        let first = queue.events.front().map_or(queue.next, |held| held.seq);
        if !(first..=queue.unheard).contains(&seen) {
            return None;
        }
        queue.rewind(seen);
        Some(queue.attach(self))
    }

    /// Lets go of whoever reads now, after what is queued now; the stream itself goes on, and its
    /// client can come back to it. Does nothing where nobody could come back.
    pub(crate) fn let_go(&self) {
        if self.limits.replay.is_none() {
            return;
        }
        let mut queue = self.queue.lock();
        let next = queue.next;
        for reader in queue.readers.iter_mut() {
            reader.until.get_or_insert(next);
        }
        let wakers = queue.all_wakers();
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets go of what was read and is too old to keep.
    pub(crate) fn trim(&self) {
        self.queue.lock().trim(self.limits.replay);
    }

    /// Lets go of everything that was read: nobody can come back for it any more.
    pub(crate) fn shed(&self) {
        self.queue.lock().trim(None);
    }

    /// True while it keeps something that was read.
    pub(crate) fn keeps(&self) -> bool {
        let queue = self.queue.lock();
        let oldest = queue.events.front();
        oldest.is_some_and(|oldest| oldest.seq < queue.unread)
    }

    /// How many events it holds, read or not, and of how many bytes.
    pub(crate) fn held(&self) -> (usize, usize) {
        let queue = self.queue.lock();
        (queue.events.len(), queue.bytes)
    }

    /// How many read it, or wait for the one that does to go.
    pub(crate) fn readers(&self) -> usize {
        let queue = self.queue.lock();
        let staying = queue.readers.iter().filter(|own| own.until.is_none());
        staying.count()
    }

    /// Lets go of readers that another one took over from.
    pub(crate) fn let_go_of_ghosts(&self) {
        let mut queue = self.queue.lock();
        let mut wakers = Vec::new();
        for ghost in queue.readers.earlier_mut() {
            ghost.until = Some(0);
            wakers.extend(ghost.waker.take());
        }
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Since when nobody reads; `None` while somebody does, and before anybody did.
    pub(crate) fn alone_since(&self) -> Option<Instant> {
        self.queue.lock().alone_since
    }

    /// Lets go of room that is not needed.
    pub(crate) fn shrink(&self) {
        self.queue.lock().events.shrink_to_fit();
    }

    /// True when nothing follows and nobody can, or will, come back for what was said.
    pub(crate) fn is_spent(&self) -> bool {
        let mut queue = self.queue.lock();
        queue.trim(self.limits.replay);
        let age = self.limits.replay.map(|replay| replay.age);
        let given_up = queue.alone_since.zip(age).is_some_and(|(since, age)| {
            // Whoever read left the rest behind, and did not come back in time.
            clock::now().duration_since(since) > age
        });
        queue.ended && queue.readers.is_empty() && (given_up || queue.events.is_empty())
    }
}
