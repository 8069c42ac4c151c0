//! `prompts/get`.

use crate::catalog::{PromptReply, View};
use crate::dispatch::arrival::{Arrival, Routed};
use crate::dispatch::resources;
use crate::protocol::wire::Shaped;
use crate::protocol::{Era, GetPromptParams, RpcError};

pub(crate) fn prompts_get(mut arrival: Arrival<'_>) -> Routed {
    let params = match arrival.params(GetPromptParams::from_params) {
        Ok(params) => params,
        Err(error) => return Routed::Done(Err(error)),
    };
    let found = arrival.live.with_view(|catalog, overlay| {
        View::new(&*catalog.prompts, &overlay.prompts)
            .find(&params.name)
            .cloned()
    });
    let Some(prompt) = found else {
        return Routed::Done(Err(unknown(&params.name)));
    };
    if let Err(missing) = arrival.check_needs(prompt.prompt().needs()) {
        return Routed::Done(Err(resources::lacking(missing, arrival.version())));
    }
    let ctx = arrival.context(params.input_responses, params.request_state);
    let handler = prompt
        .handler()
        .run(params.arguments.unwrap_or_default(), ctx.clone());
    let name = params.name;
    arrival.run(ctx, handler, move |returned, shape| match returned {
        Some(Ok(PromptReply::Complete(result))) => Ok(result.shape(shape)),
        Some(Ok(PromptReply::InputRequired(result))) if shape.version.era() == Era::Stateless => {
            Ok(result.shape(shape))
        }
        Some(Ok(PromptReply::InputRequired(_))) => Err(resources::no_rounds()),
        Some(Err(error)) => Err(resources::failed(error, shape.version, || unknown(&name))),
        None => Err(resources::panicked()),
    })
}

/// What an unknown prompt answers, and a hidden one.
pub(crate) fn unknown(name: &str) -> RpcError {
    RpcError::invalid_params(format!("unknown prompt: {name}"))
}
