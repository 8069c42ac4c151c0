//! Sealing what a client carries for the server: unreadable, and worthless once changed.

use std::{env, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    Key as CipherKey, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::random;

/// What every sealed text begins with. Another layout would have another number.
const LAYOUT: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;
const TAG: usize = 16;
/// What sealing adds to a text, before it is written in base64.
const AROUND: usize = 1 + KEY_ID + NONCE + TAG;

/// The keys that seal what clients carry for the server: one that seals, and any number that only
/// open.
///
/// In the stateless era (2026-07-28) a handler that asks ends its request, and what is known so far
/// travels to the client and back as `requestState`. It is encrypted and authenticated with
/// XChaCha20-Poly1305, so a client can neither read nor change it. Every replica that may get the
/// retry needs the same keys; a server that is given none makes a random one, and then a retry has
/// to reach the process that asked.
///
/// To rotate, first give the new key to every replica [for opening](Self::and_open), then make it
/// the one that seals, and drop the old one when nothing sealed with it can still be valid
/// ([`Limits::exchange`](crate::Limits::exchange)).
///
/// # Examples
///
/// ```
/// use mcp_session::{SealKeys, Server, Template};
///
/// let (today, tomorrow) = ([7; 32], [8; 32]); // from your secret store
/// let template = Template::builder("shop", "1.0.0").build()?;
/// let server = Server::builder(template)
///     .seal_keys(SealKeys::new(today).and_open(tomorrow))
///     .build()?;
/// server.set_seal_keys(SealKeys::new(tomorrow).and_open(today));
/// # Ok::<(), mcp_session::Error>(())
/// ```
#[derive(Clone)]
pub struct SealKeys {
    /// The first one seals.
    ring: Arc<[SealKey]>,
}

#[derive(Clone)]
struct SealKey {
    id: [u8; KEY_ID],
    bytes: [u8; SealKeys::LENGTH],
}

/// Why a sealed text was not opened. For the log only: a client learns that it is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It is no sealed text at all.
    Malformed,
    /// It was sealed with a key that is not in the ring.
    UnknownKey,
    /// It was changed, or never sealed by the key it names.
    Forged,
}

impl SealKeys {
    /// The length of a key in bytes.
    pub const LENGTH: usize = 32;

    /// The environment variable that [`from_env`](Self::from_env) reads.
    pub const VARIABLE: &'static str = "MCP_SESSION_SEAL_KEYS";

    /// Keys of which this one seals. It must come from a good source of randomness.
    pub fn new(key: [u8; Self::LENGTH]) -> Self {
        Self {
            ring: Arc::new([SealKey::new(key)]),
        }
    }

    /// One key from the operating system's randomness, known to this process only.
    ///
    /// # Panics
    ///
    /// When the operating system gives no randomness.
    pub fn random() -> Self {
        Self::new(random::bytes())
    }

    /// The same keys, and one more that only opens.
    #[must_use]
    pub fn and_open(self, key: [u8; Self::LENGTH]) -> Self {
        let added = SealKey::new(key);
        let known = self.ring.iter().cloned();
        Self {
            ring: known.chain([added]).collect(),
        }
    }

    /// Reads keys written in hexadecimal and separated by commas: the first one seals, the others
    /// only open.
    ///
    /// # Errors
    ///
    /// When one of them is not 64 hexadecimal digits. The message does not show it.
    pub fn from_hex(text: &str) -> Result<Self> {
        let keys: Option<Vec<_>> = text.split(',').map(|key| from_hex(key.trim())).collect();
        let keys = keys.ok_or_else(|| {
            Error::configuration(
                "a key to seal with has 64 hexadecimal digits; several are separated by commas",
            )
        })?;
        Ok(Self {
            ring: keys.into_iter().map(SealKey::new).collect(),
        })
    }

    /// Reads keys from the environment variable `MCP_SESSION_SEAL_KEYS`, written as
    /// [`from_hex`](Self::from_hex) wants them; `None` where it is not set or empty.
    ///
    /// # Errors
    ///
    /// As [`from_hex`](Self::from_hex).
    pub fn from_env() -> Result<Option<Self>> {
        match env::var(Self::VARIABLE) {
            Ok(text) if !text.is_empty() => Self::from_hex(&text).map(Some),
            _ => Ok(None),
        }
    }

    /// How long a sealed text is of so many bytes.
    pub(crate) fn sealed_length(bytes: usize) -> usize {
        ((bytes + AROUND) * 4).div_ceil(3)
    }

