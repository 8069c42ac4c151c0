//! What requests and sessions leave in traces.
//!
//! In a process of its own: what a thread records is decided once per place in the code, for the
//! whole process, so a subscriber that comes after other threads were there may hear nothing.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::Duration;

use bytes::Bytes;
use http::request::Builder;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::protocol::{Era, ProtocolVersion};
use mcp_session::testing::{Answer, Client};
use mcp_session::transport::http::HttpBody;
use mcp_session::{
    Context, Elicited, JsonSchema, Limits, Principal, SealKeys, Server, Template, Tool, ToolError,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_service::Service;
use tracing_subscriber::fmt::format::FmtSpan;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

thread_local! {
    /// What this thread recorded; a test and its server have one thread.
    static RECORDED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes for the thread it is on.
struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        RECORDED.with_borrow_mut(|recorded| recorded.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Records what every thread does, from before the first of them does anything.
fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_writer(|| ThisThread)
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::CLOSE)
            .init();
    });
}

/// What this thread recorded since it was last asked.
fn recorded() -> String {
    String::from_utf8(RECORDED.take()).unwrap()
}

fn anything() -> Server {
    let said = Tool::new("tool").description("-").handler(async || "tool");
    let fails = Tool::new("fails")
        .description("-")
        .handler(async || Err::<&str, _>(ToolError::new("no")));
    let template = Template::builder("fixture", "1.2.3").tool(said).tool(fails);
    Server::new(template.build().expect("a template without mistakes"))
}

/// The line on which the span of a request closes.
fn closing<'a>(text: &'a str, holds: &str) -> &'a str {
    let mut lines = text.lines();
    let line = lines.find(|line| line.contains("close") && line.contains(holds));
    line.unwrap_or_else(|| panic!("no span closes with {holds}: {text}"))
}

