//! Writing server-sent events.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::protocol::Frame;
use crate::session::EventId;

/// Pieces up to this size are copied behind one another; larger ones go out as they are.
const COPIED: usize = 8 * 1024;

/// How long a client should wait before it comes back to a stream that was closed on it.
const RETRY_MS: u32 = 1_000;

/// Events in the form they have on the wire, in chunks that are ready to be sent.
#[derive(Debug, Default)]
pub(super) struct EventWriter {
    /// What comes before `open`. Most streams never need it: what is small is ready as it is.
    chunks: VecDeque<Bytes>,
    open: Vec<u8>,
}

impl EventWriter {
    /// One message. It is on one line already, as every frame is.
    pub(super) fn message(&mut self, id: Option<EventId>, frame: &Frame) {
        // Most are small, and go out before the next one comes: room for all of it at once.
        if frame.len() <= COPIED {
            let around = "id: \ndata: \n\n".len() + EventId::LONGEST;
            self.open.reserve(around + frame.len());
        }
        self.id(id);
        self.open.extend_from_slice(b"data: ");
        for piece in frame.pieces() {
            if piece.len() <= COPIED {
                self.open.extend_from_slice(piece);
            } else {
                self.close();
                self.chunks.push_back(piece.clone());
            }
        }
        self.open.extend_from_slice(b"\n\n");
    }

    /// An event without a message, which gives the client an id to come back with and says when
    /// (2025-11-25, "Transports", "Sending Messages to the Server").
    pub(super) fn priming(&mut self, id: EventId) {
        self.id(Some(id));
        let retry = format!("retry: {RETRY_MS}\ndata: \n\n");
        self.open.extend_from_slice(retry.as_bytes());
    }

    /// Bytes that say nothing: proxies pass them on, clients skip them.
    pub(super) fn comment(&mut self) {
        self.open.extend_from_slice(b": keep-alive\n\n");
    }

    /// The next chunk to send.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let next = self.chunks.pop_front();
        next.or_else(|| self.closed())
    }

    /// True when so much is ready that it is better sent than added to.
    pub(super) fn is_full(&self) -> bool {
        !self.chunks.is_empty() || self.open.len() >= COPIED
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.open.is_empty()
    }

    fn id(&mut self, id: Option<EventId>) {
        if let Some(id) = id {
            self.open.extend_from_slice(b"id: ");
            id.write(&mut self.open);
            self.open.push(b'\n');
        }
    }

    fn close(&mut self) {
        let closed = self.closed();
        self.chunks.extend(closed);
    }

    fn closed(&mut self) -> Option<Bytes> {
        (!self.open.is_empty()).then(|| std::mem::take(&mut self.open).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(writer: &mut EventWriter) -> Vec<Bytes> {
        std::iter::from_fn(|| writer.take()).collect()
    }

    #[test]
    fn small_events_share_a_chunk_and_large_pieces_are_not_copied() {
        let mut writer = EventWriter::default();
        let id = EventId {
            tag: 1,
            stream: 2,
            seen: 3,
        };
        writer.priming(id);
        writer.message(Some(id), &Frame::One("{}".into()));
        writer.comment();
        let text = concat!(
            "id: 0000000000000001.2.3\nretry: 1000\ndata: \n\n",
            "id: 0000000000000001.2.3\ndata: {}\n\n",
            ": keep-alive\n\n",
        );
        assert_eq!(written(&mut writer), [text]);

        let large = Bytes::from(vec![b'x'; COPIED + 1]);
        writer.message(
            None,
            &Frame::Many(vec!["[".into(), large.clone(), "]".into()]),
        );
        assert!(writer.is_full());
        let chunks = written(&mut writer);
        assert_eq!(
            chunks,
            [Bytes::from("data: ["), large.clone(), Bytes::from("]\n\n")]
        );
        assert_eq!(chunks[1].as_ptr(), large.as_ptr());
        assert!(writer.is_empty());
    }
}
