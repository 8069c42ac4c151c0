//! The method table.

use crate::catalog::Family;
use crate::dispatch::arrival::{Arrival, Work, answer};
use crate::dispatch::failure::Failure;
use crate::dispatch::observe::{Facts, Observed};
use crate::dispatch::reaction::{Answer, Reaction, Running, Upgrade};
use crate::dispatch::{
    completion, extension, lifecycle, lists, logging, prompts, resources, subscriptions, tools,
};
use crate::protocol::wire::Shape;
use crate::protocol::{Era, Payload, RequestId, RpcError, method};
use crate::server::Server;

use Method::{Answers, Runs, Stays};

/// One line per method: its name, the era that has it, the family that must be declared for it,
/// and what answers it. `initialize` is not here: it opens the session that all others need.
#[rustfmt::skip]
static METHODS: &[(&str, Eras, Option<Family>, Method)] = &[
    (method::TOOLS_CALL,               Eras::Both,      TOOLS,       Runs(tools::tools_call)),
    (method::TOOLS_LIST,               Eras::Both,      TOOLS,       Answers(lists::tools_list)),
    (method::RESOURCES_READ,           Eras::Both,      RESOURCES,   Runs(resources::resources_read)),
    (method::RESOURCES_LIST,           Eras::Both,      RESOURCES,   Answers(lists::resources_list)),
    (method::RESOURCES_TEMPLATES_LIST, Eras::Both,      RESOURCES,   Answers(lists::resources_templates_list)),
    (method::RESOURCES_SUBSCRIBE,      Eras::Handshake, RESOURCES,   Answers(resources::resources_subscribe)),
    (method::RESOURCES_UNSUBSCRIBE,    Eras::Handshake, RESOURCES,   Answers(resources::resources_unsubscribe)),
    (method::PROMPTS_GET,              Eras::Both,      PROMPTS,     Runs(prompts::prompts_get)),
    (method::PROMPTS_LIST,             Eras::Both,      PROMPTS,     Answers(lists::prompts_list)),
    (method::COMPLETION_COMPLETE,      Eras::Both,      COMPLETIONS, Runs(completion::completion_complete)),
    (method::SERVER_DISCOVER,          Eras::Stateless, None,        Answers(lifecycle::server_discover)),
    (method::SUBSCRIPTIONS_LISTEN,     Eras::Stateless, None,        Stays(subscriptions::subscriptions_listen)),
    (method::PING,                     Eras::Handshake, None,        Answers(lifecycle::ping)),
    (method::LOGGING_SET_LEVEL,        Eras::Handshake, None,        Answers(logging::logging_set_level)),
];

const TOOLS: Option<Family> = Some(Family::Tools);
const PROMPTS: Option<Family> = Some(Family::Prompts);
const RESOURCES: Option<Family> = Some(Family::Resources);
const COMPLETIONS: Option<Family> = Some(Family::Completions);

/// The eras that have a method.
#[derive(Clone, Copy)]
enum Eras {
    Both,
    Handshake,
    Stateless,
}

/// How a method answers.
#[derive(Clone, Copy)]
enum Method {
    /// At once.
    Answers(fn(&Arrival<'_>) -> Result<Payload, RpcError>),
    /// It may take time, for it runs a function of the program's: a call.
    Runs(fn(Arrival<'_>) -> Result<Work, Failure>),
    /// It stays open.
    Stays(fn(Arrival<'_>) -> Result<Work, Failure>),
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

/// What answers this request; `None` when its era or its template has no such method.
fn find(arrival: &Arrival<'_>, name: &str) -> Option<Method> {
    let Some((_, eras, family, method)) = METHODS.iter().find(|(known, ..)| *known == name) else {
        let answering = arrival.blueprint().extensions.answering(name);
        return answering.map(|_| Runs(extension::answer));
    };
    let offered = family.is_none_or(|family| arrival.families().has(family));
    (eras.has(arrival.version().era()) && offered).then_some(*method)
}

/// The error for a method that this request cannot have.
pub(crate) fn unknown(arrival: &Arrival<'_>) -> Option<RpcError> {
    find(arrival, &arrival.request.method)
        .is_none()
        .then(|| RpcError::method_not_found(&arrival.request.method))
}

/// Does what the request asks for, in the session it arrived in.
pub(crate) fn route(arrival: Arrival<'_>) -> Reaction {
    let shape = arrival.shape();
    let id = arrival.request.id.clone();
    let (live, outlet) = (arrival.live.clone(), arrival.outlet.clone());
    let server = arrival.server;
    let name = arrival.request.method.as_str();
    let method = find(&arrival, name);
    let mut observed = Observed::begin(&Facts {
        method: method.map(|_| name),
        id: &id,
        params: arrival.request.params.as_ref(),
        meta: &arrival.meta,
        live: &live,
        version: shape.version,
    });
    let entered = observed.enter();
    let work = match method {
        Some(Answers(method)) => method(&arrival).map(Work::Done).map_err(Failure::from),
        // No closure takes the arrival: it is large, and would be copied for each.
        Some(Runs(method)) => match arrival.check_pace() {
            Ok(()) => method(arrival),
            Err(failure) => Err(failure),
        },
        Some(Stays(method)) => method(arrival),
        None => Err(RpcError::method_not_found(&arrival.request.method).into()),
    };
    drop(entered);
    let at_once = match work {
        Ok(Work::Runs(future)) => Err((future, Upgrade::OnSpeech)),
        Ok(Work::Waits(future)) => Err((future, Upgrade::Passive)),
        Ok(Work::Done(payload)) => Ok(answer(&id, Ok(payload), &shape)),
        Err(failure) => Ok(failed(server, &id, failure, &shape)),
    };
    match at_once {
        Ok(answer) => {
            observed.answered(&answer);
            answer.into()
        }
        Err((future, upgrade)) => Reaction::Running(Running {
            future: observed.around(future),
            outlet,
            live,
            version: shape.version,
            upgrade,
        }),
    }
}

/// The answer to a request that gets no result.
fn failed(server: &Server, id: &RequestId, failure: Failure, shape: &Shape) -> Answer {
    let answer = Answer::failed(id, &failure.error, shape.version);
    if failure.busy {
        return Answer {
            status: 429,
            retry_after: Some(1),
            ..answer
        };
    }
    let Some(asked) = failure.asked else {
        return answer;
    };
    let challenge = server.insufficient_scope(asked);
    Answer {
        status: challenge.status(),
        challenge: challenge.header().map(String::into_boxed_str),
        ..answer
    }
}
