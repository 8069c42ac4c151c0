//! Notifications and answers that a client sends.

use std::sync::Arc;

use crate::protocol::{CancelledParams, Notification, Raw, Response, method};
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
        method::CANCELLED => cancelled(&live.core().calls, &notification),
        _ => heard(server, live, notification),
    }
}

/// Cancels the request that a `notifications/cancelled` names. One that is malformed or names no
/// running request is ignored ("Cancellation", "Error Handling").
pub(crate) fn cancelled(calls: &Calls, notification: &Notification) {
    let Ok(params) = CancelledParams::from_params(notification.params.as_ref()) else {
        return;
    };
    if let Some(id) = params.request_id
        && calls.cancel(&id)
    {
        tracing::debug!(
            ?id,
            reason = params.reason,
            "the client cancelled a request"
        );
    }
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
        if !live.is_open() && opening.open(&live).await.is_err() {
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

/// Hands a client's answer to whoever asked. One that nobody waits for is ignored.
pub(crate) fn answered(live: &Live, response: Response) {
    let Some(id) = response.id else { return };
    if !live.core().questions.answer(&id, response.outcome) {
        tracing::debug!(?id, "ignored an answer that nobody waits for");
    }
}
