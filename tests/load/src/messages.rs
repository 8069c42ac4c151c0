//! What a client sends: messages as text, made once and sent often, and the headers with them.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use Era::{Handshake, Stateless};

/// The sum that every call of `add` here asks for, as its answer holds it.
pub const SUM: &str = "\"42\"";

/// The era of the protocol that a client speaks, at its newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Era {
    /// `initialize`, and then a session.
    Handshake,
    /// Every request is complete in itself.
    Stateless,
}

/// A message over HTTP, but for the session it belongs to.
#[derive(Debug, Clone)]
pub struct Message {
    headers: Vec<(&'static str, &'static str)>,
    body: Bytes,
}

/// Asks for a session.
pub fn initialize() -> Message {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "load", "version": "1.0.0"},
    });
    let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
    Message::new(Handshake, "initialize", &message)
}

/// Says that the handshake is over.
pub fn initialized() -> Message {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    Message::new(Handshake, "notifications/initialized", &message)
}

/// Calls `add`.
pub fn add(era: Era, id: usize) -> Message {
    let params = json!({"name": "add", "arguments": {"a": 2, "b": 40}});
    let mut message = request(era, id, "tools/call", params);
    if era == Stateless {
        message.headers.push(("mcp-name", "add"));
    }
    message
}

/// Lists tools, from a cursor on.
pub fn list(era: Era, id: usize, cursor: Option<&str>) -> Message {
    let params = cursor.map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
    request(era, id, "tools/list", params)
}

fn request(era: Era, id: usize, method: &'static str, mut params: Value) -> Message {
    if era == Stateless {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1.0.0"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    Message::new(era, method, &message)
}

impl Message {
    fn new(era: Era, method: &'static str, message: &Value) -> Self {
        let headers = match era {
            Handshake if method == "initialize" => Vec::new(),
            Handshake => vec![("mcp-protocol-version", "2025-11-25")],
            Stateless => vec![
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", method),
            ],
        };
        let body = message.to_string().into();
        Self { headers, body }
    }

    /// The message on a line of its own, for a byte stream.
    pub fn line(&self) -> Bytes {
        [&self.body, &b"\n"[..]].concat().into()
    }

    /// The message as a request, of a session if it has one.
    pub fn post(&self, session: Option<&HeaderValue>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = http::Method::POST;
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        for (name, value) in &self.headers {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        addressed(request, session)
    }
}

/// Ends a session.
pub fn delete(session: &HeaderValue) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = http::Method::DELETE;
    let version = HeaderValue::from_static("2025-11-25");
    request
        .headers_mut()
        .insert("mcp-protocol-version", version);
    addressed(request, Some(session))
}

fn addressed(
    mut request: Request<Full<Bytes>>,
    session: Option<&HeaderValue>,
) -> Request<Full<Bytes>> {
    *request.uri_mut() = http::Uri::from_static("/mcp");
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/json, text/event-stream"),
    );
    if let Some(session) = session {
        headers.insert("mcp-session-id", session.clone());
    }
    request
}
