//! Stores in engines that a test can take away.

use std::time::Duration;

use mcp_session::store::{PostgresStore, RedisStore};

use crate::proxy::Proxy;
use crate::replicas::Cleanup;
use crate::support::{at_last, delete_keys, drop_schema, unique, url};

/// A store whose engine is behind a proxy. What it leaves there is removed when this is dropped.
pub(crate) struct Behind<S> {
    pub(crate) store: S,
    pub(crate) proxy: Proxy,
    _cleanup: Cleanup,
}

/// In a schema of its own, and as patient as this.
pub(crate) async fn postgres(patience: Duration) -> Option<Behind<PostgresStore>> {
    let url = url("DATABASE_URL")?;
    let (proxy, schema) = (Proxy::before(&url).await, unique());
    let store = at_last(|| {
        let builder = PostgresStore::builder(proxy.url(&url)).schema(&schema);
        builder.timeout(patience).connections(4).connect()
    });
    Some(Behind {
        store: store.await,
        proxy,
        _cleanup: Cleanup(Some(Box::new(move || drop_schema(&url, &schema)))),
    })
}

/// With a prefix of its own, and as patient as this.
pub(crate) async fn redis(patience: Duration) -> Option<Behind<RedisStore>> {
    let url = url("REDIS_URL")?;
    let (proxy, prefix) = (Proxy::before(&url).await, unique());
    let store = at_last(|| {
        let builder = RedisStore::builder(proxy.url(&url)).prefix(&prefix);
        builder.timeout(patience).connect()
    });
    Some(Behind {
        store: store.await,
        proxy,
        _cleanup: Cleanup(Some(Box::new(move || delete_keys(&url, &prefix)))),
    })
}
