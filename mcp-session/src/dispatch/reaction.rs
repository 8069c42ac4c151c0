//! What a transport is asked to do about a message.

use std::{borrow::Cow, pin::Pin, sync::Arc};

use bytes::Bytes;

use crate::protocol::{Era, Frame, ProtocolVersion, RequestId, RpcError, code};
use crate::server::Live;
use crate::session::{Counters, Outbox, SessionId};

/// What is done about a message.
#[derive(Debug)]
pub(crate) enum Reaction {
    /// It was taken, and there is nothing to answer: HTTP 202.
    Accepted,
    /// The answer is known.
    Answer(Answer),
    /// A request is running.
    Running(Running),
}

/// An answer, and how HTTP puts it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The message; `None` where there is nothing to say.
    pub(crate) frame: Option<Frame>,
    /// The session that was opened, for the `Mcp-Session-Id` header.
    pub(crate) opened: Option<SessionId>,
    /// When to try again, in seconds, for the `Retry-After` header.
    pub(crate) retry_after: Option<u32>,
    /// What to do to be let in, for the `WWW-Authenticate` header.
    pub(crate) challenge: Option<Box<str>>,
    /// How many requests it answers with an error: more than one in a batch.
    pub(crate) errors: usize,
    /// Which error it is, if it is one.
    pub(crate) cause: Option<Cause>,
}

/// What of an error is shown to whoever observes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause {
    pub(crate) code: i64,
    /// Its message, where that holds nothing that a client sent; else nothing.
    pub(crate) reason: &'static str,
}

/// A request that is running. Whoever drives it polls [`future`](Self::future) to its end, and
/// sends what [`outlet`](Self::outlet) holds before the answer.
pub(crate) struct Running {
    /// `None` when the request was cancelled: it gets no answer.
    pub(crate) future: Pin<Box<dyn Future<Output = Option<Answer>> + Send>>,
    /// What is said about the request while it runs.
    pub(crate) outlet: Arc<Outbox>,
    /// The session it runs in.
    pub(crate) live: Arc<Live>,
    pub(crate) version: ProtocolVersion,
    pub(crate) upgrade: Upgrade,
}

/// When an HTTP answer becomes an event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upgrade {
    /// When the handler speaks before it answers, or is silent for long.
    OnSpeech,
    /// Never: the answer carries headers that are not known before it.
    Never,
    /// At once, and the future only waits: no task is needed to drive it.
    Passive,
}

impl Answer {
    pub(crate) fn new(status: u16, frame: Frame) -> Self {
        Self {
            status,
            frame: Some(frame),
            opened: None,
            retry_after: None,
            challenge: None,
            errors: 0,
            cause: None,
        }
    }

    /// A status without a message.
    pub(crate) fn bare(status: u16) -> Self {
        Self {
            status,
            frame: None,
            opened: None,
            retry_after: None,
            challenge: None,
            errors: 0,
            cause: None,
        }
    }

    /// An error about a message whose id may not be known.
    pub(crate) fn error(
        status: u16,
        id: Option<&RequestId>,
        error: &RpcError,
        version: ProtocolVersion,
    ) -> Self {
        let frame = Frame::error(id, error, version.may_omit_error_id());
        Self {
            errors: 1,
            cause: Some(Cause {
                code: error.code,
                reason: match error.message {
                    Cow::Borrowed(text) => text,
                    Cow::Owned(_) => "",
                },
            }),
            ..Self::new(status, frame)
        }
    }

    /// The error of a request that was admitted, with the status its era wants (2026-07-28,
    /// "Streamable HTTP": 404 for an unknown method, 400 for what the client must do otherwise;
    /// before that, an answered request is a success to HTTP).
    pub(crate) fn failed(id: &RequestId, error: &RpcError, version: ProtocolVersion) -> Self {
        let status = match (version.era(), error.code) {
            (Era::Stateless, code::METHOD_NOT_FOUND) => 404,
            (
                Era::Stateless,
                code::HEADER_MISMATCH | code::MISSING_CAPABILITY | code::UNSUPPORTED_VERSION,
            ) => 400,
            _ => 200,
        };
        Self::error(status, Some(id), error, version)
    }
}

impl Answer {
    /// Counts what goes out just as it is.
    pub(crate) fn count(&self, counters: &Counters) {
        if let Some(frame) = &self.frame {
            counters.told(frame.len());
        }
        counters.failed(self.errors);
    }
}

impl From<Answer> for Reaction {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// The answers of a batch as one message (2025-03-26, "Batching"); `None` when there are none.
pub(crate) fn batched(answers: impl IntoIterator<Item = Answer>) -> Option<Answer> {
    let mut pieces = vec![Bytes::from_static(b"[")];
    let mut errors = 0;
    for answer in answers {
        errors += answer.errors;
        let Some(frame) = answer.frame else { continue };
        if pieces.len() > 1 {
            pieces.push(Bytes::from_static(b","));
        }
        pieces.extend(frame.pieces().cloned());
    }
    if pieces.len() == 1 {
        return None;
    }
    pieces.push(Bytes::from_static(b"]"));
    Some(Answer {
        errors,
        ..Answer::new(200, Frame::Many(pieces))
    })
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}
