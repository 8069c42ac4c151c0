//! `resources/read`, `resources/subscribe` and `resources/unsubscribe`.

use crate::catalog::{
    CheckedResource, CheckedTemplate, ResourceReply, ResourceRequest, UriVariables, View,
};
use crate::context::Needs;
use crate::dispatch::arrival::{Arrival, Work};
use crate::error::{ToolError, ToolErrorKind};
use crate::peer::AskError;
use crate::protocol::wire::Shaped;
use crate::protocol::{
    CacheHint, EmptyResult, Era, Payload, ProtocolVersion, ReadResourceParams, RpcError,
    SubscribeParams,
};
use crate::server::Live;
use crate::session::Capability;

/// What serves a URI.
enum Served {
    Resource(CheckedResource),
    Template(CheckedTemplate, UriVariables),
}

pub(crate) fn resources_read(mut arrival: Arrival<'_>) -> Result<Work, RpcError> {
    let params = arrival.params(ReadResourceParams::from_params)?;
    let version = arrival.version();
    let served = find(&arrival.live, &params.uri)
        .ok_or_else(|| RpcError::resource_not_found(&params.uri, version))?;
    arrival
        .check_needs(served.needs())
        .map_err(|missing| lacking(missing, version))?;
    let cache = served.cache(&arrival);
    let ctx = arrival.context(params.input_responses, params.request_state);
    let uri = params.uri;
    let handler = match served {
        Served::Resource(resource) => {
            let request = ResourceRequest::new(uri.as_str(), UriVariables::default());
            resource.handler().run(request, ctx.clone())
        }
        Served::Template(template, variables) => template
            .handler()
            .run(ResourceRequest::new(uri.as_str(), variables), ctx.clone()),
    };
    Ok(
        arrival.run(ctx, handler, move |returned, shape| match returned {
            Some(Ok(ResourceReply::Complete(mut result))) => {
                result.cache.get_or_insert(cache);
                Ok(result.shape(shape))
            }
            Some(Ok(ResourceReply::InputRequired(result)))
                if shape.version.era() == Era::Stateless =>
            {
                Ok(result.shape(shape))
            }
            Some(Ok(ResourceReply::InputRequired(_))) => Err(no_rounds()),
            Some(Err(error)) => {
                let version = shape.version;
                Err(failed(error, version, || {
                    RpcError::resource_not_found(&uri, version)
                }))
            }
            None => Err(panicked()),
        }),
    )
}

pub(crate) fn resources_subscribe(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let params = arrival.params(SubscribeParams::from_params)?;
    if find(&arrival.live, &params.uri).is_none() {
        return Err(RpcError::resource_not_found(&params.uri, arrival.version()));
    }
    let core = arrival.live.core();
    let limit = arrival.server.limits().subscriptions;
    if core.subscribed(&params.uri).is_none() && core.subscription_count() >= limit {
        let message = format!("at most {limit} resources can be subscribed to");
        return Err(RpcError::invalid_params(message));
    }
    core.subscribe(&params.uri);
    Ok(EmptyResult::new().shape(&arrival.shape()))
}

pub(crate) fn resources_unsubscribe(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let params = arrival.params(SubscribeParams::from_params)?;
    arrival.live.core().unsubscribe(&params.uri);
    Ok(EmptyResult::new().shape(&arrival.shape()))
}

/// A resource of this URI, or the first resource template that matches it; nothing when the
/// session hid the resource.
fn find(live: &Live, uri: &str) -> Option<Served> {
    live.with_view(|catalog, overlay| {
        let resources = View::new(&*catalog.resources, &overlay.resources);
        if let Some(resource) = resources.find(uri) {
            return Some(Served::Resource(resource.clone()));
        }
        if resources.hides(uri) {
            return None;
        }
        View::new(&*catalog.templates, &overlay.templates)
            .iter()
            .find_map(|template| {
                let variables = template.uris().matches(uri)?;
                Some(Served::Template(template.clone(), variables))
            })
    })
}

impl Served {
    fn needs(&self) -> &Needs {
        match self {
            Self::Resource(resource) => resource.needs(),
            Self::Template(template, _) => template.template().needs(),
        }
    }

    /// How the contents may be cached where the author does not say: like a list where they are
    /// the same for every reader of that list, not at all otherwise.
    fn cache(&self, arrival: &Arrival<'_>) -> CacheHint {
        match self {
            Self::Resource(resource) if resource.is_static() => {
                arrival.server.inner().list_cache(arrival.blueprint())
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
            if let Some(AskError::MissingCapability(missing)) = source.downcast_ref() {
                return lacking(*missing, version);
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
