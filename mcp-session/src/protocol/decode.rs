//! From bytes to messages: strict, borrowed, and in one pass over the envelope.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::protocol::error::RpcError;
use crate::protocol::id::RequestId;
use crate::protocol::message::{Message, Notification, Request, Response};
use crate::protocol::scan::{self, ScanError};
use crate::protocol::text::{ByteStr, Raw};

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
    if body.len() > limits.max_bytes {
        let message = format!("the message is longer than {} bytes", limits.max_bytes);
        return Err(DecodeError::new(DecodeErrorKind::TooLarge, None, message));
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| DecodeError::syntax("parse error: the message is not UTF-8"))?;
    match scan::scan(body, limits.max_depth) {
        Ok(()) => {}
        Err(ScanError::LoneSurrogate) => {
            let message = "parse error: a \\u escape is half of a surrogate pair";
            return Err(DecodeError::syntax(message));
        }
        Err(ScanError::TooDeep) => return Err(too_deep(body, text, limits.max_depth)),
    }
    match text
        .trim_start_matches([' ', '\t', '\n', '\r'])
        .as_bytes()
        .first()
    {
        Some(b'{') => decode_one(body, text).map(Incoming::One),
        Some(b'[') => decode_batch(body, text, limits.max_batch).map(Incoming::Batch),
        _ => {
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| syntax_error(&error))?;
            Err(DecodeError::invalid(
                None,
                "invalid request: a message is an object",
            ))
        }
    }
}

fn decode_one(body: &Bytes, text: &str) -> Result<Message, DecodeError> {
    let envelope: Envelope<'_> =
        serde_json::from_str(text).map_err(|error| syntax_error(&error))?;
    envelope.into_message(body)
}

fn decode_batch(
    body: &Bytes,
    text: &str,
    max: usize,
) -> Result<Vec<Result<Message, DecodeError>>, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
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
            decode_one(body, entry.get())
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
fn too_deep(body: &Bytes, text: &str, max: usize) -> DecodeError {
    // Raw values are skipped without recursion, so this is safe at any depth.
    let id = serde_json::from_str::<Envelope<'_>>(text)
        .ok()
        .and_then(|envelope| envelope.readable_id(body));
    let message = format!("invalid request: nested deeper than {max} levels");
    DecodeError::new(DecodeErrorKind::TooDeep, id, message)
}

/// The members of a message as they stand in the text.
#[derive(Default)]
struct Envelope<'a> {
    jsonrpc: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    duplicate: Option<&'static str>,
}

impl<'a> Envelope<'a> {
    fn into_message(self, body: &Bytes) -> Result<Message, DecodeError> {
        let id = self.readable_id(body);
        let refuse = |message: &str| {
            Err(DecodeError::invalid(
                id.clone(),
                format!("invalid request: {message}"),
            ))
        };
        if let Some(name) = self.duplicate {
            return refuse(&format!("`{name}` appears twice"));
        }
        if !self.jsonrpc.is_some_and(is_version_two) {
            return refuse("`jsonrpc` must be \"2.0\"");
        }
        match (self.method, self.result, self.error) {
            (Some(_), None, None) => {}
            (None, Some(_), None) => return self.into_result(body, id),
            (None, None, Some(_)) => return self.into_error(id),
            (None, Some(_), Some(_)) => {
                return refuse("a response has either `result` or `error`, not both");
            }
            (Some(_), ..) => return refuse("a message has either `method` or an outcome"),
            (None, None, None) => return refuse("there is no `method`"),
        }
        if self.id.is_some() && id.is_none() {
            return refuse("`id` must be a string or an integer");
        }
        let Some(method) = self.method.and_then(|method| text_of(body, method)) else {
            return refuse("`method` must be a string");
        };
        let params = match self.params {
            Some(params) if !is_object(params) => return refuse("`params` must be an object"),
            Some(params) => Some(Raw::slice_of(body, params)),
            None => None,
        };
        Ok(match id {
            Some(id) => Message::Request(Request { id, method, params }),
            None => Message::Notification(Notification { method, params }),
        })
    }

    fn into_result(self, body: &Bytes, id: Option<RequestId>) -> Result<Message, DecodeError> {
        let Some(id) = id else {
            let message = "invalid request: the `id` of a result must be a string or an integer";
            return Err(DecodeError::invalid(None, message));
        };
        match self.result {
            Some(result) if is_object(result) => Ok(Message::Response(Response {
                id: Some(id),
                outcome: Ok(Raw::slice_of(body, result)),
            })),
            _ => Err(DecodeError::invalid(
                Some(id),
                "invalid request: `result` must be an object",
            )),
        }
    }

    fn into_error(self, id: Option<RequestId>) -> Result<Message, DecodeError> {
        // Null and absent both say that the id of the request could not be read.
        if id.is_none() && self.id.is_some_and(|id| id.get() != "null") {
            let message = "invalid request: the `id` of an error must be a string or an integer";
            return Err(DecodeError::invalid(None, message));
        }
        let error = self.error.map(|error| serde_json::from_str(error.get()));
        match error {
            Some(Ok(error)) => Ok(Message::Response(Response {
                id,
                outcome: Err(error),
            })),
            _ => Err(DecodeError::invalid(
                id,
                "invalid request: `error` must have an integer `code` and a string `message`",
            )),
        }
    }

    /// The id, unless there is none, it is ambiguous, or it is of the wrong type.
    fn readable_id(&self, body: &Bytes) -> Option<RequestId> {
        if self.duplicate == Some("id") {
            return None;
        }
        let id = self.id?;
        match id.get().as_bytes().first() {
            Some(b'"') => text_of(body, id).map(RequestId::Text),
            _ => serde_json::from_str(id.get()).ok(),
        }
    }

    fn slot(&mut self, key: Key) -> Option<(&'static str, &mut Option<&'a RawValue>)> {
        Some(match key {
            Key::Jsonrpc => ("jsonrpc", &mut self.jsonrpc),
            Key::Id => ("id", &mut self.id),
            Key::Method => ("method", &mut self.method),
            Key::Params => ("params", &mut self.params),
            Key::Result => ("result", &mut self.result),
            Key::Error => ("error", &mut self.error),
            Key::Other => return None,
        })
    }
}

fn is_version_two(value: &RawValue) -> bool {
    value.get() == "\"2.0\""
        || serde_json::from_str::<String>(value.get()).is_ok_and(|version| version == "2.0")
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// Reads a string, sharing the body's memory if it has no escapes.
fn text_of(body: &Bytes, value: &RawValue) -> Option<ByteStr> {
    let inside = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str::<String>(value.get())
            .ok()
            .map(ByteStr::from)
    } else {
        Some(ByteStr::slice_of(body, inside))
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(key) = map.next_key()? {
            let mut first = envelope.duplicate;
            match envelope.slot(key) {
                Some((name, slot)) => {
                    if slot.replace(map.next_value()?).is_some() {
                        // A doubled id matters most: it must not be answered with.
                        first = first.filter(|_| name != "id").or(Some(name));
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            envelope.duplicate = first;
        }
        Ok(envelope)
    }
}

enum Key {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(match name {
            "jsonrpc" => Key::Jsonrpc,
            "id" => Key::Id,
            "method" => Key::Method,
            "params" => Key::Params,
            "result" => Key::Result,
            "error" => Key::Error,
            _ => Key::Other,
        })
    }
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
