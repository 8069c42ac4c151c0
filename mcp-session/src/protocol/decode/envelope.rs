//! The envelope of a message: its members as they stand in the text, then checked.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::protocol::decode::DecodeError;
use crate::protocol::id::RequestId;
use crate::protocol::message::{Message, Notification, Request, Response};
use crate::protocol::params::{Foreword, Outer};
use crate::protocol::skim::{self, Part};
use crate::protocol::text::{ByteStr, Raw};

/// The members of a message as they stand in the text.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    jsonrpc: Option<Part<'a>>,
    id: Option<Part<'a>>,
    method: Option<Part<'a>>,
    params: Option<Part<'a>>,
    /// The same, looked into on the way where it is plain.
    outer: Option<Outer<'a>>,
    result: Option<Part<'a>>,
    error: Option<Part<'a>>,
    duplicate: Option<&'static str>,
}

impl<'a> Envelope<'a> {
    /// Finds the members of a message.
    pub(super) fn of(text: &'a str) -> Result<Self, serde_json::Error> {
        match Self::of_plain(text) {
            Some(envelope) => Ok(envelope),
            None => serde_json::from_str(text),
        }
    }

    fn of_plain(text: &'a str) -> Option<Self> {
        let mut envelope = Self::default();
        skim::object(text, |skim, name| {
            let key = Key::of(name);
            let value = match key {
                Key::Params => {
                    let (params, outer) = Outer::within(skim)?;
                    skim::once(&mut envelope.outer, outer)?;
                    params
                }
                _ => skim.value()?,
            };
            match envelope.slot(key) {
                Some((_, slot)) => skim::once(slot, value),
                None => Some(()),
            }
        })?;
        Some(envelope)
    }

    /// What the parameters of a request say of it, where that was seen.
    pub(super) fn foreword(&mut self, body: &ByteStr) -> Option<Foreword> {
        let outer = self.outer.take().filter(|_| self.id.is_some())?;
        Some(outer.interpret(body))
    }

    /// Checks the members and makes a message of them.
    pub(super) fn into_message(self, body: &ByteStr) -> Result<Message, DecodeError> {
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
            Some(params) if !params.is_object() => return refuse("`params` must be an object"),
            Some(params) => Some(Raw::slice_of(body, params)),
            None => None,
        };
        Ok(match id {
            Some(id) => Message::Request(Request { id, method, params }),
            None => Message::Notification(Notification { method, params }),
        })
    }

    fn into_result(self, body: &ByteStr, id: Option<RequestId>) -> Result<Message, DecodeError> {
        let Some(id) = id else {
            let message = "invalid request: the `id` of a result must be a string or an integer";
            return Err(DecodeError::invalid(None, message));
        };
        match self.result {
            Some(result) if result.is_object() => Ok(Message::Response(Response {
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
        let error = self.error.filter(|error| error.is_object());
        let error = error.map(|error| serde_json::from_str(error.get()));
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
    pub(super) fn readable_id(&self, body: &ByteStr) -> Option<RequestId> {
        if self.duplicate == Some("id") {
            return None;
        }
        let id = self.id?;
        match id.get().as_bytes().first() {
            Some(b'"') => text_of(body, id).map(RequestId::Text),
            Some(b'1'..=b'9') => id.get().parse().ok().map(RequestId::Number),
            _ => serde_json::from_str(id.get()).ok(),
        }
    }

    fn slot(&mut self, key: Key) -> Option<(&'static str, &mut Option<Part<'a>>)> {
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

fn is_version_two(value: Part<'_>) -> bool {
    value.get() == "\"2.0\""
        || serde_json::from_str::<String>(value.get()).is_ok_and(|version| version == "2.0")
}

/// Reads a string, sharing the body's memory if it has no escapes.
fn text_of(body: &ByteStr, value: Part<'_>) -> Option<ByteStr> {
    if let Some(plain) = value.plain_text() {
        return Some(body.part(plain));
    }
    let text = serde_json::from_str::<String>(value.get());
    text.ok().map(ByteStr::from)
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

#[derive(Clone, Copy)]
enum Key {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    Other,
}

impl Key {
    fn of(name: &str) -> Self {
        match name {
            "jsonrpc" => Self::Jsonrpc,
            "id" => Self::Id,
            "method" => Self::Method,
            "params" => Self::Params,
            "result" => Self::Result,
            "error" => Self::Error,
            _ => Self::Other,
        }
    }
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
        Ok(Key::of(name))
    }
}
