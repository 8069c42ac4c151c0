//! What an outbox promises, held against the memory outbox; and what only that one promises.

mod faulty;
mod model;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_session::store::{
    Bound, Keep, MemoryOutbox, MemoryStore, Outbox, Owner, Store, StoreError,
};
use proptest::prelude::*;

mod on_a_paused_clock {
    mcp_session::outbox_contract! {
        #[tokio::test(start_paused = true)]
        => mcp_session::store::MemoryOutbox::new()
    }
}

mod on_many_threads {
    mcp_session::outbox_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        => mcp_session::store::MemoryOutbox::new()
    }
}

const DAY: Duration = Duration::from_secs(86_400);

fn event(bytes: usize) -> Vec<Bytes> {
    vec![Bytes::from(vec![0; bytes])]
}

#[tokio::test(start_paused = true)]
async fn a_full_memory_outbox_refuses_and_takes_again_what_fits() {
    let outbox = MemoryOutbox::with_bytes(4_000);
    let log = |id: usize| Owner::new("test", id.to_string()).key("one");
    let keep = Keep::new(DAY).events(1);
    let mut kept = 0;
    let refused = loop {
        match outbox.append(&log(kept), event(100), keep).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
    };
    assert!(
        matches!(refused, StoreError::Full(Bound::Store)),
        "{refused}"
    );
    assert!((3..20).contains(&kept) && outbox.bytes() <= 4_000, "{kept}");
    assert_eq!(outbox.last(&log(kept)).await.unwrap(), 0);
    // What goes makes room for what comes.
    let first = outbox.last(&log(0)).await.unwrap();
    let second = outbox.append(&log(0), event(100), keep).await.unwrap();
    assert_eq!(second, first + 1);
    // A refusal takes nothing away.
    let refused = outbox.append(&log(0), event(4_000), keep).await;
    assert!(matches!(refused, Err(StoreError::Full(Bound::Store))));
    let read = outbox.read(&log(0), first, 10).await.unwrap();
    assert_eq!((read.len(), read[0].number), (1, second));

    outbox.clear(log(1).owner()).await.unwrap();
    outbox.append(&log(999), event(100), keep).await.unwrap();
    // Nobody sweeps, and what is new may go to another part: a full outbox looks everywhere.
    tokio::time::advance(DAY).await;
    outbox
        .append(&log(1_000), event(2_000), keep)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_empty_memory_outbox_has_given_all_its_bytes_back() {
    let outbox = MemoryOutbox::new();
    let owner = Owner::new("test", "ann");
    let second = Duration::from_secs(1);
    for name in ["a", "b", "c"] {
        for bytes in [10, 0, 1_000, 3] {
            let keep = Keep::new(second).events(3).bytes(1_005);
            outbox
                .append(&owner.key(name), event(bytes), keep)
                .await
                .unwrap();
        }
    }
    let kept = Keep::new(DAY);
    outbox
        .append(&owner.key("d"), event(5), kept)
        .await
        .unwrap();
    assert!(outbox.bytes() > 0);
    tokio::time::advance(second).await;
    assert_eq!(outbox.sweep(2).await.unwrap(), 2);
    assert_eq!(outbox.sweep(2).await.unwrap(), 1);
    outbox.clear(&owner).await.unwrap();
    assert_eq!(outbox.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn servers_that_share_a_memory_store_share_its_outbox() {
    let store = Arc::new(MemoryStore::new());
    let log = Owner::new("test", "ann").key("one");
    let one = Arc::clone(&store).outbox().unwrap();
    let last = one.append(&log, event(1), Keep::new(DAY)).await.unwrap();
    assert_eq!(store.outbox().unwrap().last(&log).await.unwrap(), last);
}

proptest! {
    #[test]
    fn an_outbox_does_what_lists_with_deadlines_do(steps in model::steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (outbox, owner) = (MemoryOutbox::new(), Owner::new("test", "ann"));
        runtime.block_on(model::compare(&outbox, &owner, steps, true));
    }
}
