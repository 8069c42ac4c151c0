//! What a store promises, held against the memory store; and what only that one promises.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod faulty;
mod model;

use std::time::Duration;

use mcp_session::store::{Bound, Draft, MemoryStore, Owner, Quota, Store, StoreError};

mod on_a_paused_clock {
    mcp_session::store_contract! {
        #[tokio::test(start_paused = true)]
        => mcp_session::store::MemoryStore::new()
    }
}

mod on_many_threads {
    mcp_session::store_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        => mcp_session::store::MemoryStore::new()
    }
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
