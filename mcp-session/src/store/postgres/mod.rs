//! The store in PostgreSQL.

mod builder;
mod bus;
mod line;
mod outbox;
mod schema;
mod tls;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio_postgres::{Row, types::ToSql};

use crate::error::Result;
use crate::store::{
    Bound, Draft, Key, Listed, Outbox, Owner, Quota, Record, Revision, Store, StoreError, bus::Bus,
    key,
};

use bus::PostgresBus;
use line::{Line, column, failed};
use outbox::PostgresOutbox;
use schema::Schema;

pub use builder::PostgresBuilder;

/// Longer times are as good as for ever, and a database has to add them to the date.
const LONGEST: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);

/// Keeps records in PostgreSQL, 11 or newer.
///
/// Everything is in one schema of its own: tables of records and of logs, and a function for each
/// operation that has to decide, so that every operation is one round trip and one transaction. Those whose
/// quotas must hold together take turns per owner, by an advisory lock; nothing else waits. Time is
/// that of the database. Expired records are removed by [`Store::sweep`], which a server asks for
/// every minute.
///
/// What was acknowledged is as durable as the database makes it: with `synchronous_commit` off, or
/// after a failover to a replica that was behind, the last moments may be missing.
///
/// # The URL
///
/// `postgres://user:password@host:5432/database`, with what is special in a password
/// percent-encoded. Of its parameters, `sslmode` says whether connections are encrypted: `disable`;
/// `prefer`, the default, where the server offers it, without looking at its certificate;
/// `require`, `verify-ca` and `verify-full`, always and only with a certificate for this host that
/// the system trusts, or that is signed by what `sslrootcert=FILE` or
/// [`root_certificates`](PostgresBuilder::root_certificates) name.
///
/// Behind PgBouncer in transaction mode, use version 1.21 or newer, which knows prepared
/// statements, set `statement_timeout` for the user, and name the database itself for the one
/// connection that [listens](PostgresBuilder::listen_at).
///
/// # The bus
///
/// Replicas tell each other what changed ([`Store::bus`]) by `NOTIFY` on a channel that has the name
/// of the schema. A server that listens does so on one more connection of its own, beside those of
/// [`connections`](PostgresBuilder::connections); it asks every few seconds whether the database is
/// still there, and connects again where it is not.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use mcp_session::{Server, Template, store::PostgresStore};
///
/// # async fn run() -> mcp_session::Result<()> {
/// let store = PostgresStore::builder("postgres://shop:secret@db.internal/shop?sslmode=require")
///     .schema("shop_sessions")
///     .connections(8)
///     .timeout(Duration::from_secs(2))
///     .connect()
///     .await?;
/// let template = Template::builder("shop", "1.0.0").build()?;
/// let server = Server::builder(template).store(store).build()?;
/// # Ok(())
/// # }
/// ```
pub struct PostgresStore {
    line: Line,
    statements: Statements,
    bus: Arc<PostgresBus>,
    outbox: Arc<PostgresOutbox>,
    schema: String,
}

/// What a statement is given.
type Given<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];

/// What is said to the database, with the schema in it.
struct Statements {
    load: String,
    create: String,
    save: String,
    touch: String,
    delete: String,
    clear: String,
    list: String,
    sweep: String,
}

impl Statements {
    fn of(schema: &Schema) -> Self {
        let named = |sql| schema.named_in(sql);
        Self {
            load: named(
                "SELECT value, revision, {schema}.left_until(expires) FROM {schema}.records \
                 WHERE space = $1 AND owner = $2 AND name = $3 AND expires > clock_timestamp()",
            ),
            create: named("SELECT {schema}.create_record($1, $2, $3, $4, $5, $6, $7)"),
            save: named("SELECT {schema}.save_record($1, $2, $3, $4, $5, $6, $7)"),
            touch: named("SELECT * FROM {schema}.touch_record($1, $2, $3, $4)"),
            delete: named("SELECT {schema}.delete_record($1, $2, $3, $4)"),
            // In one order, so that two of them do not wait for each other.
            clear: named(
                "WITH gone AS (SELECT name FROM {schema}.records \
                     WHERE space = $1 AND owner = $2 ORDER BY name FOR UPDATE) \
                 DELETE FROM {schema}.records AS kept USING gone \
                 WHERE space = $1 AND owner = $2 AND kept.name = gone.name",
            ),
            list: named(
                "SELECT value, revision, {schema}.left_until(expires), name \
                 FROM {schema}.records \
                 WHERE space = $1 AND owner = $2 AND name >= $3 AND expires > clock_timestamp() \
                 ORDER BY name LIMIT $4",
            ),
            // Whatever somebody else works on is not waited for.
            sweep: named(
                "WITH gone AS (SELECT ctid FROM {schema}.records \
                     WHERE expires <= now() AND expires < 'infinity' \
                     ORDER BY expires LIMIT $1 FOR UPDATE SKIP LOCKED), \
                 removed AS (DELETE FROM {schema}.records AS kept USING gone \
                     WHERE kept.ctid = gone.ctid RETURNING 1) \
                 SELECT count(*) FROM removed",
            ),
        }
    }
}

impl PostgresStore {
    /// Connects to the database at a URL, and makes the tables where they are missing.
    ///
    /// # Errors
    ///
    /// As [`PostgresBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// A store that is still to be set up.
    pub fn builder(url: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder::new(url.into())
    }

