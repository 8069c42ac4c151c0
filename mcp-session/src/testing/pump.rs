//! Moves lines between a test's client and a server.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use tokio::task::{JoinHandle, JoinSet};

use crate::auth::Principal;
use crate::dispatch::{Reaction, stream::Connection};
use crate::server::{Server, Session};
use crate::session::{EndReason, Kind};
use crate::testing::mailbox::Mailbox;

/// The stream between one client and its server. Dropping it cuts the stream.
pub(super) struct Pump {
    connection: Arc<Connection>,
    calls: parking_lot::Mutex<JoinSet<()>>,
    reading: JoinHandle<()>,
}

impl Pump {
    /// Lays a stream, at whose far end `server` is; what it says goes to `mailbox`.
    pub(super) fn new(
        server: &Server,
        principal: Option<Principal>,
        mailbox: &Arc<Mailbox>,
    ) -> Self {
        let connection = Connection::new(server, principal);
        let mut reader = connection.outbox().reader();
        let mailbox = Arc::clone(mailbox);
        let reading = tokio::spawn(async move {
            while let Some(event) = reader.next().await {
                if let Some(frame) = event.frame {
                    mailbox.arrived(&frame.into_bytes());
                }
            }
            mailbox.ended();
        });
        Self {
            connection,
            calls: parking_lot::Mutex::default(),
            reading,
        }
    }

    /// The handshake session at the far end.
    pub(super) fn session(&self) -> Session {
        Session::new(Arc::clone(self.connection.live()))
    }

    /// Sends one line.
    pub(super) async fn send(&self, line: Bytes) {
        let outbox = Arc::clone(self.connection.outbox());
        let frame = match self.connection.receive(&line) {
            Reaction::Accepted => None,
            Reaction::Answer(answer) => answer.frame,
            Reaction::Running(running) => {
                self.calls.lock().spawn(async move {
                    let answer = running.future.await;
                    if let Some(frame) = answer.and_then(|answer| answer.frame) {
                        outbox.push(Kind::Response(None), frame);
                    }
                });
                None
            }
        };
        if let Some(frame) = frame {
            self.connection.outbox().push(Kind::Response(None), frame);
        }
    }

    /// Says that nothing more will be sent, and waits until the server is done with the stream.
    pub(super) async fn close(mut self) {
        let calls = std::mem::take(&mut *self.calls.lock());
        calls.join_all().await;
        self.connection.end(EndReason::Transport);
        self.connection.outbox().end();
        let _ = (&mut self.reading).await;
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.connection.end(EndReason::Transport);
        self.reading.abort();
    }
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump").finish_non_exhaustive()
    }
}
