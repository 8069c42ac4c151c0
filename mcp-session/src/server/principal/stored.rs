//! The durable changes of principals in a store that outlives the process: one record for each
//! principal and variant, which all replicas change.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::catalog::{Edit, Patch, StoredPatch, Workshop};
use crate::clock;
use crate::error::{Error, Result};
use crate::server::principal::edited;
use crate::server::principal::record::Turn;
use crate::server::principal::table::Key;
use crate::server::variant::Member;
use crate::server::{Live, ServerInner};
use crate::store::{
    self, Bound, Contest, Draft, Owner, Quota, Revision, STORE_IS_FULL, StoreError,
};

/// What the records are.
const SPACE: &str = "changes";

/// How the records are laid out now.
const LAYOUT: u32 = 1;

/// How long the store may take at most, whatever it promises of itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many variants one principal may have changed.
const VARIANTS: usize = 1_000;

/// The record of what one principal changed of one variant, by the digest that stands for it.
#[cfg(feature = "http")]
pub(crate) fn record_of(principal: &str, variant: &str) -> store::Key {
    Owner::new(SPACE, principal).key(variant)
}

/// What lies in the store.
#[derive(Serialize, Deserialize)]
struct Written {
    layout: u32,
    #[serde(default)]
    changes: StoredPatch,
}

/// What was read from the store.
#[derive(Default)]
struct Read {
    /// `None` where there is no record.
    revision: Option<Revision>,
    changes: StoredPatch,
}

/// The place of one record, and what its entries are made for.
struct Shelf {
    server: Arc<ServerInner>,
    variant: Arc<Member>,
    record: store::Key,
}

/// One edit on its way into the store, in a task that ends when it is there.
struct Keeping {
    shelf: Shelf,
    /// Held until the live session shows what was kept.
    turn: Turn,
    /// What the edit changed.
    own: Patch,
}

impl ServerInner {
    /// The record of this principal's durable changes; `None` where they are kept in memory.
    pub(super) fn record_of(&self, key: &Key) -> Option<store::Key> {
        let durable = self.store.is_durable();
        durable.then(|| Owner::principal(SPACE, key.principal()).key(Arc::clone(key.variant())))
    }

    /// Shows a principal's session what a store keeps of its principal, if one does: before it
    /// serves, and again when another replica has changed it.
    pub(crate) async fn recall(self: &Arc<Self>, live: &Arc<Live>) -> Result<()> {
        let Some(recalled) = live.principals().and_then(|shared| shared.recalled()) else {
            return Ok(());
        };
        let Some(principal) = live.core().principal() else {
            return Ok(());
        };
        let turn = self.turn(Key::new(principal, live.variant().name())).await;
        let shelf = Shelf {
            server: Arc::clone(self),
            variant: Arc::clone(live.variant()),
            record: recalled.record.clone(),
        };
        #[cfg(feature = "http")]
        if self.shows_the_newest(live) {
            // Whoever had this turn before looked already.
            return Ok(());
        }
        #[cfg(feature = "http")]
        let look = shelf.answer(self.hold_principals(recalled)).await;
        #[cfg(feature = "http")]
        let look = look.map_err(Error::unavailable)?;
        let read = shelf.read().await?;
        let shown = *recalled.revision.lock();
        if read.revision.is_none() || read.revision != shown {
            let patch = shelf.made(&read.changes);
            live.renew(Some(Arc::new(patch)));
            *recalled.revision.lock() = read.revision;
        }
        // Not before: whoever finds the session fresh uses it at once.
        #[cfg(feature = "http")]
        recalled.freshness.looked(look);
        drop(turn);
        Ok(())
    }

    /// Another replica changed a record: the live session that shows it here, if there is one,
    /// shows what is kept now, and its streams are told of what looks different.
    ///
    /// # Errors
    ///
    /// When the store fails: the session goes on as it was.
    pub(crate) async fn changed_elsewhere(self: &Arc<Self>, record: &store::Key) -> Result<()> {
        let Some(live) = self.sessions.principals().showing(record) else {
            return Ok(());
        };
        self.recall(&live).await?;
        self.listeners.refresh(|other| Arc::ptr_eq(other, &live));
        Ok(())
    }

    /// Makes an edit of what the store keeps of a principal.
    pub(super) async fn edit_stored<R>(
        self: &Arc<Self>,
        key: Key,
        record: store::Key,
        variant: Arc<Member>,
        edit: impl FnOnce(&mut Edit<'_>) -> Result<R>,
    ) -> Result<R> {
        let turn = self.turn(key).await;
        let shelf = Shelf {
            server: Arc::clone(self),
            variant,
            record,
        };
        let read = shelf.read().await?;
        let before = shelf.made(&read.changes);
        let (done, own) = edited(&shelf.variant, &before, true, edit)?;
        let keeping = Keeping { shelf, turn, own };
        // In a task of its own: a caller that is given up leaves no session with what is older.
        let kept = self.tasks.spawn(keeping.run(read, before));
        kept.await.map_err(|_| Error::ended())??;
        Ok(done)
    }
}

impl Shelf {
    /// Makes the entries that are stored; what cannot be made goes to the log.
    fn made(&self, changes: &StoredPatch) -> Patch {
        let blueprint = self.variant.blueprint();
        let (patch, problems) = changes.restore(Workshop {
            factories: &blueprint.factories,
            deps: &blueprint.deps,
            families: self.variant.families(),
        });
        let variant = &**self.variant.name();
        for problem in problems {
            tracing::warn!(
                variant,
                problem,
                "a durable change of a principal cannot be made"
            );
        }
        patch
    }

