//! From bytes to messages: strict, borrowed, and in one pass over the envelope.

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::protocol::decode::envelope::Envelope;
use crate::protocol::decode::scan::ScanError;
use crate::protocol::error::RpcError;
use crate::protocol::id::RequestId;
use crate::protocol::message::Message;
use crate::protocol::params::Foreword;
use crate::protocol::text::ByteStr;

mod envelope;
mod scan;

#[cfg(test)]
mod tests;

/// How much a stranger may send at once.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The longest body in bytes (4 MiB by default).
    pub max_bytes: usize,
    /// The deepest nesting of objects and arrays, the message itself included (64 by default).
    /// Values above 127 have no effect on typed members, which the parser stops at 128.
    pub max_depth: usize,
    /// The longest batch (50 messages by default).
    pub max_batch: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_bytes: 4 * 1024 * 1024,
            max_depth: 64,
            max_batch: 50,
        }
    }
}

/// What one body holds.
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC 2.0 has these two")]
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A single message.
    One(Message),
    /// An array of messages, each of which may be wrong by itself. Only revision 2025-03-26 has
    /// batches; whether they are welcome is for the caller to say.
    Batch(Vec<Result<Message, DecodeError>>),
}

/// What one body holds, and what a request in it says of itself.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) incoming: Incoming,
    /// Where it was seen on the way; not of a batch.
    pub(crate) foreword: Option<Foreword>,
}

/// Why a body is not a message.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct DecodeError {
    /// The id to answer with, if it could be read.
    pub id: Option<RequestId>,
    /// The answer.
    pub error: RpcError,
    /// What kind of mistake it was.
    pub kind: DecodeErrorKind,
}

/// The kinds of mistake a body can have.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// Longer than allowed, or a batch with too many messages.
    TooLarge,
    /// Nested deeper than allowed.
    TooDeep,
    /// Not JSON (-32700).
    Syntax,
    /// JSON, but no message (-32600).
    Invalid,
}

impl DecodeError {
    fn new(kind: DecodeErrorKind, id: Option<RequestId>, message: impl Into<String>) -> Self {
        let message = message.into();
        let error = match kind {
            DecodeErrorKind::Syntax => RpcError::parse_error(message),
            _ => RpcError::invalid_request(message),
        };
        Self { id, error, kind }
    }

    fn syntax(message: impl Into<String>) -> Self {
        Self::new(DecodeErrorKind::Syntax, None, message)
    }

    fn invalid(id: Option<RequestId>, message: impl Into<String>) -> Self {
        Self::new(DecodeErrorKind::Invalid, id, message)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for DecodeError {}

/// Decodes one body or one line. Parameters and results share the memory of `body`.
///
/// ```
/// use bytes::Bytes;
/// use mcp_session::protocol::{DecodeLimits, Incoming, Message, decode};
///
/// let body = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
/// let Ok(Incoming::One(Message::Request(request))) = decode(&body, &DecodeLimits::default())
/// else {
///     panic!("a request");
/// };
/// assert_eq!(request.method, "ping");
/// ```
///
/// # Errors
///
/// When the body is not exactly one JSON-RPC 2.0 message or one batch, or exceeds the limits.
/// The error carries the request's id whenever that could be read.
pub fn decode(body: &Bytes, limits: &DecodeLimits) -> Result<Incoming, DecodeError> {
    receive(body, limits).map(|received| received.incoming)
}

/// As [`decode`], and looks into the parameters of a request in the same pass.
pub(crate) fn receive(body: &Bytes, limits: &DecodeLimits) -> Result<Received, DecodeError> {
    if body.len() > limits.max_bytes {
        let message = format!("the message is longer than {} bytes", limits.max_bytes);
        return Err(DecodeError::new(DecodeErrorKind::TooLarge, None, message));
    }
    let Some(text) = ByteStr::of(body) else {
        let message = "parse error: the message is not UTF-8";
        return Err(DecodeError::syntax(message));
    };
    match scan::scan(body, limits.max_depth) {
        Ok(()) => {}
        Err(ScanError::LoneSurrogate) => {
            let message = "parse error: a \\u escape is half of a surrogate pair";
            return Err(DecodeError::syntax(message));
        }
        Err(ScanError::TooDeep) => return Err(too_deep(&text, limits.max_depth)),
    }
    match text
        .trim_start_matches([' ', '\t', '\n', '\r'])
        .as_bytes()
        .first()
    {
        Some(b'{') => {
            let mut envelope = envelope(&text)?;
            let foreword = envelope.foreword(&text);
            let incoming = Incoming::One(envelope.into_message(&text)?);
            Ok(Received { incoming, foreword })
        }
        Some(b'[') => Ok(Received {
            incoming: Incoming::Batch(decode_batch(&text, limits.max_batch)?),
            foreword: None,
        }),
        _ => {
            serde_json::from_str::<IgnoredAny>(&text).map_err(|error| syntax_error(&error))?;
            Err(DecodeError::invalid(
                None,
                "invalid request: a message is an object",
            ))
        }
    }
}

fn envelope(text: &str) -> Result<Envelope<'_>, DecodeError> {
    Envelope::of(text).map_err(|error| syntax_error(&error))
}

fn decode_batch(
    body: &ByteStr,
    max: usize,
) -> Result<Vec<Result<Message, DecodeError>>, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let batch = deserializer
        .deserialize_seq(BatchVisitor { max })
        .and_then(|batch| deserializer.end().map(|()| batch))
        .map_err(|error| syntax_error(&error))?;
    if batch.total > max {
        let message = format!("invalid request: a batch holds at most {max} messages");
        return Err(DecodeError::new(DecodeErrorKind::TooLarge, None, message));
    }
    if batch.total == 0 {
        return Err(DecodeError::invalid(
            None,
            "invalid request: the batch is empty",
        ));
    }
    let decode_entry = |entry: &&RawValue| {
        if entry.get().starts_with('{') {
            envelope(entry.get())?.into_message(body)
        } else {
            Err(DecodeError::invalid(
                None,
                "invalid request: a message is an object",
            ))
        }
    };
    Ok(batch.entries.iter().map(decode_entry).collect())
}

fn syntax_error(error: &serde_json::Error) -> DecodeError {
    DecodeError::syntax(format!("parse error: {error}"))
}

/// Refuses a body that is nested too deeply, with its id if it has a readable one.
fn too_deep(body: &ByteStr, max: usize) -> DecodeError {
    // Raw values are skipped without recursion, so this is safe at any depth.
    let id = serde_json::from_str::<Envelope<'_>>(body)
        .ok()
        .and_then(|envelope| envelope.readable_id(body));
    let message = format!("invalid request: nested deeper than {max} levels");
    DecodeError::new(DecodeErrorKind::TooDeep, id, message)
}

struct Batch<'a> {
    entries: Vec<&'a RawValue>,
    total: usize,
}

struct BatchVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Batch<'de>, A::Error> {
        let mut entries = Vec::new();
        let mut total = 0;
        while total < self.max
            && let Some(entry) = seq.next_element()?
        {
            entries.push(entry);
            total += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            total += 1;
        }
        Ok(Batch { entries, total })
    }
}
