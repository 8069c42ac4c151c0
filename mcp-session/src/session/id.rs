//! The name of a session.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

use crate::random;

/// The name of a live session: 160 bits from the operating system, in visible ASCII.
///
/// Over HTTP it is what the client sends as `Mcp-Session-Id`. Whoever knows it can speak in the
/// session unless an authenticator binds it to a principal, so `Debug` shows a digest of it;
/// use [`as_str`](Self::as_str) where you truly need all of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Arc<str>);

impl SessionId {
    pub(crate) fn random() -> Self {
        Self(random_text().into())
    }

    /// The whole id. Treat it as a secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a log may show: a digest, which tells sessions apart and gives nothing away.
    pub(crate) fn tag(&self) -> Tag {
        let digest = Sha256::digest(self.as_str());
        let mut tag = [0; 8];
        tag.copy_from_slice(&digest[..8]);
        Tag(u64::from_be_bytes(tag))
    }
}

/// 160 bits from the operating system, as 32 lower-case letters and digits.
pub(crate) fn random_text() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bytes: [u8; 32] = random::bytes();
    // Five bits of each byte are kept.
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte & 31)]);
    bytes.iter().map(letter).collect()
}

/// Stands for a session where its id must not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) u64);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<&str> for SessionId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId(#{})", self.tag())
    }
}

impl std::borrow::Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_visible_ascii_and_never_repeats_or_shows_itself() {
        let (a, b) = (SessionId::random(), SessionId::random());
        assert_ne!(a, b);
        assert!(a.as_str().len() == 32 && a.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!format!("{a:?}").contains(&a.as_str()[..4]));
    }
}
