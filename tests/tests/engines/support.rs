//! Where the engines are, and stores in them that nobody else uses.

use std::{collections::BTreeSet, io::Write as _, sync::Mutex};

use mcp_session::store::{PostgresStore, RedisStore};
use tokio::runtime::Runtime;

use crate::replicas::Replicas;

/// What is known to be missing.
static SKIPPED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The URL in an environment variable. Without it the caller skips its test, and says so.
pub(crate) fn url(variable: &str) -> Option<String> {
    let url = offered(variable);
    let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(
        url.is_some() || !in_ci,
        "{variable} is not set, and this is CI"
    );
    url
}

/// The same for what engines need not have, not even in CI.
pub(crate) fn offered(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    let value = value.filter(|value| !value.is_empty());
    if value.is_none() && SKIPPED.lock().unwrap().insert(variable.to_owned()) {
        // To the process's own output: that of a test which passes is not shown.
        let line = format!("!!! SKIPPED: {variable} is not set; see scripts/services\n");
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
    value
}

/// A name that nothing has yet.
pub(crate) fn unique() -> String {
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    format!("test_{random:016x}")
}

/// What this connects to, at last: on a busy machine one that is not patient needs several attempts.
pub(crate) async fn at_last<T, F>(connect: impl Fn() -> F) -> T
where
    F: Future<Output = mcp_session::Result<T>>,
{
    for _ in 0..20 {
        if let Ok(connected) = connect().await {
            return connected;
        }
    }
    connect().await.unwrap()
}

/// A store of two replicas in a schema of its own.
pub(crate) async fn postgres() -> Option<Replicas<PostgresStore>> {
    let url = url("DATABASE_URL")?;
    let schema = unique();
    let mut stores = Vec::new();
    for _ in 0..2 {
        let store = PostgresStore::builder(&url).schema(&schema).connections(6);
        stores.push(store.connect().await.unwrap());
    }
    Some(Replicas::new(stores, move || drop_schema(&url, &schema)))
}

/// A store of two replicas with a prefix of its own.
pub(crate) async fn redis() -> Option<Replicas<RedisStore>> {
    let url = url("REDIS_URL")?;
    let prefix = unique();
    let mut stores = Vec::new();
    for connections in [1, 2] {
        let store = RedisStore::builder(&url)
            .prefix(&prefix)
            .connections(connections);
        stores.push(store.connect().await.unwrap());
    }
    Some(Replicas::new(stores, move || delete_keys(&url, &prefix)))
}

pub(crate) fn drop_schema(url: &str, schema: &str) {
    let drop = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    Runtime::new().unwrap().block_on(execute(url, &drop));
}

/// Runs SQL beside the store.
pub(crate) async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

/// All keys that begin so.
pub(crate) fn keys(url: &str, prefix: &str) -> Vec<Vec<u8>> {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let mut keys = redis::cmd("KEYS");
    keys.arg(format!("{prefix}*"))
        .query(&mut connection)
        .unwrap()
}

pub(crate) fn delete_keys(url: &str, prefix: &str) {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    for key in keys(url, prefix) {
        redis::cmd("DEL").arg(key).exec(&mut connection).unwrap();
    }
}
