//! The method `prompts/get`.

use crate::catalog::{PromptReply, View};
use crate::dispatch::arrival::{Arrival, How, Work};
use crate::dispatch::failure::Failure;
use crate::dispatch::resources;
use crate::dispatch::rounds::{self, Retry};
use crate::protocol::wire::Shaped;
use crate::protocol::{Era, GetPromptParams, Raw, RpcError};

pub(crate) fn prompts_get(mut arrival: Arrival<'_>) -> Result<Work, Failure> {
    let params = arrival.params(GetPromptParams::from_params)?;
    let found = arrival.live.with_view(|catalog, overlay| {
        View::new(&*catalog.prompts, &overlay.prompts)
            .find(&params.name)
            .cloned()
    });
    let prompt = found.ok_or_else(|| unknown(&params.name))?;
    arrival.check_scopes(prompt.needs())?;
    let version = arrival.version();
    let lacking = |missing| resources::lacking(missing, version);
    arrival.check_needs(prompt.needs()).map_err(lacking)?;
    let retry = Retry {
        input_responses: params.input_responses,
        request_state: params.request_state,
    };
    let arguments = params.arguments.unwrap_or_default();
    let written = || Raw::from_value(&arguments).ok();
    let (name, how) = (params.name, How::of(prompt.needs()));
    let ctx = arrival.asking_context(prompt.needs(), retry, &name, written)?;
    let start = move |ctx| prompt.handler().run(arguments, ctx);
    Ok(arrival.run(
        how,
        ctx,
        start,
        move |returned, ctx, shape| match returned {
            Some(Ok(PromptReply::Complete(result))) => Ok(result.shape(shape)),
            Some(Ok(PromptReply::InputRequired(result)))
                if shape.version.era() == Era::Stateless =>
            {
                rounds::ask_by_hand(result, ctx, shape)
            }
            Some(Ok(PromptReply::InputRequired(_))) => Err(resources::no_rounds()),
            Some(Err(error)) => Err(resources::failed(error, shape.version, || unknown(&name))),
            None => Err(resources::panicked()),
        },
    ))
}

/// What an unknown prompt answers, and a hidden one.
pub(crate) fn unknown(name: &str) -> RpcError {
    RpcError::invalid_params(format!("unknown prompt: {name}"))
}
