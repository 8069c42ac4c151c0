//! The era of a message, and what a stateless request must say of itself.
//!
//! Decided once per message, from versions alone: never from `Mcp-*` headers, never from the
//! method.

use std::sync::Arc;

use crate::protocol::{
    ClientCapabilities, Era, Preamble, ProtocolVersion, RequestedLogLevel, RpcError, meta, method,
};
use crate::session::Client;

/// The era a message belongs to.
///
/// It is stateless when its `_meta` names a modern or unknown revision, or its
/// `MCP-Protocol-Version` header names a modern one and it is not an `initialize` without such
/// `_meta`. A handshake revision in either follows handshake rules.
pub(crate) fn era(in_meta: Option<&str>, in_header: Option<&str>, method: &str) -> Era {
    if let Some(version) = in_meta {
        return match ProtocolVersion::parse(version) {
            Some(known) => known.era(),
            None => Era::Stateless,
        };
    }
    let modern = |version| ProtocolVersion::parse(version).map(ProtocolVersion::era);
    if in_header.and_then(modern) == Some(Era::Stateless) && method != method::INITIALIZE {
        return Era::Stateless;
    }
    Era::Handshake
}

/// What a stateless request says of its client, if it says all it must: the members of `_meta`
/// first (-32602), then the header against them (-32020), then whether the revision is served
/// (-32022).
///
/// `header` is `None` where there are no headers at all; an HTTP request without this one is a
/// mismatch.
pub(crate) fn client(
    meta: &Preamble,
    header: Option<Option<&str>>,
) -> Result<Arc<Client>, RpcError> {
    let Some(requested) = &meta.protocol_version else {
        return Err(missing(meta::PROTOCOL_VERSION));
    };
    let Some(capabilities) = &meta.client_capabilities else {
        return Err(missing(meta::CLIENT_CAPABILITIES));
    };
    match header {
        Some(None) => {
            return Err(RpcError::header_mismatch(
                "the `MCP-Protocol-Version` header is missing",
            ));
        }
        Some(Some(header)) if *requested != header => {
            return Err(RpcError::header_mismatch(format!(
                "the `MCP-Protocol-Version` header is not what `_meta` says: {header:?} and {requested:?}"
            )));
        }
        Some(Some(_)) | None => {}
    }
    let version = ProtocolVersion::parse(requested)
        .filter(|version| version.era() == Era::Stateless)
        .ok_or_else(|| RpcError::unsupported_version(requested))?;
    if meta.log_level == RequestedLogLevel::Invalid {
        return Err(RpcError::invalid_params(format!(
            "`{}` is no log level",
            meta::LOG_LEVEL
        )));
    }
    Ok(Arc::new(Client::new(
        version,
        meta.client_info.clone(),
        capabilities.clone(),
    )))
}

/// The stand-in for a client that has not introduced itself.
pub(crate) fn unknown_client() -> Arc<Client> {
    let capabilities = ClientCapabilities::default();
    Arc::new(Client::new(
        ProtocolVersion::LATEST_HANDSHAKE,
        None,
        capabilities,
    ))
}

fn missing(key: &str) -> RpcError {
    RpcError::invalid_params(format!(
        "`_meta` lacks `{key}`, which every request must carry"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_era_follows_from_versions_alone() {
        use Era::{Handshake, Stateless};
        let cases = [
            (None, None, "tools/list", Handshake),
            (None, Some("2025-11-25"), "tools/list", Handshake),
            (None, Some("1999-01-01"), "tools/list", Handshake),
            (None, Some("2026-07-28"), "tools/list", Stateless),
            (None, Some("2026-07-28"), "server/discover", Stateless),
            (None, Some("2026-07-28"), "initialize", Handshake),
            (None, None, "server/discover", Handshake),
            (
                Some("2026-07-28"),
                Some("2026-07-28"),
                "initialize",
                Stateless,
            ),
            (Some("2026-07-28"), None, "tools/list", Stateless),
            (
                Some("v999.0.0"),
                Some("2025-11-25"),
                "tools/list",
                Stateless,
            ),
            (
                Some("2025-11-25"),
                Some("2026-07-28"),
                "tools/list",
                Handshake,
            ),
            (Some("2025-06-18"), None, "server/discover", Handshake),
        ];
        for (in_meta, in_header, method, expected) in cases {
            let label = format!("{in_meta:?} {in_header:?} {method}");
            assert_eq!(era(in_meta, in_header, method), expected, "{label}");
        }
    }
}
