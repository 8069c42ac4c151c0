//! A connection that is there again after it broke.

use ::redis::{
    Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use parking_lot::Mutex;

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
