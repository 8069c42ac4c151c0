//! `subscriptions/listen` (2026-07-28, "Subscriptions").

use crate::dispatch::arrival::{Arrival, Routed, answer};
use crate::protocol::{ListenParams, RpcError};
use crate::server::{Listener, Subscription};

pub(crate) fn subscriptions_listen(arrival: Arrival<'_>) -> Routed {
    let wish = match arrival.params(ListenParams::from_params) {
        Ok(params) => params.notifications,
        Err(error) => return Routed::Done(Err(error)),
    };
    let limit = arrival.server.limits().subscriptions;
    if wish.resource_subscriptions.len() > limit {
        let message = format!("at most {limit} resources can be subscribed to");
        return Routed::Done(Err(RpcError::invalid_params(message)));
    }
    let granted = Subscription::grant(&wish, arrival.families());
    let ends_at_once = granted.is_empty();
    let shape = arrival.shape();
    let server = arrival.server.inner();
    let stopping = server.stopping.clone();
    let running = server.tasks.token();
    let Arrival {
        live,
        request,
        outlet,
        cancel,
        guard,
        ..
    } = arrival;
    let listener = Listener::new(request.id.clone(), live, granted, outlet, shape.clone());
    let listening = server.listeners.open(server, listener);
    Routed::Waits(Box::pin(async move {
        let ended = async {
            // A stream that can carry nothing is complete as soon as it is acknowledged.
            if !ends_at_once {
                stopping.cancelled().await;
            }
        };
        let answered = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            () = ended => Some(answer(&request.id, Ok(listening.closing()), &shape)),
        };
        drop((listening, guard, running));
        answered
    }))
}
