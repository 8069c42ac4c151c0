//! What is kept of principals in memory, whether they have a live session or not: whose turn it is
//! to change something, and, where the store does not outlive the process, what was changed.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, RwLock};
use tokio::sync::OwnedMutexGuard;

use crate::catalog::Patch;
use crate::server::ServerInner;
use crate::server::principal::table::Key;

/// The records of principals: of those who changed something, and of those who are about to.
#[derive(Debug, Default)]
pub(crate) struct Records {
    // Held for a map operation only, never across an await.
    records: Mutex<HashMap<Key, Arc<Record>>>,
}

/// The record of one principal and one variant.
#[derive(Debug, Default)]
struct Record {
    /// One at a time reads what is kept, and changes it or shows it to the live session: so a
    /// session never goes back to what is older.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The durable changes, where no store keeps them.
    // Held to copy or replace a pointer, never across an await.
    durable: RwLock<Arc<Patch>>,
}

/// The right to read and change what is kept of one principal and variant, for the time being.
pub(super) struct Turn {
    // Given up before the claim looks whether somebody else waits.
    _turn: OwnedMutexGuard<()>,
    claim: Claim,
}

/// An interest in a record, which goes when nobody has one and it holds nothing.
struct Claim {
    server: Arc<ServerInner>,
    key: Key,
    record: Arc<Record>,
}

impl Records {
    /// What is kept of this principal in memory; empty where nothing was kept.
    pub(super) fn load(&self, key: &Key) -> Arc<Patch> {
        let record = self.records.lock().get(key).cloned();
        record.map(|record| record.durable()).unwrap_or_default()
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.records.lock().len()
    }
}

impl Record {
    fn durable(&self) -> Arc<Patch> {
        Arc::clone(&self.durable.read())
    }
}

impl ServerInner {
    /// Waits for its turn to read or change what is kept of a principal. Cancel safe.
    pub(super) async fn turn(self: &Arc<Self>, key: Key) -> Turn {
        let record = Arc::clone(self.records.records.lock().entry(key.clone()).or_default());
        let claim = Claim {
            server: Arc::clone(self),
            key,
            record,
        };
        let turn = Arc::clone(&claim.record.turn).lock_owned().await;
        Turn { _turn: turn, claim }
    }
}

impl Turn {
    /// What is kept in memory.
    pub(super) fn durable(&self) -> Arc<Patch> {
        self.claim.record.durable()
    }

    /// Keeps it in memory.
    pub(super) fn keep(&self, durable: Patch) -> Arc<Patch> {
        let durable = Arc::new(durable);
        *self.claim.record.durable.write() = Arc::clone(&durable);
        durable
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        /// The table's own, and the one that goes.
        const LAST: usize = 2;
        let mut records = self.server.records.records.lock();
        // Others come by the table only, whose lock is held.
        if Arc::strong_count(&self.record) <= LAST && self.record.durable.read().is_empty() {
            records.remove(&self.key);
        }
    }
}
