//! Arguments: from raw JSON text straight into a type, with a message a model can act on.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde_path_to_error::{Path, Segment};

use crate::protocol::{in_json_terms, misfit};
use crate::schema::walk::escape;

/// The longest message handed on; a decoder may quote the whole offending string.
const MAX_MESSAGE: usize = 400;

/// Decodes JSON text into a type.
///
/// A correct text is decoded once and costs nothing extra. A wrong one is decoded a second time
/// to find out where it went wrong.
///
/// # Errors
///
/// [`ArgumentError`] names the place and what was expected there.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::decode_args;
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Args {
///     #[allow(dead_code)]
///     points: Vec<(i64, i64)>,
/// }
///
/// let error = decode_args::<Args>(r#"{"points": [[1, 2], [3, "4"]]}"#).unwrap_err();
/// assert_eq!(error.path, "/points/1/1");
/// assert_eq!(error.to_string(), "`points[1][1]`: invalid type: string \"4\", expected an integer");
/// ```
pub fn decode_args<T: DeserializeOwned>(json: &str) -> Result<T, ArgumentError> {
    serde_json::from_str(json).map_err(|error| locate::<T>(json, &error))
}

#[cold]
fn locate<T: DeserializeOwned>(json: &str, error: &serde_json::Error) -> ArgumentError {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => ArgumentError::at(error.path(), &misfit(error.inner())),
        // Only what follows the value is wrong, or the type decodes differently each time.
        Ok(_) => ArgumentError::new("", misfit(error)),
    }
}

/// Says which argument is wrong and what was expected in its place.
///
/// `Display` gives one line fit for a tool result: `` `a.b`: invalid type: … ``. It speaks of JSON:
/// an integer, an object, never `i64` or the name of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArgumentError {
    /// Where: a JSON pointer into the arguments; empty for the arguments as a whole.
    pub path: String,
    /// What is wrong. Lower case, no full stop.
    pub message: String,
}

impl ArgumentError {
    /// Makes an error from a JSON pointer and a message.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MAX_MESSAGE {
            let end = (0..=MAX_MESSAGE)
                .rev()
                .find(|&at| message.is_char_boundary(at));
            message.truncate(end.unwrap_or_default());
            message.push('…');
        }
        Self {
            path: path.into(),
            message,
        }
    }

    pub(crate) fn at(path: &Path, message: &str) -> Self {
        let mut pointer = String::new();
        for segment in path {
            pointer.push('/');
            match segment {
                Segment::Seq { index } => pointer.push_str(&index.to_string()),
                Segment::Map { key } => pointer.push_str(&escape(key)),
                Segment::Enum { variant } => pointer.push_str(&escape(variant)),
                Segment::Unknown => pointer.push('?'),
            }
        }
        Self::new(pointer, in_json_terms(message))
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        f.write_str("`")?;
        for (index, token) in self.path.split('/').skip(1).enumerate() {
            if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()) {
                write!(f, "[{token}]")?;
            } else {
                let dot = if index == 0 { "" } else { "." };
                write!(f, "{dot}{}", token.replace("~1", "/").replace("~0", "~"))?;
            }
        }
        write!(f, "`: {}", self.message)
    }
}

impl std::error::Error for ArgumentError {}

/// What a type becomes when its argument is absent, or `None` if the argument is required.
///
/// This asks the decoder itself, so a schema built on the answer cannot disagree with it:
/// `Option<T>` (and whatever else accepts absence) is optional, everything else is required.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::absent;
///
/// assert_eq!(absent::<Option<u8>>(), Some(None));
/// assert_eq!(absent::<u8>(), None);
/// ```
pub fn absent<T: DeserializeOwned>() -> Option<T> {
    T::deserialize(Absent).ok()
}

/// Deserialises the way serde treats a missing field: only what asks for an option gets a value.
struct Absent;

impl<'de> Deserializer<'de> for Absent {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("absent"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
