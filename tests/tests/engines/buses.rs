//! Buses whose engine is slow, silent, or ends their connections.

use std::time::Duration;

use mcp_session::bus::{Bus, Delivery, Event, Subscription};
use mcp_session::store::{PostgresStore, RedisStore, Store};
use mcp_session::testing::contract;
use tokio::time::timeout;

use crate::behind;
use crate::proxy::Proxy;
use crate::replicas::Cleanup;
use crate::support::{at_last, delete_keys, drop_schema, execute, unique, url};

const PATIENCE: Duration = Duration::from_millis(500);
/// With what a busy machine adds.
const BOUND: Duration = Duration::from_secs(20);

fn event(id: &str) -> Event {
    Event::ErrandDone { id: id.into() }
}

async fn next(subscription: &mut dyn Subscription) -> Delivery {
    timeout(BOUND, subscription.next()).await.unwrap()
}

/// What must be true of a bus whose engine goes and comes back behind this proxy.
async fn survives(bus: &dyn Bus, proxy: &Proxy) {
    let mut subscription = bus.subscribe().await.unwrap();
    bus.publish(&event("before")).await.unwrap();
    let heard = next(&mut *subscription).await;
    assert_eq!(heard, Delivery::Event(event("before")));
    for silent in [false, true] {
        if silent {
            proxy.freeze();
        } else {
            proxy.cut();
        }
        contract::bus::gives_up_in_time(bus, BOUND / 5).await;
        // Also where nothing is said to a connection that is silent.
        assert_eq!(next(&mut *subscription).await, Delivery::CutOff);
        proxy.open();
        contract::bus::hears_again(bus, &mut *subscription, BOUND).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_be_silent_and_may_go_and_come_back() {
    if let Some(behind) = behind::postgres(PATIENCE).await {
        survives(&*behind.store.bus().unwrap(), &behind.proxy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_be_silent_and_may_go_and_come_back() {
    if let Some(behind) = behind::redis(PATIENCE).await {
        survives(&*behind.store.bus().unwrap(), &behind.proxy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_end_the_connection_that_listens() {
    let Some(url) = url("DATABASE_URL") else {
        return;
    };
    let schema = unique();
    let named = format!("{url}?application_name={schema}");
    let builder = PostgresStore::builder(&url).listen_at(named);
    let store = builder.schema(&schema).connect().await.unwrap();
    let cleaned = (url.clone(), schema.clone());
    let _cleanup = Cleanup(Some(Box::new(move || drop_schema(&cleaned.0, &cleaned.1))));
    let bus = store.bus().unwrap();
    let mut subscription = bus.subscribe().await.unwrap();
    for _ in 0..3 {
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = '{schema}'"
        );
        execute(&url, &end).await;
        assert_eq!(next(&mut *subscription).await, Delivery::CutOff);
        contract::bus::hears_again(&*bus, &mut *subscription, BOUND).await;
    }
    // When nobody listens any more, neither does a connection.
    drop(subscription);
    let gone = async {
        loop {
            let gone = format!(
                "DO $$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity \
                 WHERE application_name = '{schema}') THEN RAISE 'there'; END IF; END $$"
            );
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
                .await
                .unwrap();
            tokio::spawn(connection);
            if client.batch_execute(&gone).await.is_ok() {
                return;
            }
        }
    };
    timeout(BOUND, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_end_the_connection_that_reads() {
    let Some(url) = url("REDIS_URL") else {
        return;
    };
    // In a database that no other test uses, by which its connections are found.
    let (url, prefix) = (format!("{url}/7"), unique());
    let store = RedisStore::builder(&url).prefix(&prefix).connect();
    let bus = store.await.unwrap().bus().unwrap();
    let cleaned = (url.clone(), prefix);
    let _cleanup = Cleanup(Some(Box::new(move || delete_keys(&cleaned.0, &cleaned.1))));
    let mut subscription = bus.subscribe().await.unwrap();
    for _ in 0..3 {
        while readers(&url, true) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(next(&mut *subscription).await, Delivery::CutOff);
        contract::bus::hears_again(&*bus, &mut *subscription, BOUND).await;
    }
    drop(subscription);
    let gone = async {
        while readers(&url, false) > 0 {
            tokio::task::yield_now().await;
        }
    };
    // Before it would have done so by itself, to ask whether the engine is there.
    timeout(Duration::from_secs(3), gone).await.unwrap();
}

/// How many wait for a stream in this database; ends their connections where that is asked for.
fn readers(url: &str, end: bool) -> usize {
    let mut connection = ::redis::Client::open(url)
        .unwrap()
        .get_connection()
        .unwrap();
    let mut command = |arguments: &[&str]| -> ::redis::Value {
        let mut command = ::redis::cmd("CLIENT");
        command.arg(arguments).query(&mut connection).unwrap()
    };
    let listed: String = ::redis::from_redis_value(command(&["LIST"])).unwrap();
    let waits = |line: &&str| line.contains("cmd=xread") && line.contains(" db=7 ");
    let readers: Vec<_> = listed.lines().filter(waits).collect();
    for reader in readers.iter().filter(|_| end) {
        let id = reader.split(' ').next().unwrap();
        command(&["KILL", "ID", id.strip_prefix("id=").unwrap()]);
    }
    readers.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_lost_what_it_knew_is_noticed() {
    let Some(url) = url("REDIS_URL") else {
        return;
    };
    for protocol in ["resp2", "resp3"] {
        let prefix = unique();
        let named = format!("{url}?protocol={protocol}");
        let store = RedisStore::builder(named).prefix(&prefix).connect();
        let bus = store.await.unwrap().bus().unwrap();
        let mut subscription = bus.subscribe().await.unwrap();
        for round in 0..3 {
            bus.publish(&event("one")).await.unwrap();
            let heard = next(&mut *subscription).await;
            assert_eq!(heard, Delivery::Event(event("one")), "{round}");
        }
        delete_keys(&url, &prefix);
        // Noticed by the next event, or without any.
        if protocol == "resp3" {
            bus.publish(&event("two")).await.unwrap();
        }
        assert_eq!(next(&mut *subscription).await, Delivery::Lagged);
        bus.publish(&event("three")).await.unwrap();
        let mut heard = next(&mut *subscription).await;
        if heard == Delivery::Event(event("two")) {
            heard = next(&mut *subscription).await;
        }
        assert_eq!(heard, Delivery::Event(event("three")));
        delete_keys(&url, &prefix);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_redis_whose_place_was_trimmed_is_told() {
    let Some(url) = url("REDIS_URL") else {
        return;
    };
    let (proxy, prefix) = (Proxy::before(&url).await, unique());
    let builder = || RedisStore::builder(&url).prefix(&prefix);
    let slow = RedisStore::builder(proxy.url(&url)).prefix(&prefix);
    let slow = slow.connect().await.unwrap().bus().unwrap();
    let quick = builder().connect().await.unwrap().bus().unwrap();
    let mut subscription = slow.subscribe().await.unwrap();
    proxy.freeze();
    for number in 0..10 {
        quick.publish(&event(&number.to_string())).await.unwrap();
    }
    let mut connection = ::redis::Client::open(&*url)
        .unwrap()
        .get_connection()
        .unwrap();
    let mut trim = ::redis::cmd("XTRIM");
    let trim = trim.arg(format!("{prefix}{{bus}}")).arg("MAXLEN").arg(3);
    let trimmed: usize = trim.query(&mut connection).unwrap();
    assert_eq!(trimmed, 7);
    proxy.open();
    // The answer to its question may have been on its way before.
    let mut heard = Vec::new();
    while heard.last() != Some(&Delivery::Event(event("9"))) {
        heard.push(next(&mut *subscription).await);
    }
    let lagged = heard.iter().position(|heard| *heard == Delivery::Lagged);
    assert_eq!(lagged, Some(heard.len() - 4), "{heard:?}");
    delete_keys(&url, &prefix);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_would_hear_nothing_of_postgres_is_told_so() {
    let Some(url) = url("DATABASE_URL") else {
        return;
    };
    // Channels are of a database: another one stands for a pooler that passes nothing on.
    let (base, _) = url.rsplit_once('/').unwrap();
    let (elsewhere, schema) = (format!("{base}/template1"), unique());
    let store = at_last(|| {
        let builder = PostgresStore::builder(&url).schema(&schema);
        builder
            .timeout(4 * PATIENCE)
            .listen_at(&elsewhere)
            .connect()
    })
    .await;
    let _cleanup = Cleanup(Some(Box::new(move || drop_schema(&url, &schema))));
    let subscribing = store.bus().unwrap().subscribe().await;
    let text = format!("{:?}", subscribing.unwrap_err());
    assert!(text.contains("listen_at"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_newer_replicas_say_disturbs_nobody() {
    let Some(url) = url("DATABASE_URL") else {
        return;
    };
    let schema = unique();
    let store = PostgresStore::builder(&url).schema(&schema).connect();
    let bus = store.await.unwrap().bus().unwrap();
    let cleaned = (url.clone(), schema.clone());
    let _cleanup = Cleanup(Some(Box::new(move || drop_schema(&cleaned.0, &cleaned.1))));
    let mut subscription = bus.subscribe().await.unwrap();
    for text in ["", "{\"newer\":{\"a\":1}}", "no json"] {
        let sql = format!("SELECT pg_notify('{schema}', '{text}')");
        execute(&url, &sql).await;
    }
    bus.publish(&event("known")).await.unwrap();
    let heard = next(&mut *subscription).await;
    assert_eq!(heard, Delivery::Event(event("known")));
}
