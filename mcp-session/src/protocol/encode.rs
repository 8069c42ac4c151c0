//! Writing messages: one JSON-RPC message on one line, copied as little as possible.

use std::cell::Cell;

use bytes::Bytes;
use serde::Serialize;

use crate::protocol::error::RpcError;
use crate::protocol::id::RequestId;
use crate::protocol::message::{Message, Notification, Request, Response};
use crate::protocol::text::Raw;

/// Results up to this size are copied behind their envelope; larger ones stay pieces.
const JOIN_LIMIT: usize = 8 * 1024;

/// The JSON text of a `result`, in one piece or in several that are shared with a catalog.
#[expect(clippy::exhaustive_enums, reason = "one or many, there is no third")]
#[derive(Debug, Clone)]
pub enum Payload {
    /// The whole text.
    One(Bytes),
    /// Pieces that make the text when joined.
    Many(Vec<Bytes>),
}

impl Payload {
    /// Returns the length of the text in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::One(text) => text.len(),
            Self::Many(pieces) => pieces.iter().map(Bytes::len).sum(),
        }
    }

    /// Whether there is no text at all, which no result is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Joins the pieces, copying only if there are several.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::One(text) => text,
            Self::Many(pieces) => pieces.concat().into(),
        }
    }
}

impl From<Raw> for Payload {
    fn from(raw: Raw) -> Self {
        Self::One(raw.to_one_line().into_bytes())
    }
}

impl From<&Raw> for Payload {
    fn from(raw: &Raw) -> Self {
        raw.clone().into()
    }
}

/// One JSON-RPC message on one line, without the line break.
#[expect(clippy::exhaustive_enums, reason = "one or many, there is no third")]
#[derive(Debug, Clone)]
pub enum Frame {
    /// The whole text.
    One(Bytes),
    /// Pieces that make the text when joined.
    Many(Vec<Bytes>),
}

impl Frame {
    /// Encodes a response that carries a result. Large results and those in pieces are not copied.
    pub fn result(id: &RequestId, result: impl Into<Payload>) -> Self {
        let result = result.into();
        let head = |text: &mut Vec<u8>| {
            text.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
            id.write_to(text);
            text.extend_from_slice(b",\"result\":");
        };
        match result {
            Payload::One(result) if result.len() <= JOIN_LIMIT => Self::One(drafted(|text| {
                head(text);
                text.extend_from_slice(&result);
                text.push(b'}');
            })),
            Payload::One(result) => {
                Self::Many(vec![drafted(head), result, Bytes::from_static(b"}")])
            }
            Payload::Many(pieces) => {
                let mut all = Vec::with_capacity(pieces.len() + 2);
                all.push(drafted(head));
                all.extend(pieces);
                all.push(Bytes::from_static(b"}"));
                Self::Many(all)
            }
        }
    }

    /// Encodes a response that carries an error.
    ///
    /// Without an id it says `"id":null`, or has no `id` at all if `omit_id` is set, which is
    /// what revisions want that answer true to
    /// [`may_omit_error_id`](crate::protocol::ProtocolVersion::may_omit_error_id).
    pub fn error(id: Option<&RequestId>, error: &RpcError, omit_id: bool) -> Self {
        let mut text = Vec::with_capacity(128);
        text.extend_from_slice(b"{\"jsonrpc\":\"2.0\"");
        match id {
            Some(id) => {
                text.extend_from_slice(b",\"id\":");
                id.write_to(&mut text);
            }
            None if omit_id => {}
            None => text.extend_from_slice(b",\"id\":null"),
        }
        text.extend_from_slice(b",\"error\":");
        write_value(&mut text, error);
        text.push(b'}');
        Self::One(text.into())
    }

    /// Encodes a notification.
    ///
    /// # Panics
    ///
    /// When `params` has no JSON form. Everything in [`protocol`](crate::protocol) has one; use
    /// [`Frame::notification_raw`] for what users supply.
    pub fn notification(method: &str, params: &impl Serialize) -> Self {
        let mut text = notification_head(method);
        write_value(&mut text, params);
        Self::notified(text)
    }

    /// Encodes a notification whose parameters are JSON text already.
    pub fn notification_raw(method: &str, params: &Raw) -> Self {
        let mut text = notification_head(method);
        text.extend_from_slice(params.to_one_line().as_bytes());
        Self::notified(text)
    }

    /// Notifications wait in queues, so they hold no more memory than their text needs.
    fn notified(mut text: Vec<u8>) -> Self {
        text.push(b'}');
        text.shrink_to_fit();
        Self::One(text.into())
    }

