//! Why a store did not do what it was asked to.

use std::fmt;

use crate::error::BoxError;

/// Why a store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The record is not as it was expected to be: there already, gone, or at another revision.
    /// Load it again.
    #[error("the record is not as it was expected to be")]
    Conflict,
    /// There is no room for this.
    #[error("{0}")]
    Full(Bound),
    /// The engine did not answer, or not in time. Whether a change was made is not known.
    #[error("the store is not available")]
    Unavailable(#[source] BoxError),
}

impl StoreError {
    /// An engine that failed, and why.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }
}

/// Which bound was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// The owner has as many records as its quota allows.
    Records,
    /// The owner would have more bytes than its quota allows.
    Bytes,
    /// The store as a whole takes no more.
    Store,
    /// The key is longer than the store takes.
    Key,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Records => "the owner has as many records as it may have",
            Self::Bytes => "the owner's records would be larger than they may be",
            Self::Store => "the store is full",
            Self::Key => "the key is longer than the store takes",
        })
    }
}
