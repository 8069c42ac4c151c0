//! A client that calls the service directly, and a server whose handlers tell what they live
//! through.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, request};
use http_body_util::{BodyExt, Full};
use mcp_session::transport::http::{HttpBody, HttpFuture, HttpService};
use mcp_session::{Context, LogLevel, Server, Template, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower_service::Service;

pub(crate) const MODERN: &str = "2026-07-28";
pub(crate) const LATEST_HANDSHAKE: &str = "2025-11-25";

/// What handlers live through, each a count that a test can wait for.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) started: Arc<Semaphore>,
    /// Lets one waiting handler go on.
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) finished: Arc<Semaphore>,
    pub(crate) abandoned: Arc<Semaphore>,
}

impl Probe {
    pub(crate) fn new() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self {
            started: none(),
            gate: none(),
            finished: none(),
            abandoned: none(),
        }
    }
}

/// Waits until something has happened once more.
pub(crate) async fn seen(count: &Semaphore) {
    soon(count.acquire()).await.unwrap().forget();
}

/// Now, on the paused clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a test measures the clock it moves"
)]
pub(crate) fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Moves the paused clock, and lets everybody do what they do before and then.
pub(crate) async fn pass(time: Duration) {
    let settle = || async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    };
    settle().await;
    tokio::time::advance(time).await;
    settle().await;
}

/// What must happen without anybody waiting for a timer.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, future)
        .await
        .expect("it happens in time")
}

/// Tells, when dropped, whether its handler got to its end.
struct Life {
    probe: Probe,
    finished: bool,
}

impl Drop for Life {
    fn drop(&mut self) {
        let end = if self.finished {
            &self.probe.finished
        } else {
            &self.probe.abandoned
        };
        end.add_permits(1);
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Steps {
    #[serde(default)]
    steps: u32,
}

/// Tools for every way a handler can behave.
pub(crate) fn template(probe: &Probe) -> Template {
    let (waiting, closing) = (probe.clone(), probe.clone());
    let wait = Tool::new("wait")
        .description("Reports steps, then waits for the gate.")
        .handler(move |args: Steps, ctx: Context| {
            let probe = waiting.clone();
            async move {
                let mut life = Life {
                    probe: probe.clone(),
                    finished: false,
                };
                report(&ctx, 0, args.steps);
                probe.started.add_permits(1);
                probe
                    .gate
                    .acquire()
                    .await
                    .map_err(ToolError::from)?
                    .forget();
                report(&ctx, args.steps, args.steps);
                life.finished = true;
                Ok::<_, ToolError>("waited")
            }
        });
    let close = Tool::new("close")
        .description("Closes its connection, then waits.")
        .handler(move |ctx: Context| {
            let probe = closing.clone();
            async move {
                let mut life = Life {
                    probe: probe.clone(),
                    finished: false,
                };
                ctx.close_connection();
                probe.started.add_permits(1);
                probe
                    .gate
                    .acquire()
                    .await
                    .map_err(ToolError::from)?
                    .forget();
                ctx.log(LogLevel::Info, "back");
                life.finished = true;
                Ok::<_, ToolError>("closed")
            }
        });
    let speak = Tool::new("speak").description("Reports steps.").handler(
        |args: Steps, ctx: Context| async move {
            report(&ctx, 0, args.steps);
            "spoken"
        },
    );
    Template::builder("probe", "1.0.0")
        .tool(
            Tool::new("plain")
                .description("Answers.")
                .handler(async || "plain"),
        )
        .tool(
            Tool::new("large")
                .description("Answers much.")
                .handler(async || "x".repeat(200_000)),
        )
        .tool(speak)
        .tool(wait)
        .tool(close)
        .tool(
            Tool::new("panic")
                .description("Panics.")
                .handler(|ctx: Context| async move {
                    report(&ctx, 0, 1);
                    assert!(ctx.is_cancelled(), "on purpose");
                    "never"
                }),
        )
        .build()
        .unwrap()
}

fn report(ctx: &Context, from: u32, steps: u32) {
    (from..from + steps).for_each(|step| ctx.progress(f64::from(step)).send());
}

pub(crate) fn server() -> (Server, Probe) {
    let probe = Probe::new();
    (Server::new(template(&probe)), probe)
}

/// One client, in one era.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) service: HttpService,
    pub(crate) session: Option<String>,
    pub(crate) token: Option<&'static str>,
    pub(crate) version: &'static str,
}

impl Client {
    pub(crate) fn modern(service: HttpService) -> Self {
        Self {
            service,
            session: None,
            token: None,
            version: MODERN,
        }
    }

    /// Opens a session of the newest handshake revision.
    pub(crate) async fn handshake(service: HttpService) -> Self {
        Self::handshake_of(service, LATEST_HANDSHAKE).await
    }

    pub(crate) async fn handshake_of(service: HttpService, version: &'static str) -> Self {
        Self::opened(service, version, None).await
    }

    /// Opens a session with a token.
    pub(crate) async fn handshake_as(service: HttpService, token: &'static str) -> Self {
        Self::opened(service, LATEST_HANDSHAKE, Some(token)).await
    }

    async fn opened(
        service: HttpService,
        version: &'static str,
        token: Option<&'static str>,
    ) -> Self {
        let mut client = Self {
            service,
            session: None,
            token,
            version,
        };
        let answer = client.post(initialize(version)).await;
        assert_eq!(answer.status, StatusCode::OK);
        client.session = Some(answer.header("mcp-session-id").unwrap());
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(client.post(note).await.status, StatusCode::ACCEPTED);
        client
    }

