//! The server as a process, spoken to over its standard streams.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. It is killed when dropped.
pub(super) struct Process {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    next_id: u64,
}

impl Process {
    pub(super) fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keeping_server"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            _child: child,
            next_id: 0,
        }
    }

    /// Sends a request and reads its answer: this server says nothing else.
    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let request = json!({
            "jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params,
        });
        let line = format!("{request}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await;
        let line = line.expect("an answer in time").unwrap().unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], self.next_id, "{answer}");
        answer
    }

    pub(super) async fn notify(&mut self, method: &str) {
        let line = format!("{}\n", json!({"jsonrpc": "2.0", "method": method}));
        self.input.write_all(line.as_bytes()).await.unwrap();
    }
}
