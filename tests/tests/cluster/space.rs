//! A part of an engine that nobody else uses, and nothing is left of.

use tokio::runtime::Runtime;

use crate::setting::{random, skipped};

/// Where replicas keep what they share.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) url: String,
    pub(crate) name: String,
}

impl Space {
    /// In the engine whose URL this variable holds. Without it the caller skips its test.
    pub(crate) fn of(variable: &str) -> Option<Self> {
        let url = std::env::var(variable).ok().filter(|url| !url.is_empty());
        if url.is_none() {
            skipped(&format!("{variable} is not set; see scripts/services"));
        }
        url.map(|url| Self::at(&url))
    }

    /// In the engine at this URL.
    pub(crate) fn at(url: &str) -> Self {
        // Each process that comes back opens its connections anew, on this machine.
        let plain = url.starts_with("postgres") && !url.contains('?');
        let parameters = if plain { "?sslmode=disable" } else { "" };
        Self {
            url: format!("{url}{parameters}"),
            name: format!("cluster_{:016x}", random()),
        }
    }

    fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }
}

/// In a thread of its own, since a test that panics is in the middle of something.
impl Drop for Space {
    fn drop(&mut self) {
        let (url, name, is_postgres) = (self.url.clone(), self.name.clone(), self.is_postgres());
        let clean = std::thread::spawn(move || {
            if is_postgres {
                let runtime = Runtime::new().unwrap();
                runtime.block_on(drop_schema(&url, &name));
            } else {
                delete_keys(&url, &name);
            }
        });
        drop(clean.join());
    }
}

async fn drop_schema(url: &str, schema: &str) {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
    let Ok((client, connection)) = connected else {
        return;
    };
    let connection = tokio::spawn(connection);
    let dropped = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    client.batch_execute(&dropped).await.ok();
    drop(client);
    connection.await.ok();
}

fn delete_keys(url: &str, prefix: &str) {
    let Ok(mut connection) = redis::Client::open(url).and_then(|client| client.get_connection())
    else {
        return;
    };
    let mut keys = redis::cmd("KEYS");
    let keys = keys.arg(format!("{prefix}:*"));
    let keys: Vec<Vec<u8>> = keys.query(&mut connection).unwrap_or_default();
    for some in keys.chunks(500) {
        redis::cmd("DEL").arg(some).exec(&mut connection).ok();
    }
}
