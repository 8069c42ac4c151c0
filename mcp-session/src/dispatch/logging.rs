//! `logging/setLevel` (before 2026-07-28).

use crate::dispatch::arrival::Arrival;
use crate::protocol::wire::Shaped;
use crate::protocol::{EmptyResult, Payload, RpcError, SetLevelParams};

pub(crate) fn logging_set_level(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    if !arrival.blueprint().logging {
        return Err(RpcError::method_not_found(&arrival.request.method));
    }
    let params = arrival.params(SetLevelParams::from_params)?;
    arrival.live.core().set_log_level(params.level);
    arrival.live.changed(None, &[]);
    Ok(EmptyResult::new().shape(&arrival.shape()))
}
