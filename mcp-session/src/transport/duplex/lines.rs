//! Splitting a byte stream into lines of bounded length.

use std::io::{self, BufRead};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much room a read gets.
const CHUNK: usize = 16 * 1024;

/// One line, without its break.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The text.
    Text(Bytes),
    /// It was longer than allowed. What there was of it is gone.
    TooLong,
}

/// The lines that a reader brings. Blank ones are left out, and a carriage return before the
/// break belongs to the break.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    splitter: Splitter,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        let splitter = Splitter {
            buffer: BytesMut::new(),
            scanned: 0,
            limit,
            skipping: false,
        };
        Self { reader, splitter }
    }

    /// The next line that is here already.
    pub(super) fn ready(&mut self) -> Option<Line> {
        self.splitter.next()
    }

    /// The last line, which the end of the input cut off or completed.
    pub(super) fn last(&mut self) -> Option<Line> {
        self.splitter.finish()
    }

    /// Waits for more input; false at its end. Cancel safe: nothing that was read is lost.
    pub(super) async fn fill(&mut self) -> io::Result<bool> {
        let buffer = &mut self.splitter.buffer;
        buffer.reserve(CHUNK);
        Ok(self.reader.read_buf(buffer).await? > 0)
    }
}

#[derive(Debug)]
struct Splitter {
    buffer: BytesMut,
    /// How far the buffer is known to hold no break.
    scanned: usize,
    limit: usize,
    /// The rest of a line that was too long is thrown away as it comes.
    skipping: bool,
}

impl Splitter {
    fn next(&mut self) -> Option<Line> {
        loop {
            let Some(end) = self.find_break() else {
                return self.without_break();
            };
            let mut line = self.buffer.split_to(end);
            self.scanned = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            line.truncate(end - 1);
            if let Some(line) = self.finished(line) {
                return Some(line);
            }
        }
    }

    fn finish(&mut self) -> Option<Line> {
        let line = std::mem::take(&mut self.buffer);
        self.scanned = 0;
        if std::mem::take(&mut self.skipping) {
            return None;
        }
        self.finished(line)
    }

    /// Where the first line ends, its break included.
    fn find_break(&self) -> Option<usize> {
        let mut rest = &self.buffer[self.scanned..];
        let end = self.scanned + rest.skip_until(b'\n').ok()?;
        (end > self.scanned && self.buffer[end - 1] == b'\n').then_some(end)
    }

    fn without_break(&mut self) -> Option<Line> {
        self.scanned = self.buffer.len();
        // One byte more may be a carriage return.
        let too_long = self.scanned > self.limit + 1;
        if !self.skipping && !too_long {
            return None;
        }
        self.buffer.clear();
        self.scanned = 0;
        let first = !std::mem::replace(&mut self.skipping, true);
        first.then_some(Line::TooLong)
    }

    fn finished(&self, mut line: BytesMut) -> Option<Line> {
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        if line.len() > self.limit {
            return Some(Line::TooLong);
        }
        Some(Line::Text(line.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `input` in pieces of `size` bytes.
    async fn lines(input: &[u8], size: usize, limit: usize) -> Vec<String> {
        let (client, server) = tokio::io::duplex(size);
        let write = async move {
            let mut client = client;
            tokio::io::AsyncWriteExt::write_all(&mut client, input)
                .await
                .unwrap();
        };
        let read = async move {
            let mut lines = Lines::new(server, limit);
            let mut all = Vec::new();
            while lines.fill().await.unwrap() {
                while let Some(line) = lines.ready() {
                    all.push(line);
                }
            }
            all.extend(lines.last());
            all
        };
        let ((), all) = tokio::join!(write, read);
        let text = |line| match line {
            Line::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            Line::TooLong => "too long".to_owned(),
        };
        all.into_iter().map(text).collect()
    }

    #[tokio::test]
    async fn lines_are_split_alike_however_they_arrive() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("one", &["one"]),
            ("one\n", &["one"]),
            ("one\r\ntwo\r\n", &["one", "two"]),
            ("\n \r\n\t\none\n\n", &["one"]),
            ("12345678\n", &["12345678"]),
            ("12345678\r\n9", &["12345678", "9"]),
            ("123456789\nok\n", &["too long", "ok"]),
            (
                "1234567890123456789012345\nok\n1234567890",
                &["too long", "ok", "too long"],
            ),
        ];
        for (input, expected) in cases {
            for size in [1, 2, 3, 7, 100] {
                let label = format!("{input:?} in pieces of {size}");
                assert_eq!(lines(input.as_bytes(), size, 8).await, expected, "{label}");
            }
        }
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_not_kept() {
        let mut input = vec![b'x'; 1 << 20];
        input.extend_from_slice(b"\nok\n");
        let mut lines = Lines::new(&input[..], 100);
        let mut largest = 0;
        let mut all = Vec::new();
        while lines.fill().await.unwrap() {
            while let Some(line) = lines.ready() {
                all.push(line);
            }
            largest = largest.max(lines.splitter.buffer.capacity());
        }
        assert_eq!(all, [Line::TooLong, Line::Text(Bytes::from_static(b"ok"))]);
        assert!(largest <= 4 * CHUNK, "{largest}");
    }
}
