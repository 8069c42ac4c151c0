//! What is kept of principals, whether they have a live session or not.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, RwLock};

use crate::catalog::Patch;
use crate::server::principal::table::Key;

/// The durable changes of principals. In memory; a store that outlives the process takes its
/// place behind these methods.
#[derive(Debug, Default)]
pub(crate) struct Records {
    // Held for a map operation only, never across an await.
    records: Mutex<HashMap<Key, Arc<Record>>>,
}

/// The durable changes of one principal to one variant.
#[derive(Debug, Default)]
pub(crate) struct Record {
    editing: tokio::sync::Mutex<()>,
    // Held to copy or replace a pointer, never across an await.
    durable: RwLock<Arc<Patch>>,
}

impl Records {
    /// What is kept of this principal; empty where nothing was kept.
    pub(crate) fn load(&self, key: &Key) -> Arc<Patch> {
        let record = self.records.lock().get(key).cloned();
        record.map(|record| record.durable()).unwrap_or_default()
    }

    /// The record to edit; made where there is none.
    pub(crate) fn record(&self, key: Key) -> Arc<Record> {
        Arc::clone(self.records.lock().entry(key).or_default())
    }
}

impl Record {
    /// Waits for its turn to edit.
    pub(crate) async fn editing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.editing.lock().await
    }

    pub(crate) fn durable(&self) -> Arc<Patch> {
        Arc::clone(&self.durable.read())
    }

    pub(crate) fn keep(&self, durable: Patch) -> Arc<Patch> {
        let durable = Arc::new(durable);
        *self.durable.write() = Arc::clone(&durable);
        durable
    }
}
