//! The keys of a server, and for whom it seals.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::RwLock;

use crate::peer::SealKeys;

/// What a server seals with.
#[derive(Debug)]
pub(crate) struct Seals {
    // Held to copy a pointer, never across an await.
    keys: RwLock<SealKeys>,
    /// Nobody configured a key, and nobody was told so yet.
    improvised: AtomicBool,
    /// Names the service: a state of another one is refused, even if it shares the keys.
    pub(crate) audience: Arc<str>,
}

impl Seals {
    pub(crate) fn new(keys: Option<SealKeys>, audience: Arc<str>) -> Self {
        Self {
            improvised: AtomicBool::new(keys.is_none()),
            keys: RwLock::new(keys.unwrap_or_else(SealKeys::random)),
            audience,
        }
    }

    /// The keys, to open with.
    pub(crate) fn keys(&self) -> SealKeys {
        self.keys.read().clone()
    }

    /// The keys, to seal with: says once that nobody configured any.
    pub(crate) fn sealing(&self) -> SealKeys {
        if self.improvised.load(Ordering::Relaxed) && self.improvised.swap(false, Ordering::Relaxed)
        {
            tracing::warn!(
                "no key to seal request state with was configured: a client that is asked has to \
                 come back to this very process (`ServerBuilder::seal_keys`)"
            );
        }
        self.keys()
    }

    pub(crate) fn set(&self, keys: SealKeys) {
        self.improvised.store(false, Ordering::Relaxed);
        *self.keys.write() = keys;
    }
}
