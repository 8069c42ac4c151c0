//! The promise about engines that do not answer.

use std::time::Duration;

use crate::clock;
use crate::store::{Draft, Owner, Quota, Revision, Store, StoreError};

/// Every operation of a store whose engine does not answer ends with
/// [`Unavailable`](StoreError::Unavailable), each within this time.
///
/// It is for the test to make the engine silent: to stop its process, or to let nothing through.
pub async fn gives_up_in_time(store: &dyn Store, bound: Duration) {
    let owner = Owner::new("contract", "nobody");
    let key = owner.key("one");
    let draft = || Draft::new("x").ttl(bound);
    let revision = Revision::new(1);
    let quota = Quota::records(1);
    let outcomes = [
        ended(bound, "load", store.load(&key)).await,
        ended(bound, "create", store.create(&key, draft(), quota)).await,
        ended(bound, "save", store.save(&key, revision, draft(), quota)).await,
        ended(bound, "touch", store.touch(&key, bound)).await,
        ended(bound, "delete", store.delete(&key, None)).await,
        ended(bound, "clear", store.clear(&owner)).await,
        ended(bound, "list", store.list(&owner, None, 1)).await,
    ];
    for (operation, outcome) in outcomes {
        assert!(
            matches!(outcome, Err(StoreError::Unavailable(_))),
            "a {operation} was answered: {outcome:?}"
        );
    }
}

/// What came of an operation, unless it takes too long.
pub(super) async fn ended<T>(
    bound: Duration,
    operation: &'static str,
    future: impl Future<Output = Result<T, StoreError>>,
) -> (&'static str, Result<(), StoreError>) {
    let outcome = clock::within(bound, future).await;
    let outcome = outcome.unwrap_or_else(|| panic!("a {operation} took longer than {bound:?}"));
    (operation, outcome.map(drop))
}
