//! A session as its client has it: an id, and whoever the proxy finds.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use mcp_session_examples::{Reply, Wire};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the user answers when a server asks.
pub(crate) const WORD: &str = "plums";

const VERSION: &str = "2025-11-25";

/// Requests of all sessions of this process so far.
static REQUESTS: AtomicUsize = AtomicUsize::new(0);

/// A session of one user, or of nobody that is known.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) wire: Wire,
    pub(crate) id: String,
    token: Option<String>,
    asked: AtomicUsize,
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Lost {
    /// Whoever was to answer is away, and somebody else will when the client tries again.
    Away(String),
    /// The session is not known.
    Unknown,
    /// What never may be.
    Wrong(String),
}

/// An answer, and what was told before it on the same stream.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) result: Value,
    pub(crate) told: Vec<Value>,
    pub(crate) replica: String,
    /// How often the server asked something.
    pub(crate) questions: usize,
}

pub(crate) fn requests() -> usize {
    REQUESTS.load(Ordering::Relaxed)
}

/// Where ids of requests begin that share a session with others.
static ASKED: AtomicUsize = AtomicUsize::new(1_000_000);

/// Counts one more.
pub(crate) fn requested() {
    REQUESTS.fetch_add(1, Ordering::Relaxed);
}

/// The client's side of `initialize`.
pub(crate) fn initialize() -> Value {
    let params = json!({
        "protocolVersion": VERSION,
        "clientInfo": {"name": "test", "version": "1"},
        "capabilities": {"elicitation": {}},
    });
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
}

impl Session {
    /// Opens a session of this user.
    pub(crate) async fn open(wire: &Wire, user: Option<usize>) -> Result<Self, Lost> {
        let token = user.map(|user| format!("Bearer token-{user}"));
        let mut session = Self {
            wire: wire.clone(),
            id: String::new(),
            token,
            asked: AtomicUsize::new(1),
        };
        let reply = session.post(&initialize()).await?;
        let opened = reply.session.clone();
        session.read(reply, &json!(0)).await?;
        session.id = opened.ok_or_else(|| Lost::Wrong("it has no id".to_owned()))?;
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        session.send(&told).await?;
        Ok(session)
    }

    /// The same session, over connections of its own.
    pub(crate) fn through(&self, wire: Wire) -> Self {
        Self {
            wire,
            id: self.id.clone(),
            token: self.token.clone(),
            // No id is used twice at a time in one session.
            asked: AtomicUsize::new(ASKED.fetch_add(1_000, Ordering::Relaxed)),
        }
    }

    /// The same session, which somebody else says to have.
    pub(crate) fn stolen_by(&self, user: usize) -> Self {
        Self {
            wire: self.wire.clone(),
            id: self.id.clone(),
            token: Some(format!("Bearer token-{user}")),
            asked: AtomicUsize::new(1),
        }
    }

    pub(crate) fn headers(&self) -> Vec<(&'static str, &str)> {
        let mut headers = Vec::new();
        if !self.id.is_empty() {
            headers.push(("Mcp-Session-Id", &*self.id));
            headers.push(("MCP-Protocol-Version", VERSION));
        }
        if let Some(token) = &self.token {
            headers.push(("Authorization", token));
        }
        headers
    }

