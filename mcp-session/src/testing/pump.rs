//! Moves lines between a test's client and a server, over a stream in memory.

use std::{fmt, sync::Arc};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::auth::Principal;
use crate::server::{Server, Session};
use crate::testing::mailbox::Mailbox;

/// How many bytes may be on their way in each direction.
const IN_FLIGHT: usize = 256 * 1024;
/// How many lines may wait to be written.
const LINES: usize = 64;

/// The stream between one client and its server. Dropping it cuts the stream.
pub(super) struct Pump {
    session: Session,
    // Both held to be cloned or taken only, never across an await.
    lines: Mutex<Option<mpsc::Sender<Bytes>>>,
    serving: Mutex<Option<JoinHandle<()>>>,
    reading: JoinHandle<()>,
}

impl Pump {
    /// Lays a stream, at whose far end `server` is; what it says goes to `mailbox`.
    pub(super) fn new(
        server: &Server,
        principal: Option<Principal>,
        mailbox: &Arc<Mailbox>,
    ) -> Self {
        let (near, far) = duplex(IN_FLIGHT);
        let (input, output) = split(far);
        let run = match principal {
            Some(principal) => server.duplex_as(principal, input, output),
            None => server.duplex(input, output),
        };
        let session = run.session();
        let serving = server.inner().tasks.spawn(async move {
            if let Err(error) = run.serve().await {
                tracing::debug!(%error, "the client of a test is gone");
            }
        });
        let (input, output) = split(near);
        let (lines, written) = mpsc::channel(LINES);
        tokio::spawn(write(written, output));
        let reading = tokio::spawn(read(input, Arc::clone(mailbox)));
        let (lines, serving) = (Mutex::new(Some(lines)), Mutex::new(Some(serving)));
        Self {
            session,
            lines,
            serving,
            reading,
        }
    }

    /// The handshake session at the far end.
    pub(super) fn session(&self) -> Session {
        self.session.clone()
    }

    /// Lets the server announce now what waits for the end of a window.
    pub(super) fn release(&self) {
        self.session.release_notices();
    }

    /// Sends one line; it is lost when the stream has ended.
    pub(super) async fn send(&self, line: Bytes) {
        let lines = self.lines.lock().clone();
        if let Some(lines) = lines {
            let _ = lines.send(line).await;
        }
    }

    /// Says that nothing more will be sent, and waits until the server is done with the stream
    /// and everything that it said is here.
    pub(super) async fn close(&self, mailbox: &Mailbox) {
        self.lines.lock().take();
        let serving = self.serving.lock().take();
        if let Some(serving) = serving {
            let _ = serving.await;
        }
        mailbox.until_ended().await;
    }
}

/// Writes lines until there are no more, or the server no longer reads.
async fn write(mut lines: mpsc::Receiver<Bytes>, mut output: WriteHalf<DuplexStream>) {
    while let Some(line) = lines.recv().await {
        let mut text = BytesMut::with_capacity(line.len() + 1);
        text.extend_from_slice(&line);
        text.extend_from_slice(b"\n");
        if output.write_all(&text).await.is_err() {
            return;
        }
    }
    let _ = output.shutdown().await;
}

/// Reads lines until the server says no more.
async fn read(input: ReadHalf<DuplexStream>, mailbox: Arc<Mailbox>) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    while input
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|read| read > 0)
    {
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        mailbox.arrived(&Bytes::from(std::mem::take(&mut line)));
    }
    mailbox.ended();
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump").finish_non_exhaustive()
    }
}
