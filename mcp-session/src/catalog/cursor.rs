//! Where a list goes on.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The last place already given, and the revision of the snapshot it was given of.
///
/// Opaque to clients. It names a place and not a count, so entries that come or go behind it
/// neither repeat nor skip others; and it is bound to a revision that is a digest of the content,
/// so that it works on every replica and is refused once the list is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) revision: u64,
    pub(crate) after: u32,
}

/// The cursor is of another revision of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stale;

impl Cursor {
    /// The text clients get; `family` keeps the cursor of one list out of another.
    pub(crate) fn to_text(self, family: u8) -> String {
        let mut bytes = [0; 13];
        bytes[0] = family;
        bytes[1..9].copy_from_slice(&self.revision.to_le_bytes());
        bytes[9..].copy_from_slice(&self.after.to_le_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`to_text`](Self::to_text) made for the same family; `None` for anything else.
    pub(crate) fn from_text(text: &str, family: u8) -> Option<Self> {
        let bytes: [u8; 13] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let [own, rest @ ..] = bytes;
        let (revision, after) = rest.split_at(8);
        (own == family).then_some(Self {
            revision: u64::from_le_bytes(revision.try_into().ok()?),
            after: u32::from_le_bytes(after.try_into().ok()?),
        })
    }
}
