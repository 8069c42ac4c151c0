//! The outbox in PostgreSQL: a table of logs, and one of what is in them.

use async_trait::async_trait;
use bytes::Bytes;
use tokio_postgres::Row;

use crate::store::{
    Keep, Key, Logged, Outbox, Owner, ReadError, StoreError, key,
    outbox::{beginning, position},
    postgres::{
        Given, limit,
        line::{Line, column},
        micros, parts,
        schema::Schema,
    },
};

/// Logs in the tables of a schema.
#[derive(Debug)]
pub(super) struct PostgresOutbox {
    line: Line,
    statements: Statements,
}

/// What is said to the database, with the schema in it.
#[derive(Debug)]
struct Statements {
    append: String,
    read: String,
    last: String,
    clear: String,
    sweep: String,
}

impl PostgresOutbox {
    pub(super) fn new(line: Line, schema: &Schema) -> Self {
        let named = |sql| schema.named_in(sql);
        let statements = Statements {
            append: named("SELECT {schema}.append_to_log($1, $2, $3, $4, $5, $6, $7, $8)"),
            // One statement, which sees the log as it is at one moment.
            read: named(
                "SELECT base, trimmed, last, number, value FROM {schema}.logs LEFT JOIN LATERAL (\
                     SELECT number, value FROM {schema}.log_events \
                     WHERE log = id AND number > greatest($4, trimmed) \
                     ORDER BY number LIMIT $5\
                 ) AS following ON true \
                 WHERE space = $1 AND owner = $2 AND name = $3 AND expires > clock_timestamp() \
                 ORDER BY number",
            ),
            last: named(
                "SELECT coalesce(max(last), 0) FROM {schema}.logs \
                 WHERE space = $1 AND owner = $2 AND name = $3 AND expires > clock_timestamp()",
            ),
            clear: named("SELECT {schema}.clear_logs($1, $2)"),
            sweep: named("SELECT {schema}.sweep_logs($1)"),
        };
        Self { line, statements }
    }
}

#[async_trait]
impl Outbox for PostgresOutbox {
    async fn append(&self, log: &Key, events: Vec<Bytes>, keep: Keep) -> Result<u64, StoreError> {
        if events.is_empty() {
            return self.last(log).await;
        }
        key::within_bounds(log)?;
        let (space, owner, name) = parts(log);
        let values: Vec<&[u8]> = events.iter().map(|event| &event[..]).collect();
        let (base, age) = (signed(beginning()), micros(keep.max_age()));
        let (most, bytes) = (limit(keep.max_events()), limit(keep.max_bytes()));
        let given: Given<'_, 8> = [&space, &owner, &name, &values, &base, &most, &bytes, &age];
        let last = self
            .line
            .ask_number(&self.statements.append, &given)
            .await?;
        Ok(unsigned(last))
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError> {
        let (space, owner, name) = parts(log);
        let (from, most) = (signed(after), self::limit(limit));
        let given: Given<'_, 5> = [&space, &owner, &name, &from, &most];
        let rows = self.line.ask(&self.statements.read, &given).await?;
        let Some(first) = rows.first() else {
            position(after, 0, 0, 0)?;
            return Ok(Vec::new());
        };
        let number = |at| -> Result<u64, StoreError> { Ok(unsigned(column(first, at)?)) };
        position(after, number(0)?, number(1)?, number(2)?)?;
        let logged = rows.iter().filter_map(|row| logged(row).transpose());
        Ok(logged.collect::<Result<_, _>>()?)
    }

    async fn last(&self, log: &Key) -> Result<u64, StoreError> {
        let (space, owner, name) = parts(log);
        let last = &self.statements.last;
        let last = self.line.ask_number(last, &[&space, &owner, &name]).await?;
        Ok(unsigned(last))
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        let (space, id) = (owner.space().as_bytes(), owner.id().as_bytes());
        self.line
            .ask(&self.statements.clear, &[&space, &id])
            .await?;
        Ok(())
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let limit = self::limit(limit);
        let swept = self
            .line
            .ask_number(&self.statements.sweep, &[&limit])
            .await?;
        Ok(usize::try_from(swept).unwrap_or(0))
    }
}

/// An event, where the log has any that was asked for.
fn logged(row: &Row) -> Result<Option<Logged>, StoreError> {
    let Some(number) = column::<Option<i64>>(row, 3)? else {
        return Ok(None);
    };
    let value: Vec<u8> = column(row, 4)?;
    Ok(Some(Logged::new(unsigned(number), value)))
}

/// A number as the database has it; those that no event has are larger than all.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
