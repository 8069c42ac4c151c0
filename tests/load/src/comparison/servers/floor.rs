//! The least that answers the same requests: axum, and serde into a small struct.
//!
//! No header, version, session or schema is checked, and a session is a number in a set. It shows
//! what HTTP and JSON cost by themselves.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use http::{HeaderMap, StatusCode, header};
use mcp_session_load::{Result, template};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter};

use crate::servers::{Serve, listener};

#[derive(Deserialize)]
struct Asked<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    method: &'a str,
    #[serde(default)]
    params: Params,
}

#[derive(Deserialize, Default)]
struct Params {
    arguments: Option<Add>,
}

#[derive(Deserialize)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Called {
    content: [Text; 1],
    result_type: &'static str,
}

#[derive(Serialize)]
struct Text {
    r#type: &'static str,
    text: String,
}

struct Floor {
    opened: AtomicU64,
    // Held for an operation of the set only.
    sessions: Mutex<HashSet<u64>>,
    /// The result of `tools/list`, written once.
    list: String,
}

/// What is said to a message: nothing, or an answer, and whether that opens a session.
enum Said {
    Nothing,
    Answer(String),
    Opened(String),
}

pub(super) async fn serve(serve: Serve) -> Result<()> {
    let floor = Arc::new(Floor::new(serve.tools));
    if serve.stdio {
        return over_stdio(&floor).await;
    }
    let endpoint = post(on_post).delete(on_delete);
    let app = axum::Router::new()
        .route("/mcp", endpoint)
        .with_state(floor);
    let listener = listener().await?.tap_io(|stream| {
        // Slower, but not wrong.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

impl Floor {
    fn new(tools: usize) -> Self {
        let number = json!({"type": "integer"});
        let schema = json!({"type": "object", "properties": {"a": number, "b": number}});
        let add = json!({"name": "add", "description": "Add two numbers.", "inputSchema": schema});
        let listed = (0..tools).map(|number| {
            let (name, description) = (template::name(number), template::description(number));
            json!({"name": name, "description": description, "inputSchema": template::schema()})
        });
        let tools: Vec<_> = std::iter::once(add).chain(listed).collect();
        let list =
            json!({"tools": tools, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"});
        Self {
            opened: AtomicU64::default(),
            sessions: Mutex::default(),
            list: list.to_string(),
        }
    }

    fn answer(&self, message: &[u8]) -> serde_json::Result<Said> {
        let asked: Asked<'_> = serde_json::from_slice(message)?;
        let Some(id) = asked.id else {
            return Ok(Said::Nothing);
        };
        let result = match asked.method {
            "tools/list" => return Ok(Said::Answer(envelope(id, &self.list))),
            "tools/call" => {
                let Add { a, b } = asked.params.arguments.unwrap_or(Add { a: 0, b: 0 });
                let text = a.saturating_add(b).to_string();
                let content = [Text {
                    r#type: "text",
                    text,
                }];
                let called = Called {
                    content,
                    result_type: "complete",
                };
                serde_json::to_string(&called)?
            }
            _ => {
                let initialized = json!({
                    "protocolVersion": "2025-11-25",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "floor", "version": "1.0.0"},
                });
                return Ok(Said::Opened(envelope(id, &initialized.to_string())));
            }
        };
        Ok(Said::Answer(envelope(id, &result)))
    }
}

fn envelope(id: u64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

async fn on_post(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    let json = (header::CONTENT_TYPE, "application/json");
    match floor.answer(&body) {
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
        Ok(Said::Nothing) => StatusCode::ACCEPTED.into_response(),
        Ok(Said::Answer(answer)) => ([json], answer).into_response(),
        Ok(Said::Opened(answer)) => {
            let session = floor.opened.fetch_add(1, Ordering::Relaxed);
            let mut sessions = floor
                .sessions
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            sessions.insert(session);
            let session = ("mcp-session-id", session.to_string());
            ([json], [session], answer).into_response()
        }
    }
}

async fn on_delete(State(floor): State<Arc<Floor>>, headers: HeaderMap) -> StatusCode {
    let session = headers.get("mcp-session-id");
    let session = session.and_then(|id| id.to_str().ok()?.parse().ok());
    let mut sessions = floor
        .sessions
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    match session.is_some_and(|session| sessions.remove(&session)) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

/// One message after the other; what has arrived together is answered together.
async fn over_stdio(floor: &Floor) -> Result<()> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut output = BufWriter::new(tokio::io::stdout());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).await? > 0 {
        if let Said::Answer(mut answer) | Said::Opened(mut answer) = floor.answer(&line)? {
            answer.push('\n');
            output.write_all(answer.as_bytes()).await?;
        }
        line.clear();
        if !input.buffer().contains(&b'\n') {
            output.flush().await?;
        }
    }
    Ok(())
}
