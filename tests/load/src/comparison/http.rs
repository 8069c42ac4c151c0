//! A client's connection over HTTP.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use mcp_session_load::{Result, messages};
use tokio::net::TcpStream;

/// One connection that is kept open.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender. A connection that breaks shows in what is sent over it.
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Sends a request, and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(HeaderMap, Bytes)> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        if !head.status.is_success() {
            let body = String::from_utf8_lossy(&body);
            return Err(format!("the server says {}: {body}", head.status).into());
        }
        Ok((head.headers, body))
    }

    /// Opens a session.
    pub(crate) async fn initialize(&mut self) -> Result<HeaderValue> {
        let (headers, _) = self.send(messages::initialize().post(None)).await?;
        let session = headers.get("mcp-session-id").ok_or("there is no session")?;
        self.send(messages::initialized().post(Some(session)))
            .await?;
        Ok(session.clone())
    }
}
