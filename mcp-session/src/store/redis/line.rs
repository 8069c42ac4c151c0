//! A connection that is there again after it broke.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use ::redis::{
    Client, FromRedisValue, RedisError, ScriptInvocation,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
};
use parking_lot::Mutex;

use crate::clock;
use crate::store::{StoreError, redis::refused};

/// The connections to the engine, which all that is kept in it shares.
pub(super) struct Lines {
    lines: Box<[Line]>,
    /// Whose turn it is.
    turn: AtomicUsize,
    pub(super) timeout: Duration,
}

impl Lines {
    /// Several lines, on which nobody waits longer than this.
    pub(super) fn new(lines: Box<[Line]>, timeout: Duration) -> Self {
        Self {
            lines,
            turn: AtomicUsize::new(0),
            timeout,
        }
    }

    /// Runs a script, and waits for the answer as long as it may take.
    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let line = &self.lines[turn % self.lines.len()];
        let mut connection = line.connection();
        let asking = invoked(invocation, &mut connection.manager);
        if let Some(answer) = clock::within(self.timeout, asking).await {
            return answer.map_err(refused);
        }
        line.replace(&connection);
        let text = format!("no answer within {:?}", self.timeout);
        Err(StoreError::unavailable(text))
    }
}

/// Runs a script, which is sent to an engine that does not have it. An engine that forgets it at that
/// very moment is sent it again.
pub(super) async fn invoked<T: FromRedisValue>(
    invocation: &ScriptInvocation<'_>,
    connection: &mut impl ConnectionLike,
) -> Result<T, RedisError> {
    const AGAIN: usize = 3;
    let mut answer = invocation.invoke_async(connection).await;
    for _ in 0..AGAIN {
        match &answer {
            Err(error) if error.code() == Some("NOSCRIPT") => {}
            _ => break,
        }
        answer = invocation.invoke_async(connection).await;
    }
    answer
}

/// Shows nothing of the URL, which has a password in it.
impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("connections", &self.lines.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// One connection to the engine, which many requests share. It connects again when it breaks; and
/// it is given up and made anew when an answer does not come in time, for the engine's machine may
/// be gone without a word.
pub(super) struct Line {
    client: Client,
    config: ConnectionManagerConfig,
    // Held to copy or replace it, never across an await.
    current: Mutex<Connection>,
}

/// A connection, and which one in a row it is.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) manager: ConnectionManager,
    number: u64,
}

impl Line {
    /// A line that connects when it is used first.
    pub(super) fn new(
        client: &Client,
        config: &ConnectionManagerConfig,
    ) -> Result<Self, RedisError> {
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        Ok(Self {
            client: client.clone(),
            config: config.clone(),
            current: Mutex::new(Connection { manager, number: 0 }),
        })
    }

    pub(super) fn connection(&self) -> Connection {
        self.current.lock().clone()
    }

    /// Gives up a connection that did not answer, unless somebody did already.
    pub(super) fn replace(&self, silent: &Connection) {
        let (client, config) = (self.client.clone(), self.config.clone());
        let mut current = self.current.lock();
        if current.number == silent.number
            && let Ok(manager) = ConnectionManager::new_lazy_with_config(client, config)
        {
            current.manager = manager;
            current.number += 1;
        }
    }
}
