//! The session that a request names.

use std::sync::Arc;

use http::HeaderMap;

use crate::auth::Caller;
use crate::dispatch::http::{SESSION, VERSION};
use crate::dispatch::reaction::Answer;
use crate::protocol::{Era, ProtocolVersion, RequestId, RpcError};
use crate::server::{Live, Server};

/// Why a request has no session.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: RpcError,
    pub(super) version: ProtocolVersion,
}

impl Refusal {
    pub(super) fn answer(&self, id: Option<&RequestId>) -> Answer {
        Answer::error(self.status, id, &self.error, self.version)
    }
}

/// The session that the headers name. An unknown id is 404 whatever else is wrong, so that a
/// client learns that it must begin anew.
pub(super) fn named_session(
    server: &Server,
    caller: Option<&Caller>,
    headers: &HeaderMap,
) -> Result<Arc<Live>, Refusal> {
    let header = headers.get(VERSION);
    let named = header
        .and_then(|value| value.to_str().ok())
        .and_then(ProtocolVersion::parse);
    let refuse = |status, message: &'static str| Refusal {
        status,
        error: RpcError::invalid_request(message),
        version: named.unwrap_or(ProtocolVersion::LATEST_HANDSHAKE),
    };
    let Some(id) = headers.get(SESSION) else {
        return Err(refuse(
            400,
            "the `Mcp-Session-Id` header is missing: send `initialize` first, or follow protocol version 2026-07-28",
        ));
    };
    let found = id
        .to_str()
        .ok()
        .and_then(|id| server.inner().sessions.find(id));
    // Another principal's session is one that does not exist.
    let principal = caller.map(Caller::principal);
    let found = found.filter(|live| live.is_over_http() && live.core().principal() == principal);
    // One that ended just now is gone as well; any other is in use from here on.
    let found = found.filter(|live| live.touch().is_ok());
    let live =
        found.ok_or_else(|| refuse(404, "there is no such session: send `initialize` again"))?;
    if header.is_some() && named.is_none_or(|version| version.era() == Era::Stateless) {
        return Err(refuse(
            400,
            "the `MCP-Protocol-Version` header names no revision that has sessions here",
        ));
    }
    Ok(live)
}
