//! What a request holds while it is in flight.

use crate::dispatch::reaction::Answer;
use crate::protocol::{ProtocolVersion, Request, RpcError, method};
use crate::server::{AtWork, Server};
use crate::session::CallGuard;

/// A request's place among all that are at work, and its id where ids are the connection's. Given
/// back when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it says that the request is done"]
pub(crate) struct InFlight {
    /// `None` for a request that works at nothing.
    _at_work: Option<AtWork>,
    id: Option<CallGuard>,
}

impl InFlight {
    /// Takes a place for a request, before anything else is done about it; the answer where there
    /// is none.
    pub(crate) fn reserve(
        server: &Server,
        request: &Request,
        version: ProtocolVersion,
    ) -> Result<Self, Answer> {
        let works =
            request.method != method::SUBSCRIPTIONS_LISTEN && request.method != method::PING;
        let take = || {
            let taken = server.inner().load.take(server.limits().in_flight_total);
            taken.ok_or_else(|| overloaded(request, version))
        };
        Ok(Self {
            _at_work: works.then(take).transpose()?,
            id: None,
        })
    }

    /// Keeps the request's id taken as well.
    pub(crate) fn with_id(self, id: CallGuard) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// As [`CallGuard::detach`].
    pub(crate) fn detach(&mut self) {
        if let Some(id) = &mut self.id {
            id.detach();
        }
    }
}

/// The answer to a request when there are as many in flight as there may be.
fn overloaded(request: &Request, version: ProtocolVersion) -> Answer {
    let error = RpcError::internal("too many requests are in flight: try again");
    Answer {
        retry_after: Some(1),
        ..Answer::error(503, Some(&request.id), &error, version)
    }
}
