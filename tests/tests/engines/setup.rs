//! How stores come to be: tables made by many at once or by hand, and encrypted connections.

use std::time::Duration;

use mcp_session::bus::{Delivery, Event};
use mcp_session::store::{Draft, Keep, Owner, PostgresStore, Quota, RedisStore, Store};

use crate::replicas::Cleanup;
use crate::support::{drop_schema, execute, offered, unique, url};

async fn works(store: &impl Store) {
    let key = Owner::new("test", "ann").key(unique());
    store
        .create(&key, Draft::new("x"), Quota::records(100))
        .await
        .unwrap();
    assert!(store.delete(&key, None).await.unwrap());
    let outbox = store.outbox().unwrap();
    let keep = Keep::new(Duration::from_secs(60)).events(1);
    for event in ["a", "b"] {
        outbox.append(&key, vec![event.into()], keep).await.unwrap();
    }
    assert!(outbox.last(&key).await.unwrap() > 1);
    outbox.clear(key.owner()).await.unwrap();
    outbox.sweep(1).await.unwrap();
    let bus = store.bus().unwrap();
    let mut subscription = bus.subscribe().await.unwrap();
    let event = Event::ErrandDone { id: "one".into() };
    bus.publish(&event).await.unwrap();
    while subscription.next().await != Delivery::Event(event.clone()) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn many_replicas_make_the_tables_at_once() {
    let Some(url) = url("DATABASE_URL") else {
        return;
    };
    let schema = unique();
    let connecting: Vec<_> = (0..8)
        .map(|_| {
            let store = PostgresStore::builder(&url).schema(&schema).connections(1);
            tokio::spawn(store.connect())
        })
        .collect();
    let _cleanup = Cleanup(Some(Box::new(move || drop_schema(&url, &schema))));
    for store in connecting {
        works(&store.await.unwrap().unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_made_by_hand_for_a_user_who_may_not() {
    let Some(url) = url("DATABASE_URL") else {
        return;
    };
    let schema = unique();
    let by_hand = || {
        PostgresStore::builder(&url)
            .schema(&schema)
            .migrated_by_hand()
    };
    let missing = by_hand().connect().await.unwrap_err();
    assert!(missing.is_configuration());
    assert!(
        missing.to_string().contains("PostgresStore::migrations"),
        "{missing}"
    );

    execute(&url, &PostgresStore::migrations(&schema).unwrap()).await;
    works(&by_hand().connect().await.unwrap()).await;

    // A user with no more rights than the documentation says.
    let grants = format!(
        "CREATE ROLE {schema} LOGIN PASSWORD 'least'; \
         GRANT USAGE ON SCHEMA {schema} TO {schema}; \
         GRANT USAGE ON SEQUENCE {schema}.revisions, {schema}.log_ids TO {schema}; \
         GRANT SELECT, INSERT, UPDATE, DELETE \
             ON {schema}.records, {schema}.logs, {schema}.log_events TO {schema}; \
         GRANT SELECT ON {schema}.migrations TO {schema};"
    );
    execute(&url, &grants).await;
    let (_, host) = url.rsplit_once('@').unwrap();
    let least = format!("postgres://{schema}:least@{host}");
    let store = PostgresStore::builder(&least)
        .schema(&schema)
        .connect()
        .await;
    works(&store.unwrap()).await;
    execute(
        &url,
        &format!("DROP SCHEMA {schema} CASCADE; DROP ROLE {schema};"),
    )
    .await;

    let refused = PostgresStore::builder("postgres://h/d")
        .schema("no\"schema")
        .connect();
    assert!(refused.await.unwrap_err().is_configuration());
    let refused = RedisStore::builder("redis://h").prefix("{a}").connect();
    assert!(refused.await.unwrap_err().is_configuration());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_encrypted_with_whom_they_should_be() {
    let (Some(url), Some(roots)) = (url("DATABASE_URL"), offered("DATABASE_CA")) else {
        return;
    };
    let schema = unique();
    let cleaned = (url.clone(), schema.clone());
    let _cleanup = Cleanup(Some(Box::new(move || drop_schema(&cleaned.0, &cleaned.1))));
    let connect = async |parameters: &str| {
        let url = format!("{url}?{parameters}");
        PostgresStore::builder(url).schema(&schema).connect().await
    };
    for parameters in [
        "sslmode=disable",
        "sslmode=prefer",
        &format!("sslmode=verify-full&sslrootcert={roots}"),
    ] {
        works(&connect(parameters).await.unwrap()).await;
    }
    // Nobody whom the system trusts signed it.
    let stranger = connect("sslmode=require").await.unwrap_err();
    assert!(stranger.is_unavailable(), "{stranger:?}");
    assert!(
        format!("{stranger:?}").contains("certificate"),
        "{stranger:?}"
    );
    let pem = std::fs::read(&roots).unwrap();
    let builder = PostgresStore::builder(format!("{url}?sslmode=require")).schema(&schema);
    works(&builder.root_certificates(pem).connect().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_reached_with_tls() {
    let (Some(url), Some(roots)) = (offered("REDIS_TLS_URL"), offered("REDIS_CA")) else {
        return;
    };
    let pem = std::fs::read(roots).unwrap();
    let store = RedisStore::builder(&url)
        .root_certificates(pem)
        .connect()
        .await;
    works(&store.unwrap()).await;
    let stranger = RedisStore::connect(&url).await.unwrap_err();
    assert!(stranger.is_unavailable(), "{stranger:?}");
    let wrong = RedisStore::builder(&url)
        .root_certificates("none")
        .connect()
        .await;
    assert!(wrong.unwrap_err().is_configuration());
}
