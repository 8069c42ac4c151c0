//! Engines that are slow, silent, or gone for a while.

use std::time::Duration;

use mcp_session::store::{Draft, Owner, PostgresStore, Quota, RedisStore, Store, StoreError};
use mcp_session::testing::contract;
use tokio::time::timeout;

use crate::behind;
use crate::proxy::Proxy;
use crate::support::{at_last, drop_schema, unique, url};

const PATIENCE: Duration = Duration::from_millis(300);
/// With what a busy machine adds.
const BOUND: Duration = Duration::from_secs(3);

/// What must be true of a store whose engine goes and comes back behind this proxy.
async fn survives(store: &impl Store, proxy: &Proxy) {
    let key = Owner::new("test", "ann").key("one");
    let first = store
        .create(&key, Draft::new("x"), Quota::NONE)
        .await
        .unwrap();

    proxy.freeze();
    contract::gives_up_in_time(store, BOUND).await;
    proxy.open();
    answers_again(store).await;

    proxy.cut();
    contract::gives_up_in_time(store, BOUND).await;
    proxy.open();
    answers_again(store).await;

    let record = store.load(&key).await.unwrap().unwrap();
    assert_eq!((&*record.value, record.revision), (&b"x"[..], first));
}

/// Waits for the store to be of use, as clients do: by asking again.
async fn answers_again(store: &impl Store) {
    let key = Owner::new("test", "bob").key("one");
    let answered = async {
        while store.load(&key).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(10 * BOUND, answered).await.unwrap();
    // And then for everybody: what was broken is not used again.
    for _ in 0..20 {
        store.load(&key).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_be_silent_and_may_go_and_come_back() {
    if let Some(behind) = behind::postgres(PATIENCE).await {
        survives(&behind.store, &behind.proxy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_be_silent_and_may_go_and_come_back() {
    if let Some(behind) = behind::redis(PATIENCE).await {
        survives(&behind.store, &behind.proxy).await;
    }
}

/// A port that nobody listens on, and one where nobody answers.
async fn nobody(scheme: &str) -> [(String, Option<tokio::net::TcpListener>); 2] {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = |listener: &tokio::net::TcpListener| {
        let port = listener.local_addr().unwrap().port();
        format!("{scheme}://u:secret@127.0.0.1:{port}/0")
    };
    [(url(&closed), None), (url(&silent), Some(silent))]
}

#[tokio::test]
async fn nobody_waits_for_an_engine_that_is_not_there() {
    for (url, _listener) in nobody("postgres").await {
        let store = PostgresStore::builder(url).timeout(PATIENCE).connect();
        let error = timeout(BOUND, store).await.unwrap().unwrap_err();
        assert!(error.is_unavailable(), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    for (url, _listener) in nobody("redis").await {
        let store = RedisStore::builder(url).timeout(PATIENCE).connect();
        let error = timeout(BOUND, store).await.unwrap().unwrap_err();
        assert!(error.is_unavailable(), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_somebody_holds_keeps_nobody_for_ever() {
    let Some(url) = url("DATABASE_URL") else {
        return;
    };
    let schema = unique();
    let builder = || PostgresStore::builder(&url).schema(&schema);
    let store = at_last(|| builder().timeout(PATIENCE).connect()).await;
    let key = Owner::new("test", "ann").key("one");
    let first = store
        .create(&key, Draft::new("x"), Quota::NONE)
        .await
        .unwrap();

    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let locked = client.transaction().await.unwrap();
    let lock = format!("LOCK TABLE {schema}.records IN ACCESS EXCLUSIVE MODE");
    locked.batch_execute(&lock).await.unwrap();
    contract::gives_up_in_time(&store, BOUND).await;
    locked.rollback().await.unwrap();
    answers_again(&store).await;
    let saved = store.save(&key, first, Draft::new("y"), Quota::NONE).await;
    assert!(
        !matches!(saved, Err(StoreError::Unavailable(_))),
        "{saved:?}"
    );
    drop((store, client));
    tokio::task::spawn_blocking(move || drop_schema(&url, &schema))
        .await
        .unwrap();
}
