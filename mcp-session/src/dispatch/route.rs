//! The method table.

use crate::catalog::Family;
use crate::dispatch::arrival::{Arrival, Routed, answer};
use crate::dispatch::reaction::{Reaction, Running, Upgrade};
use crate::dispatch::{
    completion, extension, lifecycle, lists, logging, prompts, resources, subscriptions, tools,
};
use crate::protocol::{Era, RpcError, method};

/// One line per method: its name, the era that has it, the family that must be declared for it,
/// and what answers it.
static METHODS: &[(&str, Eras, Option<Family>, fn(Arrival<'_>) -> Routed)] = &[
    (
        method::TOOLS_CALL,
        Eras::Both,
        Some(Family::Tools),
        tools::tools_call,
    ),
    (
        method::TOOLS_LIST,
        Eras::Both,
        Some(Family::Tools),
        lists::tools_list,
    ),
    (
        method::RESOURCES_READ,
        Eras::Both,
        Some(Family::Resources),
        resources::resources_read,
    ),
    (
        method::RESOURCES_LIST,
        Eras::Both,
        Some(Family::Resources),
        lists::resources_list,
    ),
    (
        method::RESOURCES_TEMPLATES_LIST,
        Eras::Both,
        Some(Family::Resources),
        lists::resources_templates_list,
    ),
    (
        method::PROMPTS_GET,
        Eras::Both,
        Some(Family::Prompts),
        prompts::prompts_get,
    ),
    (
        method::PROMPTS_LIST,
        Eras::Both,
        Some(Family::Prompts),
        lists::prompts_list,
    ),
    (
        method::COMPLETION_COMPLETE,
        Eras::Both,
        Some(Family::Completions),
        completion::completion_complete,
    ),
    (
        method::SERVER_DISCOVER,
        Eras::Stateless,
        None,
        lifecycle::server_discover,
    ),
    (
        method::SUBSCRIPTIONS_LISTEN,
        Eras::Stateless,
        None,
        subscriptions::subscriptions_listen,
    ),
    (method::PING, Eras::Handshake, None, lifecycle::ping),
    (
        method::LOGGING_SET_LEVEL,
        Eras::Handshake,
        None,
        logging::logging_set_level,
    ),
    (
        method::RESOURCES_SUBSCRIBE,
        Eras::Handshake,
        Some(Family::Resources),
        resources::resources_subscribe,
    ),
    (
        method::RESOURCES_UNSUBSCRIBE,
        Eras::Handshake,
        Some(Family::Resources),
        resources::resources_unsubscribe,
    ),
];

/// The eras that have a method. `initialize` is in neither column: it opens the session that all
/// others need.
#[derive(Clone, Copy)]
enum Eras {
    Both,
    Handshake,
    Stateless,
}

impl Eras {
    fn has(self, era: Era) -> bool {
        match self {
            Self::Both => true,
            Self::Handshake => era == Era::Handshake,
            Self::Stateless => era == Era::Stateless,
        }
    }
}

/// True when a request of this era has such a method at all, whatever the template offers.
fn known(arrival: &Arrival<'_>) -> Option<fn(Arrival<'_>) -> Routed> {
    let era = arrival.version().era();
    let name = arrival.request.method.as_str();
    let Some((_, eras, family, method)) = METHODS.iter().find(|(known, ..)| *known == name) else {
        let answering = arrival.blueprint().extensions.answering(name);
        return answering.map(|_| extension::answer as fn(Arrival<'_>) -> Routed);
    };
    let offered = family.is_none_or(|family| arrival.families().has(family));
    (eras.has(era) && offered).then_some(*method)
}

/// The error for a method that this request cannot have.
pub(crate) fn unknown(arrival: &Arrival<'_>) -> Option<RpcError> {
    known(arrival)
        .is_none()
        .then(|| RpcError::method_not_found(&arrival.request.method))
}

/// Does what the request asks for, in the session it arrived in.
pub(crate) fn route(arrival: Arrival<'_>) -> Reaction {
    let shape = arrival.shape();
    let id = arrival.request.id.clone();
    let (live, outlet) = (arrival.live.clone(), arrival.outlet.clone());
    let routed = match known(&arrival) {
        Some(method) => method(arrival),
        None => Routed::Done(Err(RpcError::method_not_found(&arrival.request.method))),
    };
    let (future, upgrade) = match routed {
        Routed::Done(result) => return answer(&id, result, &shape).into(),
        Routed::Later(future) => (future, Upgrade::OnSpeech),
        Routed::Waits(future) => (future, Upgrade::Passive),
    };
    Reaction::Running(Running {
        future,
        outlet,
        live,
        version: shape.version,
        upgrade,
    })
}
