//! A client at the other end of a byte stream.

use std::{collections::HashMap, sync::Arc};

use mcp_session::{Principal, Server};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf},
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use crate::asking::script::{Said, Script};

/// Its tasks end with it.
pub(crate) struct Stream {
    lines: mpsc::Sender<Value>,
    inbox: Arc<Inbox>,
    _tasks: JoinSet<()>,
}

/// What came, and who waits for what.
#[derive(Default)]
struct Inbox {
    waiting: Mutex<HashMap<i64, oneshot::Sender<Value>>>,
    heard: Mutex<Vec<(String, Value)>>,
}

impl Stream {
    pub(crate) fn open(
        server: &Server,
        principal: Option<Principal>,
        script: &Arc<Script>,
    ) -> Self {
        let (near, far) = tokio::io::duplex(4096);
        let (reader, writer) = tokio::io::split(far);
        let mut tasks = JoinSet::new();
        let run = match principal {
            Some(principal) => server.duplex_as(principal, reader, writer),
            None => server.duplex(reader, writer),
        };
        tasks.spawn(async move { run.serve().await.unwrap() });
        let (reader, mut writer) = tokio::io::split(near);
        let (lines, mut outgoing) = mpsc::channel::<Value>(16);
        tasks.spawn(async move {
            while let Some(line) = outgoing.recv().await {
                let line = format!("{line}\n");
                writer.write_all(line.as_bytes()).await.unwrap();
            }
        });
        let inbox = Arc::new(Inbox::default());
        tasks.spawn(read(
            reader,
            Arc::clone(&inbox),
            lines.clone(),
            Arc::clone(script),
        ));
        Self {
            lines,
            inbox,
            _tasks: tasks,
        }
    }

    pub(crate) async fn send(&self, message: Value) {
        self.lines.send(message).await.unwrap();
    }

    pub(crate) async fn request(&self, message: Value) -> Value {
        let (answered, answer) = oneshot::channel();
        let id = message["id"].as_i64().unwrap();
        self.inbox.waiting.lock().insert(id, answered);
        self.send(message).await;
        answer.await.unwrap()
    }

    pub(crate) fn heard(&self) -> Vec<(String, Value)> {
        self.inbox.heard.lock().clone()
    }
}

/// Takes every line, and answers questions each in its own time.
async fn read(
    reader: ReadHalf<DuplexStream>,
    inbox: Arc<Inbox>,
    lines: mpsc::Sender<Value>,
    script: Arc<Script>,
) {
    let mut reader = BufReader::new(reader).lines();
    let mut answers = JoinSet::new();
    while let Some(line) = reader.next_line().await.unwrap() {
        let message: Value = serde_json::from_str(&line).unwrap();
        let id = message["id"].clone();
        match message["method"].as_str() {
            None => {
                let waiting = inbox.waiting.lock().remove(&id.as_i64().unwrap());
                // A test may have stopped waiting.
                let _ = waiting.map(|waiting| waiting.send(message));
            }
            Some(method) if id.is_null() => {
                let heard = (method.to_owned(), message["params"].clone());
                inbox.heard.lock().push(heard);
            }
            Some(method) => {
                let said = script.ask(method, &message["params"]);
                let lines = lines.clone();
                answers.spawn(async move {
                    if let Some(answer) = answer(id, said).await {
                        lines.send(answer).await.ok();
                    }
                });
            }
        }
    }
}

/// The message that answers a question of the server's.
pub(crate) async fn answer(id: Value, said: Said) -> Option<Value> {
    Some(match said.settle().await? {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
    })
}
