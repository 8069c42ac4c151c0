//! Messages over Streamable HTTP.
//!
//! The transport has checked what is about HTTP alone (host, origin, content type, size); here
//! begins what is about the protocol, in the order of admission that ARCHITECTURE.md lists.

mod named;
mod post;
mod saved;
mod standing;

use std::pin::Pin;

use http::{HeaderMap, HeaderName};

use crate::auth::Caller;
use crate::dispatch::reaction::{Answer, Reaction};
use crate::protocol::{Era, ProtocolVersion, RequestId, RpcError};
use crate::server::{Full, Live, Server, Unfetched};
use crate::session::EndReason;

pub(crate) use post::post;
pub(crate) use standing::{Attached, get};

use named::named_session;

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// What becomes of a POST. Only `on_open` takes time, so most are decided at once.
pub(crate) enum Decision<'a> {
    Now(Reaction),
    /// `on_open` runs first.
    Opens(Pin<Box<dyn Future<Output = Reaction> + Send + 'a>>),
}

impl<T: Into<Reaction>> From<T> for Decision<'_> {
    fn from(reaction: T) -> Self {
        Self::Now(reaction.into())
    }
}

/// Sees to it that the session which a request names is here, and the newest there is, if it is
/// anywhere. Nothing to wait for, where sessions live in this process only.
pub(crate) async fn fetch(
    server: &Server,
    caller: Option<&Caller>,
    headers: &HeaderMap,
) -> Result<(), Answer> {
    let named = headers.get(SESSION).and_then(|id| id.to_str().ok());
    let fetching = named.and_then(|id| server.fetch(id, caller.map(Caller::principal)));
    let Some(fetching) = fetching else {
        return Ok(());
    };
    let version = ProtocolVersion::LATEST_HANDSHAKE;
    fetching.await.map_err(|unfetched| match unfetched {
        Unfetched::Full(full) => no_place(full, None, version),
        Unfetched::Unavailable(error) => {
            let error = &*error as &dyn std::error::Error;
            tracing::error!(error, "a session cannot be looked for");
            unkept("sessions cannot be reached now; try again", None, version)
        }
    })
}

/// Ends a session.
pub(crate) async fn delete(
    server: &Server,
    caller: Option<&Caller>,
    headers: &HeaderMap,
) -> Answer {
    if let Err(answer) = without_modern(headers) {
        return answer;
    }
    match named_session(server, caller, headers) {
        Ok(live) => match server.end_stored(&live, EndReason::Client).await {
            Ok(()) => Answer::bare(204),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a session could not be ended");
                let why = "the session could not be ended now; try again";
                unkept(why, None, version(&live))
            }
        },
        Err(refusal) => refusal.answer(None),
    }
}

/// The stateless era has neither GET nor DELETE (2026-07-28, "Streamable HTTP", "Backward
/// Compatibility").
fn without_modern(headers: &HeaderMap) -> Result<(), Answer> {
    let named = headers.get(VERSION).and_then(|value| value.to_str().ok());
    match named
        .and_then(ProtocolVersion::parse)
        .map(ProtocolVersion::era)
    {
        Some(Era::Stateless) => Err(Answer::bare(405)),
        Some(Era::Handshake) | None => Ok(()),
    }
}

/// The answer to a client for whose session there is no place.
fn no_place(full: Full, id: Option<&RequestId>, version: ProtocolVersion) -> Answer {
    let (status, seconds) = match full {
        Full::Server => (503, 5),
        Full::Principal => (429, 5),
        Full::TooFast => (429, 1),
    };
    Answer {
        retry_after: Some(seconds),
        ..Answer::error(status, id, &RpcError::internal(full.why()), version)
    }
}

/// The answer where the store does not answer.
fn unkept(why: &'static str, id: Option<&RequestId>, version: ProtocolVersion) -> Answer {
    Answer {
        retry_after: Some(1),
        ..Answer::error(503, id, &RpcError::internal(why), version)
    }
}

fn version(live: &Live) -> ProtocolVersion {
    live.core()
        .client()
        .map_or(ProtocolVersion::LATEST_HANDSHAKE, |client| client.version())
}
