//! The serialised form of one entry, once per shape it is asked for.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use crate::protocol::ProtocolVersion;
use crate::protocol::wire::{self, DefinitionKind};

/// What a list shows of one entry: its key and its JSON.
///
/// The JSON of the newest revision is made once, at registration. What older revisions see is
/// derived from it at first use and kept.
pub(crate) struct Definition {
    key: Arc<str>,
    kind: DefinitionKind,
    canonical: Bytes,
    older: OnceLock<Box<[OnceLock<Bytes>; OLDER]>>,
}

/// How many revisions there are before the newest.
const OLDER: usize = ProtocolVersion::ALL.len() - 1;

impl Definition {
    pub(crate) fn new(key: Arc<str>, kind: DefinitionKind, canonical: Bytes) -> Self {
        Self {
            key,
            kind,
            canonical,
            older: OnceLock::new(),
        }
    }

    /// What it is found by: a name, or a URI.
    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The JSON of the newest revision.
    pub(crate) fn canonical(&self) -> &Bytes {
        &self.canonical
    }

    /// The JSON for a client of this revision.
    pub(crate) fn shaped(&self, version: ProtocolVersion) -> Bytes {
        if version == ProtocolVersion::LATEST {
            return self.canonical.clone();
        }
        let older = self.older.get_or_init(Box::default);
        let shaped = older[version.index()]
            .get_or_init(|| wire::definition(self.kind, &self.canonical, version));
        shaped.clone()
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Definition({})", self.key)
    }
}
