//! What makes several processes one server: `--store URL`, `--space NAME`, `--seal-key HEX` and
//! `--name NAME`.

use std::sync::Arc;

use mcp_session::{
    SealKeys, Server, Template,
    server::ServerBuilder,
    store::{MemoryStore, PostgresStore, RedisStore, Store},
};

use crate::{Failure, Result};

/// The header in which a replica says its name, where it has one.
pub const REPLICA_HEADER: &str = "x-replica";

/// What replicas of one server have in common.
///
/// Any number of processes that are given the same store and the same key, behind any proxy, are
/// one server. One that is given neither is a server of its own.
#[derive(Debug)]
pub struct Replica {
    store: Arc<dyn Store>,
    keys: Option<SealKeys>,
    name: Option<String>,
}

impl Replica {
    /// Takes `--store URL`, `--space NAME`, `--seal-key HEX` and `--name NAME` out of a command
    /// line, and connects to the store.
    ///
    /// The store is `postgres://…` or `redis://…`, and memory where nothing is said. Servers that
    /// have one engine and nothing else in common have a space each: a schema in PostgreSQL, a
    /// prefix in Redis. With a name it is a member of a fleet, which [`serve_as`](crate::serve_as)
    /// is for. Without a key on the command line, the environment variable `MCP_SESSION_SEAL_KEYS` is looked at, which
    /// other users of the machine do not see.
    ///
    /// # Errors
    ///
    /// An option without its value, a URL of another kind, a store that cannot be reached, or a
    /// key that is none.
    pub async fn take(args: &mut Vec<String>) -> Result<Self> {
        let (url, space) = (take(args, "--store")?, take(args, "--space")?);
        let keys = match take(args, "--seal-key")? {
            Some(hex) => Some(SealKeys::from_hex(&hex)?),
            None => SealKeys::from_env()?,
        };
        let name = take(args, "--name")?;
        let store = store(url.as_deref(), space).await?;
        Ok(Self { store, keys, name })
    }

    /// Its name; `None` where it is no member of a fleet.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// A server of this template that belongs to them.
    ///
    /// # Errors
    ///
    /// As [`ServerBuilder::build`](mcp_session::server::ServerBuilder::build).
    pub fn server(self, template: Template) -> Result<Server> {
        Ok(self.builder(template).build()?)
    }

    /// The same, for a server with more settings.
    pub fn builder(self, template: Template) -> ServerBuilder {
        let server = Server::builder(template).store(self.store);
        match self.keys {
            Some(keys) => server.seal_keys(keys),
            None => server,
        }
    }
}

/// The store at a URL.
async fn store(url: Option<&str>, space: Option<String>) -> Result<Arc<dyn Store>> {
    let Some(url) = url else {
        return Ok(Arc::new(MemoryStore::new()));
    };
    match url.split_once("://").map_or("", |(scheme, _)| scheme) {
        "postgres" | "postgresql" => {
            let store = PostgresStore::builder(url);
            let store = match space {
                Some(schema) => store.schema(schema),
                None => store,
            };
            Ok(Arc::new(store.connect().await?))
        }
        "redis" | "rediss" | "valkey" | "valkeys" => {
            let store = RedisStore::builder(url);
            let store = match space {
                Some(prefix) => store.prefix(format!("{prefix}:")),
                None => store,
            };
            Ok(Arc::new(store.connect().await?))
        }
        _ => Err(Failure::new(
            "`--store` takes a URL that begins with `postgres://` or `redis://`",
        )),
    }
}

/// Takes an option and its value out of a command line.
fn take(args: &mut Vec<String>, option: &str) -> Result<Option<String>> {
    let Some(index) = args.iter().position(|arg| arg == option) else {
        return Ok(None);
    };
    if index + 1 == args.len() {
        return Err(Failure::new(format!("`{option}` needs a value")));
    }
    Ok(args.drain(index..=index + 1).nth(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn options_are_taken_and_the_rest_is_left() {
        let key = "0a".repeat(32);
        let mut line = args(&format!("--http 127.0.0.1:0 --seal-key {key} --tools 3"));
        let replica = Replica::take(&mut line).await.unwrap();
        assert_eq!(line, args("--http 127.0.0.1:0 --tools 3"));
        assert!(replica.keys.is_some() && !replica.store.is_durable());
        for wrong in [
            "--store",
            "--store sqlite://x",
            "--store x",
            "--space",
            "--name",
            "--seal-key 00",
        ] {
            assert!(Replica::take(&mut args(wrong)).await.is_err(), "{wrong}");
        }
    }
}
