//! A server as a child of this process, and what the system says of it.

use std::{env, fs, process::Stdio, time::Duration};

use mcp_session_load::Result;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::servers::Serve;

/// A server that runs, until this is dropped.
pub(crate) struct Process {
    child: Child,
    id: u32,
}

impl Process {
    fn start(serve: Serve) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command
            .args(["serve", serve.who.name()])
            .arg(if serve.stdio { "stdio" } else { "http" })
            .arg(serve.tools.to_string())
            .args(serve.stateless.then_some("stateless"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn()?;
        let id = child.id().ok_or("the server has ended")?;
        Ok(Self { child, id })
    }

    /// A server over HTTP, and where it listens.
    pub(crate) async fn over_http(serve: Serve) -> Result<(Self, String)> {
        let mut process = Self::start(serve)?;
        let (_, output) = process.pipes()?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address).await?;
        Ok((process, address.trim_end().to_owned()))
    }

    /// A server over standard input and output.
    pub(crate) fn over_stdio(serve: Serve) -> Result<(Self, ChildStdin, ChildStdout)> {
        let mut process = Self::start(serve)?;
        let (input, output) = process.pipes()?;
        Ok((process, input, output))
    }

    fn pipes(&mut self) -> Result<(ChildStdin, ChildStdout)> {
        let input = self.child.stdin.take().ok_or("there is no input")?;
        let output = self.child.stdout.take().ok_or("there is no output")?;
        Ok((input, output))
    }

    /// Ends the server, and waits until it is gone, so that it is not at work beside the next.
    pub(crate) async fn end(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// How long its threads have been on a processor; `None` where the system does not say.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let mut all = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.id)).ok()? {
            let times = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            all += times.split_whitespace().next()?.parse::<u64>().ok()?;
        }
        Some(Duration::from_nanos(all))
    }

    /// How many bytes of it are in memory; `None` where the system does not say.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1_024)
    }
}

/// How many were at work on the whole machine in the last minute.
pub(crate) fn load_average() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
