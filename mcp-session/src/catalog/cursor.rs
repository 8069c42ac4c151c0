//! Where a list goes on.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The last place already given, and the revision of the snapshot it was given of.
///
/// Opaque to clients. It names a place and not a count, so entries that come or go behind it
/// neither repeat nor skip others; and it is bound to a revision that is a digest of the content,
/// so that it works on every replica and is refused once the list is another one.
///
/// The place is sealed, since it would tell how many entries are hidden before it. The key is a
/// part of the content's digest that is never shown: every replica has it, and who could compute it
/// knows what is hidden already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    revision: u64,
    /// Says that the place is one of ours, and masks it.
    tag: [u8; 8],
    masked: [u8; 4],
}

/// What seals the places of one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CursorKey(pub(crate) [u8; 16]);

/// The cursor is of another revision of the list, or none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stale;

/// The bytes of a cursor: its family, the revision, the tag, the masked place.
const LENGTH: usize = 1 + 8 + 8 + 4;

impl Cursor {
    /// The cursor behind the entry at this place.
    pub(crate) fn after(place: u32, revision: u64, key: CursorKey) -> Self {
        let place = place.to_le_bytes();
        let tag = key.tag(place);
        Self {
            revision,
            tag,
            masked: key.masked(tag, place),
        }
    }

    /// The place it was made for.
    pub(crate) fn place(self, revision: u64, key: CursorKey) -> Result<u32, Stale> {
        let place = key.masked(self.tag, self.masked);
        if self.revision != revision || key.tag(place) != self.tag {
            return Err(Stale);
        }
        Ok(u32::from_le_bytes(place))
    }

    /// The text clients get; `family` keeps the cursor of one list out of another.
    pub(crate) fn to_text(self, family: u8) -> String {
        let mut bytes = [0; LENGTH];
        bytes[0] = family;
        bytes[1..9].copy_from_slice(&self.revision.to_le_bytes());
        bytes[9..17].copy_from_slice(&self.tag);
        bytes[17..].copy_from_slice(&self.masked);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`to_text`](Self::to_text) made for the same family; `None` for anything else.
    pub(crate) fn from_text(text: &str, family: u8) -> Option<Self> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let [own, rest @ ..] = bytes;
        let (revision, rest) = rest.split_at(8);
        let (tag, masked) = rest.split_at(8);
        (own == family).then_some(Self {
            revision: u64::from_le_bytes(revision.try_into().ok()?),
            tag: tag.try_into().ok()?,
            masked: masked.try_into().ok()?,
        })
    }
}

impl CursorKey {
    fn tag(self, place: [u8; 4]) -> [u8; 8] {
        let digest = self.digest(b"tag", &place);
        let mut tag = [0; 8];
        tag.copy_from_slice(&digest[..8]);
        tag
    }

    /// Masks a place, or takes the mask away.
    fn masked(self, tag: [u8; 8], mut place: [u8; 4]) -> [u8; 4] {
        let mask = self.digest(b"mask", &tag);
        place
            .iter_mut()
            .zip(mask)
            .for_each(|(byte, mask)| *byte ^= mask);
        place
    }

    fn digest(self, purpose: &[u8], of: &[u8]) -> [u8; 32] {
        let hash = Sha256::new().chain_update(self.0);
        hash.chain_update(purpose)
            .chain_update(of)
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_with_its_own_key_only_and_does_not_show_its_place() {
        let key = CursorKey([7; 16]);
        for place in [0, 1, 2, 255, 256, u32::MAX] {
            let cursor = Cursor::after(place, 3, key);
            let read = Cursor::from_text(&cursor.to_text(b't'), b't').unwrap();
            assert_eq!(read.place(3, key), Ok(place));
            assert_eq!(read.place(4, key), Err(Stale));
            assert_eq!(read.place(3, CursorKey([8; 16])), Err(Stale));
            assert_ne!(cursor.masked, place.to_le_bytes());
        }
        let mut forged = Cursor::after(1, 3, key);
        forged.masked[0] ^= 1;
        assert_eq!(forged.place(3, key), Err(Stale));
    }

    #[test]
    fn another_family_and_other_text_are_no_cursor() {
        let text = Cursor::after(1, 3, CursorKey([7; 16])).to_text(b't');
        assert_eq!(Cursor::from_text(&text, b'p'), None);
        for bad in ["", "AAAA", "not base64!", &text[1..]] {
            assert_eq!(Cursor::from_text(bad, b't'), None, "{bad}");
        }
    }
}
