//! Methods that a template answers itself.

use std::sync::Arc;

use crate::dispatch::arrival::{Arrival, Routed};
use crate::dispatch::resources;
use crate::protocol::wire::Shaped;
use crate::protocol::{Raw, RpcError};

pub(crate) fn answer(mut arrival: Arrival<'_>) -> Routed {
    let method = arrival.request.method.clone();
    let Some(answering) = arrival
        .blueprint()
        .extensions
        .answering(&method)
        .map(Arc::clone)
    else {
        return Routed::Done(Err(RpcError::method_not_found(&method)));
    };
    let params = arrival
        .request
        .params
        .take()
        .unwrap_or_else(Raw::empty_object);
    let ctx = arrival.context(None, None);
    let handler = answering(params, ctx.clone());
    arrival.run(ctx, handler, move |returned, shape| match returned {
        Some(Ok(result)) => Ok(result.shape(shape)),
        Some(Err(error)) => Err(resources::failed(error, shape.version, || {
            RpcError::method_not_found(&method)
        })),
        None => Err(resources::panicked()),
    })
}
