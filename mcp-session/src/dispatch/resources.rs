//! `resources/read`, `resources/subscribe` and `resources/unsubscribe`.

use crate::catalog::{
    CheckedResource, CheckedTemplate, ResourceReply, ResourceRequest, UriVariables,
};
use crate::context::Needs;
use crate::dispatch::arrival::{Arrival, How, Work};
use crate::dispatch::failure::Failure;
use crate::dispatch::rounds::{self, Retry};
use crate::error::{ToolError, ToolErrorKind};
use crate::peer::AskError;
use crate::protocol::wire::Shaped;
use crate::protocol::{
    CacheHint, EmptyResult, Era, Payload, ProtocolVersion, ReadResourceParams, RpcError,
    SubscribeParams,
};
use crate::server::{Live, offer};
use crate::session::Capability;

/// What serves a URI.
enum Served {
    Resource(CheckedResource),
    Template(CheckedTemplate, UriVariables),
}

pub(crate) fn resources_read(mut arrival: Arrival<'_>) -> Result<Work, Failure> {
    let params = arrival.params(ReadResourceParams::from_params)?;
    let version = arrival.version();
    let served = find(&arrival.live, &params.uri)
        .ok_or_else(|| RpcError::resource_not_found(&params.uri, version))?;
    arrival.check_scopes(served.needs())?;
    arrival
        .check_needs(served.needs())
        .map_err(|missing| lacking(missing, version))?;
    let cache = served.cache(&arrival);
    let retry = Retry {
        input_responses: params.input_responses,
        request_state: params.request_state,
    };
    let (uri, how) = (params.uri, How::of(served.needs()));
    let ctx = arrival.asking_context(served.needs(), retry, &uri, || None)?;
    let asked = uri.clone();
    let start = move |ctx| match served {
        Served::Resource(resource) => {
            let request = ResourceRequest::new(asked.as_str(), UriVariables::default());
            resource.handler().run(request, ctx)
        }
        Served::Template(template, variables) => template
            .handler()
            .run(ResourceRequest::new(asked.as_str(), variables), ctx),
    };
    Ok(arrival.run(
        how,
        ctx,
        start,
        move |returned, ctx, shape| match returned {
            Some(Ok(ResourceReply::Complete(mut result))) => {
                result.cache.get_or_insert(cache);
                Ok(result.shape(shape))
            }
            Some(Ok(ResourceReply::InputRequired(result)))
                if shape.version.era() == Era::Stateless =>
            {
                rounds::ask_by_hand(result, ctx, shape)
            }
            Some(Ok(ResourceReply::InputRequired(_))) => Err(no_rounds()),
            Some(Err(error)) => {
                let version = shape.version;
                Err(failed(error, version, || {
                    RpcError::resource_not_found(&uri, version)
                }))
            }
            None => Err(panicked()),
        },
    ))
}

pub(crate) fn resources_subscribe(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let params = arrival.params(SubscribeParams::from_params)?;
    check_kept(&params.uri)?;
    if !arrival.live.serves(&params.uri) {
        return Err(RpcError::resource_not_found(&params.uri, arrival.version()));
    }
    let core = arrival.live.core();
    let limit = arrival.server.limits().subscriptions;
    if core.subscribed(&params.uri).is_none() && core.subscription_count() >= limit {
        let message = format!("at most {limit} resources can be subscribed to");
        return Err(RpcError::invalid_params(message));
    }
    core.subscribe(&params.uri);
    arrival.live.changed(None, &[]);
    Ok(EmptyResult::new().shape(&arrival.shape()))
}

/// How long a URI may be that is kept for longer than its request.
const KEPT_URI_BYTES: usize = 8 * 1024;

/// Refuses a URI that is too long to be kept: there may be many, in many sessions.
pub(crate) fn check_kept(uri: &str) -> Result<(), RpcError> {
    if uri.len() <= KEPT_URI_BYTES {
        return Ok(());
    }
    let message = format!("a URI to subscribe to has at most {KEPT_URI_BYTES} bytes");
    Err(RpcError::invalid_params(message))
}

pub(crate) fn resources_unsubscribe(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let params = arrival.params(SubscribeParams::from_params)?;
    arrival.live.core().unsubscribe(&params.uri);
    arrival.live.changed(None, &[]);
    Ok(EmptyResult::new().shape(&arrival.shape()))
}

/// What serves a URI in this session, to keep.
fn find(live: &Live, uri: &str) -> Option<Served> {
    live.with_view(|catalog, overlay| {
        Some(match offer::served(catalog, overlay, uri)? {
            offer::Served::Resource(resource) => Served::Resource(resource.clone()),
            offer::Served::Template(template, variables) => {
                Served::Template(template.clone(), variables)
            }
        })
    })
}

impl Served {
    fn needs(&self) -> &Needs {
        match self {
            Self::Resource(resource) => resource.needs(),
            Self::Template(template, _) => template.needs(),
        }
    }

    /// How the contents may be cached where the author does not say: like a list where they are
    /// the same for every reader of that list, not at all otherwise.
    fn cache(&self, arrival: &Arrival<'_>) -> CacheHint {
        match self {
            Self::Resource(resource) if resource.is_static() => {
                arrival.server.inner().list_cache(&arrival.live)
            }
            Self::Resource(_) | Self::Template(..) => CacheHint::default(),
        }
    }
}

/// The error of a prompt or resource handler.
pub(crate) fn failed(
    error: ToolError,
    version: ProtocolVersion,
    unknown: impl FnOnce() -> RpcError,
) -> RpcError {
    let message = error.to_string();
    match error.into_kind() {
        ToolErrorKind::NotFound => unknown(),
        ToolErrorKind::Rpc(error) => error,
        ToolErrorKind::Message(_) | ToolErrorKind::Content(_) => RpcError::internal(message),
        ToolErrorKind::Source(source) => {
            match source.downcast_ref() {
                Some(AskError::MissingCapability(missing)) => return lacking(*missing, version),
                Some(AskError::Misfit(_)) if version.era() == Era::Stateless => {
                    return RpcError::invalid_params(message);
                }
                _ => {}
            }
            tracing::debug!(error = &*source, "a handler failed");
            RpcError::internal(message)
        }
    }
}

/// The client did not declare what the handler needs, and there is no result to say so in.
pub(crate) fn lacking(missing: Capability, version: ProtocolVersion) -> RpcError {
    match version.era() {
        Era::Stateless => RpcError::missing_capability(missing.required()),
        Era::Handshake => RpcError::internal(format!(
            "this needs a client that supports {}, and this one does not",
            missing.name()
        )),
    }
}

pub(crate) fn panicked() -> RpcError {
    tracing::error!("a handler panicked");
    RpcError::internal("the handler failed unexpectedly")
}

/// A handler returned an input-required result to a client whose revision has none.
pub(crate) fn no_rounds() -> RpcError {
    RpcError::internal("this needs input in a form that the client's protocol revision lacks")
}
