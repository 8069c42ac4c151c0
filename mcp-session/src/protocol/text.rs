//! Checked text that shares the buffer it arrived in.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::protocol::skim::{self, Part};

/// A string that shares its memory with the message it was read from.
///
/// Cloning and slicing cost a reference count. Keep one only as long as the message: it holds
/// the whole buffer. Use [`ByteStr::detach`] for what is stored.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ByteStr(ByteString);

impl ByteStr {
    /// The empty string.
    pub const EMPTY: Self = Self(ByteString::new());

    /// Makes a string of static text.
    pub const fn from_static(text: &'static str) -> Self {
        Self(ByteString::from_static(text))
    }

    /// Takes `part`, which lies inside `parent`, without copying; copies when it does not.
    pub fn slice_of(parent: &Bytes, part: &str) -> Self {
        let shared = is_inside(parent, part).then(|| parent.slice_ref(part.as_bytes()));
        let shared = shared.and_then(|shared| ByteString::try_from(shared).ok());
        Self(shared.unwrap_or_else(|| part.into()))
    }

    /// All of a message, if it is text.
    pub(super) fn of(message: &Bytes) -> Option<Self> {
        ByteString::try_from(message.clone()).ok().map(Self)
    }

    /// A part of this text, as [`slice_of`](Self::slice_of) takes it.
    pub(super) fn part(&self, part: &str) -> Self {
        if is_inside(self.0.as_bytes(), part) {
            return Self(self.0.slice_ref(part));
        }
        Self(part.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Copies the text out of a shared buffer, so that the buffer may be freed.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self(self.as_str().into())
    }
}

impl Deref for ByteStr {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for ByteStr {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for ByteStr {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Hash for ByteStr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` hashes, because of `Borrow<str>`.
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for ByteStr {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ByteStr {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl From<&'static str> for ByteStr {
    fn from(text: &'static str) -> Self {
        Self::from_static(text)
    }
}

impl From<String> for ByteStr {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for ByteStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ByteStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ByteStr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ByteStr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// A piece of JSON text that is known to be well-formed and is not decoded yet.
///
/// Cloning costs a reference count. Two pieces are equal when their text is, so `{"a":1}` and
/// `{ "a": 1 }` differ. Like a [`ByteStr`] it holds the buffer it came from: use
/// [`Raw::detach`] for what is stored.
///
/// ```
/// use mcp_session::protocol::Raw;
///
/// let raw = Raw::from_value(&serde_json::json!({"city": "Oslo"}))?;
/// assert_eq!(raw.as_str(), r#"{"city":"Oslo"}"#);
/// assert!(raw.is_object());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Raw(ByteStr);

impl Raw {
    /// Returns `{}`.
    pub const fn empty_object() -> Self {
        Self(ByteStr::from_static("{}"))
    }

    /// Serialises a value.
    ///
    /// # Errors
    ///
    /// When the value has no JSON form: a map whose keys are not strings, or a `Serialize`
    /// implementation that fails.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        // Without the room it was written into.
        let text = serde_json::to_string(value)?.into_boxed_str();
        Ok(Self(ByteStr(text.into())))
    }

    /// Checks that `text` is one JSON value and keeps it, without surrounding white space.
    ///
    /// # Errors
    ///
    /// When it is not well-formed JSON in UTF-8.
    pub fn parse(text: Bytes) -> Result<Self, serde_json::Error> {
        let text = ByteString::try_from(text).map_err(serde::de::Error::custom)?;
        let value: &RawValue = serde_json::from_str(&text)?;
        let value = value.get();
        if value.len() < text.len() {
            return Ok(Self(ByteStr(text.slice_ref(value))));
        }
        Ok(Self(ByteStr(text)))
    }

    /// Takes a value found inside `parent` without copying.
    pub(super) fn slice_of<'a>(parent: &ByteStr, value: impl Into<Part<'a>>) -> Self {
        Self(parent.part(value.into().get()))
    }