    async fn read(&self) -> Result<Read> {
        let loaded = self.answer(self.server.store().load(&self.record)).await;
        let Some(loaded) = loaded.map_err(Error::unavailable)? else {
            return Ok(Read::default());
        };
        let written: Written = serde_json::from_slice(&loaded.value).map_err(Error::unavailable)?;
        if written.layout != LAYOUT {
            let layout = written.layout;
            return Err(Error::unavailable(format!(
                "the record has layout {layout}, of another version of this program"
            )));
        }
        Ok(Read {
            revision: Some(loaded.revision),
            changes: written.changes,
        })
    }

    /// Replaces what was read, and says which revision that made: none where nothing is left to
    /// keep. [`StoreError::Conflict`] where somebody else was faster.
    async fn write(
        &self,
        before: Option<Revision>,
        changes: StoredPatch,
    ) -> Result<Option<Revision>, StoreError> {
        let (store, record) = (self.server.store(), &self.record);
        let quota = Quota::records(VARIANTS).bytes(self.server.limits.state_bytes);
        if changes.is_empty() {
            if before.is_some() {
                self.answer(store.delete(record, before)).await?;
            }
            return Ok(None);
        }
        let written = Written {
            layout: LAYOUT,
            changes,
        };
        let draft = serde_json::to_vec(&written).map_err(StoreError::unavailable)?;
        let draft = Draft::new(draft);
        let written = match before {
            None => self.answer(store.create(record, draft, quota)).await,
            Some(before) => self.answer(store.save(record, before, draft, quota)).await,
        };
        written.map(Some)
    }

    /// The answer of the store, for which nobody waits for ever.
    async fn answer<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let patience = self.server.limits.handshake.min(PATIENCE);
        let answer = clock::within(patience, operation).await;
        answer.unwrap_or_else(|| Err(StoreError::unavailable("the store did not answer in time")))
    }

    fn full(&self, bound: Bound) -> Error {
        const WHAT: &str = "no more can be kept of what this principal is offered";
        let bytes = self.server.limits.state_bytes;
        Error::full(match bound {
            Bound::Records => format!("{WHAT}: it may be of {VARIANTS} variants"),
            Bound::Bytes => format!("{WHAT}: it may have {bytes} bytes (`Limits::state_bytes`)"),
            Bound::Store => STORE_IS_FULL.to_owned(),
            Bound::Key => format!("{WHAT}: the name of the variant is longer than 512 bytes"),
        })
    }
}

impl Keeping {
    async fn run(self, read: Read, before: Patch) -> Result<()> {
        let drained = self.shelf.server.drained.clone();
        let kept = tokio::select! {
            biased;
            () = drained.cancelled() => return Err(Error::ended()),
            kept = self.keep(read, before) => kept,
        };
        let Self { shelf, turn, .. } = self;
        let server = &shelf.server;
        let live = server.sessions.principals().showing(&shelf.record);
        let Some(live) = live else {
            return kept.map(drop);
        };
        match kept {
            Ok((revision, patch)) => {
                live.renew(Some(Arc::new(patch)));
                if let Some(recalled) = live.principals().and_then(|shared| shared.recalled()) {
                    *recalled.revision.lock() = revision;
                }
                drop(turn);
                server.listeners.refresh(|other| Arc::ptr_eq(other, &live));
                Ok(())
            }
            Err(error) => {
                drop(turn);
                // Perhaps it was kept after all: then the session is to show it.
                #[cfg(feature = "http")]
                if let Some(recalled) = live.principals().and_then(|shared| shared.recalled()) {
                    recalled.freshness.mark_stale();
                }
                server.changed_elsewhere(&shelf.record).await.ok();
                Err(error)
            }
        }
    }

    /// Lays the edit over what is kept until nobody else was faster.
    async fn keep(&self, mut read: Read, mut before: Patch) -> Result<(Option<Revision>, Patch)> {
        let shelf = &self.shelf;
        let mut contest = Contest::default();
        loop {
            let newest = shelf.variant.newest();
            let mut after = before.clone();
            after.extend(self.own.clone());
            after.settle();
            let (was, is) = (
                before.stored(&newest.catalog),
                after.stored(&newest.catalog),
            );
            let changed = is.changes_since(&was);
            if changed.is_empty() {
                return Ok((read.revision, after));
            }
            let mut changes = read.changes;
            changes.apply(changed);
            match shelf.write(read.revision, changes).await {
                Ok(revision) => {
                    #[cfg(feature = "http")]
                    let told = shelf.server.tell_of_principal(&shelf.record).await;
                    #[cfg(feature = "http")]
                    told.map_err(Error::unavailable)?;
                    return Ok((revision, after));
                }
                Err(StoreError::Conflict) => contest.lost().await?,
                Err(StoreError::Full(bound)) => return Err(shelf.full(bound)),
                Err(error @ StoreError::Unavailable(_)) => return Err(Error::unavailable(error)),
            }
            read = shelf.read().await?;
            before = shelf.made(&read.changes);
        }
    }
}