    /// Sends a request, answers what it asks, and reads its answer.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Answer, Lost> {
        let id = json!(self.asked.fetch_add(1, Ordering::Relaxed));
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let answered = async {
            let reply = self.post(&message).await?;
            self.read(reply, &id).await
        };
        let late = || Lost::Wrong(format!("there is no answer to {method} in time"));
        timeout(PATIENCE, answered).await.map_err(|_| late())?
    }

    /// Calls a tool; what it says.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<String, Lost> {
        let answer = self.call_in_full(tool, arguments).await?;
        said(&answer.result)
    }

    /// Calls a tool that may tell something before it answers.
    pub(crate) async fn call_in_full(&self, tool: &str, arguments: Value) -> Result<Answer, Lost> {
        let params = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": 1}});
        self.ask("tools/call", params).await
    }

    /// Begins a call, whose stream the caller reads.
    pub(crate) async fn begin(&self, tool: &str, arguments: Value) -> Result<(Value, Reply), Lost> {
        let id = json!(self.asked.fetch_add(1, Ordering::Relaxed));
        let params = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": 1}});
        let message = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        Ok((id, self.post(&message).await?))
    }

    /// Sends what is only taken.
    pub(crate) async fn send(&self, message: &Value) -> Result<(), Lost> {
        let reply = self.post(message).await?;
        if reply.status == 202 {
            return Ok(());
        }
        Err(Lost::Wrong(format!("{message} got {}", reply.status)))
    }

    /// Ends it; false where it was not known any more.
    pub(crate) async fn delete(&self) -> Result<bool, Lost> {
        requested();
        let deleted = self.wire.delete(&self.headers()).await;
        let reply = deleted.map_err(|error| Lost::Away(format!("{error:?}")))?;
        match checked(reply).await {
            Ok(_) => Ok(true),
            Err(Lost::Unknown) => Ok(false),
            Err(lost) => Err(lost),
        }
    }

    /// Reads a stream up to the answer to a request, and answers what is asked on it.
    pub(crate) async fn read(&self, reply: Reply, id: &Value) -> Result<Answer, Lost> {
        let mut messages = reply.messages;
        let mut answer = Answer {
            replica: reply.replica,
            ..Answer::default()
        };
        loop {
            let next = messages.next().await;
            let next = next.map_err(|error| Lost::Away(format!("it broke off: {error:?}")))?;
            let Some(message) = next else {
                return Err(Lost::Away("it ended without an answer".to_owned()));
            };
            if message["method"] == "elicitation/create" {
                answer.questions += 1;
                let result = json!({"action": "accept", "content": {"word": WORD}});
                self.insist(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
                    .await?;
            } else if message.get("method").is_some() {
                answer.told.push(message);
            } else if message["id"] == *id {
                answer.result = result(message)?;
                return Ok(answer);
            } else {
                return Err(Lost::Wrong(format!("{message} answers nobody")));
            }
        }
    }

    /// Sends an answer until somebody takes it: the server cannot ask again for it.
    async fn insist(&self, message: &Value) -> Result<(), Lost> {
        for _ in 0..50 {
            match self.send(message).await {
                Err(Lost::Away(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                sent => return sent,
            }
        }
        self.send(message).await
    }

    async fn post(&self, message: &Value) -> Result<Reply, Lost> {
        requested();
        let posted = self.wire.post(&self.headers(), message).await;
        checked(posted.map_err(|error| Lost::Away(format!("{error:?}")))?).await
    }
}

/// Reads a reply's status.
pub(crate) async fn checked(mut reply: Reply) -> Result<Reply, Lost> {
    match reply.status.as_u16() {
        200..300 => Ok(reply),
        502..=504 => Err(Lost::Away(reply.status.to_string())),
        404 => Err(Lost::Unknown),
        _ => {
            let body = reply.messages.event().await;
            let body = body.ok().flatten().unwrap_or_default();
            let body = String::from_utf8_lossy(&body).into_owned();
            let (status, replica) = (reply.status, reply.replica);
            Err(Lost::Wrong(format!("{replica} says {status}: {body}")))
        }
    }
}

fn result(mut message: Value) -> Result<Value, Lost> {
    match message.get("error") {
        None => Ok(message["result"].take()),
        Some(error) => Err(failed(&error.to_string())),
    }
}

/// What a tool said.
pub(crate) fn said(result: &Value) -> Result<String, Lost> {
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    if result["isError"] == true {
        return Err(failed(text));
    }
    Ok(text.to_owned())
}

/// A failure that says whether it makes sense to try again.
fn failed(text: &str) -> Lost {
    if text.contains("try again") || text.contains("made again") {
        Lost::Away(text.to_owned())
    } else {
        Lost::Wrong(text.to_owned())
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => write!(f, "nobody answered: {why}"),
            Self::Unknown => f.write_str("the session is not known"),
            Self::Wrong(why) => f.write_str(why),
        }
    }
}
