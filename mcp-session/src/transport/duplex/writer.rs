//! The one writer of a byte stream.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::protocol::Frame;
use crate::session::Reader;

/// How much is collected before it is written.
const BATCH: usize = 64 * 1024;

/// Pieces of this size are written where they are: copying them would cost more than a write.
const DIRECT: usize = 16 * 1024;

/// Writes what the queue holds, one message on a line, until the queue has ended.
///
/// Whatever waits at one time goes out together.
pub(super) async fn write<W: AsyncWrite + Unpin>(mut events: Reader, writer: W) -> io::Result<()> {
    let mut out = Out {
        writer,
        batch: Vec::new(),
    };
    while let Some(event) = events.next().await {
        let mut next = Some(event);
        while let Some(event) = next {
            if let Some(frame) = &event.frame {
                out.put(frame).await?;
            }
            next = events.try_next();
        }
        out.send().await?;
        out.writer.flush().await?;
    }
    out.writer.shutdown().await
}

struct Out<W> {
    writer: W,
    batch: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Out<W> {
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
