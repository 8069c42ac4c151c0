//! What the store needs in a database, step by step.

use tokio_postgres::{GenericClient, IsolationLevel, Transaction};

use crate::error::{Error, Result};

/// The steps, in order. One that was released is never changed: those who took it are at the next
/// one. Replicas of two releases run side by side for a while, so a step only adds.
const STEPS: &[&str] = &[include_str!("schema.sql"), include_str!("outbox.sql")];

/// One replica at a time.
const TURN: &str = "SELECT pg_advisory_xact_lock(hashtextextended('mcp-session migrations', 0));";

/// A schema of a database, by a name that is harmless wherever it stands.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    name: String,
}

impl Schema {
    pub(super) fn new(name: &str) -> Result<Self> {
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !starts || !name.chars().all(fits) || name.len() > 63 || name.starts_with("pg_") {
            return Err(Error::configuration(format!(
                "`{name}` is no name for a schema: it has up to 63 lower-case letters, digits and \
                 underscores, begins with no digit, and not with `pg_`"
            )));
        }
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// Puts the name of the schema into a statement.
    pub(super) fn named_in(&self, sql: &str) -> String {
        sql.replace("{schema}", &format!("\"{}\"", self.name))
    }

    /// Everything at once, to be run by hand.
    pub(super) fn script(&self) -> String {
        let steps: String = (1..=STEPS.len()).map(|number| self.step(number)).collect();
        format!("BEGIN;\n{TURN}\n{}\n{steps}\nCOMMIT;\n", self.beginning())
    }

    /// How many steps were taken.
    pub(super) async fn steps_taken(
        &self,
        client: &impl GenericClient,
    ) -> Result<usize, tokio_postgres::Error> {
        // What the catalog says: whoever looks a name up may be told what was true before.
        let there = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables \
                     WHERE schemaname = $1 AND tablename = 'migrations')";
        let there = client.query_one(there, &[&self.name]).await?;
        if !there.try_get::<_, bool>(0)? {
            return Ok(0);
        }
        let taken = self.named_in("SELECT coalesce(max(number), 0) FROM {schema}.migrations");
        let taken: i32 = client.query_one(&taken, &[]).await?.try_get(0)?;
        Ok(usize::try_from(taken).unwrap_or(0))
    }

    /// True where nothing is missing after so many steps. There may be more of them than are known
    /// here: those of a newer release.
    pub(super) fn is_complete(steps_taken: usize) -> bool {
        steps_taken >= STEPS.len()
    }

    /// Takes the steps that are missing, all or none.
    pub(super) async fn migrate(
        &self,
        client: &mut tokio_postgres::Client,
    ) -> Result<(), tokio_postgres::Error> {
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted)
            .start()
            .await?;
        transaction
            .batch_execute("SET LOCAL statement_timeout = 0")
            .await?;
        transaction.batch_execute(TURN).await?;
        self.take_steps(&transaction).await?;
        transaction.commit().await
    }

    async fn take_steps(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let taken = self.steps_taken(transaction).await?;
        if taken == 0 {
            transaction.batch_execute(&self.beginning()).await?;
        }
        for number in taken + 1..=STEPS.len() {
            transaction.batch_execute(&self.step(number)).await?;
        }
        Ok(())
    }

    fn beginning(&self) -> String {
        self.named_in(
            "CREATE SCHEMA IF NOT EXISTS {schema};\n\
             CREATE TABLE {schema}.migrations (\n    \
                 number integer PRIMARY KEY,\n    \
                 taken timestamptz NOT NULL DEFAULT now()\n\
             );",
        )
    }

    /// One step, with the note that it was taken.
    fn step(&self, number: usize) -> String {
        let note = format!("INSERT INTO {{schema}}.migrations (number) VALUES ({number});\n");
        self.named_in(&format!("\n{}\n{note}", STEPS[number - 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_has_a_plain_name() {
        for name in ["mcp_session", "_", "order", "a1", &"x".repeat(63)] {
            assert!(Schema::new(name).is_ok(), "{name}");
        }
        let wrong = [
            "", "1a", "A", "a-b", "a\"b", "a'b", "a b", "ä", "pg_x", "a.b",
        ];
        for name in wrong.into_iter().chain([&*"x".repeat(64)]) {
            assert!(Schema::new(name).unwrap_err().is_configuration(), "{name}");
        }
    }

    #[test]
    fn a_script_takes_every_step_in_one_transaction() {
        let script = Schema::new("mine").unwrap().script();
        assert!(script.starts_with("BEGIN;") && script.ends_with("COMMIT;\n"));
        assert!(script.contains("CREATE TABLE \"mine\".records"));
        assert!(script.contains("CREATE TABLE \"mine\".logs"));
        assert!(!script.contains("{schema}"));
    }
}
