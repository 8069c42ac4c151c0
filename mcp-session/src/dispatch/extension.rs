//! Methods that a template answers itself.

use std::sync::Arc;

use crate::dispatch::arrival::{Arrival, How, Work};
use crate::dispatch::failure::Failure;
use crate::dispatch::resources;
use crate::protocol::wire::Shaped;
use crate::protocol::{Raw, RpcError};

pub(crate) fn answer(mut arrival: Arrival<'_>) -> Result<Work, Failure> {
    let method = arrival.request.method.clone();
    let answering = arrival.blueprint().extensions.answering(&method);
    let answering = answering.map(Arc::clone);
    let answering = answering.ok_or_else(|| RpcError::method_not_found(&method))?;
    let params = arrival.request.params.take();
    let ctx = arrival.context();
    let start = move |ctx| answering(params.unwrap_or_else(Raw::empty_object), ctx);
    Ok(arrival.run(
        How::default(),
        ctx,
        start,
        move |returned, _, shape| match returned {
            Some(Ok(result)) => Ok(result.shape(shape)),
            Some(Err(error)) => {
                let unknown = || RpcError::method_not_found(&method);
                Err(resources::failed(error, shape.version, unknown))
            }
            None => Err(resources::panicked()),
        },
    ))
}