    /// A message of this client's: what differs between the eras is filled in.
    pub(crate) fn message(&self, id: impl Into<Value>, method: &str, params: Value) -> Value {
        let mut params = params;
        if self.version == MODERN {
            let meta = params
                .as_object_mut()
                .unwrap()
                .entry("_meta")
                .or_insert_with(|| json!({}));
            meta["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
            meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
    }

    pub(crate) fn call(&self, id: impl Into<Value>, tool: &str, steps: u32) -> Value {
        let id = id.into();
        let params = json!({
            "name": tool,
            "arguments": {"steps": steps},
            "_meta": {"progressToken": id},
        });
        self.message(id, "tools/call", params)
    }

    /// The headers of a request of this client's, for this message.
    pub(crate) fn headers(&self, method: Method, message: &Value) -> request::Builder {
        let mut builder = Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", "localhost")
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json");
        if self.session.is_some() || self.version == MODERN {
            builder = builder.header("mcp-protocol-version", self.version);
        }
        if let Some(session) = &self.session {
            builder = builder.header("mcp-session-id", session);
        }
        if let Some(token) = self.token {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        if self.version == MODERN {
            builder = builder.header("mcp-method", message["method"].as_str().unwrap_or_default());
            if let Some(name) = message["params"]["name"].as_str() {
                builder = builder.header("mcp-name", name);
            }
        }
        builder
    }

    /// A request on its way, not yet polled.
    pub(crate) fn start(&self, message: &Value) -> HttpFuture {
        let body = Full::new(Bytes::from(message.to_string()));
        let request = self.headers(Method::POST, message).body(body).unwrap();
        self.service.clone().call(request)
    }

    pub(crate) async fn post(&self, message: Value) -> Answer {
        answered(self.start(&message)).await
    }

    pub(crate) async fn get(&self, last_event: Option<&str>) -> Answer {
        let mut builder = self.headers(Method::GET, &Value::Null);
        if let Some(id) = last_event {
            builder = builder.header("last-event-id", id);
        }
        self.send(builder, "").await
    }

    pub(crate) async fn delete(&self) -> Answer {
        self.send(self.headers(Method::DELETE, &Value::Null), "")
            .await
    }

    pub(crate) async fn send(&self, builder: request::Builder, body: &str) -> Answer {
        let request = builder
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        answered(self.service.clone().call(request)).await
    }
}

pub(crate) fn initialize(version: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }})
}

pub(crate) async fn answered(future: HttpFuture) -> Answer {
    let response: Result<_, Infallible> = soon(future).await;
    let (parts, body) = response.unwrap().into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        events: Events::of(body),
    }
}

/// The answer to a request, with what of its body is still to come.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) events: Events,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.header("content-type").as_deref() == Some("text/event-stream")
    }

    pub(crate) async fn text(self) -> String {
        let body = self.events.body.unwrap().collect().await.unwrap();
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    }

    pub(crate) async fn json(self) -> Value {
        assert_eq!(
            self.header("content-type").as_deref(),
            Some("application/json")
        );
        serde_json::from_str(&self.text().await).unwrap()
    }
}

/// A body read as server-sent events.
#[derive(Debug)]
pub(crate) struct Events {
    body: Option<HttpBody>,
    text: String,
    blocks: VecDeque<Block>,
}

/// What is between two empty lines.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Block {
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<String>,
    /// `Some("")` for an event without a message; `None` for a comment.
    pub(crate) data: Option<String>,
}

impl Block {
    pub(crate) fn is_comment(&self) -> bool {
        self.data.is_none()
    }

    /// The message, where there is one.
    pub(crate) fn message(&self) -> Option<Value> {
        let data = self.data.as_deref().filter(|data| !data.is_empty())?;
        Some(serde_json::from_str(data).unwrap())
    }
}

impl Events {
    pub(crate) fn of(body: HttpBody) -> Self {
        Self {
            body: Some(body),
            text: String::new(),
            blocks: VecDeque::new(),
        }
    }

    /// The next block, comments included; `None` at the end of the stream.
    pub(crate) async fn block(&mut self) -> Option<Block> {
        loop {
            if let Some(block) = self.blocks.pop_front() {
                return Some(block);
            }
            let Some(frame) = self.body.as_mut()?.frame().await else {
                assert_eq!(self.text, "", "a stream ends between blocks");
                self.body = None;
                return None;
            };
            self.text
                .push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                self.blocks.push_back(parsed(block));
                self.text = rest.to_owned();
            }
        }
    }

    /// The next event, with or without a message.
    pub(crate) async fn event(&mut self) -> Option<Block> {
        loop {
            let block = soon(self.block()).await?;
            if !block.is_comment() {
                return Some(block);
            }
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.event().await?.message() {
                return Some(message);
            }
        }
    }

    /// All messages up to the end of the stream.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(message) = self.message().await {
            all.push(message);
        }
        all
    }
}

fn parsed(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines() {
        match line.split_once(':').unwrap() {
            ("", _) => {}
            ("id", id) => block.id = Some(id.trim().to_owned()),
            ("retry", retry) => block.retry = Some(retry.trim().to_owned()),
            ("data", data) => block.data = Some(data.trim().to_owned()),
            other => panic!("an unknown field: {other:?}"),
        }
    }
    block
}

/// What a tool said.
pub(crate) fn said(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_default()
}

/// The method of a notification, or `result` or `error` for a response.
pub(crate) fn kind(message: &Value) -> &str {
    let response = if message.get("error").is_some() {
        "error"
    } else {
        "result"
    };
    message["method"].as_str().unwrap_or(response)
}
