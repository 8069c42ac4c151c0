//! Notifications and answers that a client sends.

use std::sync::Arc;

use crate::protocol::{CancelledParams, Notification, Raw, RequestId, Response, RpcError, method};
use crate::server::{Live, Scope, Server, Session, contained};
use crate::session::{Calls, Opening};

/// Takes a notification of a handshake session. What is not known is ignored, as JSON-RPC wants.
pub(crate) fn handshake(server: &Server, live: &Arc<Live>, notification: Notification) {
    match notification.method.as_str() {
        method::INITIALIZED => {
            if live.core().initialized() {
                server.roots_changed(live);
            }
        }
        method::ROOTS_LIST_CHANGED => server.roots_changed(live),
        method::CANCELLED => {
            let unknown = cancelled(&live.core().calls, &notification);
            #[cfg(feature = "http")]
            unknown.inspect(|id| server.cancelled_here(live, id));
            #[cfg(not(feature = "http"))]
            drop(unknown);
        }
        _ => heard(server, live, notification),
    }
}

/// Cancels the request that a `notifications/cancelled` names. One that is malformed or names no
/// running request is ignored ("Cancellation", "Error Handling"); the id of one that does not run
/// here is given back.
pub(crate) fn cancelled(calls: &Calls, notification: &Notification) -> Option<RequestId> {
    let params = CancelledParams::from_params(notification.params.as_ref()).ok()?;
    let id = params.request_id?;
    if !calls.cancel(&id) {
        return Some(id);
    }
    tracing::debug!(
        ?id,
        reason = params.reason,
        "the client cancelled a request"
    );
    None
}

/// Takes a notification of a stateless client: in its principal's session, or in one of its own,
/// opened like any other and gone with it.
pub(crate) fn stateless(server: &Server, opening: &Opening, notification: Notification) {
    let extensions = |live: &Live| {
        let extensions = &live.blueprint().extensions;
        extensions.hearing(&notification.method).is_some()
    };
    match server.enter(opening) {
        Ok((live, scope)) if extensions(&live) => {
            hear(server, &live, notification, Some(scope));
        }
        Ok(_) => tracing::debug!(method = %notification.method, "ignored a notification"),
        Err(error) => tracing::error!(?error, "a notification got no session"),
    }
}

/// Hands a notification of an extension to whoever registered for it.
fn heard(server: &Server, live: &Arc<Live>, notification: Notification) {
    hear(server, live, notification, None);
}

/// A session that was made for this notification alone is opened first, and ends with `scope`.
fn hear(server: &Server, live: &Arc<Live>, notification: Notification, scope: Option<Scope>) {
    let extensions = &live.blueprint().extensions;
    let Some(hearing) = extensions.hearing(&notification.method).map(Arc::clone) else {
        tracing::debug!(method = %notification.method, "ignored a notification");
        return;
    };
    let Ok(place) = Arc::clone(&server.inner().hearing).try_acquire_owned() else {
        tracing::warn!(method = %notification.method, "dropped a notification: too many are at work");
        return;
    };
    let (opening, live) = (server.clone(), Arc::clone(live));
    let params = notification.params.unwrap_or_else(Raw::empty_object);
    server.inner().tasks.spawn(async move {
        let (_scope, _place) = (scope, place);
        if !opening.is_ready(&live) && opening.open(&live).await.is_err() {
            tracing::debug!(method = %notification.method, "refused a notification");
            return;
        }
        let session = Session::new(live);
        if contained(async move { hearing(params, session).await })
            .await
            .is_none()
        {
            tracing::error!(method = %notification.method, "a notification's handler panicked");
        }
    });
}

/// Hands a client's answer to whoever asked. Gives it back when nobody waits for it here.
pub(crate) fn answered(
    live: &Live,
    response: Response,
) -> Option<(RequestId, Result<Raw, RpcError>)> {
    let id = response.id?;
    let outcome = live.core().questions.answer(&id, response.outcome).err()?;
    tracing::debug!(?id, "nobody waits here for this answer");
    Some((id, outcome))
}
