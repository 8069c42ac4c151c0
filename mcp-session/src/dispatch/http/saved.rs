//! An answer that waits until what its request changed is in the store.

use std::sync::Arc;

use crate::dispatch::http::{Decision, unkept, version};
use crate::dispatch::reaction::{Answer, Reaction, Running};
use crate::protocol::{ProtocolVersion, RequestId};
use crate::server::Live;

/// Holds an answer back until what its request changed is in the store: its client may go to
/// another replica next.
pub(super) fn saved<'a>(
    live: Arc<Live>,
    id: Option<RequestId>,
    reaction: Reaction,
) -> Decision<'a> {
    let Some(stored) = live.stored() else {
        return reaction.into();
    };
    match reaction {
        Reaction::Running(running) => {
            let (future, version) = (running.future, running.version);
            let future = async move {
                let answer = future.await?;
                Some(once_saved(&live, id.as_ref(), version, answer).await)
            };
            let future = Box::pin(future);
            Reaction::Running(Running { future, ..running }).into()
        }
        Reaction::Answer(answer) if stored.is_unsaved() => Decision::Opens(Box::pin(async move {
            let version = version(&live);
            once_saved(&live, id.as_ref(), version, answer).await.into()
        })),
        decided => decided.into(),
    }
}

async fn once_saved(
    live: &Arc<Live>,
    id: Option<&RequestId>,
    version: ProtocolVersion,
    answer: Answer,
) -> Answer {
    match live.saved().await {
        Ok(()) => answer,
        Err(_) => unkept(
            "what this request changed could not be kept; it may have to be made again",
            id,
            version,
        ),
    }
}
