//! Writing standard output without blocking a runtime's thread.
//!
//! A write of few bytes to a pipe that says it is writable does not block, so it is made at once:
//! that is almost every answer. The rest goes to a thread of the runtime's that may block, in
//! pieces just as small, so that it can be stopped between two of them.

use std::{
    io::{self, PipeReader, PipeWriter},
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::io::AsyncWrite;
use tokio::task::JoinHandle;

/// What never blocks a pipe that polls writable: its guarantee of atomicity, which is 4,096 bytes
/// on Linux and 512 at least wherever there is POSIX.
const PIECE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// How much one piece of blocking work takes.
const CHUNK: usize = 64 * 1024;

const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Standard output.
#[derive(Debug)]
pub(in crate::transport::stdio) struct Output {
    output: Arc<OwnedFd>,
    /// What was too much to be written at once, on its way.
    writing: Option<JoinHandle<io::Result<()>>>,
    stopped: Arc<PipeReader>,
    /// Closing it, by dropping it, stops what is on its way.
    _stop: PipeWriter,
}

impl Output {
    pub(super) fn new(output: Arc<OwnedFd>) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        Ok(Self {
            output,
            writing: None,
            stopped: Arc::new(stopped),
            _stop: stop,
        })
    }

    /// Waits for what is on its way.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writing) = &mut self.writing else {
            return Poll::Ready(Ok(()));
        };
        let written = ready!(Pin::new(writing).poll(cx));
        self.writing = None;
        Poll::Ready(written.unwrap_or_else(|panicked| Err(io::Error::other(panicked))))
    }

    /// Writes now, where that cannot block.
    fn try_write(&self, data: &[u8]) -> io::Result<Option<usize>> {
        if data.len() > PIECE {
            return Ok(None);
        }
        let mut ready = [PollFd::new(&*self.output, PollFlags::OUT)];
        match poll(&mut ready, Some(&NOW)) {
            Ok(0) | Err(Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match rustix::io::write(&*self.output, data) {
            Ok(written) => Ok(Some(written)),
            Err(Errno::INTR | Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Writes all of it, waiting as long as that takes.
fn write_waiting(output: &OwnedFd, stopped: &PipeReader, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        let mut ready = [
            PollFd::new(output, PollFlags::OUT),
            PollFd::new(stopped, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if !ready[1].revents().is_empty() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        match rustix::io::write(output, &data[..data.len().min(PIECE)]) {
            Ok(written) => data = &data[written..],
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl AsyncWrite for Output {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_written(cx))?;
        if let Some(written) = self.try_write(data)? {
            return Poll::Ready(Ok(written));
        }
        let chunk = data[..data.len().min(CHUNK)].to_vec();
        let taken = chunk.len();
        let (output, stopped) = (Arc::clone(&self.output), Arc::clone(&self.stopped));
        let write = move || write_waiting(&output, &stopped, &chunk);
        self.writing = Some(tokio::task::spawn_blocking(write));
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx)
    }
}
