//! Replicas as child processes, which can be killed and started again where they were.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, ChildStdin, Command},
};

use crate::{Failure, Result};

/// How long a replica may take until it serves.
const STARTING: Duration = Duration::from_secs(30);

/// How long it may take until it has ended.
const STOPPING: Duration = Duration::from_secs(30);

/// Ports that the operating system gives to nobody who does not ask for one, so that a replica
/// finds its own free when it comes back.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How a replica is started: a program that takes `--http ADDR` and `--name NAME`, prints a line
/// with its URL once it serves, and ends with its standard input.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing else to say")]
pub struct Plan {
    /// The program.
    pub program: PathBuf,
    /// What it is given besides.
    pub args: Vec<String>,
}

/// One replica. It is killed when this is dropped, and ends by itself when this process does.
#[derive(Debug)]
pub struct Member {
    name: String,
    plan: Plan,
    address: SocketAddr,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    /// Open for as long as the replica is to run.
    input: Option<ChildStdin>,
}

impl Member {
    /// Starts a replica of this name on a port of its own.
    ///
    /// # Errors
    ///
    /// It does not serve in time.
    pub async fn start(plan: Plan, name: impl Into<String>) -> Result<Self> {
        let mut member = Self {
            name: name.into(),
            plan,
            address: free_address().await?,
            process: None,
        };
        member.restart().await?;
        Ok(member)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens, also while it is away.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it as a crash would, and waits until nothing is left of it.
    ///
    /// # Errors
    ///
    /// The operating system cannot do that.
    pub async fn kill(&mut self) -> Result {
        if let Some(mut process) = self.process.take() {
            process.child.kill().await?;
        }
        Ok(())
    }

    /// Has it end in order, and waits for that.
    ///
    /// # Errors
    ///
    /// It does not end in time, or not as it should.
    pub async fn stop(&mut self) -> Result {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        drop(process.input.take());
        let ended = tokio::time::timeout(STOPPING, process.child.wait()).await;
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            _ => Err(Failure::new(format!("replica {} does not end", self.name))),
        }
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    ///
    /// It does not serve in time.
    pub async fn restart(&mut self) -> Result {
        self.kill().await?;
        let mut child = Command::new(&self.plan.program)
            .args(&self.plan.args)
            .args(["--http", &self.address.to_string(), "--name", &self.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::from(error).about("the replica cannot be started"))?;
        let output = child.stdout.take().map(BufReader::new);
        let mut process = Process {
            input: child.stdin.take(),
            child,
        };
        let mut lines = output
            .ok_or_else(|| Failure::new("the replica cannot be heard"))?
            .lines();
        let serves = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("http://") {
                    return true;
                }
            }
            false
        };
        if tokio::time::timeout(STARTING, serves).await != Ok(true) {
            process.child.kill().await.ok();
            let what = format!("replica {} at {} does not serve", self.name, self.address);
            return Err(Failure::new(what));
        }
        // Reads on: a full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.process = Some(process);
        Ok(())
    }
}

/// An address of this machine that nobody listens on just now.
async fn free_address() -> Result<SocketAddr> {
    for _ in 0..100 {
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        let width = u64::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(random % width).unwrap_or_default();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).await.is_ok() {
            return Ok(address);
        }
    }
    Err(Failure::new("there is no free port"))
}
