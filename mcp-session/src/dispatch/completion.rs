//! The method `completion/complete`.

use std::sync::Arc;

use crate::catalog::{Completer, CompletionRequest, View};
use crate::dispatch::arrival::{Arrival, How, Work};
use crate::dispatch::failure::Failure;
use crate::dispatch::{prompts, resources};
use crate::protocol::wire::Shaped;
use crate::protocol::{CompleteParams, CompleteRef, Completion, RpcError};

pub(crate) fn completion_complete(mut arrival: Arrival<'_>) -> Result<Work, Failure> {
    let params = arrival.params(CompleteParams::from_params)?;
    let Some(completer) = completer(&arrival, &params)? else {
        // An argument nobody completes has no suggestions; that is not an error.
        return Ok(Work::Done(Completion::default().shape(&arrival.shape())));
    };
    let context = params.context.arguments;
    let request = CompletionRequest::new(params.argument.name, params.argument.value, context);
    let ctx = arrival.context();
    let start = move |ctx| completer.run(request, ctx);
    Ok(arrival.run(
        How::default(),
        ctx,
        start,
        |returned, _, shape| match returned {
            Some(Ok(completion)) => Ok(completion.shape(shape)),
            Some(Err(error)) => {
                let unknown = || RpcError::invalid_params("nothing to complete");
                Err(resources::failed(error, shape.version, unknown))
            }
            None => Err(resources::panicked()),
        },
    ))
}

/// What completes the argument of the prompt or resource template that was named.
fn completer(
    arrival: &Arrival<'_>,
    params: &CompleteParams,
) -> Result<Option<Arc<dyn Completer>>, RpcError> {
    let name = &params.argument.name;
    arrival
        .live
        .with_view(|catalog, overlay| match &params.reference {
            CompleteRef::Prompt { name: prompt, .. } => {
                let found = View::new(&*catalog.prompts, &overlay.prompts).find(prompt);
                let entry = found.ok_or_else(|| prompts::unknown(prompt))?;
                Ok(entry.completers().find(name).cloned())
            }
            CompleteRef::Resource { uri } => {
                let templates = View::new(&*catalog.templates, &overlay.templates);
                if let Some(template) = templates.find(uri) {
                    return Ok(template.completers().find(name).cloned());
                }
                // A plain resource has nothing to complete.
                let found = View::new(&*catalog.resources, &overlay.resources).find(uri);
                found
                    .map(|_| None)
                    .ok_or_else(|| RpcError::resource_not_found(uri, arrival.version()))
            }
        })
}
