//! Request ids and progress tokens: a string or an integer, echoed as it came.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::protocol::encode;
use crate::protocol::text::ByteStr;

/// The id that ties a response to its request.
///
/// A string or an integer, never null and never fractional (2026-07-28 basic/index "Requests"),
/// and echoed with the type it came with: `1` and `"1"` are two ids.
#[expect(
    clippy::exhaustive_enums,
    reason = "the protocol knows these two kinds only"
)]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RequestId {
    /// An integer.
    Number(i64),
    /// A string.
    Text(ByteStr),
}

impl RequestId {
    /// Appends the id as JSON.
    pub fn write_to(&self, buffer: &mut Vec<u8>) {
        match self {
            Self::Number(number) => encode::write_value(buffer, number),
            Self::Text(text) => encode::write_string(buffer, text),
        }
    }

    /// Copies the id out of the message it came in, so that the message may be freed.
    #[must_use]
    pub fn detach(&self) -> Self {
        match self {
            Self::Number(number) => Self::Number(*number),
            Self::Text(text) => Self::Text(text.detach()),
        }
    }
}

impl From<i64> for RequestId {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&'static str> for RequestId {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for RequestId {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => fmt::Display::fmt(text, f),
        }
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = RequestId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an integer")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<RequestId, E> {
        Ok(RequestId::Number(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<RequestId, E> {
        i64::try_from(number)
            .map(RequestId::Number)
            .map_err(|_| E::custom("the integer is out of range"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RequestId, E> {
        Ok(RequestId::Text(ByteStr::from(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<RequestId, E> {
        Ok(RequestId::Text(ByteStr::from(text)))
    }
}

/// The token under which a client wants to hear of a request's progress.
///
/// A string or an integer, echoed in every progress notification with the type it came with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProgressToken(RequestId);

impl ProgressToken {
    /// Copies the token out of the message it came in, so that the message may be freed.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self(self.0.detach())
    }

    /// Appends the token as JSON.
    pub fn write_to(&self, buffer: &mut Vec<u8>) {
        self.0.write_to(buffer);
    }
}

impl<T: Into<RequestId>> From<T> for ProgressToken {
    fn from(token: T) -> Self {
        Self(token.into())
    }
}

impl fmt::Display for ProgressToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_integers_keep_their_type() {
        for text in [
            "1",
            "\"1\"",
            "-9223372036854775808",
            "9223372036854775807",
            "\"\"",
            "\"\\u0000\\\"\"",
        ] {
            let id: RequestId = serde_json::from_str(text).unwrap();
            let mut buffer = Vec::new();
            id.write_to(&mut buffer);
            assert_eq!(String::from_utf8(buffer).unwrap(), text);
            assert_eq!(serde_json::to_string(&id).unwrap(), text);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "null",
            "1.0",
            "1e0",
            "1.5",
            "-0",
            "true",
            "[]",
            "{}",
            "9223372036854775808",
        ] {
            assert!(serde_json::from_str::<RequestId>(text).is_err(), "{text}");
            assert!(
                serde_json::from_str::<ProgressToken>(text).is_err(),
                "{text}"
            );
        }
    }
}
