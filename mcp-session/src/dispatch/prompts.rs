//! The method `prompts/get`.

use std::sync::Arc;

use crate::catalog::{PromptReply, View};
use crate::dispatch::arrival::{Arrival, Work};
use crate::dispatch::failure::Failure;
use crate::dispatch::resources;
use crate::protocol::wire::Shaped;
use crate::protocol::{Era, GetPromptParams, RpcError};

pub(crate) fn prompts_get(mut arrival: Arrival<'_>) -> Result<Work, Failure> {
    let params = arrival.params(GetPromptParams::from_params)?;
    let found = arrival.live.with_view(|catalog, overlay| {
        View::new(&*catalog.prompts, &overlay.prompts)
            .find(&params.name)
            .cloned()
    });
    let prompt = found.ok_or_else(|| unknown(&params.name))?;
    arrival.check_scopes(prompt.prompt().needs())?;
    let version = arrival.version();
    let lacking = |missing| resources::lacking(missing, version);
    arrival
        .check_needs(prompt.prompt().needs())
        .map_err(lacking)?;
    let ctx = arrival.context(params.input_responses, params.request_state);
    let arguments = params.arguments.unwrap_or_default();
    let start = move |ctx| prompt.handler().run(arguments, ctx);
    let client = Arc::clone(&arrival.client);
    let name = params.name;
    Ok(
        arrival.run(ctx, start, move |returned, shape| match returned {
            Some(Ok(PromptReply::Complete(result))) => Ok(result.shape(shape)),
            Some(Ok(PromptReply::InputRequired(result)))
                if shape.version.era() == Era::Stateless =>
            {
                resources::asking(&result, &client, shape)
            }
            Some(Ok(PromptReply::InputRequired(_))) => Err(resources::no_rounds()),
            Some(Err(error)) => Err(resources::failed(error, shape.version, || unknown(&name))),
            None => Err(resources::panicked()),
        }),
    )
}

/// What an unknown prompt answers, and a hidden one.
pub(crate) fn unknown(name: &str) -> RpcError {
    RpcError::invalid_params(format!("unknown prompt: {name}"))
}
