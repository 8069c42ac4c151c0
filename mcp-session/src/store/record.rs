//! What is kept under a key.

use std::{fmt, time::Duration};

use bytes::Bytes;

/// How often a record was written, in a way: every write has another one. Only stores look into
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The revision that a store numbers so.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// A record as it is kept.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// What it holds.
    pub value: Bytes,
    /// Which write it comes from.
    pub revision: Revision,
    /// How long it has still to live; `None` for one that is kept until it is deleted.
    pub ttl: Option<Duration>,
}

impl Record {
    /// A record.
    pub fn new(value: impl Into<Bytes>, revision: Revision, ttl: Option<Duration>) -> Self {
        Self {
            value: value.into(),
            revision,
            ttl,
        }
    }
}

/// A record in a list, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name among its owner's.
    pub name: String,
    /// The record.
    pub record: Record,
}

impl Listed {
    /// A record of this name.
    pub fn new(name: impl Into<String>, record: Record) -> Self {
        Self {
            name: name.into(),
            record,
        }
    }
}

/// A record to write.
#[derive(Clone)]
#[must_use]
pub struct Draft {
    value: Bytes,
    ttl: Option<Duration>,
}

impl Draft {
    /// A record that holds this.
    pub fn new(value: impl Into<Bytes>) -> Self {
        Self {
            value: value.into(),
            ttl: None,
        }
    }

    /// How long it lives from now on. Unless this is set, a new record is kept until it is deleted,
    /// and one that is saved keeps the time it has.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// What it is to hold.
    pub fn value(&self) -> &Bytes {
        &self.value
    }

    /// How long it is to live, where that is said.
    pub fn time_to_live(&self) -> Option<Duration> {
        self.ttl
    }
}

/// How much one owner may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Quota {
    records: usize,
    bytes: usize,
}

impl Quota {
    /// As much as the store takes.
    pub const NONE: Self = Self {
        records: usize::MAX,
        bytes: usize::MAX,
    };

    /// At most so many records, of any size.
    pub fn records(records: usize) -> Self {
        Self {
            records,
            ..Self::NONE
        }
    }

    /// And at most so many bytes in all their names and values together.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// How many records there may be.
    pub fn max_records(self) -> usize {
        self.records
    }

    /// How many bytes they may have.
    pub fn max_bytes(self) -> usize {
        self.bytes
    }
}

/// Does not show the value, which may be secret.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("bytes", &self.value.len())
            .field("revision", &self.revision)
            .field("ttl", &self.ttl)
            .finish()
    }
}

/// Does not show the value, which may be secret.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("bytes", &self.value.len())
            .field("ttl", &self.ttl)
            .finish()
    }
}
