//! A client over standard input and output that always has so many calls in flight.

use std::time::{Duration, Instant};

use mcp_session_load::Result;
use mcp_session_load::messages::{self, Era, SUM};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::process::{ChildStdin, ChildStdout};

use crate::scenarios::now;

#[derive(Deserialize)]
struct Answer {
    id: usize,
}

/// A stream behind its handshake.
pub(crate) struct Stream {
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
    line: String,
}

impl Stream {
    pub(crate) async fn open(input: ChildStdin, output: ChildStdout) -> Result<Self> {
        let mut stream = Self {
            input: BufWriter::new(input),
            output: BufReader::new(output),
            line: String::new(),
        };
        let (ask, tell) = (messages::initialize(), messages::initialized());
        stream.input.write_all(&ask.line()).await?;
        stream.input.flush().await?;
        stream.read().await?;
        stream.input.write_all(&tell.line()).await?;
        Ok(stream)
    }

    async fn read(&mut self) -> Result<()> {
        self.line.clear();
        match self.output.read_line(&mut self.line).await? {
            0 => Err("the server has ended".into()),
            _ => Ok(()),
        }
    }

    /// Calls `add` for so long, and gives how long each call took.
    pub(crate) async fn run(&mut self, calls: usize, time: Duration) -> Result<Vec<Duration>> {
        let lines: Vec<_> = (0..calls)
            .map(|id| messages::add(Era::Handshake, id).line())
            .collect();
        let mut sent = vec![now(); calls];
        for line in &lines {
            self.input.write_all(line).await?;
        }
        self.input.flush().await?;
        let (until, mut took, mut waiting) = (now() + time, Vec::new(), calls);
        while waiting > 0 {
            self.read().await?;
            let Answer { id } = serde_json::from_str(&self.line)?;
            let since: &mut Instant = sent.get_mut(id).ok_or("nobody asked for that")?;
            if !self.line.contains(SUM) {
                return Err(format!("a wrong answer: {}", self.line).into());
            }
            let at = now();
            took.push(at.duration_since(*since));
            if at < until {
                *since = at;
                self.input.write_all(&lines[id]).await?;
            } else {
                waiting -= 1;
            }
            if !self.output.buffer().contains(&b'\n') {
                self.input.flush().await?;
            }
        }
        Ok(took)
    }
}
