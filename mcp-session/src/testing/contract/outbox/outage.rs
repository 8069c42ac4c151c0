//! The promise about engines that do not answer.

use std::time::Duration;

use crate::store::{Keep, Outbox, Owner, ReadError, StoreError};
use crate::testing::contract::outage::ended;

/// Every operation of an outbox whose engine does not answer ends with
/// [`Unavailable`](StoreError::Unavailable), each within this time.
///
/// It is for the test to make the engine silent: to stop its process, or to let nothing through.
///
/// # Panics
///
/// Where one takes longer, or ends otherwise.
pub async fn gives_up_in_time(outbox: &dyn Outbox, bound: Duration) {
    let owner = Owner::new("contract", "nobody");
    let log = owner.key("one");
    let read = async {
        let read = outbox.read(&log, 0, 1).await;
        read.map_err(|error| match error {
            ReadError::Store(error) => error,
            ReadError::Purged => StoreError::Conflict,
        })
    };
    let append = outbox.append(&log, vec!["x".into()], Keep::new(bound));
    let outcomes = [
        ended(bound, "append", append).await,
        ended(bound, "read", read).await,
        ended(bound, "last", outbox.last(&log)).await,
        ended(bound, "clear", outbox.clear(&owner)).await,
    ];
    for (operation, outcome) in outcomes {
        assert!(
            matches!(outcome, Err(StoreError::Unavailable(_))),
            "a {operation} was answered: {outcome:?}"
        );
    }
}
