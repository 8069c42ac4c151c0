//! What a store promises, held against the memory store; and what only that one promises.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod contract;
mod model;

use std::sync::Arc;

use mcp_session::store::{Bound, Draft, MemoryStore, Owner, Quota, Store, StoreError};
use std::time::Duration;

/// Runs a promise of every store against the memory store.
macro_rules! kept_by_memory {
    ($($promise:ident)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $promise() {
            contract::$promise(Arc::new(MemoryStore::new())).await;
        }
    )*};
}

kept_by_memory! {
    a_record_is_created_once_and_saved_at_its_revision
    a_revision_is_never_used_again
    what_has_expired_is_absent
    a_touch_only_extends
    a_save_extends_where_it_is_asked_to
    a_delete_can_expect_a_revision
    quotas_count_what_is_alive_only
    a_save_that_does_not_grow_is_within_every_quota
    owners_and_spaces_are_apart
    pages_follow_each_other_in_order
    a_sweep_removes_what_nobody_asks_for
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_create_at_once_one_succeeds() {
    contract::of_many_who_create_at_once_one_succeeds(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_saves_lose_nothing() {
    contract::concurrent_saves_lose_nothing(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_quota_holds_for_all_who_come_at_once() {
    contract::a_quota_holds_for_all_who_come_at_once(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_memory_store_refuses_and_takes_again_what_fits() {
    let store = MemoryStore::with_bytes(4_000);
    let owner = |id: usize| Owner::new("test", id.to_string());
    let day = Duration::from_secs(86_400);
    let mut kept = 0;
    let refused = loop {
        let draft = Draft::new(vec![0; 100]).ttl(day);
        match store
            .create(&owner(kept).key("one"), draft, Quota::NONE)
            .await
        {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
    };
    assert!(
        matches!(refused, StoreError::Full(Bound::Store)),
        "{refused}"
    );
    assert!((5..40).contains(&kept) && store.bytes() <= 4_000, "{kept}");
    assert!(store.load(&owner(0).key("one")).await.unwrap().is_some());

    store.delete(&owner(0).key("one"), None).await.unwrap();
    let again = || Draft::new(vec![0; 100]).ttl(day);
    let key = owner(0).key("one");
    store.create(&key, again(), Quota::NONE).await.unwrap();

    // Nobody sweeps, and what is new may go to another part: a full store looks everywhere.
    tokio::time::advance(day).await;
    store
        .create(&owner(999).key("one"), again(), Quota::NONE)
        .await
        .unwrap();
    let larger = store.load(&owner(999).key("one")).await.unwrap().unwrap();
    let draft = Draft::new(vec![0; 5_000]);
    let refused = store
        .save(&owner(999).key("one"), larger.revision, draft, Quota::NONE)
        .await;
    assert!(matches!(refused, Err(StoreError::Full(Bound::Store))));
}

#[tokio::test(start_paused = true)]
async fn an_empty_memory_store_has_given_all_its_bytes_back() {
    let store = MemoryStore::new();
    let owner = Owner::new("test", "ann");
    for name in ["a", "b", "c", "d"] {
        let (key, draft) = (owner.key(name), Draft::new("small"));
        let draft = draft.ttl(Duration::from_secs(1));
        let mut revision = store.create(&key, draft, Quota::NONE).await.unwrap();
        for next in ["much larger", "less"] {
            let saved = store.save(&key, revision, Draft::new(next), Quota::NONE);
            revision = saved.await.unwrap();
        }
    }
    assert!(store.bytes() > 0);
    store.delete(&owner.key("a"), None).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(store.sweep(100).await.unwrap(), 3);
    assert_eq!(store.bytes(), 0);
    store
        .create(&owner.key("a"), Draft::new("x"), Quota::NONE)
        .await
        .unwrap();
    store.clear(&owner).await.unwrap();
    assert_eq!(store.bytes(), 0);
}
