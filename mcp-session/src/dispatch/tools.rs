//! The method `tools/call`.

use crate::catalog::{ToolReply, View};
use crate::context::Context;
use crate::dispatch::arrival::{Arrival, How, Work};
use crate::dispatch::failure::Failure;
use crate::dispatch::rounds::{self, Retry};
use crate::dispatch::{mirror, observe};
use crate::error::{ToolError, ToolErrorKind};
use crate::peer::AskError;
use crate::protocol::wire::{Shape, Shaped};
use crate::protocol::{
    CallToolParams, CallToolResult, Era, InputRequiredResult, Payload, RpcError,
};
use crate::session::Capability;

pub(crate) fn tools_call(mut arrival: Arrival<'_>) -> Result<Work, Failure> {
    let found = std::mem::take(&mut arrival.found);
    let params = match CallToolParams::of_found(found) {
        Some(params) => params,
        None => arrival.params(CallToolParams::from_params)?,
    };
    let name = params.name;
    let found = arrival.live.with_view(|catalog, overlay| {
        View::new(&*catalog.tools, &overlay.tools)
            .find(&name)
            .cloned()
    });
    let tool = found.ok_or_else(|| unknown(&name))?;
    arrival.check_scopes(tool.needs())?;
    if arrival.mirrored
        && let Some(headers) = arrival.opening().headers()
    {
        mirror::check_params(headers, tool.header_params(), params.arguments.as_ref())?;
    }
    if let Err(missing) = arrival.check_needs(tool.needs()) {
        return Ok(Work::Done(lacking(missing, &arrival.shape())?));
    }
    arrival.check_tool_pace(&name, tool.needs())?;
    let retry = Retry {
        input_responses: params.input_responses,
        request_state: params.request_state,
    };
    let arguments = params.arguments;
    let ctx = arrival.asking_context(tool.needs(), retry, &name, || arguments.clone())?;
    let how = How::of(tool.needs());
    let start = move |ctx| tool.run(arguments, ctx);
    let finish = move |returned, ctx: &Context, shape: &Shape| match returned {
        Some(reply) => finish(reply, &name, ctx, shape),
        None => Ok(panicked(&name).shape(shape)),
    };
    Ok(arrival.run(how, ctx, start, finish))
}

/// What an unknown tool answers, and a hidden one.
fn unknown(name: &str) -> RpcError {
    RpcError::invalid_params(format!("unknown tool: {name}"))
}

fn panicked(name: &str) -> CallToolResult {
    observe::tool_failed();
    tracing::error!(tool = name, "a tool panicked");
    CallToolResult::error("the tool failed unexpectedly")
}

fn finish(
    reply: Result<ToolReply, ToolError>,
    name: &str,
    ctx: &Context,
    shape: &Shape,
) -> Result<Payload, RpcError> {
    let error = match reply {
        Ok(ToolReply::Complete(result)) => {
            if result.is_error {
                observe::tool_failed();
            }
            return Ok(result.shape(shape));
        }
        Ok(ToolReply::InputRequired(result)) => return input_required(result, ctx, shape),
        Err(error) => error,
    };
    observe::tool_failed();
    match error.into_kind() {
        ToolErrorKind::Message(message) => Ok(CallToolResult::error(message).shape(shape)),
        ToolErrorKind::Content(content) => {
            let mut result = CallToolResult::new(content);
            result.is_error = true;
            Ok(result.shape(shape))
        }
        ToolErrorKind::Rpc(error) => Err(error),
        ToolErrorKind::NotFound => Err(unknown(name)),
        ToolErrorKind::Source(source) => {
            match source.downcast_ref() {
                Some(AskError::MissingCapability(missing)) => return lacking(*missing, shape),
                Some(misfit @ AskError::Misfit(_)) if shape.version.era() == Era::Stateless => {
                    return Err(RpcError::invalid_params(misfit.to_string()));
                }
                _ => {}
            }
            tracing::debug!(tool = name, error = &*source, "a tool failed");
            Ok(CallToolResult::error(source.to_string()).shape(shape))
        }
    }
}

/// The client did not declare what the handler needs: an error that says what to declare, where
/// the revision has it; something the model can read elsewhere.
pub(crate) fn lacking(missing: Capability, shape: &Shape) -> Result<Payload, RpcError> {
    match shape.version.era() {
        Era::Stateless => Err(RpcError::missing_capability(missing.required())),
        Era::Handshake => {
            let name = missing.name();
            let text = format!("this needs a client that supports {name}, and this one does not");
            Ok(CallToolResult::error(text).shape(shape))
        }
    }
}

/// A result that asks, where the revision has such (2026-07-28, "Multi Round-Trip Requests").
fn input_required(
    result: InputRequiredResult,
    ctx: &Context,
    shape: &Shape,
) -> Result<Payload, RpcError> {
    match shape.version.era() {
        Era::Stateless => rounds::ask_by_hand(result, ctx, shape),
        Era::Handshake => {
            tracing::warn!("a handler returned an input-required result to a handshake client");
            let text = "this needs input in a form that the client's protocol revision lacks";
            Ok(CallToolResult::error(text).shape(shape))
        }
    }
}
