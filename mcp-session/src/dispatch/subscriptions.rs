//! `subscriptions/listen` (2026-07-28, "Subscriptions").

use std::sync::Arc;

use crate::dispatch::arrival::{Arrival, Work, answer};
use crate::dispatch::failure::Failure;
use crate::dispatch::resources::check_kept;
use crate::protocol::{ListenParams, RpcError};
use crate::server::{Listener, Over, Subscription};

pub(crate) fn subscriptions_listen(arrival: Arrival<'_>) -> Result<Work, Failure> {
    let wish = arrival.params(ListenParams::from_params)?.notifications;
    let limit = arrival.server.limits().subscriptions;
    if wish.resource_subscriptions.len() > limit {
        let message = format!("at most {limit} resources can be subscribed to");
        return Err(RpcError::invalid_params(message).into());
    }
    wish.resource_subscriptions
        .iter()
        .try_for_each(|uri| check_kept(uri))?;
    let granted = Subscription::grant(&wish, arrival.families());
    let ends_at_once = granted.is_empty();
    let shape = arrival.shape();
    let server = arrival.server.inner();
    let running = server.tasks.token();
    let farewell = server.farewell;
    let Arrival {
        live,
        request,
        outlet,
        cancel,
        closing,
        mut guard,
        scope,
        mirrored,
        ..
    } = arrival;
    let closing = closing.clone();
    // The stream stays open for days: it must not keep the bytes of the message that asked for it.
    let id = request.id.detach();
    drop(request);
    guard.detach();
    let over = if mirrored {
        Over::Http
    } else {
        Over::ByteStream
    };
    let session = Arc::clone(&live);
    let listener = Listener::new(id.clone(), live, granted, outlet, shape.clone()).over(over);
    let Some(listening) = server.listeners.open(server, listener) else {
        return Err(Failure::busy("too many subscriptions are open"));
    };
    Ok(Work::Waits(Box::pin(async move {
        let ended = async {
            // A stream that can carry nothing is complete as soon as it is acknowledged.
            if ends_at_once {
                return true;
            }
            closing.cancelled().await;
            listening.tear_down(farewell)
        };
        let answered = tokio::select! {
            biased;
            () = cancel.token().cancelled() => {
                // Not the client's wish where its session was ended.
                let answers = session.core().end_reason().is_some() && listening.tear_down(farewell);
                answers.then(|| answer(&id, Ok(listening.closing()), &shape))
            }
            answers = ended => answers.then(|| answer(&id, Ok(listening.closing()), &shape)),
        };
        drop((listening, guard, scope, running));
        answered
    })))
}