    /// Seals bytes for one purpose; only [`open`](Self::open) for the same one gives them back.
    pub(crate) fn seal(&self, purpose: &str, bytes: &[u8]) -> String {
        let key = &self.ring[0];
        let nonce: [u8; NONCE] = random::bytes();
        let payload = Payload {
            msg: bytes,
            aad: purpose.as_bytes(),
        };
        let ciphertext = key.cipher().encrypt(&XNonce::from(nonce), payload);
        let ciphertext = ciphertext.expect("what is sealed is bounded");
        let mut sealed = Vec::with_capacity(AROUND + bytes.len());
        sealed.push(LAYOUT);
        sealed.extend_from_slice(&key.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Gives back what was sealed for this purpose with one of the keys.
    pub(crate) fn open(&self, purpose: &str, text: &str) -> Result<Vec<u8>, Broken> {
        let sealed = URL_SAFE_NO_PAD.decode(text);
        let sealed = sealed.map_err(|_| Broken::Malformed)?;
        let Some((&LAYOUT, rest)) = sealed.split_first() else {
            return Err(Broken::Malformed);
        };
        let (id, rest) = rest.split_at_checked(KEY_ID).ok_or(Broken::Malformed)?;
        let (nonce, msg) = rest.split_at_checked(NONCE).ok_or(Broken::Malformed)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| Broken::Malformed)?;
        let key = self.ring.iter().find(|key| key.id == *id);
        let key = key.ok_or(Broken::UnknownKey)?;
        let aad = purpose.as_bytes();
        let opened = key.cipher().decrypt(&nonce, Payload { msg, aad });
        opened.map_err(|_| Broken::Forged)
    }
}

impl SealKey {
    fn new(bytes: [u8; SealKeys::LENGTH]) -> Self {
        let digest = Sha256::new()
            .chain_update(b"mcp-session seal key")
            .chain_update(bytes);
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest.finalize()[..KEY_ID]);
        Self { id, bytes }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&CipherKey::from(self.bytes))
    }
}

fn from_hex(text: &str) -> Option<[u8; SealKeys::LENGTH]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * SealKeys::LENGTH {
        return None;
    }
    let mut key = [0; SealKeys::LENGTH];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(key)
}

/// Shows how many there are, and nothing of them.
impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKeys({})", self.ring.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PURPOSE: &str = "test";

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_has_the_length_it_should(bytes: Vec<u8>) {
            let keys = SealKeys::random();
            let sealed = keys.seal(PURPOSE, &bytes);
            prop_assert_eq!(sealed.len(), SealKeys::sealed_length(bytes.len()));
            prop_assert_eq!(keys.open(PURPOSE, &sealed), Ok(bytes));
        }

        #[test]
        fn one_changed_bit_is_enough(bytes: Vec<u8>, place: prop::sample::Index, bit in 0_u8..8) {
            let keys = SealKeys::random();
            let mut raw = URL_SAFE_NO_PAD.decode(keys.seal(PURPOSE, &bytes)).unwrap();
            let place = place.index(raw.len());
            raw[place] ^= 1 << bit;
            prop_assert!(keys.open(PURPOSE, &URL_SAFE_NO_PAD.encode(raw)).is_err());
        }

        #[test]
        fn no_text_at_all_makes_it_panic(text: String) {
            prop_assert!(SealKeys::random().open(PURPOSE, &text).is_err());
        }
    }

    #[test]
    fn keys_open_for_each_other_as_the_ring_says() {
        let (old, new) = ([1; 32], [2; 32]);
        let sealed = SealKeys::new(old).seal(PURPOSE, b"x");
        let rotated = SealKeys::new(new).and_open(old);
        assert_eq!(rotated.open(PURPOSE, &sealed).unwrap(), b"x");
        assert_eq!(
            SealKeys::new(new).open(PURPOSE, &sealed),
            Err(Broken::UnknownKey)
        );
        assert_eq!(rotated.open("another", &sealed), Err(Broken::Forged));
        assert_ne!(sealed, SealKeys::new(old).seal(PURPOSE, b"x"));
    }

    #[test]
    fn keys_are_read_from_text_and_never_shown() {
        let text = format!("{}, {}", "0a".repeat(32), "FF".repeat(32));
        let keys = SealKeys::from_hex(&text).unwrap();
        let sealed = SealKeys::new([255; 32]).seal(PURPOSE, b"x");
        assert_eq!(keys.open(PURPOSE, &sealed).unwrap(), b"x");
        assert_eq!(format!("{keys:?}"), "SealKeys(2)");
        for wrong in ["", "0a", "zz", &"0a".repeat(33), &"0g".repeat(32)] {
            let error = SealKeys::from_hex(wrong).unwrap_err();
            assert!(error.is_configuration());
        }
    }
}
