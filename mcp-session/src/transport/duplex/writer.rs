//! The one writer of a byte stream.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::protocol::Frame;
use crate::session::Reader;

/// How much is collected before it is written.
const BATCH: usize = 64 * 1024;

/// Pieces of this size are written where they are: copying them would cost more than a write.
const DIRECT: usize = 16 * 1024;

/// Why not everything was written.
#[derive(Debug)]
pub(super) struct Unwritten {
    pub(super) error: io::Error,
    /// An answer was taken from the queue and may not have arrived.
    pub(super) owed: bool,
}

/// Writes what the queue holds, one message on a line, until the queue has ended.
///
/// Whatever waits at one time goes out together. `told` hears the size of each message.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut events: Reader,
    writer: W,
    told: impl Fn(usize),
) -> Result<(), Unwritten> {
    let mut out = Out {
        writer,
        batch: Vec::new(),
        owed: false,
    };
    let written = out.write(&mut events, told).await;
    written.map_err(|error| Unwritten {
        error,
        owed: out.owed,
    })
}

struct Out<W> {
    writer: W,
    batch: Vec<u8>,
    /// There are answers among what is not flushed yet.
    owed: bool,
}

impl<W: AsyncWrite + Unpin> Out<W> {
    async fn write(&mut self, events: &mut Reader, told: impl Fn(usize)) -> io::Result<()> {
        while let Some(event) = events.next().await {
            let mut next = Some(event);
            while let Some(event) = next {
                self.owed |= event.is_answer;
                if let Some(frame) = &event.frame {
                    told(frame.len());
                    self.put(frame).await?;
                }
                next = events.try_next();
            }
            self.send().await?;
            self.writer.flush().await?;
            self.owed = false;
        }
        self.writer.shutdown().await
    }

    async fn put(&mut self, frame: &Frame) -> io::Result<()> {
        for piece in frame.pieces() {
            if piece.len() < DIRECT {
                self.batch.extend_from_slice(piece);
            } else {
                self.send().await?;
                self.writer.write_all(piece).await?;
            }
            if self.batch.len() >= BATCH {
                self.send().await?;
            }
        }
        self.batch.push(b'\n');
        Ok(())
    }

    async fn send(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.batch).await?;
        self.batch.clear();
        Ok(())
    }
}
