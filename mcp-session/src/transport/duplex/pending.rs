//! Messages that were read and cannot be taken yet.

use std::collections::VecDeque;

use crate::dispatch::stream::Decoded;
use crate::protocol::{CancelledParams, Incoming, Message, RequestId, method};

/// A message, and what it takes to take it.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) decoded: Decoded,
    /// How many answers it asks for: as many places in flight it needs.
    pub(super) weight: u32,
    bytes: usize,
}

impl Arrived {
    pub(super) fn new(decoded: Decoded, bytes: usize) -> Self {
        let incoming = decoded.as_ref().map(|received| &received.incoming);
        let answers = match incoming {
            Ok(Incoming::One(Message::Request(_))) | Err(_) => 1,
            Ok(Incoming::One(Message::Notification(_) | Message::Response(_))) => 0,
            Ok(Incoming::Batch(messages)) => {
                let answered = |message: &&_| matches!(message, Ok(Message::Request(_)) | Err(_));
                messages.iter().filter(answered).count()
            }
        };
        let weight = u32::try_from(answers).unwrap_or(u32::MAX);
        Self {
            decoded,
            weight,
            bytes,
        }
    }

    /// The request that this message cancels, if that is what it does.
    pub(super) fn cancels(&self) -> Option<RequestId> {
        let Message::Notification(notification) = self.message()? else {
            return None;
        };
        if &*notification.method != method::CANCELLED {
            return None;
        }
        let params = CancelledParams::from_params(notification.params.as_ref());
        params.ok()?.request_id
    }

    fn is_request(&self, id: &RequestId) -> bool {
        matches!(self.message(), Some(Message::Request(request)) if request.id == *id)
    }

    fn message(&self) -> Option<&Message> {
        match &self.decoded.as_ref().ok()?.incoming {
            Incoming::One(message) => Some(message),
            Incoming::Batch(_) => None,
        }
    }
}

/// A bounded queue of messages that wait for a place.
#[derive(Debug)]
pub(super) struct Pending {
    waiting: VecDeque<Arrived>,
    bytes: usize,
    many: usize,
    max_bytes: usize,
}

impl Pending {
    pub(super) fn new(many: usize, max_bytes: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            many,
            max_bytes,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// True when so many wait that reading should pause.
    pub(super) fn is_many(&self) -> bool {
        self.waiting.len() >= self.many
    }

    /// True when nothing more can be kept.
    pub(super) fn is_large(&self) -> bool {
        self.bytes >= self.max_bytes
    }

    /// How many places the first message needs; `None` when none waits.
    pub(super) fn weight(&self) -> Option<u32> {
        self.waiting.front().map(|arrived| arrived.weight)
    }

    pub(super) fn push(&mut self, mut arrived: Arrived) {
        if let Ok(received) = &mut arrived.decoded {
            // Read again once its turn comes: what waits is bounded by its bytes.
            received.foreword = None;
        }
        self.bytes += arrived.bytes;
        self.waiting.push_back(arrived);
    }

    pub(super) fn pop(&mut self) -> Option<Arrived> {
        let arrived = self.waiting.pop_front()?;
        self.bytes -= arrived.bytes;
        Some(arrived)
    }

    /// Forgets a request that its client has cancelled: it gets no answer.
    pub(super) fn cancel(&mut self, id: &RequestId) {
        self.waiting.retain(|arrived| {
            let cancelled = arrived.is_request(id);
            self.bytes -= if cancelled { arrived.bytes } else { 0 };
            !cancelled
        });
    }
}
