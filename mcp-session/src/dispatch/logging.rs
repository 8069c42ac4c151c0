//! `logging/setLevel` (before 2026-07-28).

use crate::dispatch::arrival::{Arrival, Routed};
use crate::protocol::wire::Shaped;
use crate::protocol::{EmptyResult, RpcError, SetLevelParams};

pub(crate) fn logging_set_level(arrival: Arrival<'_>) -> Routed {
    if !arrival.blueprint().logging {
        return Routed::Done(Err(RpcError::method_not_found(&arrival.request.method)));
    }
    Routed::Done(arrival.params(SetLevelParams::from_params).map(|params| {
        arrival.live.core().set_log_level(params.level);
        EmptyResult::new().shape(&arrival.shape())
    }))
}
