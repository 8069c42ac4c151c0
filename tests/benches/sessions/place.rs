//! A server with one store, and a second one whose round trips are counted.

use std::{net::SocketAddr, sync::Arc};

use mcp_session::{
    Server,
    store::{MemoryStore, PostgresStore, RedisStore, Store},
};
use mcp_session_tests::cluster;

use crate::{Done, relay::Relay};

/// A part of each engine that nobody else uses.
const SPACE: &str = "bench_sessions";

/// Where work is done.
#[derive(Debug)]
pub(crate) struct Place {
    engine: Engine,
    address: SocketAddr,
    server: Server,
    counting: Option<(Relay, SocketAddr, Server)>,
}

/// What keeps records.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    Memory,
    Redis(String),
    Postgres(String),
}

impl Place {
    /// One for memory, and one for each engine that there is.
    pub(crate) async fn all() -> Done<Vec<Self>> {
        let mut places = vec![Self::new(Engine::Memory).await?];
        if let Ok(url) = std::env::var("REDIS_URL") {
            places.push(Self::new(Engine::Redis(url)).await?);
        }
        if let Ok(url) = std::env::var("DATABASE_URL") {
            places.push(Self::new(Engine::Postgres(url)).await?);
        }
        Ok(places)
    }

    async fn new(engine: Engine) -> Done<Self> {
        engine.clear().await?;
        let counting = match engine.url() {
            None => None,
            Some(url) => {
                let relay = Relay::before(url).await?;
                let through = engine.store(relay.url()).await?;
                let (server, address) = serve(through).await?;
                Some((relay, address, server))
            }
        };
        let store = engine.store(engine.url().unwrap_or_default()).await?;
        let (server, address) = serve(store).await?;
        Ok(Self {
            engine,
            address,
            server,
            counting,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.engine {
            Engine::Memory => "memory",
            Engine::Redis(_) => "redis",
            Engine::Postgres(_) => "postgres",
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server whose round trips are counted, and who counts.
    pub(crate) fn counting(&self) -> Option<(&Relay, SocketAddr)> {
        let (relay, address, _) = self.counting.as_ref()?;
        Some((relay, *address))
    }

    /// Ends its servers, and leaves nothing in the engine.
    pub(crate) async fn leave(self) {
        self.server.shutdown().await;
        if let Some((_, _, server)) = &self.counting {
            server.shutdown().await;
        }
        self.engine.clear().await.ok();
    }
}

impl Engine {
    fn url(&self) -> Option<&str> {
        match self {
            Self::Memory => None,
            Self::Redis(url) | Self::Postgres(url) => Some(url),
        }
    }

    async fn store(&self, url: &str) -> Done<Arc<dyn Store>> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryStore::new()),
            Self::Redis(_) => {
                let store = RedisStore::builder(url).prefix(format!("{SPACE}:"));
                Arc::new(store.connect().await?)
            }
            Self::Postgres(_) => {
                let store = PostgresStore::builder(url).schema(SPACE);
                Arc::new(store.connect().await?)
            }
        })
    }

    /// Removes what was kept; the bytes that were used for it by this prefix or in this schema.
    async fn clear(&self) -> Done {
        match self {
            Self::Memory => {}
            Self::Redis(url) => {
                for key in keys(url)? {
                    let mut connection = redis::Client::open(&**url)?.get_connection()?;
                    redis::cmd("DEL").arg(key).exec(&mut connection)?;
                }
            }
            Self::Postgres(url) => {
                let drop = format!("DROP SCHEMA IF EXISTS {SPACE} CASCADE");
                postgres(url).await?.batch_execute(&drop).await?;
            }
        }
        Ok(())
    }

    /// The bytes that records take, with all that belongs to them; `None` where nobody counts.
    pub(crate) async fn bytes(&self) -> Done<Option<f64>> {
        match self {
            Self::Memory => Ok(None),
            Self::Redis(url) => {
                let mut connection = redis::Client::open(&**url)?.get_connection()?;
                let mut bytes = 0.0;
                for key in keys(url)? {
                    let mut usage = redis::cmd("MEMORY");
                    let usage = usage.arg("USAGE").arg(key).arg("SAMPLES").arg(0);
                    // One that is gone meanwhile takes nothing.
                    bytes += usage.query::<Option<f64>>(&mut connection)?.unwrap_or(0.0);
                }
                Ok(Some(bytes))
            }
            Self::Postgres(url) => {
                let client = postgres(url).await?;
                // What was deleted before does not count.
                let tables = "SELECT relname::text FROM pg_stat_user_tables WHERE schemaname = $1";
                let mut bytes = 0.0;
                for row in client.query(tables, &[&SPACE]).await? {
                    let table = format!("{SPACE}.{}", row.get::<_, String>(0));
                    client
                        .batch_execute(&format!("VACUUM FULL {table}"))
                        .await?;
                    let size = format!("SELECT pg_total_relation_size('{table}')::float8");
                    bytes += client.query_one(&size, &[]).await?.get::<_, f64>(0);
                }
                Ok(Some(bytes))
            }
        }
    }
}

fn keys(url: &str) -> Done<Vec<Vec<u8>>> {
    let mut connection = redis::Client::open(url)?.get_connection()?;
    let mut keys = redis::cmd("KEYS");
    Ok(keys.arg(format!("{SPACE}:*")).query(&mut connection)?)
}

async fn postgres(url: &str) -> Done<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn serve(store: Arc<dyn Store>) -> Done<(Server, SocketAddr)> {
    let template = cluster::builder("bench", None).build()?;
    let server = Server::builder(template).store(store).build()?;
    let http = server.bind_http("127.0.0.1:0").await?;
    let address = http.local_addr();
    tokio::spawn(http.serve());
    Ok((server, address))
}
