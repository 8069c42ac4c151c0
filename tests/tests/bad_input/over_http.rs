//! Sends the inputs of the table as bodies of POST requests, to the service itself.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use mcp_session::Server;
use mcp_session::protocol::ProtocolVersion;
use mcp_session::transport::http::{HttpBody, HttpService};
use serde_json::{Value, json};
use tower_service::Service;

/// One client over HTTP, with a session unless it is stateless.
pub(super) struct Poster {
    service: HttpService,
    version: ProtocolVersion,
    session: Option<HeaderValue>,
}

impl Poster {
    pub(super) async fn new(server: &Server, version: ProtocolVersion) -> Self {
        let mut poster = Self {
            service: server.http(),
            version,
            session: None,
        };
        if version == ProtocolVersion::LATEST {
            return poster;
        }
        let params = json!({
            "protocolVersion": version, "capabilities": {},
            "clientInfo": {"name": "poster", "version": "1"},
        });
        let initialize =
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let headers = HeaderMap::new();
        let answer = poster
            .send(headers, initialize.to_string().into_bytes())
            .await;
        poster.session = answer.headers().get("mcp-session-id").cloned();
        assert!(poster.session.is_some(), "initialize opens a session");
        poster
    }

    /// The status and the body that a POST of this input is answered with.
    pub(super) async fn post(&mut self, input: &[u8]) -> (u16, String) {
        let mut headers = HeaderMap::new();
        let version = HeaderValue::from_static(self.version.as_str());
        headers.insert("mcp-protocol-version", version);
        match &self.session {
            Some(session) => {
                headers.insert("mcp-session-id", session.clone());
            }
            None => mirror(&mut headers, input),
        }
        let answer = self.send(headers, input.to_vec()).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn send(&mut self, headers: HeaderMap, body: Vec<u8>) -> Response<HttpBody> {
        let mut request = Request::post("http://127.0.0.1/mcp")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        request.headers_mut().extend(headers);
        self.service.call(request).await.unwrap()
    }
}

/// The headers that a stateless client derives from what it sends, as far as that can be read.
fn mirror(headers: &mut HeaderMap, input: &[u8]) {
    let Ok(sent) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let mut set = |name: &'static str, value: &Value| {
        if let Some(value) = value
            .as_str()
            .and_then(|text| HeaderValue::from_str(text).ok())
        {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let said = &sent["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
    set("mcp-protocol-version", said);
    set("mcp-method", &sent["method"]);
    set("mcp-name", &sent["params"]["name"]);
    set("mcp-name", &sent["params"]["uri"]);
}
