//! Records that end with a session.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::store::{Owner, Store, StoreError};

/// The records of one session, from their first use to its end.
pub(crate) struct Kept {
    store: Arc<dyn Store>,
    owner: Owner,
    /// The session is over: what is written now would be found by nobody.
    closed: AtomicBool,
}

impl Kept {
    pub(crate) fn new(store: Arc<dyn Store>, owner: Owner) -> Self {
        Self {
            store,
            owner,
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Nothing is written any more. Whoever was about to sees it after writing, and takes it back.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Removes the records.
    pub(crate) async fn clear(&self) -> Result<(), StoreError> {
        self.store.clear(&self.owner).await
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("owner", &self.owner)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
