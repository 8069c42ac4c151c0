//! What nobody gets to see: passwords.

use mcp_session::store::{PostgresStore, RedisStore, Store};

use crate::replicas::Cleanup;
use crate::support::{drop_schema, postgres, redis, unique, url};

const SECRET: &str = "hunter2";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_not_shown() {
    let (Some(database), Some(redis)) = (url("DATABASE_URL"), url("REDIS_URL")) else {
        return;
    };
    let wrong = |url: &str| {
        let (before, host) = url.rsplit_once('@').unwrap();
        let (user, _) = before.rsplit_once(':').unwrap();
        format!("{user}:{SECRET}@{host}")
    };
    let error = PostgresStore::connect(wrong(&database)).await.unwrap_err();
    assert!(error.is_unavailable());
    let text = format!("{error:?}");
    assert!(text.contains("password authentication failed"), "{text}");
    assert!(!text.contains(SECRET));
    let schema = unique();
    let builder = PostgresStore::builder(&database).schema(&schema);
    let store = builder.listen_at(wrong(&database)).connect().await.unwrap();
    let _cleanup = Cleanup(Some(Box::new(move || drop_schema(&database, &schema))));
    let text = format!("{:?}", store.bus().unwrap().subscribe().await.unwrap_err());
    assert!(text.contains("password authentication failed"), "{text}");
    assert!(!text.contains(SECRET));
    let error = RedisStore::connect(wrong(&redis)).await.unwrap_err();
    assert!(error.is_unavailable());
    let text = format!("{error:?}");
    assert!(text.contains("WRONGPASS"), "{text}");
    assert!(!text.contains(SECRET));
}

#[tokio::test]
async fn a_url_that_is_none_is_a_mistake_and_is_not_shown() {
    let broken = [
        "hunter2",
        "postgres://u@h/d?hunter2=hunter2",
        "postgres://u:hunter2@h:port/d",
        "redis://u:hunter2@h:port",
        "http://u:hunter2@h",
        "",
    ];
    for url in broken {
        let error = PostgresStore::connect(url).await.unwrap_err();
        assert!(error.is_configuration(), "{url}: {error:?}");
        assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
    }
    for url in broken {
        let builder = PostgresStore::builder("postgres://u@127.0.0.1:1/d").listen_at(url);
        let error = builder.connect().await.unwrap_err();
        assert!(error.is_configuration(), "{url}: {error:?}");
        assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
    }
    for url in broken {
        let error = RedisStore::connect(url).await.unwrap_err();
        assert!(error.is_configuration(), "{url}: {error:?}");
        assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
    }
    let postgres = PostgresStore::builder("postgres://u:hunter2@h/d");
    let postgres = postgres.listen_at("postgres://u:hunter2@h/d");
    let redis = RedisStore::builder("redis://u:hunter2@h");
    assert!(!format!("{postgres:?} {redis:?}").contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_shows_nothing_of_its_url() {
    let (Some(postgres), Some(redis)) = (postgres().await, redis().await) else {
        return;
    };
    let mut shown = format!("{postgres:?} {redis:?}");
    for store in [&postgres as &dyn Store, &redis] {
        let (bus, outbox) = (store.bus().unwrap(), store.outbox().unwrap());
        let subscription = bus.subscribe().await.unwrap();
        shown += &format!("{bus:?} {outbox:?} {subscription:?}");
    }
    for url in ["DATABASE_URL", "REDIS_URL"].map(|name| url(name).unwrap()) {
        let (before, _) = url.rsplit_once('@').unwrap();
        let (_, password) = before.rsplit_once(':').unwrap();
        assert!(!shown.contains(password), "{shown}");
    }
}
