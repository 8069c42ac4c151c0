//! The bus in Redis: one stream, and one connection that reads it.

use std::{fmt, sync::Arc, time::Duration};

use ::redis::{AsyncConnectionConfig, Client, Cmd, Script, aio::MultiplexedConnection, cmd};
use async_trait::async_trait;

use crate::clock;
use crate::store::{
    StoreError,
    bus::{self, Bus, Engine, Event, Inbox, QUIET, Subscription},
    redis::{
        line::{Lines, invoked},
        refused,
    },
};

/// How many events the stream keeps, roughly.
const KEPT: usize = 4_096;

/// How long the stream is kept when nothing happens.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// How many events are read at once.
const PAGE: usize = 500;

/// A stream of the last events, and a number that counts them all: who does not read every number
/// has missed something, for whatever reason.
#[derive(Clone)]
pub(super) struct RedisBus {
    lines: Arc<Lines>,
    client: Client,
    stream: String,
    counter: String,
    scripts: Arc<[Script; 2]>,
}

/// A connection that reads, and how far it has read.
pub(super) struct Ears {
    connection: MultiplexedConnection,
    position: Position,
}

/// An entry of the stream, and its number.
type Position = (String, u64);

/// What a read returns: of each stream its entries, each with an id, names and values.
type Page = Vec<(String, Vec<(String, Vec<String>)>)>;

impl RedisBus {
    /// The bus of all who use this prefix.
    pub(super) fn new(lines: Arc<Lines>, client: Client, prefix: &str) -> Self {
        Self {
            lines,
            client,
            // The braces keep both in one place, apart from records, whose braces begin with a number.
            stream: format!("{prefix}{{bus}}"),
            counter: format!("{prefix}{{bus}}n"),
            scripts: Arc::new([
                Script::new(include_str!("scripts/publish.lua")),
                Script::new(include_str!("scripts/position.lua")),
            ]),
        }
    }

    /// Asks on the connection that reads.
    async fn ask<T>(
        &self,
        asking: impl Future<Output = Result<T, ::redis::RedisError>>,
    ) -> Result<T, StoreError> {
        self.within(self.lines.timeout, asking).await
    }

    async fn within<T>(
        &self,
        bound: Duration,
        asking: impl Future<Output = Result<T, ::redis::RedisError>>,
    ) -> Result<T, StoreError> {
        let answered = clock::within(bound, asking).await;
        let answered = answered
            .ok_or_else(|| StoreError::unavailable(format!("no answer within {bound:?}")))?;
        answered.map_err(refused)
    }

    /// Where the stream ends now.
    async fn position(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Position, StoreError> {
        let [_, position] = &*self.scripts;
        let mut invocation = position.key(&self.stream);
        invocation.key(&self.counter);
        self.ask(invoked(&invocation, connection)).await
    }

    fn read(&self, (after, _): &Position, wait: Option<Duration>) -> Cmd {
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(PAGE);
        if let Some(wait) = wait {
            read.arg("BLOCK").arg(wait.as_millis());
        }
        read.arg("STREAMS").arg(&self.stream).arg(after);
        read
    }

    /// Reads what comes next, and waits for it a while.
    async fn read_on(&self, ears: &mut Ears, inbox: &Inbox) -> Result<(), StoreError> {
        let Ears {
            connection,
            position,
        } = ears;
        let read = self.read(position, Some(QUIET));
        let bound = QUIET + self.lines.timeout;
        let page: Option<Page> = self.within(bound, read.query_async(connection)).await?;
        if heard(page, position, inbox) {
            return Ok(());
        }
        // Nothing new; or what is new is not behind what was read last, as after a loss.
        let end = self.position(connection).await?;
        if end.1 != position.1 {
            let read = self.read(position, None);
            let page: Option<Page> = self.ask(read.query_async(connection)).await?;
            if !heard(page, position, inbox) {
                *position = end;
                inbox.lagged();
            }
        }
        Ok(())
    }
}

/// Puts what was read into the inbox. False where it was nothing.
fn heard(page: Option<Page>, position: &mut Position, inbox: &Inbox) -> bool {
    let entries = page.into_iter().flatten().flat_map(|(_, entries)| entries);
    let mut any = false;
    for (id, fields) in entries {
        any = true;
        let (mut number, mut event) = (0, None);
        for field in fields.chunks_exact(2) {
            match &*field[0] {
                "n" => number = field[1].parse().unwrap_or(0),
                "e" => event = Event::decode(&field[1]),
                _ => {}
            }
        }
        if number != position.1 + 1 {
            inbox.lagged();
        }
        *position = (id, number);
        if let Some(event) = event {
            inbox.put(event);
        }
    }
    any
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, event: &Event) -> Result<(), StoreError> {
        let [publish, _] = &*self.scripts;
        let mut invocation = publish.key(&self.stream);
        invocation.key(&self.counter);
        invocation
            .arg(event.encode())
            .arg(KEPT)
            .arg(FORGOTTEN.as_secs());
        self.lines.invoke(&invocation).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        bus::subscribe(self.clone()).await
    }
}

#[async_trait]
impl Engine for RedisBus {
    type Ears = Ears;

    async fn connect(&self) -> Result<Ears, StoreError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.lines.timeout))
            .set_response_timeout(None);
        let client = &self.client;
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = self.ask(connecting).await?;
        let position = self.position(&mut connection).await?;
        Ok(Ears {
            connection,
            position,
        })
    }

    async fn hear(&self, mut ears: Ears, inbox: &Inbox) -> StoreError {
        loop {
            if let Err(error) = self.read_on(&mut ears, inbox).await {
                return error;
            }
        }
    }
}

/// Shows nothing of the URL, which has a password in it.
impl fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBus")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
