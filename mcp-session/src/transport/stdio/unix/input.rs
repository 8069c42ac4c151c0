//! Reading standard input on a thread that can be stopped.
//!
//! A read of standard input cannot be abandoned, and making the descriptor non-blocking would do
//! the same to every other process that shares it. So a thread of its own waits for input and for
//! a stop at the same time, and reads only what is there: a server can end while its client keeps
//! standard input open.

use std::{
    io::{self, PipeReader, PipeWriter},
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread::JoinHandle,
};

use bytes::{Buf, Bytes};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

/// How much is read at one time.
const CHUNK: usize = 64 * 1024;

/// How many chunks wait for the protocol; then the thread waits.
const AHEAD: usize = 4;

/// What a thread reads.
#[derive(Debug)]
pub(in crate::transport::stdio) struct Input {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
    /// Closing it stops the thread.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Input {
    /// Starts the thread that reads `input`.
    pub(super) fn start(input: Arc<OwnedFd>) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let (sender, chunks) = mpsc::channel(AHEAD);
        let thread = std::thread::Builder::new()
            .name("mcp-stdin".to_owned())
            .spawn(move || {
                if let Err(error) = pump(&input, &stopped, &sender) {
                    // Nobody listens when the run is over.
                    let _ = sender.blocking_send(Err(error));
                }
            })?;
        Ok(Self {
            chunks,
            rest: Bytes::new(),
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// Reads until the end of input, or until the run is over.
fn pump(
    input: &OwnedFd,
    stopped: &PipeReader,
    chunks: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let mut ready = [
            PollFd::new(input, PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if !ready[1].revents().is_empty() {
            return Ok(());
        }
        match rustix::io::read(input, &mut *buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                let chunk = Bytes::copy_from_slice(&buffer[..read]);
                if chunks.blocking_send(Ok(chunk)).is_err() {
                    return Ok(());
                }
            }
            // Whoever shares the descriptor made it non-blocking, or was faster.
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl AsyncRead for Input {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.chunks.poll_recv(cx)) {
                Some(chunk) => self.rest = chunk?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest[..length]);
        self.rest.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // The thread waits for input, for the stop or for room in the channel; this ends all.
        self.chunks.close();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that read standard input panicked");
        }
    }
}
