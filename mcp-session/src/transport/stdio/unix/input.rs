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

use crate::transport::stdio::unix::parent::Parent;

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
    /// Starts the thread that reads `input`, for as long as `parent` lives.
    pub(super) fn start(input: Arc<OwnedFd>, parent: Option<Parent>) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let (sender, chunks) = mpsc::channel(AHEAD);
        let thread = std::thread::Builder::new()
            .name("mcp-stdin".to_owned())
            .spawn(move || {
                if let Err(error) = pump(&input, &stopped, parent.as_ref(), &sender) {
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

/// Reads until the end of input, until the run is over or until the parent is gone and nothing
/// waits to be read.
fn pump(
    input: &OwnedFd,
    stopped: &PipeReader,
    parent: Option<&Parent>,
    chunks: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let exit = parent.and_then(Parent::exit);
    let interval = parent.and_then(Parent::interval);
    loop {
        let mut ready: Vec<_> = [PollFd::new(input, PollFlags::IN)]
            .into_iter()
            .chain([PollFd::new(stopped, PollFlags::IN)])
            .chain(exit.map(|exit| PollFd::new(exit, PollFlags::IN)))
            .collect();
        match poll(&mut ready, interval) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if !ready[1].revents().is_empty() {
            return Ok(());
        }
        if ready[0].revents().is_empty() {
            let exited = ready.get(2).is_some_and(|exit| !exit.revents().is_empty());
            if exited || parent.is_some_and(Parent::is_gone) {
                tracing::info!("the process that started this one is gone");
                return Ok(());
            }
            continue;
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
