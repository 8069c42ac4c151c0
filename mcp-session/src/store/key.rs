//! What records are found by.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

use crate::auth::Principal;
#[cfg(any(feature = "postgres", feature = "redis"))]
use crate::store::{Bound, StoreError};

/// Whose records: a space, which says what the records are, and an id within it.
///
/// Quotas hold for one owner, and an owner's records are listed and cleared together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    space: Arc<str>,
    id: Arc<str>,
}

/// The name of one record of an owner.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    owner: Owner,
    name: Arc<str>,
}

impl Owner {
    /// An owner of records in this space.
    pub fn new(space: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> Self {
        Self {
            space: space.into(),
            id: id.into(),
        }
    }

    /// A principal as the owner: a digest of its identity, so that the store neither learns who it
    /// is nor is given a name of any length and alphabet.
    pub fn principal(space: impl Into<Arc<str>>, principal: &Principal) -> Self {
        let client = principal.client_id();
        let parts = [Some(principal.issuer()), Some(principal.subject()), client];
        Self::new(space, digest(&parts))
    }

    /// A caller as the owner; all anonymous ones are the same.
    pub(crate) fn caller(space: impl Into<Arc<str>>, principal: Option<&Principal>) -> Self {
        match principal {
            Some(principal) => Self::principal(space, principal),
            None => Self::new(space, "anonymous"),
        }
    }

    /// What has a secret name as the owner, such as a session: a digest of the name.
    pub fn secret(space: impl Into<Arc<str>>, name: &str) -> Self {
        Self::new(space, digest(&[Some(name)]))
    }

    /// What its records are.
    pub fn space(&self) -> &str {
        &self.space
    }

    /// Who it is, within its space.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// One of its records.
    pub fn key(&self, name: impl Into<Arc<str>>) -> Key {
        Key {
            owner: self.clone(),
            name: name.into(),
        }
    }
}

impl Key {
    /// Whose record it is.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Its name among the owner's.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }
}

/// Checks that every part of a key is as short as every store takes it.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(super) fn within_bounds(key: &Key) -> Result<(), StoreError> {
    const LONGEST: usize = 512;
    let parts = [key.owner().space(), key.owner().id(), key.name()];
    if parts.iter().any(|part| part.len() > LONGEST) {
        return Err(StoreError::Full(Bound::Key));
    }
    Ok(())
}

/// A digest that differs when any part does: each goes in with its length.
pub(super) fn digest(parts: &[Option<&str>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(part.unwrap_or_default());
    }
    let hash = hash.finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner")
            .field("space", &self.space)
            .field("id", &self.id)
            .finish()
    }
}

/// Does not show its name, which may be a secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_principals_are_two_owners_however_they_are_spelt() {
        let owners = [
            Principal::new("a", "bc"),
            Principal::new("ab", "c"),
            Principal::new("a", "bc").client(""),
            Principal::new("a", "bc").client("d"),
        ]
        .map(|principal| Owner::principal("state", &principal));
        for (at, one) in owners.iter().enumerate() {
            assert!(owners[at + 1..].iter().all(|other| other != one));
        }
        assert_eq!(
            owners[0],
            Owner::principal("state", &Principal::new("a", "bc"))
        );
        assert!(!format!("{:?}", owners[0].key("secret")).contains("secret"));
    }
}
