//! Checked text that shares the buffer it arrived in.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::protocol::skim::Part;

/// A string that shares its memory with the message it was read from.
///
/// Cloning and slicing cost a reference count. Keep one only as long as the message: it holds
/// the whole buffer. Use [`ByteStr::detach`] for what is stored.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ByteStr(Bytes);

impl ByteStr {
    /// The empty string.
    pub const EMPTY: Self = Self(Bytes::new());

    /// Makes a string of static text.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Takes `part`, which lies inside `parent`, without copying; copies when it does not.
    pub fn slice_of(parent: &Bytes, part: &str) -> Self {
        Self(share(parent, part.as_bytes()))
    }

    /// Returns the text.
    #[expect(clippy::missing_panics_doc, reason = "every constructor takes text")]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("every constructor takes text")
    }

    /// Copies the text out of a shared buffer, so that the buffer may be freed.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
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
        *self.0 == *other.as_bytes()
    }
}

impl PartialEq<&str> for ByteStr {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl From<&'static str> for ByteStr {
    fn from(text: &'static str) -> Self {
        Self::from_static(text)
    }
}

impl From<String> for ByteStr {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
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
pub struct Raw(Bytes);

impl Raw {
    /// Returns `{}`.
    pub const fn empty_object() -> Self {
        Self(Bytes::from_static(b"{}"))
    }

    /// Serialises a value.
    ///
    /// # Errors
    ///
    /// When the value has no JSON form: a map whose keys are not strings, or a `Serialize`
    /// implementation that fails.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_vec(value).map(|text| Self(Bytes::from(text)))
    }

    /// Checks that `text` is one JSON value and keeps it, without surrounding white space.
    ///
    /// # Errors
    ///
    /// When it is not well-formed JSON in UTF-8.
    pub fn parse(text: Bytes) -> Result<Self, serde_json::Error> {
        let value: &RawValue = serde_json::from_slice(&text)?;
        let value = value.get().as_bytes();
        if value.len() < text.len() {
            return Ok(Self(share(&text, value)));
        }
        Ok(Self(text))
    }

    /// Takes a value found inside `parent` without copying.
    pub(super) fn slice_of<'a>(parent: &Bytes, value: impl Into<Part<'a>>) -> Self {
        Self(share(parent, value.into().get().as_bytes()))
    }

    /// Keeps text that this module's encoders have just written.
    pub(in crate::protocol) fn trusted(text: Bytes) -> Self {
        debug_assert!(serde_json::from_slice::<&RawValue>(&text).is_ok());
        Self(text)
    }

    /// Returns the JSON text.
    #[expect(clippy::missing_panics_doc, reason = "every constructor takes text")]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("every constructor takes text")
    }

    /// Returns the JSON text as bytes, cheaper than [`Raw::as_str`].
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the JSON text as a shared buffer.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Borrows the shared buffer.
    pub(crate) fn buffer(&self) -> &Bytes {
        &self.0
    }

    /// What a string says that has no escapes.
    pub(crate) fn plain_text(&self) -> Option<ByteStr> {
        let inside = 1..self.0.len().checked_sub(1)?;
        let plain = self.0.starts_with(b"\"") && !self.0.contains(&b'\\');
        plain.then(|| ByteStr(self.0.slice(inside)))
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.0.first() == Some(&b'{')
    }

    /// Decodes into an owned value.
    ///
    /// # Errors
    ///
    /// When the JSON does not fit `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }

    /// Decodes into a value that may borrow from this text.
    ///
    /// # Errors
    ///
    /// When the JSON does not fit `T`.
    pub fn decode_borrowed<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }

    /// Copies the text out of a shared buffer, so that the buffer may be freed.
    #[must_use]
    pub fn detach(&self) -> Self {
        if *self.0 == *b"{}" {
            // The most frequent one needs no memory of its own.
            return Self::empty_object();
        }
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// Returns the text without line breaks, copying only if there are any.
    ///
    /// Inside well-formed JSON a line break can only be white space between tokens.
    #[must_use]
    pub fn to_one_line(&self) -> Self {
        if !self.0.contains(&b'\n') && !self.0.contains(&b'\r') {
            return self.clone();
        }
        let on_one_line = self.0.iter().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            other => *other,
        });
        Self(on_one_line.collect())
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
            serde_json::from_slice(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        let text: Box<str> = value.into();
        Ok(Self(Bytes::from(String::from(text))))
    }
}

/// Shares `part` of `parent` when it lies inside, and copies it otherwise.
fn share(parent: &Bytes, part: &[u8]) -> Bytes {
    let outer = parent.as_ptr_range();
    let inner = part.as_ptr_range();
    if part.is_empty() || inner.start < outer.start || inner.end > outer.end {
        return Bytes::copy_from_slice(part);
    }
    parent.slice_ref(part)
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
