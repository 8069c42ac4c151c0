//! The handshake era's way to ask: a request on the caller's own stream.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::clock;
use crate::peer::AskError;
use crate::protocol::{Frame, Raw, RequestId, method};
use crate::session::{Core, Kind, Outbox, Question};

/// Sends a request to the client and waits for its result.
///
/// # Cancel safety
///
/// Dropping the future withdraws the question and tells the client so.
pub(crate) async fn ask(
    core: &Core,
    outlet: &Arc<Outbox>,
    method: &'static str,
    params: &Raw,
    patience: Duration,
) -> Result<Raw, AskError> {
    let mut open = Open {
        question: core.questions.ask(),
        outlet,
        settled: false,
    };
    let id = open.question.id();
    tracing::debug!(method, ?id, "asking the client");
    outlet.push(Kind::Request, Frame::request(&id, method, params));
    let answer = tokio::select! {
        answer = clock::within(patience, open.question.answer()) => answer,
        _ = core.done() => return Err(AskError::Gone),
    };
    let Some(answer) = answer else {
        return Err(AskError::TimedOut);
    };
    open.settled = true;
    match answer {
        Some(Ok(result)) => Ok(result),
        Some(Err(error)) => Err(AskError::Refused(error)),
        None => Err(AskError::Gone),
    }
}

/// A question that is out. Dropped unsettled, it tells the client not to bother.
struct Open<'a> {
    question: Question,
    outlet: &'a Arc<Outbox>,
    settled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Withdrawn {
    request_id: RequestId,
    reason: &'static str,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.settled {
            let params = Withdrawn {
                request_id: self.question.id(),
                reason: "no longer needed",
            };
            let frame = Frame::notification(method::CANCELLED, &params);
            self.outlet.push(Kind::Notice, frame);
        }
    }
}