    /// Encodes a notification without parameters.
    pub fn bare_notification(method: &str) -> Self {
        let mut text = Vec::with_capacity(64);
        text.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":");
        write_string(&mut text, method);
        text.push(b'}');
        Self::One(text.into())
    }

    /// Encodes a request.
    pub fn request(id: &RequestId, method: &str, params: &Raw) -> Self {
        let mut text = request_head(id, method);
        text.extend_from_slice(b",\"params\":");
        text.extend_from_slice(params.to_one_line().as_bytes());
        text.push(b'}');
        Self::One(text.into())
    }

    /// Encodes a request without parameters.
    pub fn bare_request(id: &RequestId, method: &str) -> Self {
        let mut text = request_head(id, method);
        text.push(b'}');
        Self::One(text.into())
    }

    /// Encodes any message; an error without an id says null.
    pub fn message(message: &Message) -> Self {
        match message {
            Message::Request(Request {
                id,
                method,
                params: Some(params),
            }) => Self::request(id, method, params),
            Message::Request(Request {
                id,
                method,
                params: None,
            }) => Self::bare_request(id, method),
            Message::Notification(Notification {
                method,
                params: Some(params),
            }) => Self::notification_raw(method, params),
            Message::Notification(Notification {
                method,
                params: None,
            }) => Self::bare_notification(method),
            Message::Response(Response {
                id: Some(id),
                outcome: Ok(result),
            }) => Self::result(id, result),
            Message::Response(Response {
                id,
                outcome: Err(error),
            }) => Self::error(id.as_ref(), error, false),
            Message::Response(Response {
                id: None,
                outcome: Ok(_),
            }) => Self::error(
                None,
                &RpcError::internal("a result without an id was about to be sent"),
                false,
            ),
        }
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> usize {
        self.pieces().map(Bytes::len).sum()
    }

    /// Whether there is no text at all, which no message is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Joins the pieces, copying only if there are several.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::One(text) => text,
            Self::Many(pieces) => pieces.concat().into(),
        }
    }

    /// Returns the pieces in order.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = &Bytes> {
        match self {
            Self::One(text) => std::slice::from_ref(text).iter(),
            Self::Many(pieces) => pieces.iter(),
        }
    }

    /// Appends the text to a buffer.
    pub fn copy_to(&self, buffer: &mut Vec<u8>) {
        for piece in self.pieces() {
            buffer.extend_from_slice(piece);
        }
    }
}

fn notification_head(method: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(128);
    text.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":");
    write_string(&mut text, method);
    text.extend_from_slice(b",\"params\":");
    text
}

fn request_head(id: &RequestId, method: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(128);
    text.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    id.write_to(&mut text);
    text.extend_from_slice(b",\"method\":");
    write_string(&mut text, method);
    text
}

thread_local! {
    /// The room for the next text that is drafted.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A text in one allocation that is no larger than it: it is written where the one before was
/// written, and copied when its length is known. One that is long stays where it is.
pub(in crate::protocol) fn drafted(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut draft = ROOM.try_with(Cell::take).unwrap_or_default();
    write(&mut draft);
    if draft.len() > JOIN_LIMIT {
        return draft.into();
    }
    let text = Bytes::copy_from_slice(&draft);
    draft.clear();
    ROOM.try_with(|room| room.set(draft)).ok();
    text
}

/// Appends a JSON string.
pub(in crate::protocol) fn write_string(buffer: &mut Vec<u8>, text: &str) {
    let is_special = |byte: u8| matches!(byte, b'"' | b'\\' | ..b' ');
    if text.bytes().any(is_special) {
        return write_value(buffer, text);
    }
    buffer.reserve(text.len() + 2);
    buffer.push(b'"');
    buffer.extend_from_slice(text.as_bytes());
    buffer.push(b'"');
}

/// Appends a value that is known to have a JSON form.
pub(in crate::protocol) fn write_value(buffer: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(buffer, value).expect("a Vec takes everything, and keys are strings");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_was_written_whatever_was_drafted_meanwhile_or_before() {
        let outer = drafted(|text| {
            text.push(b'a');
            text.extend_from_slice(&drafted(|text| text.push(b'b')));
        });
        assert_eq!(outer, "ab");
        let long = drafted(|text| text.resize(JOIN_LIMIT + 1, b'c'));
        assert!(long.len() == JOIN_LIMIT + 1 && long.iter().all(|byte| *byte == b'c'));
        assert_eq!(drafted(|text| text.push(b'd')), "d");
    }
}
