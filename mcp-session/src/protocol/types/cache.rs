//! How long and by whom an answer may be kept.

use serde::{Deserialize, Serialize};

/// What a cacheable result says of its own lifetime (since 2026-07-28).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CacheHint {
    /// For how many milliseconds the answer may be used again; 0 for not at all.
    #[serde(rename = "ttlMs")]
    pub ttl_ms: u64,
    /// Who may use it.
    #[serde(rename = "cacheScope")]
    pub scope: CacheScope,
}

/// Who may use a cached answer.
#[expect(clippy::exhaustive_enums, reason = "2026-07-28 has these two")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// Everybody: no two callers can ever be answered differently.
    Public,
    /// Only who asked.
    #[default]
    Private,
}

impl CacheScope {
    /// Returns the scope as it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

impl CacheHint {
    /// Makes a hint.
    pub const fn new(ttl_ms: u64, scope: CacheScope) -> Self {
        Self { ttl_ms, scope }
    }
}

impl Default for CacheHint {
    /// Private and not to be used again.
    fn default() -> Self {
        Self::new(0, CacheScope::Private)
    }
}
