//! How what is changed of a stored session here gets into its record.

use std::{
    pin::pin,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::catalog::Family;
use crate::context::Call;
use crate::server::replica::record::Changing;
use crate::server::replica::stored::{Found, Stored};
use crate::server::{Live, Server};
use crate::session::EndReason;
use crate::store::{Contest, Draft, Quota, StoreError};

/// What was changed here, on its way into the record.
#[derive(Default)]
pub(super) struct Saves {
    // Held to look and to set, never across an await.
    progress: Mutex<Progress>,
    /// A save succeeded or failed.
    news: Notify,
}

#[derive(Default)]
struct Progress {
    /// How many changes were made here.
    changed: u64,
    /// So many of them are in the store.
    saved: u64,
    /// Why the last attempt failed, if it did.
    failed: Option<Arc<StoreError>>,
    /// A task is at it.
    saving: bool,
    /// What the client is told when it is saved: it may come to another replica at once.
    untold: Vec<Untold>,
}

/// A family of which the lists look different.
struct Untold {
    request: Option<Weak<Call>>,
    family: Family,
}

impl Untold {
    /// True when it says the same on the same stream.
    fn is(&self, request: Option<&Weak<Call>>, family: Family) -> bool {
        let same = match (&self.request, request) {
            (None, None) => true,
            (Some(own), Some(other)) => Weak::ptr_eq(own, other),
            _ => false,
        };
        same && self.family == family
    }
}

impl Stored {
    /// True while something of it is not in the store yet.
    pub(crate) fn is_unsaved(&self) -> bool {
        let progress = self.saves.progress.lock();
        progress.saved < progress.changed
    }
}

impl Live {
    /// Something changed that is stored of it. What looks different of what it is offered is told
    /// to its client, of a stored session when that is in the store.
    pub(crate) fn changed(self: &Arc<Self>, request: Option<&Arc<Call>>, families: &[Family]) {
        let Some(stored) = self.stored() else {
            return self.announce(request.map(|call| &**call), families);
        };
        let mut progress = stored.saves.progress.lock();
        progress.changed += 1;
        if self.is_open() {
            for family in families {
                let request = request.map(Arc::downgrade);
                let same = |known: &Untold| known.is(request.as_ref(), *family);
                if !progress.untold.iter().any(same) {
                    let family = *family;
                    progress.untold.push(Untold { request, family });
                }
            }
        }
        drop(progress);
        self.begin_saving();
    }

    /// Waits until all that was changed so far is in the store, and another replica would find it.
    ///
    /// # Errors
    ///
    /// Why it could not be saved; the next change, and the next one who waits, try again.
    pub(crate) async fn saved(self: &Arc<Self>) -> Result<(), Arc<StoreError>> {
        let Some(stored) = self.stored() else {
            return Ok(());
        };
        let wanted = stored.saves.progress.lock().changed;
        let mut tried = false;
        loop {
            let mut news = pin!(stored.saves.news.notified());
            // Registered before the look, so that nothing in between is missed.
            news.as_mut().enable();
            {
                let progress = stored.saves.progress.lock();
                if progress.saved >= wanted {
                    return Ok(());
                }
                // What failed before this asked may succeed now.
                if let Some(error) = progress.failed.as_ref().filter(|_| tried) {
                    return Err(Arc::clone(error));
                }
            }
            if !self.begin_saving() {
                return Err(Arc::new(StoreError::unavailable("the server is gone")));
            }
            tried = true;
            news.await;
        }
    }

    /// Saves in a task, unless one is at it; false where nothing can run.
    fn begin_saving(self: &Arc<Self>) -> bool {
        let Some((stored, server)) = self.stored().zip(self.server()) else {
            return false;
        };
        let mut progress = stored.saves.progress.lock();
        if progress.saving || progress.saved == progress.changed {
            return true;
        }
        progress.saving = true;
        progress.failed = None;
        drop(progress);
        let live = Arc::clone(self);
        let saving = Saving { live, over: false };
        self.hub().spawn(async move { saving.run(&server).await })
    }

    /// Writes what was changed here, on top of what others wrote meanwhile.
    async fn save(self: &Arc<Self>, stored: &Stored, server: &Server) -> Result<(), StoreError> {
        let (store, key) = (server.inner().store(), stored.key());
        let _turn = stored.turn().await;
        let mut contest = Contest::default();
        loop {
            let (record, revision) = stored.last();
            let (seen, mine) = (stored.seen(), Changing::of(self));
            if seen == mine {
                return server.tell(stored).await;
            }
            let record = record.with(record.changing.merged(&seen, &mine));
            let draft = Draft::new(record.encode());
            match store.save(&key, revision, draft, Quota::NONE).await {
                Ok(revision) => {
                    stored.set_written(record, revision);
                    stored.set_seen(mine);
                    return server.tell(stored).await;
                }
                Err(StoreError::Conflict) => match self.reload(stored, server).await? {
                    Found::Living => contest.lost().await.map_err(StoreError::unavailable)?,
                    Found::Gone => {
                        server.let_go(self, EndReason::Client);
                        return Err(StoreError::unavailable("the session has ended"));
                    }
                },
                Err(error) => return Err(error),
            }
        }
    }
}

/// A task that saves. However it ends, another can begin.
struct Saving {
    live: Arc<Live>,
    /// It has said itself that it is not at it any more.
    over: bool,
}

impl Saving {
    async fn run(mut self, server: &Server) {
        let live = Arc::clone(&self.live);
        let Some(stored) = live.stored() else { return };
        loop {
            let (number, untold) = {
                let mut progress = stored.saves.progress.lock();
                if progress.saved == progress.changed {
                    (progress.saving, self.over) = (false, true);
                    return;
                }
                (progress.changed, std::mem::take(&mut progress.untold))
            };
            match live.save(stored, server).await {
                Ok(()) => {
                    for Untold { request, family } in untold {
                        let request = request.and_then(|request| request.upgrade());
                        live.announce(request.as_deref(), &[family]);
                    }
                    stored.saves.progress.lock().saved = number;
                    stored.saves.news.notify_waiters();
                }
                Err(error) => {
                    let session = live.core().id().tag();
                    let told = &error as &dyn std::error::Error;
                    tracing::warn!(%session, error = told, "a session was not saved");
                    let mut progress = stored.saves.progress.lock();
                    progress.untold.splice(0..0, untold);
                    progress.failed = Some(Arc::new(error));
                    return;
                }
            }
        }
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        if let Some(stored) = self.live.stored() {
            if !self.over {
                stored.saves.progress.lock().saving = false;
            }
            stored.saves.news.notify_waiters();
        }
    }
}
