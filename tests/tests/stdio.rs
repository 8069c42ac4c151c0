//! Proves that a server keeps its promises over the standard streams of a real process.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::http::support::now;

const FIXTURE: &str = env!("CARGO_BIN_EXE_stdio_fixture");

/// Long enough for a loaded machine; nothing waits this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// How soon a server without a parent is gone.
#[cfg(unix)]
const ORPHANED: Duration = Duration::from_secs(5);

/// The client's side of a server that was started.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    errors: ChildStderr,
}

impl Process {
    fn start(args: &[&str]) -> Self {
        let mut fixture = Command::new(FIXTURE);
        fixture.args(args);
        Self::spawn(fixture)
    }

    /// Starts the server from a process of its own, which waits for it.
    #[cfg(unix)]
    fn start_through_another(args: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        let script = "\"$0\" \"$@\"; exit 0";
        shell.args(["-c", script, FIXTURE]).args(args);
        Self::spawn(shell)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            errors: child.stderr.take().unwrap(),
            child,
        }
    }

    async fn initialized() -> Self {
        let mut process = Self::start(&[]);
        process.send(&initialize()).await;
        assert_eq!(process.receive().await["id"], 0);
        process
    }

    async fn send(&mut self, message: &Value) {
        self.send_text(&format!("{message}\n")).await;
    }

    async fn send_text(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).await.unwrap();
        input.flush().await.unwrap();
    }

    async fn line(&mut self) -> Option<String> {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line());
        line.await.expect("a line in time").unwrap()
    }

    async fn receive(&mut self) -> Value {
        let line = self.line().await.expect("a message, not the end");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a message: {line}"))
    }

    async fn answer(&mut self) -> (u64, String) {
        let answer = self.receive().await;
        let text = answer["result"]["content"][0]["text"].as_str();
        (
            answer["id"].as_u64().unwrap(),
            text.unwrap_or_default().to_owned(),
        )
    }

    async fn call(&mut self, id: u64, tool: &str) {
        self.send(&call(id, tool)).await;
    }

    /// What is left on standard output, and all of standard error, of a process that ends well.
    async fn finished(mut self) -> (Vec<String>, String) {
        let mut rest = Vec::new();
        while let Some(line) = self.line().await {
            rest.push(line);
        }
        let mut errors = String::new();
        self.errors.read_to_string(&mut errors).await.unwrap();
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        assert!(
            status.expect("an end in time").unwrap().success(),
            "{errors}"
        );
        (rest, errors)
    }

    /// Closes standard input, then waits for the end.
    async fn closed(mut self) -> (Vec<String>, String) {
        drop(self.input.take());
        self.finished().await
    }
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }})
}

fn call(id: u64, tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})
}

#[tokio::test]
async fn everything_piped_in_is_answered_before_the_process_ends() {
    let mut process = Process::start(&[]);
    let mut text = format!("{}\n", initialize());
    text += &format!(
        "{}\n",
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
    );
    for id in 1..=2_000 {
        text += &format!("{}\n", call(id, "echo"));
    }
    let mut input = process.input.take().unwrap();
    let write = tokio::spawn(async move { input.write_all(text.as_bytes()).await });
    let (lines, errors) = process.finished().await;
    write.await.unwrap().unwrap();
    let mut ids: Vec<u64> = lines
        .iter()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["id"]
                .as_u64()
                .unwrap()
        })
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..=2_000).collect::<Vec<_>>());
    assert!(errors.contains("ended: transport lost"), "{errors}");
}

#[tokio::test]
async fn what_a_handler_prints_does_not_reach_the_client() {
    let mut process = Process::initialized().await;
    process.call(1, "print").await;
    assert_eq!(process.answer().await.0, 1);
    let (rest, errors) = process.closed().await;
    assert!(rest.is_empty(), "{rest:?}");
    assert!(
        errors.contains("stray from before, stray from a handler"),
        "{errors}"
    );
}

#[tokio::test]
async fn a_child_process_can_neither_read_the_clients_messages_nor_write_to_it() {
    let mut process = Process::initialized().await;
    process.call(1, "child").await;
    process.call(2, "echo").await;
    let mut answers = [process.answer().await, process.answer().await];
    answers.sort_unstable();
    assert_eq!(answers[0], (1, "done".to_owned()));
    assert_eq!(answers[1], (2, "echoed".to_owned()));
    let (rest, errors) = process.closed().await;
    assert!(rest.is_empty(), "{rest:?}");
    assert!(errors.contains("stray from a child"), "{errors}");
}

#[tokio::test]
async fn standard_output_is_given_back_at_the_end() {
    let (rest, _) = Process::start(&["--print-after"]).closed().await;
    assert_eq!(rest, ["after"]);
}

#[tokio::test]
async fn a_line_that_is_no_message_does_not_spoil_the_next() {
    let mut process = Process::initialized().await;
    process.send_text("what?\n\r\n").await;
    assert_eq!(process.receive().await["error"]["code"], -32700);
    process.call(1, "echo").await;
    assert_eq!(process.answer().await, (1, "echoed".to_owned()));
}

