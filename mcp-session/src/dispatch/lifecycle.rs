//! `initialize`, `server/discover` and `ping`: getting to know each other.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalog::Family;
use crate::dispatch::arrival::Arrival;
use crate::protocol::wire::{Shape, Shaped};
use crate::protocol::{
    ClientInfo, DiscoverResult, EmptyResult, Era, InitializeParams, InitializeResult, ListChanged,
    Payload, ProtocolVersion, Request, ResourcesCapability, RpcError, ServerCapabilities,
};
use crate::server::Live;
use crate::session::Client;

pub(crate) fn server_discover(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let cache = arrival.server.inner().list_cache(&arrival.live);
    let mut result = DiscoverResult::new(capabilities(&arrival.live), cache);
    let instructions = &arrival.blueprint().instructions;
    result.instructions.clone_from(instructions);
    Ok(result.shape(&arrival.shape()))
}

pub(crate) fn ping(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    Ok(EmptyResult::new().shape(&arrival.shape()))
}

/// How much a client may say of itself: the session keeps it, and anybody can open sessions.
const INTRODUCTION_BYTES: usize = 64 * 1024;

/// What `initialize` says.
pub(crate) fn introduction(request: &Request) -> Result<InitializeParams, RpcError> {
    let params = request.params.as_ref();
    if params.is_some_and(|params| params.as_bytes().len() > INTRODUCTION_BYTES) {
        let message = format!("a client says at most {INTRODUCTION_BYTES} bytes of itself");
        return Err(RpcError::invalid_params(message));
    }
    InitializeParams::from_params(params)
}

/// The client of a handshake, at the revision it gets: the one it asked for where that begins
/// with a handshake, the newest such one otherwise (2025-11-25, "Lifecycle", "Version
/// Negotiation"). An `initialize` that asks for 2026-07-28 is answered with 2025-11-25.
pub(crate) fn negotiated(params: &InitializeParams) -> Arc<Client> {
    let version = ProtocolVersion::parse(&params.protocol_version)
        .filter(|version| version.era() == Era::Handshake)
        .unwrap_or(ProtocolVersion::LATEST_HANDSHAKE);
    // The session outlives the message, and must not keep its bytes.
    let capabilities = params.capabilities.detach();
    let info = ClientInfo::from(&params.client_info);
    Arc::new(Client::new(version, Some(info), capabilities))
}

/// The result of `initialize`.
pub(crate) fn initialized(live: &Live, version: ProtocolVersion) -> Payload {
    let blueprint = live.blueprint();
    let mut result = InitializeResult::new(version, capabilities(live), blueprint.info.clone());
    result.instructions.clone_from(&blueprint.instructions);
    result.shape(&Shape::new(version, None))
}

/// What the server can do. Changes of lists are declared for every family there is: a byte
/// stream, a GET stream and a `subscriptions/listen` stream all deliver them.
fn capabilities(live: &Live) -> ServerCapabilities {
    let (blueprint, families) = (live.blueprint(), live.families());
    let some = |settings: &Map<String, Value>| (!settings.is_empty()).then(|| settings.clone());
    let listed = |family| families.has(family).then(|| ListChanged::new(true));
    ServerCapabilities {
        tools: listed(Family::Tools),
        prompts: listed(Family::Prompts),
        resources: families
            .has(Family::Resources)
            .then(|| ResourcesCapability::new(true).subscribe(true)),
        completions: families.has(Family::Completions),
        logging: blueprint.logging,
        extensions: some(blueprint.extensions.declared()),
        experimental: some(blueprint.extensions.experimental()),
    }
}
