//! Where one handle's record is.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;

use crate::error::{Error, Result};
use crate::handle::{HandleKind, HandleName};
use crate::server::Hold;
use crate::store::{
    Bound, Draft, Key, MemoryStore, Owner, Quota, Record, STORE_IS_FULL, Store, StoreError, encode,
};

/// The record of one handle, kept alive as long as this lives.
pub(super) struct Place {
    pub(super) store: Arc<dyn Store>,
    pub(super) key: Key,
    pub(super) ttl: Duration,
    pub(super) quota: Quota,
    /// It is in use: it does not expire. `None` for one that never does.
    pub(super) _hold: Option<Hold>,
}

impl Place {
    /// A place for one handle alone.
    pub(super) fn alone<T: HandleKind>(name: &HandleName<T>, value: &T) -> Option<Self> {
        let store = MemoryStore::new();
        let key = Owner::new("handle", "alone").key(Arc::clone(name.shared()));
        let draft = Draft::new(encode(T::NAME, value).ok()?);
        // A memory store never waits.
        store
            .create(&key, draft, Quota::NONE)
            .now_or_never()?
            .ok()?;
        Some(Self {
            store: Arc::new(store),
            key,
            ttl: Duration::MAX,
            quota: Quota::NONE,
            _hold: None,
        })
    }

    pub(super) async fn load(&self) -> Result<Option<Record>> {
        self.store.load(&self.key).await.map_err(Error::unavailable)
    }

    /// Writes over what was there; false where that is not there any more.
    pub(super) async fn save<T: HandleKind>(&self, before: &Record, value: &T) -> Result<bool> {
        let draft = Draft::new(encode(T::NAME, value)?).ttl(self.ttl);
        let (key, quota) = (&self.key, self.quota);
        match self.store.save(key, before.revision, draft, quota).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(failed::<T>(error, quota)),
        }
    }

    pub(super) async fn delete(&self) -> Result<()> {
        let deleted = self.store.delete(&self.key, None).await;
        deleted.map(drop).map_err(Error::unavailable)
    }
}

/// What a model is told where a handle could not be written.
pub(super) fn failed<T: HandleKind>(error: StoreError, quota: Quota) -> Error {
    let name = T::NAME;
    match error {
        StoreError::Full(Bound::Records) => Error::full(format!(
            "there are {} handles of this kind ({name}) already, and there may be no more; close \
             one that is not needed, or use one that is there",
            quota.max_records()
        )),
        StoreError::Full(Bound::Bytes) => Error::full(format!(
            "all handles of this kind ({name}) together may have {} bytes, and this would be more",
            quota.max_bytes()
        )),
        StoreError::Full(Bound::Store) => Error::full(STORE_IS_FULL),
        StoreError::Full(Bound::Key) => Error::full("the name of a handle is too long"),
        StoreError::Conflict | StoreError::Unavailable(_) => Error::unavailable(error),
    }
}