#[tokio::test]
async fn a_call_that_waits_holds_up_nothing_and_can_be_cancelled() {
    let mut process = Process::initialized().await;
    process.call(1, "wait").await;
    process
        .send(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}))
        .await;
    assert_eq!(process.answer().await.0, 2);
    process.call(3, "release").await;
    let mut ids = [process.answer().await.0, process.answer().await.0];
    ids.sort_unstable();
    assert_eq!(ids, [1, 3]);
    process.call(4, "wait").await;
    let cancelled = json!({"requestId": 4, "reason": "enough"});
    let method = "notifications/cancelled";
    process
        .send(&json!({"jsonrpc": "2.0", "method": method, "params": cancelled}))
        .await;
    let (rest, _) = process.closed().await;
    assert!(rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn a_ping_is_answered_promptly_while_a_call_runs() {
    let mut process = Process::initialized().await;
    process.call(1, "wait").await;
    let mut best = PATIENCE;
    for id in 2..22 {
        let ping = json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
        let asked = tokio::time::timeout(PATIENCE, async {
            let begun = now();
            process.send(&ping).await;
            assert_eq!(process.answer().await.0, id);
            begun.elapsed()
        });
        best = best.min(asked.await.expect("an answer in time"));
    }
    // The best of many, since other programs keep the machine busy as well.
    assert!(best < Duration::from_millis(50), "{best:?}");
    process.call(22, "release").await;
    process.closed().await;
}

#[tokio::test]
async fn a_shutdown_ends_the_process_while_its_client_keeps_standard_input_open() {
    let mut process = Process::initialized().await;
    process.call(1, "wait").await;
    process.call(2, "stop").await;
    assert_eq!(process.answer().await, (2, "stopping".to_owned()));
    let input = process.input.take();
    let (_, errors) = process.finished().await;
    assert!(errors.contains("ended: shutdown"), "{errors}");
    drop(input);
}

#[tokio::test]
async fn answers_larger_than_a_pipe_arrive_whole() {
    let mut process = Process::initialized().await;
    for id in 1..=4 {
        process.call(id, "big").await;
    }
    for _ in 1..=4 {
        assert_eq!(process.answer().await.1.len(), 1 << 20);
    }
    process.closed().await;
}

#[tokio::test]
async fn a_client_that_never_reads_does_not_keep_the_process_from_ending() {
    let mut process = Process::initialized().await;
    process.call(1, "big").await;
    drop(process.input.take());
    let mut child = process.child;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await;
    assert!(
        !status.expect("an end in time").unwrap().success(),
        "an answer was lost"
    );
    drop(process.output);
}

#[tokio::test]
async fn the_streams_are_served_once_at_a_time() {
    let mut process = Process::initialized().await;
    process.call(1, "again").await;
    let (_, text) = process.answer().await;
    assert!(
        text.starts_with("true ") && text.contains("already"),
        "{text}"
    );
}

#[tokio::test]
async fn the_session_can_be_edited_before_the_client_comes() {
    let mut process = Process::initialized().await;
    process.call(1, "own").await;
    assert_eq!(process.answer().await, (1, "own".to_owned()));
}

/// Kills the process between this one and the server, which it started.
#[cfg(unix)]
async fn orphaned(process: &mut Process) {
    process.call(1, "echo").await;
    assert_eq!(process.answer().await, (1, "echoed".to_owned()));
    process.child.kill().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_server_ends_with_its_parent_though_standard_input_stays_open() {
    let mut process = Process::start_through_another(&[]);
    process.send(&initialize()).await;
    process.receive().await;
    orphaned(&mut process).await;
    let gone = tokio::time::timeout(ORPHANED, process.line()).await;
    assert_eq!(gone.expect("soon"), None, "it closes its output");
    let mut errors = String::new();
    let read = process.errors.read_to_string(&mut errors);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(errors.contains("ended: transport lost"), "{errors}");
    assert!(process.input.is_some(), "no end of input told it");
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_may_outlive_its_parent() {
    let mut process = Process::start_through_another(&["--outlive"]);
    process.send(&initialize()).await;
    process.receive().await;
    orphaned(&mut process).await;
    for id in 2..50 {
        process.call(id, "echo").await;
        assert_eq!(process.answer().await, (id, "echoed".to_owned()));
    }
    drop(process.input.take());
    assert_eq!(process.line().await, None);
}

/// Does to it what a supervisor does.
#[cfg(unix)]
fn terminate(process: &Process) {
    let id = process.child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status();
    assert!(sent.unwrap().success());
}

/// Opens a stream of changes, and reads its acknowledgement.
#[cfg(unix)]
async fn listening(process: &mut Process) {
    let params = json!({
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
        "notifications": {"toolsListChanged": true},
    });
    let method = "subscriptions/listen";
    let listen = json!({"jsonrpc": "2.0", "id": "l", "method": method, "params": params});
    process.send(&listen).await;
    let acknowledged = process.receive().await;
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_is_told_to_stop_ends_its_streams_and_then_itself() {
    let mut process = Process::start(&["--signals"]);
    listening(&mut process).await;
    terminate(&process);
    let cancelled = process.receive().await;
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], "l");
    assert_eq!(process.receive().await["result"]["resultType"], "complete");
    let input = process.input.take();
    let (rest, errors) = process.finished().await;
    assert!(rest.is_empty(), "{rest:?}");
    assert!(errors.contains("ended: shutdown"), "{errors}");
    drop(input);
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_is_told_to_stop_twice_waits_for_no_call() {
    let mut process = Process::start(&["--signals"]);
    listening(&mut process).await;
    process.send(&initialize()).await;
    process.receive().await;
    process.call(1, "wait").await;
    terminate(&process);
    process.receive().await;
    assert_eq!(process.receive().await["id"], "l", "it has begun");
    terminate(&process);
    let input = process.input.take();
    let (rest, _) = process.finished().await;
    assert!(rest.is_empty(), "{rest:?}");
    drop(input);
}
