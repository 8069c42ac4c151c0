//! A client that does one kind of work over one connection, and as little else as can be.

use std::{io, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A call in a session.
    Call,
    /// A call that writes the session's state.
    Count,
    /// A call that changes what the session is offered.
    Learn,
    /// A call of the stateless era.
    Stateless,
    /// A session from its opening to its end, with one call.
    Life,
}

pub(crate) const WORKS: [Work; 5] = [
    Work::Call,
    Work::Count,
    Work::Learn,
    Work::Stateless,
    Work::Life,
];

/// A connection, and the session that is used over it.
#[derive(Debug)]
pub(crate) struct Client {
    connection: TcpStream,
    session: Option<String>,
    work: Work,
    done: usize,
}

impl Work {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Call => "call in a session",
            Self::Count => "call that writes session state",
            Self::Learn => "call that edits its session",
            Self::Stateless => "stateless call",
            Self::Life => "open, initialized, call, DELETE",
        }
    }
}

impl Client {
    pub(crate) async fn new(address: SocketAddr, work: Work) -> io::Result<Self> {
        let connection = TcpStream::connect(address).await?;
        connection.set_nodelay(true)?;
        let mut client = Self {
            connection,
            session: None,
            work,
            done: 0,
        };
        if !matches!(work, Work::Stateless | Work::Life) {
            client.open().await?;
        }
        Ok(client)
    }

    /// Does it once.
    pub(crate) async fn work(&mut self) -> io::Result<()> {
        self.done += 1;
        match self.work {
            Work::Call => self.call("plain_0", json!({})).await,
            Work::Count => self.call("count", json!({})).await,
            Work::Learn => {
                let (name, word) = (self.done % 4, format!("word {}", self.done));
                let arguments = json!({"name": name.to_string(), "word": word});
                self.call("learn", arguments).await
            }
            Work::Stateless => self.stateless().await,
            Work::Life => {
                self.open().await?;
                self.call("plain_0", json!({})).await?;
                self.end().await
            }
        }
    }

    pub(crate) async fn open(&mut self) -> io::Result<()> {
        self.session = None;
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let head = self.exchange("POST", &hello, &[], 200).await?;
        let mut lines = head.lines();
        let id = lines.find_map(|line| line.strip_prefix("mcp-session-id: "));
        self.session = Some(id.ok_or(io::ErrorKind::InvalidData)?.to_owned());
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.exchange("POST", &told, &[], 202).await?;
        Ok(())
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> io::Result<()> {
        let params = json!({"name": tool, "arguments": arguments});
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        self.exchange("POST", &call, &[], 200).await?;
        Ok(())
    }

    async fn stateless(&mut self) -> io::Result<()> {
        let params = json!({"name": "plain_0", "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let headers = [
            "mcp-protocol-version: 2026-07-28",
            "mcp-method: tools/call",
            "mcp-name: plain_0",
        ];
        self.exchange("POST", &call, &headers, 200).await?;
        Ok(())
    }

    async fn end(&mut self) -> io::Result<()> {
        self.exchange("DELETE", &Value::Null, &[], 204).await?;
        Ok(())
    }

    /// Sends a request and reads its whole answer, which must have this status; gives its head.
    async fn exchange(
        &mut self,
        verb: &str,
        message: &Value,
        headers: &[&str],
        status: u16,
    ) -> io::Result<String> {
        let body = match message {
            Value::Null => String::new(),
            message => message.to_string(),
        };
        let mut request = format!(
            "{verb} /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\ncontent-length: {}\r\n",
            body.len()
        );
        if let Some(session) = &self.session {
            request += &format!("mcp-session-id: {session}\r\n");
        }
        for header in headers {
            request += &format!("{header}\r\n");
        }
        request += &format!("\r\n{body}");
        self.connection.write_all(request.as_bytes()).await?;
        let mut text = Vec::new();
        loop {
            if self.connection.read_buf(&mut text).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&text[..end]).into_owned();
            if is_whole(&head, &text[end + 4..]) {
                let body = String::from_utf8_lossy(&text[end + 4..]);
                let is_right = head.contains(&format!(" {status} "));
                if is_right && !body.contains("isError\":true") {
                    return Ok(head);
                }
                return Err(io::Error::other(format!(
                    "{verb} {message}: {head}\n{body}"
                )));
            }
        }
    }
}

/// Everything that belongs to the answer is there.
fn is_whole(head: &str, body: &[u8]) -> bool {
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with(b"0\r\n\r\n");
    }
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    body.len() >= length
}
