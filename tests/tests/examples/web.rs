//! The examples' clients over HTTP.

use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Where a server is reached, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Url {
    text: String,
    token: Option<&'static str>,
}

/// A handshake session.
pub(crate) struct Session {
    url: Url,
    id: String,
}

impl Url {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            text: url.to_owned(),
            token: None,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The same URL with a query.
    pub(crate) fn query(&self, query: &str) -> Self {
        Self {
            text: format!("{}?{query}", self.text),
            token: self.token,
        }
    }

    /// The same URL, for whoever has this token.
    pub(crate) fn bearing(&self, token: &'static str) -> Self {
        Self {
            text: self.text.clone(),
            token: Some(token),
        }
    }

    /// One request of the stateless era.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let mut headers = vec![
            ("MCP-Protocol-Version".to_owned(), "2026-07-28".to_owned()),
            ("Mcp-Method".to_owned(), method.to_owned()),
        ];
        if let Some(name) = params["name"].as_str() {
            headers.push(("Mcp-Name".to_owned(), name.to_owned()));
        }
        let body =
            json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": stateless(params)});
        read(self.post(headers, body.to_string()).await).await
    }

    /// Opens a session of the handshake era.
    pub(crate) async fn open(&self) -> Session {
        let body =
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize()});
        let answer = self.post(Vec::new(), body.to_string()).await;
        let id = answer.headers()["mcp-session-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let session = Session {
            url: self.clone(),
            id,
        };
        let body = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(session.post(body.to_string()).await.status(), 202);
        session
    }

    async fn post(
        &self,
        headers: Vec<(String, String)>,
        body: String,
    ) -> Response<hyper::body::Incoming> {
        let (authority, path) = self.text["http://".len()..].split_once('/').unwrap();
        let stream = TcpStream::connect(authority).await.unwrap();
        let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = connected.unwrap();
        tokio::spawn(connection);
        let mut request = Request::post(format!("/{path}")).header("Host", authority);
        let common = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        for (name, value) in common {
            if !headers
                .iter()
                .any(|(given, _)| given.eq_ignore_ascii_case(name))
            {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(token) = self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        sender.send_request(request).await.unwrap()
    }
}

impl Session {
    /// True while there is such a session.
    pub(crate) async fn is_there(&self) -> bool {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let status = self.post(body.to_string()).await.status();
        assert!(status == 200 || status == 404, "{status}");
        status == 200
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        read(self.post(body.to_string()).await).await
    }

    async fn post(&self, body: String) -> Response<hyper::body::Incoming> {
        let headers = vec![("Mcp-Session-Id".to_owned(), self.id.clone())];
        self.url.post(headers, body).await
    }
}

/// Parameters with what a client of the stateless era says in every request.
pub(crate) fn stateless(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    });
    params
}

pub(crate) fn initialize() -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "clientInfo": {"name": "test", "version": "1"},
        "capabilities": {"elicitation": {}},
    })
}

/// Does what a printed `curl` command does: `curl -s URL -H HEADER… -d BODY`.
pub(crate) async fn pasted(command: &str) -> Value {
    read(posted(command).await).await
}

/// Does what a printed command does that shows the headers too: the session that it opens, and the
/// answer.
pub(crate) async fn pasted_opening(command: &str) -> (String, Value) {
    let answer = posted(&command.replace("curl -si", "curl -s")).await;
    let id = answer.headers()["mcp-session-id"].to_str().unwrap();
    (id.to_owned(), read(answer).await)
}

async fn posted(command: &str) -> Response<hyper::body::Incoming> {
    // Every word with blanks in it is in single quotes, and none of these has such a quote in it.
    let mut words = command.split('\'').map(str::trim);
    assert_eq!(words.next(), Some("curl -s"));
    let url = Url::new(words.next().unwrap());
    let (mut headers, mut body) = (Vec::new(), None);
    while let (Some(option), Some(word)) = (words.next(), words.next()) {
        match option {
            "-H" => {
                let (name, value) = word.split_once(": ").unwrap();
                headers.push((name.to_owned(), value.to_owned()));
            }
            "-d" => body = Some(word.to_owned()),
            other => panic!("`{other}` in {command}"),
        }
    }
    let answer = url.post(headers, body.unwrap()).await;
    assert_eq!(answer.status(), 200);
    answer
}

/// The answer, which is the last message where others come before it.
async fn read(response: Response<hyper::body::Incoming>) -> Value {
    let is_stream = response.headers()[CONTENT_TYPE] == "text/event-stream";
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&body).unwrap();
    let mut messages = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let answer = if is_stream {
        messages.next_back().unwrap()
    } else {
        text
    };
    serde_json::from_str(answer).unwrap()
}
