//! Examples as child processes.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{ExitStatus, Output, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
};

use crate::examples::web::Url;

/// A running example. It is killed when dropped.
pub(crate) struct Child {
    child: tokio::process::Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Option<Lines<BufReader<ChildStderr>>>,
    next_id: u64,
    /// The methods of the notifications so far.
    pub(crate) notified: Vec<String>,
    /// What the user says when the server asks something.
    pub(crate) answers: Option<fn(&Value) -> Value>,
}

/// A running example and where it is reached.
pub(crate) struct Web {
    pub(crate) url: Url,
    _child: Child,
}

impl Child {
    pub(crate) fn start(example: &str, args: &[&str]) -> Self {
        Self::spawn(&mut command(example, args))
    }

    /// Starts it over stdio on behalf of a user.
    pub(crate) fn start_as(user: &str, example: &str) -> Self {
        Self::spawn(command(example, &["--stdio"]).env("USER", user))
    }

    /// Starts it with its standard error for the test to read.
    pub(crate) fn start_watched(example: &str, args: &[&str]) -> Self {
        Self::spawn(command(example, args).stderr(Stdio::piped()))
    }

    fn spawn(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take();
        Self {
            stderr: stderr.map(|stderr| BufReader::new(stderr).lines()),
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            next_id: 0,
            notified: Vec::new(),
            answers: None,
        }
    }

    pub(crate) async fn start_http(example: &str) -> Web {
        let mut child = Self::start(example, &["--http", "127.0.0.1:0"]);
        let url = child.url().await;
        Web { url, _child: child }
    }

    /// The next line of its standard output.
    pub(crate) async fn line(&mut self) -> String {
        let line = self.stdout.next_line().await.unwrap();
        line.expect("the example goes on")
    }

    /// The next line of its standard error; `None` at its end.
    pub(crate) async fn told(&mut self) -> Option<String> {
        let stderr = self.stderr.as_mut().expect("it is watched");
        stderr.next_line().await.unwrap()
    }

    /// The URL it prints.
    pub(crate) async fn url(&mut self) -> Url {
        loop {
            let line = self.line().await;
            let mut words = line.split([' ', '?']);
            if let Some(url) = words.find(|word| word.starts_with("http://")) {
                return Url::new(url);
            }
        }
    }

    async fn send(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin
            .write_all(format!("{message}\n").as_bytes())
            .await
            .unwrap();
    }

    /// Sends a request and reads up to its answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        loop {
            let line = self.line().await;
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            if let (Some(answer), Some(id)) = (self.answers, message.get("id")) {
                let result = answer(&message["params"]);
                self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
                    .await;
                continue;
            }
            self.notified
                .push(message["method"].as_str().unwrap().to_owned());
        }
    }

    pub(crate) async fn initialize(&mut self) {
        let answer = self
            .ask("initialize", crate::examples::web::initialize())
            .await;
        assert_eq!(
            answer["result"]["protocolVersion"], "2025-11-25",
            "{answer}"
        );
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
    }

    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Does to it what Ctrl-C does.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().unwrap().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-INT", &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }
}

/// Runs an example to its end.
pub(crate) async fn finished(example: &str, args: &[&str]) -> Output {
    command(example, args).output().await.unwrap()
}

fn command(example: &str, args: &[&str]) -> Command {
    let mut command = Command::new(&built()[example]);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Where the examples are, built by whoever asks first.
pub(crate) fn built() -> &'static HashMap<String, PathBuf> {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// Builds the examples and asks where they are. They cannot be run by `cargo run`: what is killed
/// then is not the example, on some platforms.
fn build() -> HashMap<String, PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // The whole workspace, so that the dependencies have the features they were just built with.
    let built = std::process::Command::new(cargo)
        .args([
            "build",
            "--workspace",
            "--examples",
            "--message-format=json",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success());
    let messages = String::from_utf8(built.stdout).unwrap();
    let messages = messages
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let examples = messages.filter_map(|message: Value| {
        let path = message["executable"].as_str()?;
        Some((message["target"]["name"].as_str()?.to_owned(), path.into()))
    });
    examples.collect()
}
