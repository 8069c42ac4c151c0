//! What a request leaves in traces.
//!
//! In a process of its own: what a thread records is decided once per place in the code, for the
//! whole process, so a subscriber that comes after other threads were there may hear nothing.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::Duration;

use mcp_session::protocol::{Era, ProtocolVersion};
use mcp_session::testing::Client;
use mcp_session::{Server, Template, Tool, ToolError};
use serde_json::json;
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

/// An answer over HTTP to a message.
async fn posted(server: &Server, message: &serde_json::Value) -> http::StatusCode {
    let request = http::Request::post("/mcp")
        .header("host", "localhost")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .body(http_body_util::Full::new(bytes::Bytes::from(
            message.to_string(),
        )));
    let answered = server.http().call(request.unwrap()).await;
    answered.unwrap().status()
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_given_up_is_one_line_with_its_tag_and_the_reason() {
    record();
    let server = anything();
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "gone", "version": "1"},
    }});
    assert!(posted(&server, &initialize).await.is_success());
    let session = server.sessions().list().remove(0);
    recorded();
    tokio::time::sleep(Duration::from_secs(25 * 60 * 60)).await;
    assert!(server.sessions().is_empty());
    let text = recorded();
    let mut lines = text.lines().filter(|line| line.contains("session ended"));
    let line = lines.next().unwrap();
    let shown = format!("{:?}", session.id());
    let tag = shown
        .trim_start_matches("SessionId(#")
        .trim_end_matches(')');
    assert!(
        line.contains(" INFO ") && line.contains("reason=idle"),
        "{line}"
    );
    assert!(line.contains(&format!("session={tag}")), "{line}");
    assert_eq!(lines.next(), None);
}
