//! What is left in an engine when records are gone: nothing.

use std::time::Duration;

use mcp_session::store::{Draft, Owner, Quota, Store};

use crate::support::{keys, postgres, redis, unique, url};

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn redis_forgets_an_owner_with_the_last_record() {
    let Some(url) = url("REDIS_URL") else {
        return;
    };
    let prefix = unique();
    let store = mcp_session::store::RedisStore::builder(&url).prefix(&prefix);
    let store = store.connect().await.unwrap();
    let owner = |id: &str| Owner::new("test", id);
    let create = async |id: &str, name: &str, ttl: Option<Duration>| {
        let mut draft = Draft::new("x");
        if let Some(ttl) = ttl {
            draft = draft.ttl(ttl);
        }
        let quota = Quota::records(10).bytes(100);
        store
            .create(&owner(id).key(name), draft, quota)
            .await
            .unwrap()
    };

    // Expired, all of them.
    create("expired", "a", Some(SHORT)).await;
    create("expired", "b", Some(SHORT / 2)).await;
    // One was to be kept for ever, and was deleted.
    create("deleted", "a", Some(SHORT)).await;
    create("deleted", "for ever", None).await;
    store
        .delete(&owner("deleted").key("for ever"), None)
        .await
        .unwrap();
    // One was touched, and saved, which is the last that was heard of it.
    let first = create("touched", "a", Some(SHORT / 2)).await;
    store
        .touch(&owner("touched").key("a"), SHORT)
        .await
        .unwrap();
    let key = owner("touched").key("a");
    store
        .save(&key, first, Draft::new("y").ttl(SHORT), Quota::NONE)
        .await
        .unwrap();
    // Deleted and cleared.
    create("gone", "a", None).await;
    store.delete(&owner("gone").key("a"), None).await.unwrap();
    create("cleared", "a", None).await;
    create("cleared", "b", Some(SHORT)).await;
    store.clear(&owner("cleared")).await.unwrap();
    // Gone before it was there.
    create("nothing", "a", Some(Duration::ZERO)).await;
    assert!(!keys(&url, &prefix).is_empty());

    let mut left = Vec::new();
    for _ in 0..100 {
        tokio::time::sleep(SHORT / 2).await;
        left = keys(&url, &prefix);
        if left.is_empty() {
            return;
        }
    }
    let left: Vec<_> = left
        .iter()
        .map(|key| String::from_utf8_lossy(key))
        .collect();
    panic!("left behind: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_goes_on_when_it_has_forgotten_its_scripts() {
    let Some(store) = redis().await else {
        return;
    };
    let key = Owner::new("test", "ann").key("one");
    for round in 0..3 {
        let url = url("REDIS_URL").unwrap();
        let mut connection = ::redis::Client::open(url)
            .unwrap()
            .get_connection()
            .unwrap();
        ::redis::cmd("SCRIPT")
            .arg("FLUSH")
            .exec(&mut connection)
            .unwrap();
        store
            .create(&key, Draft::new("x"), Quota::NONE)
            .await
            .unwrap();
        assert!(store.delete(&key, None).await.unwrap(), "{round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_of_postgres_takes_all_that_has_expired_and_no_more_than_it_may() {
    let Some(store) = postgres().await else {
        return;
    };
    for at in 0..50 {
        let key = Owner::new("test", at.to_string()).key("one");
        let draft = Draft::new("x").ttl(Duration::from_millis(1));
        store.create(&key, draft, Quota::NONE).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let swept = tokio::join!(store.sweep(20), store.sweep(20));
    assert_eq!((swept.0.unwrap(), swept.1.unwrap()), (20, 20));
    assert_eq!(store.sweep(20).await.unwrap(), 10);
    assert_eq!(store.sweep(20).await.unwrap(), 0);
}
