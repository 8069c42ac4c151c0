//! `subscriptions/listen` (2026-07-28, "Subscriptions").

use crate::dispatch::arrival::{Arrival, Work, answer};
use crate::protocol::{ListenParams, RpcError};
use crate::server::{Listener, Subscription};

pub(crate) fn subscriptions_listen(arrival: Arrival<'_>) -> Result<Work, RpcError> {
    let wish = arrival.params(ListenParams::from_params)?.notifications;
    let limit = arrival.server.limits().subscriptions;
    if wish.resource_subscriptions.len() > limit {
        let message = format!("at most {limit} resources can be subscribed to");
        return Err(RpcError::invalid_params(message));
    }
    let granted = Subscription::grant(&wish, arrival.families());
    let ends_at_once = granted.is_empty();
    let shape = arrival.shape();
    let server = arrival.server.inner();
    let running = server.tasks.token();
    let Arrival {
        live,
        request,
        outlet,
        cancel,
        closing,
        guard,
        ..
    } = arrival;
    let closing = closing.clone();
    let listener = Listener::new(request.id.detach(), live, granted, outlet, shape.clone());
    let listening = server.listeners.open(server, listener);
    Ok(Work::Waits(Box::pin(async move {
        let ended = async {
            // A stream that can carry nothing is complete as soon as it is acknowledged.
            if !ends_at_once {
                closing.cancelled().await;
                listening.tear_down();
            }
        };
        let answered = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            () = ended => Some(answer(&request.id, Ok(listening.closing()), &shape)),
        };
        drop((listening, guard, running));
        answered
    })))
}
