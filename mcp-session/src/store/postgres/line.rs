//! The way to the database and back, in bounded time.

use std::{fmt, time::Duration};

use deadpool_postgres::{Object, Pool};
use tokio_postgres::{
    Row,
    error::SqlState,
    types::{FromSql, ToSql},
};

use crate::clock;
use crate::error::BoxError;
use crate::store::{Bound, StoreError, postgres::builder::plainly};

/// Connections to the database, which all that is kept in it shares.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) pool: Pool,
    pub(super) timeout: Duration,
}

impl Line {
    /// Says something to the database, and waits for the answer as long as it may take.
    pub(super) async fn ask(
        &self,
        statement: &str,
        given: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let mut connection = None;
        let asking = async {
            let client = self.pool.get().await;
            let client = connection.insert(client.map_err(|error| failed(plainly(error)))?);
            let statement = client.prepare_cached(statement).await.map_err(refused)?;
            client.query(&statement, given).await.map_err(refused)
        };
        let answered = clock::within(self.timeout, asking).await;
        answered.unwrap_or_else(|| {
            // Who comes next would wait behind this.
            drop(connection.map(Object::take));
            Err(failed(
                format!("no answer within {:?}", self.timeout).into(),
            ))
        })
    }

    /// Says something to which the answer is one number.
    pub(super) async fn ask_number(
        &self,
        statement: &str,
        given: &[&(dyn ToSql + Sync)],
    ) -> Result<i64, StoreError> {
        let rows = self.ask(statement, given).await?;
        let row = rows.first().ok_or_else(|| failed("no answer".into()))?;
        column(row, 0)
    }
}

pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, StoreError> {
    row.try_get(at).map_err(refused)
}

pub(super) fn failed(source: BoxError) -> StoreError {
    StoreError::unavailable(source)
}

/// What the database said instead of doing what it was asked to.
pub(super) fn refused(error: tokio_postgres::Error) -> StoreError {
    if error.code() == Some(&SqlState::DISK_FULL) {
        return StoreError::Full(Bound::Store);
    }
    failed(error.into())
}

/// Shows nothing of the URL, which has a password in it.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("connections", &self.pool.status().size)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