    /// What makes the tables in a schema, for those who [run it by
    /// hand](PostgresBuilder::migrated_by_hand).
    ///
    /// Besides, the user of the store needs `USAGE` on the schema and its sequences, `SELECT`,
    /// `INSERT`, `UPDATE` and `DELETE` on `records`, `logs` and `log_events`, and `SELECT` on
    /// `migrations`.
    ///
    /// # Errors
    ///
    /// A name that no schema has here.
    pub fn migrations(schema: &str) -> Result<String> {
        Ok(Schema::new(schema)?.script())
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let (space, owner, name) = parts(key);
        let load = &self.statements.load;
        let rows = self.line.ask(load, &[&space, &owner, &name]).await?;
        rows.first().map(record).transpose()
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        key::within_bounds(key)?;
        let (space, owner, name) = parts(key);
        let (value, ttl) = (&draft.value()[..], draft.time_to_live().map(micros));
        let (records, bytes) = (limit(quota.max_records()), limit(quota.max_bytes()));
        let create = &self.statements.create;
        let given: Given<'_, 7> = [&space, &owner, &name, &value, &ttl, &records, &bytes];
        outcome(self.line.ask_number(create, &given).await?)
    }

    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        let (space, owner, name) = parts(key);
        let (value, ttl) = (&draft.value()[..], draft.time_to_live().map(micros));
        let (expected, bytes) = (number(expected), limit(quota.max_bytes()));
        let save = &self.statements.save;
        let given: Given<'_, 7> = [&space, &owner, &name, &expected, &value, &ttl, &bytes];
        outcome(self.line.ask_number(save, &given).await?)
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        let (space, owner, name) = parts(key);
        let (touch, ttl) = (&self.statements.touch, micros(ttl));
        let rows = self.line.ask(touch, &[&space, &owner, &name, &ttl]).await?;
        rows.first().map(record).transpose()
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        let (space, owner, name) = parts(key);
        let expected = expected.map(number);
        let delete = &self.statements.delete;
        let given: Given<'_, 4> = [&space, &owner, &name, &expected];
        match self.line.ask_number(delete, &given).await? {
            1 => Ok(true),
            0 => Ok(false),
            _ => Err(StoreError::Conflict),
        }
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        let (space, id) = (owner.space().as_bytes(), owner.id().as_bytes());
        self.line
            .ask(&self.statements.clear, &[&space, &id])
            .await?;
        Ok(())
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let (space, id) = (owner.space().as_bytes(), owner.id().as_bytes());
        // Nothing is between a name and that name with a zero byte behind it.
        let from = after.map(|after| [after.as_bytes(), &[0]].concat());
        let (from, limit) = (from.unwrap_or_default(), self::limit(limit));
        let list = &self.statements.list;
        let rows = self.line.ask(list, &[&space, &id, &from, &limit]).await?;
        rows.iter().map(listed).collect()
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let limit = self::limit(limit);
        let swept = self
            .line
            .ask_number(&self.statements.sweep, &[&limit])
            .await?;
        Ok(usize::try_from(swept).unwrap_or(0))
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        Some(Arc::clone(&self.bus) as Arc<dyn Bus>)
    }

    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        Some(Arc::clone(&self.outbox) as Arc<dyn Outbox>)
    }
}

/// A key as the table has it. Names are bytes there, for a text has no zeros in PostgreSQL.
fn parts(key: &Key) -> (&[u8], &[u8], &[u8]) {
    let owner = key.owner();
    (
        owner.space().as_bytes(),
        owner.id().as_bytes(),
        key.name().as_bytes(),
    )
}

/// A time to live in microseconds; what is shorter than one is one.
fn micros(ttl: Duration) -> i64 {
    let micros = ttl.min(LONGEST).as_nanos().div_ceil(1_000);
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// A bound, where it is one.
fn limit(limit: usize) -> Option<i64> {
    i64::try_from(limit).ok().filter(|limit| *limit < i64::MAX)
}

/// The number of a revision; 0, which no record has, for those that are of another store.
fn number(revision: Revision) -> i64 {
    i64::try_from(revision.number()).unwrap_or(0)
}

/// What the functions that write return.
fn outcome(number: i64) -> Result<Revision, StoreError> {
    match number {
        -1 => Err(StoreError::Full(Bound::Records)),
        -2 => Err(StoreError::Full(Bound::Bytes)),
        number => match u64::try_from(number) {
            Ok(number @ 1..) => Ok(Revision::new(number)),
            _ => Err(StoreError::Conflict),
        },
    }
}

fn record(row: &Row) -> Result<Record, StoreError> {
    let value: Vec<u8> = column(row, 0)?;
    let revision: i64 = column(row, 1)?;
    let left: Option<i64> = column(row, 2)?;
    let revision = Revision::new(u64::try_from(revision).unwrap_or(0));
    let left = left.map(|left| Duration::from_micros(u64::try_from(left).unwrap_or(0)));
    Ok(Record::new(value, revision, left))
}

fn listed(row: &Row) -> Result<Listed, StoreError> {
    let name = String::from_utf8(column(row, 3)?);
    let name = name.map_err(|_| failed("a name is no text".into()))?;
    Ok(Listed::new(name, record(row)?))
}

/// Shows nothing of the URL, which has a password in it.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("schema", &self.schema)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_the_functions_expect() {
        assert_eq!(micros(Duration::ZERO), 0);
        assert_eq!(micros(Duration::from_nanos(1)), 1);
        assert_eq!(micros(Duration::MAX), 31_536_000_000_000_000);
        assert_eq!((limit(0), limit(7)), (Some(0), Some(7)));
        assert_eq!(limit(usize::MAX), None);
        assert_eq!(number(Revision::new(u64::MAX)), 0);
        assert!(matches!(outcome(0), Err(StoreError::Conflict)));
        assert!(matches!(outcome(-1), Err(StoreError::Full(Bound::Records))));
        assert!(matches!(outcome(-2), Err(StoreError::Full(Bound::Bytes))));
        assert!(outcome(5).is_ok_and(|revision| revision.number() == 5));
    }
}
