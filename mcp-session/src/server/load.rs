//! How many requests are at work at one time, of all clients together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The requests at work, in both eras. Those that merely wait to hear something are not counted.
#[derive(Debug, Default)]
pub(crate) struct Load {
    at_work: Arc<AtomicUsize>,
}

/// One request at work, until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it says that the request is done"]
pub(crate) struct AtWork(Arc<AtomicUsize>);

impl Load {
    /// Takes on one more; `None` when there are as many as there may be.
    pub(crate) fn take(&self, limit: usize) -> Option<AtWork> {
        let more = |at_work| (at_work < limit).then_some(at_work + 1);
        let order = Ordering::AcqRel;
        let taken = self.at_work.fetch_update(order, Ordering::Acquire, more);
        taken.ok().map(|_| AtWork(Arc::clone(&self.at_work)))
    }

    /// How many are at work.
    pub(crate) fn len(&self) -> usize {
        self.at_work.load(Ordering::Acquire)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