#[tokio::test(start_paused = true)]
async fn a_request_has_a_span_with_the_names_of_opentelemetry() {
    record();
    let server = anything();
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let client = Client::builder(&server).version(version).connect().await;
        let stateless = client.era() == Era::Stateless;
        let params = json!({"name": "tool", "_meta": {"traceparent": PARENT}});
        client.request("tools/call", params).await.unwrap();
        client.call_tool("fails", json!({})).await;
        client.request("no/such", json!({})).await.unwrap_err();
        client.list_tools().await;
        client.settle().await;
        let text = recorded();
        let called = closing(&text, "gen_ai.tool.name=tool");
        for part in [
            r#"mcp.method.name="tools/call""#,
            r#"otel.name="tools/call tool""#,
            r#"gen_ai.operation.name="execute_tool""#,
            r#"network.transport="pipe""#,
            PARENT,
        ] {
            assert!(called.contains(part), "{part}: {called}");
        }
        assert_eq!(called.contains("mcp.session.id="), !stateless);
        assert!(!called.contains("error.type"), "{called}");
        let failed = closing(&text, "gen_ai.tool.name=fails");
        assert!(failed.contains(r#"error.type="tool_error""#), "{failed}");
        let unknown = closing(&text, "_OTHER");
        assert!(unknown.contains(r#"error.type="-32601""#), "{unknown}");
        closing(&text, r#"mcp.method.name="tools/list""#);
        if !stateless {
            closing(&text, r#"mcp.method.name="initialize""#);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_part_of_a_sessions_id_is_in_any_line() {
    record();
    let server = anything();
    let client = Client::handshake(&server).await;
    client.call_tool("tool", json!({})).await;
    let id = client.session().id().clone();
    server.sessions().end(&id);
    client.close().await;
    let text = recorded();
    assert!(text.contains("session ended"), "{text}");
    let mut parts = id.as_str().as_bytes().windows(8);
    let told = parts.find(|part| text.as_bytes().windows(8).any(|line| line == *part));
    assert_eq!(told, None, "{text}");
}

const TOKEN: &str = "correct-horse-battery";

fn post() -> Builder {
    Request::post("/mcp")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
}

async fn send(server: &Server, request: Builder, body: &str) -> Response<HttpBody> {
    let body = Full::new(Bytes::from(body.to_owned()));
    let sent = server.http().call(request.body(body).unwrap());
    sent.await.unwrap()
}

/// Opens a session over HTTP; gives its id.
async fn open(server: &Server) -> String {
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }});
    let answer = send(server, post(), &initialize.to_string()).await;
    let id = answer.headers()["mcp-session-id"].to_str().unwrap();
    id.to_owned()
}

/// A request that differs from a good one by a header.
fn with(name: &'static str, value: &str) -> Builder {
    let mut request = post();
    let headers = request.headers_mut().unwrap();
    headers.insert(name, HeaderValue::from_str(value).unwrap());
    request
}

/// Sends what is refused with this status, and gives all that was recorded of it.
async fn refused(server: &Server, request: Builder, body: &str, status: u16, why: &str) -> String {
    recorded();
    let answer = send(server, request, body).await;
    assert_eq!(answer.status(), status, "{why}");
    drop(answer.into_body().collect().await);
    let text = recorded();
    let refused = text.lines().filter(|line| line.contains("request refused"));
    let [line] = refused.collect::<Vec<_>>()[..] else {
        panic!("not one line: {text}");
    };
    let told = format!("http.response.status_code={status}");
    assert!(line.contains(&told) && line.contains(why), "{why}: {line}");
    text
}

const LIST: &str = r#"{"jsonrpc": "2.0", "id": "secret-7", "method": "tools/list"}"#;

const MODERN: &str = r#"{"jsonrpc": "2.0", "id": "secret-7", "method": "no/such", "params": {"_meta": {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {}
}}}"#;

#[tokio::test(start_paused = true)]
async fn a_refused_http_request_leaves_one_line_with_its_status_and_why() {
    record();
    let ann = Caller::new(Principal::new("test", "ann"));
    let server = Server::builder(Template::builder("fixture", "1").build().unwrap())
        .authenticate(BearerTokens::new().token(TOKEN, ann))
        .limits(Limits::default().message_bytes(1_000));
    let server = server.build().unwrap();
    let id = open(&server).await;
    let long = "x".repeat(1_001);
    let unknown = format!("{}{}", &id[1..], &id[..1]);
    let stranger = "Bearer battery-staple-horse";
    let of_unknown = |method| post().method(method).header("mcp-session-id", &*unknown);
    let gone = "no such session";
    for (request, body, status, why) in [
        (with("host", "evil.example"), LIST, 403, "evil.example"),
        (with("authorization", stranger), LIST, 401, "who is calling"),
        (post().method("PUT"), LIST, 405, "has these methods"),
        (post(), &*long, 413, "1000 bytes"),
        (with("content-type", "text/plain"), LIST, 415, "be JSON"),
        (with("accept", "text/html"), LIST, 406, "Accept"),
        (post(), "{", 400, ""),
        (post(), LIST, 400, "`Mcp-Session-Id` header is missing"),
        (of_unknown("POST"), LIST, 404, gone),
        (of_unknown("GET"), "", 404, gone),
        (of_unknown("DELETE"), "", 404, gone),
        (with("mcp-protocol-version", "2026-07-28"), MODERN, 400, ""),
    ] {
        let text = refused(&server, request, body, status, why).await;
        for secret in [&id[..8], &unknown[..8], "horse", "secret-7"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    let answer = send(&server, with("mcp-session-id", &id), LIST).await;
    assert_eq!(answer.status(), 200);
    assert!(!recorded().contains("refused"), "what is answered is not");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_after_its_retention_leaves_one_line_and_answers_404() {
    record();
    let retention = Duration::from_secs(3_600);
    let server = Server::builder(Template::builder("fixture", "1").build().unwrap())
        .limits(Limits::default().retention(retention))
        .build()
        .unwrap();
    let id = open(&server).await;
    let session = server.sessions().get(&id.as_str().into()).unwrap();
    let tag = format!("{:?}", session.id());
    let tag = tag.trim_start_matches("SessionId(#").trim_end_matches(')');
    drop(send(&server, post().header("mcp-session-id", &*id), "{}").await);
    recorded();
    for _ in 0..60 {
        tokio::time::advance(retention / 50).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    let text = recorded();
    let ended = text.lines().filter(|line| line.contains("session ended"));
    let [line] = ended.collect::<Vec<_>>()[..] else {
        panic!("not one line: {text}");
    };
    for part in ["INFO", &format!("session={tag}"), "reason=idle"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let ping = r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#;
    let answer = send(&server, post().header("mcp-session-id", &*id), ping).await;
    assert_eq!(answer.status(), 404);
}

#[derive(Deserialize, JsonSchema)]
struct Secret {
    word: String,
}

/// A server that asks twice, so that the second state carries the first answer.
fn asking(audience: &str, key: u8) -> Server {
    let tool = |name: &str| {
        Tool::new(name)
            .description("-")
            .handler(async |ctx: Context| {
                for key in ["first", "second"] {
                    if let Elicited::Accept(secret) = ctx.elicit::<Secret>(key, key).await? {
                        assert!(!secret.word.is_empty());
                    }
                }
                Ok::<_, ToolError>("thanks")
            })
    };
    let template = Template::builder("fixture", "1.2.3");
    let template = template.tool(tool("tool")).tool(tool("other"));
    Server::builder(template.build().expect("a template without mistakes"))
        .limits(Limits::default().exchange(EXCHANGE))
        .audience(audience)
        .seal_keys(SealKeys::new([key; SealKeys::LENGTH]))
        .build()
        .expect("a configuration that works")
}

const EXCHANGE: Duration = Duration::from_secs(60);

async fn secretive(server: &Server, name: &str) -> Client {
    Client::builder(server)
        .version(ProtocolVersion::LATEST)
        .principal(Principal::new("test", name))
        .on_elicit(|_| Answer::accept(json!({"word": "xyzzy-plugh"})))
        .connect()
        .await
}

#[tokio::test(start_paused = true)]
async fn why_a_request_state_was_refused_is_in_the_log_and_what_it_holds_is_not() {
    record();
    let home = asking("shop", 1);
    let ann = secretive(&home, "ann").await;
    let call = json!({"name": "tool"});
    let asked = ann.request("tools/call", call.clone()).await.unwrap();
    let again = ann.answered(call.clone(), &asked).await.unwrap();
    let asked = ann.request("tools/call", again).await.unwrap();
    let retry = ann.answered(call, &asked).await.unwrap();
    let state = retry["requestState"].as_str().unwrap().to_owned();
    let with = |member: &str, value: Value| {
        let mut retry = retry.clone();
        retry[member] = value;
        retry
    };
    let changed = match state.split_at(state.len() / 2) {
        (head, tail) if tail.starts_with('A') => format!("{head}B{}", &tail[1..]),
        (head, tail) => format!("{head}A{}", &tail[1..]),
    };
    let bob = secretive(&home, "bob").await;
    let elsewhere = secretive(&asking("bank", 1), "ann").await;
    let rekeyed = secretive(&asking("shop", 2), "ann").await;
    let cases = [
        (
            &ann,
            with("requestState", "A".repeat(70_000).into()),
            "it is too long",
        ),
        (
            &ann,
            with("requestState", "made up".into()),
            "it is no request state",
        ),
        (
            &rekeyed,
            retry.clone(),
            "it was sealed with a key that is not in the ring",
        ),
        (
            &ann,
            with("requestState", changed.into()),
            "it was changed or forged",
        ),
        (
            &elsewhere,
            retry.clone(),
            "it is of another service or variant",
        ),
        (&bob, retry.clone(), "it is another principal's"),
        (
            &ann,
            with("name", "other".into()),
            "it is of another request",
        ),
        (
            &ann,
            with("arguments", json!({"a": 1})),
            "it came with other arguments",
        ),
        (&ann, retry.clone(), "it has expired"),
    ];
    let mut text = recorded();
    for (client, retry, why) in cases {
        if why == "it has expired" {
            tokio::time::advance(EXCHANGE).await;
        }
        let error = client.request("tools/call", retry).await.unwrap_err();
        assert_eq!(error.code, -32602, "{why}");
        assert!(!error.message.contains(why), "{error}");
        let told = recorded();
        let line = told
            .lines()
            .find(|line| line.contains("refused a request state"));
        assert!(line.is_some_and(|line| line.contains(why)), "{why}: {told}");
        text += &told;
    }
    assert!(!text.contains("xyzzy"), "{text}");
    let mut parts = state.as_bytes().windows(8);
    let told = parts.find(|part| text.as_bytes().windows(8).any(|line| line == *part));
    assert_eq!(told, None, "{text}");
}
