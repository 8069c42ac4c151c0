//! How a store in PostgreSQL is set up.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::clock;
use crate::error::{BoxError, Error, Result};
use crate::store::postgres::{
    PostgresStore, Statements,
    bus::{Listener, PostgresBus},
    line::Line,
    outbox::PostgresOutbox,
    schema::Schema,
    tls::Tls,
};

/// How long other replicas may take to set up what all of them share.
const MIGRATION: Duration = Duration::from_secs(60);

/// Sets up a [`PostgresStore`]; [`PostgresStore::builder`] makes one.
#[must_use]
pub struct PostgresBuilder {
    url: String,
    listen_at: Option<String>,
    schema: String,
    connections: usize,
    timeout: Duration,
    roots: Option<Vec<u8>>,
    by_hand: bool,
}

impl PostgresBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            listen_at: None,
            schema: "mcp_session".to_owned(),
            connections: 16,
            timeout: Duration::from_secs(5),
            roots: None,
            by_hand: false,
        }
    }

    /// The schema that holds the tables, `mcp_session` unless set. Services that share a database
    /// have one each.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// How many connections there are at most, 16 unless set. Operations wait for a free one, as
    /// long as they may take.
    pub fn connections(mut self, many: usize) -> Self {
        self.connections = many.max(1);
        self
    }

    /// How long one operation may take, with the wait for a connection: 5 seconds unless set. The
    /// database gives up as well by then.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// The certificates to trust instead of the system's, in PEM. The server must then have one
    /// of theirs, if it offers TLS at all; `sslmode=require` makes sure that it does.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// The URL for the connection that [listens](crate::bus) to other replicas, that of the store
    /// unless set. Where connections go through a pooler in transaction mode, which passes no
    /// notifications on, this leads past it, to the database itself.
    pub fn listen_at(mut self, url: impl Into<String>) -> Self {
        self.listen_at = Some(url.into());
        self
    }

    /// Leaves it to somebody else to run [`PostgresStore::migrations`]: the user of the URL then
    /// needs no right to make tables.
    pub fn migrated_by_hand(mut self) -> Self {
        self.by_hand = true;
        self
    }

    /// Connects, and makes the tables where they are missing.
    ///
    /// # Errors
    ///
    /// A [configuration](Error::is_configuration) that cannot work, such as a URL that is none or
    /// tables that are missing where they are made by hand; a database that is
    /// [not available](Error::is_unavailable), with why.
    ///
    /// # Cancel safety
    ///
    /// Tables are made all or not at all.
    pub async fn connect(self) -> Result<PostgresStore> {
        let schema = Schema::new(&self.schema)?;
        let line = Line {
            pool: self.pool()?,
            timeout: self.timeout,
        };
        let (config, tls) = self.reached_at(self.listen_at.as_ref().unwrap_or(&self.url))?;
        let listener = Listener {
            config,
            tls,
            channel: self.schema.clone(),
        };
        let client = clock::within(self.timeout, line.pool.get()).await;
        let client = client.ok_or_else(|| Error::unavailable("the database does not answer"))?;
        let client = client.map_err(|error| Error::unavailable(plainly(error)))?;
        let prepared = clock::within(MIGRATION, self.prepare(&schema, client)).await;
        prepared.ok_or_else(|| Error::unavailable("the tables could not be made in time"))??;
        Ok(PostgresStore {
            statements: Statements::of(&schema),
            bus: Arc::new(PostgresBus {
                line: line.clone(),
                listener,
            }),
            outbox: Arc::new(PostgresOutbox::new(line.clone(), &schema)),
            line,
            schema: self.schema,
        })
    }

    async fn prepare(&self, schema: &Schema, mut client: Object) -> Result<()> {
        let taken = schema.steps_taken(&**client).await;
        if Schema::is_complete(taken.map_err(Error::unavailable)?) {
            return Ok(());
        }
        if self.by_hand {
            return Err(Error::configuration(format!(
                "the tables in schema `{}` are missing or old: run what \
                 `PostgresStore::migrations` returns",
                self.schema
            )));
        }
        let migrated = schema.migrate(&mut client).await;
        migrated.map_err(Error::unavailable)
    }

    /// How to connect to a URL.
    fn reached_at(&self, url: &str) -> Result<(Config, MakeRustlsConnect)> {
        let (mut tls, url) = Tls::taken_from(url)?;
        if let Some(pem) = &self.roots {
            tls.trust(pem.clone());
        }
        // What is wrong with it is not told, for that might show a part of the password.
        let config = url.parse::<Config>().ok();
        let config = config.filter(|config| !config.get_hosts().is_empty());
        let mut config = config.ok_or_else(|| {
            Error::configuration(
                "this is no URL such as `postgres://user:password@host:5432/database`, or has \
                 parameters that are not known; what is special in a password is percent-encoded",
            )
        })?;
        config.ssl_mode(tls.mode());
        if config.get_application_name().is_none() {
            config.application_name("mcp-session");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(self.timeout);
        }
        Ok((config, tls.connector()?))
    }

    fn pool(&self) -> Result<Pool> {
        let (config, tls) = self.reached_at(&self.url)?;
        let manager = Manager::from_config(
            config,
            tls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(self.connections)
            .runtime(Runtime::Tokio1)
            .post_create(self.session())
            .build();
        pool.map_err(|error| Error::configuration(error.to_string()))
    }

    /// What each connection is told first: functions rely on seeing what was committed before each
    /// of their statements, and nothing goes on when nobody waits for it any more.
    fn session(&self) -> Hook {
        let statement = format!(
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; \
             SET statement_timeout = {}",
            self.timeout.as_millis().clamp(1, i32::MAX as u128)
        );
        Hook::async_fn(move |client, _| {
            let statement = statement.clone();
            Box::pin(async move {
                let told = client.batch_execute(&statement).await;
                told.map_err(HookError::Backend)
            })
        })
    }
}

/// The error itself, without what the pool puts around it.
pub(super) fn plainly(error: deadpool_postgres::PoolError) -> BoxError {
    match error {
        deadpool_postgres::PoolError::Backend(error)
        | deadpool_postgres::PoolError::PostCreateHook(HookError::Backend(error)) => error.into(),
        error => error.into(),
    }
}

/// Does not show the URL, which has a password in it.
impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .field("timeout", &self.timeout)
            .field("by_hand", &self.by_hand)
            .finish_non_exhaustive()
    }
}
