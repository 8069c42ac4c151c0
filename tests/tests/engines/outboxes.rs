//! Outboxes whose engine goes away, and what they leave behind: nothing.

use std::time::Duration;

use mcp_session::store::{Keep, Outbox, Owner, PostgresStore, ReadError, RedisStore, Store};
use mcp_session::testing::contract;
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use tokio::time::timeout;

use crate::behind;
use crate::model;
use crate::proxy::Proxy;
use crate::replicas::Cleanup;
use crate::support::{drop_schema, keys, postgres, redis, unique, url};

const PATIENCE: Duration = Duration::from_millis(500);
/// With what a busy machine adds.
const BOUND: Duration = Duration::from_secs(3);
const SHORT: Duration = Duration::from_millis(200);

fn keep() -> Keep {
    Keep::new(Duration::from_secs(600))
}

/// What must be true of an outbox whose engine goes and comes back behind this proxy.
async fn survives(store: &impl Store, proxy: &Proxy) {
    let outbox = store.outbox().unwrap();
    let log = Owner::new("test", "ann").key("stream");
    let first = outbox.append(&log, vec!["1".into()], keep());
    let first = first.await.unwrap();
    for silent in [true, false] {
        if silent {
            proxy.freeze();
        } else {
            proxy.cut();
        }
        contract::outbox::gives_up_in_time(&*outbox, BOUND).await;
        proxy.open();
        let answered = async {
            loop {
                match outbox.read(&log, first, 10).await {
                    Ok(read) => return read,
                    Err(ReadError::Store(_)) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let read = timeout(10 * BOUND, answered).await.unwrap();
        assert!(read.is_empty(), "{read:?}");
    }
    let second = outbox.append(&log, vec!["2".into()], keep());
    assert_eq!(second.await.unwrap(), first + 1);
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

#[tokio::test(flavor = "multi_thread")]
async fn redis_forgets_logs_whose_time_is_over_or_that_were_cleared() {
    let Some(url) = url("REDIS_URL") else {
        return;
    };
    for protocol in ["resp2", "resp3"] {
        let prefix = unique();
        let builder = RedisStore::builder(format!("{url}?protocol={protocol}"));
        let store = builder.prefix(&prefix).connect().await.unwrap();
        let outbox = store.outbox().unwrap();
        let append = async |owner: &str, name: &str, keep: Keep| {
            let log = Owner::new("test", owner).key(name);
            let events = vec!["a".into(), "b".into()];
            outbox.append(&log, events, keep).await.unwrap()
        };
        append("expired", "1", Keep::new(SHORT)).await;
        append("expired", "2", Keep::new(SHORT / 2)).await;
        append("shortened", "1", keep()).await;
        append("shortened", "1", Keep::new(SHORT)).await;
        append("nothing", "1", Keep::new(Duration::ZERO)).await;
        append("cleared", "1", keep()).await;
        append("cleared", "2", keep()).await;
        outbox.clear(&Owner::new("test", "cleared")).await.unwrap();
        // One log of many lives on; what is known of the others goes with the next append.
        append("lives", "1", Keep::new(SHORT)).await;
        append("lives", "2", Keep::new(10 * SHORT)).await;
        assert!(!keys(&url, &prefix).is_empty());

        let gone = async {
            while !keys(&url, &prefix).is_empty() {
                tokio::time::sleep(SHORT / 2).await;
            }
        };
        let gone = timeout(10 * BOUND, gone).await;
        assert!(gone.is_ok(), "left behind: {:?}", keys(&url, &prefix));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_of_postgres_takes_logs_with_all_that_is_in_them() {
    let Some(url) = url("DATABASE_URL") else {
        return;
    };
    let schema = unique();
    let store = PostgresStore::builder(&url).schema(&schema).connect();
    let store = store.await.unwrap();
    let cleaned = (url.clone(), schema.clone());
    let _cleanup = Cleanup(Some(Box::new(move || drop_schema(&cleaned.0, &cleaned.1))));
    let outbox = store.outbox().unwrap();
    let append = async |at: usize, keep: Keep| {
        let log = Owner::new("test", at.to_string()).key("one");
        let events = vec!["a".into(), "b".into()];
        outbox.append(&log, events, keep).await.unwrap();
    };
    for at in 0..50 {
        append(at, Keep::new(Duration::from_millis(1))).await;
    }
    append(50, keep()).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    // Begun again before anybody swept, and cleared.
    append(0, keep()).await;
    append(1, keep()).await;
    outbox.clear(&Owner::new("test", "1")).await.unwrap();
    let swept = tokio::join!(outbox.sweep(20), outbox.sweep(20));
    assert_eq!((swept.0.unwrap(), swept.1.unwrap()), (20, 20));
    assert_eq!(outbox.sweep(20).await.unwrap(), 8);
    assert_eq!(outbox.sweep(20).await.unwrap(), 0);

    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    for (table, left) in [("logs", 2), ("log_events", 4)] {
        let count = format!("SELECT count(*) FROM {schema}.{table}");
        let row = client.query_one(&count, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), left, "{table}");
    }
}

/// Compares an outbox with plain lists, in several random histories.
async fn does_what_lists_do(outbox: impl Outbox) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..40 {
        let steps = model::steps().new_tree(&mut runner).unwrap().current();
        let owner = Owner::new("test", unique());
        model::compare(&outbox, &owner, steps, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_does_what_lists_do() {
    if let Some(store) = postgres().await {
        does_what_lists_do(store.into_outbox()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_does_what_lists_do() {
    if let Some(store) = redis().await {
        does_what_lists_do(store.into_outbox()).await;
    }
}
