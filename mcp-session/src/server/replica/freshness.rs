//! Whether a copy of what is in the store is still the newest, as far as others told this replica.

use std::sync::atomic::{AtomicU64, Ordering};

/// How fresh one copy is.
#[derive(Debug)]
pub(crate) struct Freshness {
    /// How often another replica changed what is in the store, or may have.
    marks: AtomicU64,
    /// How many of these were there before a look at it that is over: while one is under way, the
    /// copy is as old as it was.
    looked: AtomicU64,
    /// At which of the times of this replica's hearing others were told that it holds a copy.
    held: AtomicU64,
}

/// A look at what is in the store that is under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    times: u64,
    marks: u64,
}

impl Freshness {
    /// Of a copy that nobody has looked at the store for.
    pub(crate) fn unseen() -> Self {
        Self::new(1, 0)
    }

    /// Of a copy that was made when others knew of it, at this time of hearing.
    pub(super) fn held_since(times: u64) -> Self {
        Self::new(0, times)
    }

    fn new(marks: u64, times: u64) -> Self {
        Self {
            marks: AtomicU64::new(marks),
            looked: AtomicU64::new(0),
            held: AtomicU64::new(times),
        }
    }

    /// Whoever uses the copy next looks at the store first.
    pub(crate) fn mark_stale(&self) {
        self.marks.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn is_stale(&self) -> bool {
        self.looked.load(Ordering::SeqCst) != self.marks.load(Ordering::SeqCst)
    }

    /// True when the record that says who holds a copy was written at this time, or renewed.
    pub(super) fn is_held_since(&self, times: u64) -> bool {
        self.held.load(Ordering::SeqCst) == times
    }

    /// True when it is the newest, unless something was missed since then.
    pub(super) fn is_fresh(&self, times: u64) -> bool {
        !self.is_stale() && self.is_held_since(times)
    }

    /// Somebody is about to look at this time. What is changed from here on is looked at once more.
    pub(super) fn look(&self, times: u64) -> Look {
        let marks = self.marks.load(Ordering::SeqCst);
        Look { times, marks }
    }

    /// That look is over, the copy is what was seen, and others know that it is held.
    pub(crate) fn looked(&self, look: Look) {
        self.looked.store(look.marks, Ordering::SeqCst);
        self.held.store(look.times, Ordering::SeqCst);
    }
}
