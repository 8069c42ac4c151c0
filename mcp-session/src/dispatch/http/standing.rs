//! A stream that a client reads by GET.

use std::sync::Arc;

use http::HeaderMap;

use crate::auth::Caller;
use crate::dispatch::http::named::named_session;
use crate::dispatch::http::{LAST_EVENT, unkept, version, without_modern};
use crate::dispatch::reaction::Answer;
use crate::protocol::{ProtocolVersion, RpcError};
use crate::server::{Live, Server, Unread};
use crate::session::{EventId, Reader, Resume, STANDING};

/// Opens the standing stream of a session, or resumes one that was lost.
pub(crate) async fn get(
    server: &Server,
    caller: Option<&Caller>,
    headers: &HeaderMap,
) -> Result<Attached, Answer> {
    without_modern(headers)?;
    let live = named_session(server, caller, headers).map_err(|refusal| refusal.answer(None))?;
    let version = version(&live);
    if !live.core().streams.has_room(server.limits().streams) {
        let error = RpcError::internal("too many streams of this session are open");
        let answer = Answer::error(429, None, &error, version);
        return Err(Answer {
            retry_after: Some(1),
            ..answer
        });
    }
    let unknown = || {
        let error = RpcError::invalid_request(
            "the event is not known here, or something behind it is gone",
        );
        Answer::error(400, None, &error, version)
    };
    let event = match headers.get(LAST_EVENT) {
        None => None,
        Some(event) => {
            let event = event.to_str().ok().and_then(EventId::parse);
            let own = event.filter(|event| event.tag == live.core().tag());
            Some(own.ok_or_else(unknown)?)
        }
    };
    let attached = attach(server, &live, event).await;
    let attached = attached.map_err(|unread| match unread {
        Unread::Gone => unknown(),
        Unread::Unavailable(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a stream cannot be read");
            unkept("streams cannot be read now; try again", None, version)
        }
    })?;
    let (stream, seen, reader) = attached;
    server.refresh_roots(&live);
    Ok(Attached {
        live,
        stream,
        seen,
        reader,
        version,
    })
}

/// A reader of the stream that a GET names, where it is: here, in the store, or at another replica.
async fn attach(
    server: &Server,
    live: &Arc<Live>,
    event: Option<EventId>,
) -> Result<(u32, Option<u64>, Reader), Unread> {
    let answer = event.filter(|event| event.stream != STANDING);
    if answer.is_none() {
        let seen = event.map(|event| event.seen);
        if let Some((seen, reader)) = server.read_standing(live, seen).await? {
            return Ok((STANDING, Some(seen), reader));
        }
    }
    let streams = &live.core().streams;
    let Some(event) = event else {
        let standing = streams.standing(server.limits().resumable());
        return Ok((STANDING, None, standing.reader()));
    };
    match (streams.resume(event), answer) {
        (Resume::Reader(stream, reader), _) => Ok((stream, None, reader)),
        (Resume::Unknown, Some(answer)) => {
            let reader = server.resume_elsewhere(live, answer).await?;
            Ok((answer.stream, None, reader))
        }
        (Resume::Unknown, None) => Err(Unread::Gone),
    }
}

/// A stream of a session, and a reader on it.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) live: Arc<Live>,
    /// The stream's number, for the ids of its events.
    pub(crate) stream: u32,
    /// How many of its events the client has seen, where it is read from the store.
    pub(crate) seen: Option<u64>,
    pub(crate) reader: Reader,
    pub(crate) version: ProtocolVersion,
}
