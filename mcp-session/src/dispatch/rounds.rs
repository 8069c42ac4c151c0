//! What a request that may ask brings along, and what its questions become.
//!
//! Only `tools/call`, `prompts/get` and `resources/read` may be answered with questions (2026-07-28,
//! "Multi Round-Trip Requests", "Supported Requests").

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::clock;
use crate::context::{Context, Needs, Subject};
use crate::dispatch::arrival::Arrival;
use crate::dispatch::resources::lacking;
use crate::peer::exchange::{Asked, Exchange, ExchangeId, Memory};
use crate::peer::state::{self, Bond};
use crate::protocol::wire::{Shape, Shaped};
use crate::protocol::{ByteStr, Era, InputRequiredResult, Payload, Raw, RpcError};
use crate::server::{Live, Parked, Run, Server, ServerInner};
use crate::session::Capability;

/// What a retry brings along.
pub(crate) struct Retry {
    pub(crate) input_responses: Option<Raw>,
    pub(crate) request_state: Option<String>,
}

impl Arrival<'_> {
    /// The context of a request whose result may ask.
    ///
    /// A state that it brings is opened here: what was not sealed for this request, by this server,
    /// for this principal and a short while ago never reaches a handler.
    pub(crate) fn asking_context(
        &mut self,
        needs: &Needs,
        retry: Retry,
        name: &ByteStr,
        arguments: impl FnOnce() -> Option<Raw>,
    ) -> Result<Context, RpcError> {
        if self.version().era() == Era::Handshake {
            return Ok(self.context());
        }
        let subject = Subject {
            name: name.clone(),
            arguments: arguments(),
            without_state: needs.takes_answers_without_state(),
        };
        let Retry {
            input_responses,
            request_state,
        } = retry;
        let opened = match &request_state {
            Some(text) => Some(self.open_state(&subject, text)?),
            None => None,
        };
        let without_state = subject.without_state;
        let answers = || answers(input_responses.as_ref());
        let exchange = match opened {
            Some((id, memory)) => {
                let own = memory.state.clone();
                let exchange = Exchange::resumed(id, memory);
                exchange.deliver(answers()?);
                Some((exchange, own))
            }
            None if without_state && input_responses.is_some() => {
                let exchange = Exchange::new();
                exchange.offer(answers()?);
                Some((exchange, None))
            }
            None => None,
        };
        let (exchange, own) = exchange.unzip();
        let ctx = self.context_of(Some(subject), input_responses, own.flatten());
        if let Some(exchange) = exchange {
            ctx.call().join(Arc::new(exchange));
        }
        Ok(ctx)
    }

    fn open_state(&self, subject: &Subject, text: &str) -> Result<(ExchangeId, Memory), RpcError> {
        let inner = self.server.inner();
        let bond = bond(&self.live, inner, &self.request.method, subject);
        let limit = inner.limits.request_state_bytes;
        let opened = state::open(&inner.seals.keys(), &bond, text, clock::unix_ms(), limit);
        opened.map_err(|why| {
            tracing::warn!(method = &*self.request.method, name = &*subject.name, %why, "refused a request state");
            RpcError::invalid_params(
                "`requestState` is not valid for this request, or no longer: make the request again \
                 without it and without `inputResponses`",
            )
        })
    }
}

/// The answers of a retry, by key.
fn answers(given: Option<&Raw>) -> Result<BTreeMap<String, Raw>, RpcError> {
    let answers = given.map(Raw::decode).transpose();
    let answers = answers.map_err(|_| RpcError::invalid_params("`inputResponses` is no object"))?;
    Ok(answers.unwrap_or_default())
}

fn bond(live: &Live, server: &ServerInner, method: &str, subject: &Subject) -> Bond {
    let audience = [&*server.seals.audience, &**live.variant().name()];
    let arguments = subject.arguments.as_ref();
    Bond::new(audience, live.core().principal()).to(method, &subject.name, arguments)
}

/// Puts a handler aside that cannot move without answers, and makes the result that asks for them:
/// the handler is kept alive for so long, or let go to be run again.
pub(crate) fn suspend<T: Send + 'static>(
    run: Run<T>,
    park: Option<Duration>,
    shape: &Shape,
) -> Result<Payload, RpcError> {
    let exchange = Arc::clone(run.ctx.call().exchange());
    let Asked { questions, memory } = exchange.asked();
    let mut result = InputRequiredResult::new();
    result.input_requests = questions;
    result.request_state = seal(&run.ctx, &memory)?;
    let server = run.ctx.server().filter(|_| result.request_state.is_some());
    let dropped = match park.zip(server) {
        Some((time, server)) => Parked::keep(&server, run, time).err(),
        None => Some(run),
    };
    if dropped.is_some() {
        exchange.suspend();
    }
    Ok(result.shape(shape))
}

/// A result that asks, made by hand: "servers MUST NOT send an `inputRequests` that the client has
/// not declared support for", and there is something to answer or to send back (2026-07-28, "Multi
/// Round-Trip Requests", "Server Requirements"). What the handler wants to see again is sealed.
pub(crate) fn ask_by_hand(
    mut result: InputRequiredResult,
    ctx: &Context,
    shape: &Shape,
) -> Result<Payload, RpcError> {
    if result.input_requests.is_empty() && result.request_state.is_none() {
        tracing::error!("an input-required result asks nothing and has no state");
        return Err(RpcError::internal("the handler asked for nothing"));
    }
    let needed = result.input_requests.values().filter_map(Capability::of);
    if let Some(missing) = { needed }.find(|needed| !ctx.client().can(*needed)) {
        return Err(lacking(missing, shape.version));
    }
    let begun = ctx.call().begun_exchange();
    let mut memory = begun.map(|exchange| exchange.memory()).unwrap_or_default();
    memory.state = result.request_state.take();
    if !memory.is_empty() {
        memory.asked = result.input_requests.keys().cloned().collect();
        result.request_state = seal(ctx, &memory)?;
    }
    Ok(result.shape(shape))
}

/// What is known so far, sealed for the retry of this request; `None` where the retry can do without.
fn seal(ctx: &Context, memory: &Memory) -> Result<Option<String>, RpcError> {
    let (call, session) = (ctx.now(), ctx.session());
    let Some(subject) = &call.parts.subject else {
        return Err(RpcError::internal(
            "this request cannot be answered with questions",
        ));
    };
    if subject.without_state && memory.is_empty() {
        return Ok(None);
    }
    let server = session.live().server();
    let inner = server.as_ref().map(Server::inner);
    let inner = inner.ok_or_else(|| RpcError::internal("the server is going away"))?;
    let bond = bond(session.live(), inner, &call.parts.method, subject);
    let (limits, id) = (&inner.limits, ctx.call().exchange().id());
    let expires = clock::unix_ms().saturating_add(limits.exchange_ms());
    let limit = limits.request_state_bytes;
    let sealed = state::seal(&inner.seals.sealing(), &bond, (id, memory), expires, limit);
    sealed.map(Some).ok_or_else(|| {
        tracing::error!(
            limit,
            "the answers of an exchange are longer than `Limits::request_state_bytes`"
        );
        RpcError::internal("the answers so far are too long to be carried to the next round")
    })
}