    /// Keeps text that this module's encoders have just written.
    pub(in crate::protocol) fn trusted(text: Vec<u8>) -> Self {
        debug_assert!(serde_json::from_slice::<&RawValue>(&text).is_ok());
        let text = ByteString::try_from(text);
        Self(ByteStr(text.expect("encoders write text")))
    }

    /// Returns the JSON text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the JSON text as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Returns the JSON text as a shared buffer.
    pub fn into_bytes(self) -> Bytes {
        self.0.0.into_bytes()
    }

    /// Borrows the shared text.
    pub(super) fn text(&self) -> &ByteStr {
        &self.0
    }

    /// What a string says that has no escapes.
    pub(crate) fn plain_text(&self) -> Option<ByteStr> {
        skim::plain_text(self.as_str()).map(|inside| self.0.part(inside))
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }

    /// Decodes into an owned value.
    ///
    /// # Errors
    ///
    /// When the JSON does not fit `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }

    /// Decodes into a value that may borrow from this text.
    ///
    /// # Errors
    ///
    /// When the JSON does not fit `T`.
    pub fn decode_borrowed<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }

    /// Copies the text out of a shared buffer, so that the buffer may be freed.
    #[must_use]
    pub fn detach(&self) -> Self {
        if self.0 == "{}" {
            // The most frequent one needs no memory of its own.
            return Self::empty_object();
        }
        Self(self.0.detach())
    }

    /// Returns the text without line breaks, copying only if there are any.
    ///
    /// Inside well-formed JSON a line break can only be white space between tokens.
    #[must_use]
    pub fn to_one_line(&self) -> Self {
        if !self.as_str().contains(['\n', '\r']) {
            return self.clone();
        }
        Self(self.as_str().replace(['\n', '\r'], " ").into())
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Raw").field(&self.as_str()).finish()
    }
}

impl Default for Raw {
    /// Returns `{}`.
    fn default() -> Self {
        Self::empty_object()
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &RawValue =
            serde_json::from_str(self.as_str()).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        let text: Box<str> = value.into();
        Ok(Self(String::from(text).into()))
    }
}

/// True where `part` lies inside `parent`, and is worth being shared.
fn is_inside(parent: &[u8], part: &str) -> bool {
    let outer = parent.as_ptr_range();
    let inner = part.as_bytes().as_ptr_range();
    !part.is_empty() && inner.start >= outer.start && inner.end <= outer.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_shares_its_parent() {
        let parent = Bytes::from_static(b"hello world");
        let text = std::str::from_utf8(&parent).unwrap();
        let part = ByteStr::slice_of(&parent, &text[6..]);
        assert_eq!(part, "world");
        assert_eq!(part.as_str().as_ptr(), text[6..].as_ptr());
    }

    #[test]
    fn foreign_text_is_copied() {
        let parent = Bytes::from_static(b"hello");
        assert_eq!(ByteStr::slice_of(&parent, "other"), "other");
        assert_eq!(ByteStr::slice_of(&parent, ""), "");
    }

    #[test]
    fn raw_keeps_the_text_and_drops_the_space_around_it() {
        let raw = Raw::parse(Bytes::from_static(b" { \"a\" : 1 }\n")).unwrap();
        assert_eq!(raw.as_str(), "{ \"a\" : 1 }");
        assert!(Raw::parse(Bytes::from_static(b"{} {}")).is_err());
        assert!(Raw::parse(Bytes::from_static(b"\"\xff\"")).is_err());
    }

    #[test]
    fn raw_serialises_as_json_and_reads_back() {
        let raw = Raw::parse(Bytes::from_static(b"{ \"a\":[1] }")).unwrap();
        let text = serde_json::to_string(&[&raw]).unwrap();
        assert_eq!(text, "[{ \"a\":[1] }]");
        let back: Vec<Raw> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, [raw]);
    }

    #[test]
    fn line_breaks_become_spaces() {
        let raw = Raw::parse(Bytes::from_static(b"{\r\n\"a\":\"\\n\"\n}")).unwrap();
        assert_eq!(raw.to_one_line().as_str(), "{  \"a\":\"\\n\" }");
    }
}
