//! A server and its client in one process.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use mcp_session::transport::http::{HttpBody, HttpService};
use mcp_session::{Server, Template, Tool, tool};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

/// Add two numbers.
#[tool]
async fn add(a: i64, b: i64) -> String {
    (a + b).to_string()
}

/// A server with `add` and so many tools more.
pub(crate) fn server(tools: usize) -> Server {
    let template = Template::builder("measured", "1.0.0").tool(add);
    let template = (0..tools).fold(template, |all, number| all.tool(plain(number)));
    Server::new(template.build().expect("no mistakes"))
}

/// A tool without arguments.
pub(crate) fn plain(number: usize) -> Tool {
    Tool::new(format!("tool_{number}"))
        .description("Says that it is done.")
        .handler(async || "done")
}

/// The era in which a client speaks, and its session if it has one.
#[derive(Clone)]
pub(crate) enum Speaks {
    Stateless,
    Handshake(HeaderValue),
}

/// A client of the service over HTTP, without a network.
pub(crate) struct Client {
    runtime: Runtime,
    service: HttpService,
    pub(crate) speaks: Speaks,
}

impl Client {
    pub(crate) fn stateless(server: &Server) -> Self {
        Self {
            runtime: runtime(),
            service: server.http(),
            speaks: Speaks::Stateless,
        }
    }

    pub(crate) fn handshake(server: &Server) -> Self {
        let mut client = Self::stateless(server);
        client.open();
        client
    }

    /// Opens a session, which this client then uses.
    pub(crate) fn open(&mut self) {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let opened = self.answer(request(Method::POST, message.to_string().into()));
        let session = opened.headers().get("mcp-session-id");
        self.speaks = Speaks::Handshake(session.expect("a session").clone());
        let message = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let request = self.ready("", "", message.to_string().into());
        self.answer(request());
    }

    /// Ends the session it has.
    pub(crate) fn end(&mut self) {
        let mut delete = request(Method::DELETE, Bytes::new());
        if let Speaks::Handshake(session) = &self.speaks {
            delete
                .headers_mut()
                .insert("mcp-session-id", session.clone());
        }
        self.answer(delete);
    }

    /// What makes this request, again and again.
    pub(crate) fn asks(
        &self,
        method: &'static str,
        mut params: Value,
    ) -> impl Fn() -> Request<Full<Bytes>> + use<> {
        if matches!(self.speaks, Speaks::Stateless) {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
            });
        }
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.ready(method, &name, message.to_string().into())
    }

    fn ready(
        &self,
        method: &'static str,
        name: &str,
        body: Bytes,
    ) -> impl Fn() -> Request<Full<Bytes>> + use<> {
        let speaks = self.speaks.clone();
        let name = HeaderValue::from_str(name).expect("visible");
        move || {
            let mut request = request(Method::POST, body.clone());
            let headers = request.headers_mut();
            match &speaks {
                Speaks::Stateless => {
                    let version = HeaderValue::from_static("2026-07-28");
                    headers.insert("mcp-protocol-version", version);
                    headers.insert("mcp-method", HeaderValue::from_static(method));
                    if !name.is_empty() {
                        headers.insert("mcp-name", name.clone());
                    }
                }
                Speaks::Handshake(session) => {
                    headers.insert("mcp-session-id", session.clone());
                }
            }
            request
        }
    }

    /// Sends a request, and gives the answer once all of it is there.
    pub(crate) fn answer(&mut self, request: Request<Full<Bytes>>) -> Response<HttpBody> {
        let Self {
            runtime, service, ..
        } = self;
        runtime.block_on(async {
            let mut response = service.call(request).await.expect("an answer");
            while let Some(frame) = response.body_mut().frame().await {
                divan::black_box_drop(frame);
            }
            response
        })
    }

    /// Sends a request whose answer has to be a result, and gives it.
    pub(crate) fn result(&mut self, request: Request<Full<Bytes>>) -> Value {
        let Self {
            runtime, service, ..
        } = self;
        let body = runtime.block_on(async {
            let response = service.call(request).await.expect("an answer");
            response.into_body().collect().await.expect("a body")
        });
        let mut answer: Value = serde_json::from_slice(&body.to_bytes()).expect("JSON");
        assert_eq!(answer["error"], Value::Null);
        answer["result"].take()
    }
}

pub(crate) fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

fn request(method: Method, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = http::Uri::from_static("/mcp");
    let headers = request.headers_mut();
    headers.insert("host", HeaderValue::from_static("localhost"));
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert("accept", accept);
    request
}
