//! What a request leaves in traces and metrics.

use std::io::Write;
use std::sync::Arc;

use mcp_session::testing::Client;
use mcp_session::{Server, Tool, ToolError};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use parking_lot::Mutex;
use serde_json::json;
use tracing_subscriber::fmt::format::FmtSpan;

use super::{both, is_stateless, named, serve, template};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Where spans are written as they close.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// Records what this thread does until the guard is dropped.
    fn record(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::CLOSE)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock())).unwrap()
    }
}

fn anything() -> Server {
    let fails = Tool::new("fails")
        .description("-")
        .handler(async || Err::<&str, _>(ToolError::new("no")));
    serve(template().tool(named("tool")).tool(fails))
}

/// The line on which the span of a request closes.
fn closing<'a>(text: &'a str, holds: &str) -> &'a str {
    let mut lines = text.lines();
    let line = lines.find(|line| line.contains("close") && line.contains(holds));
    line.unwrap_or_else(|| panic!("no span closes with {holds}: {text}"))
}

#[tokio::test(start_paused = true)]
async fn a_request_has_a_span_with_the_names_of_opentelemetry() {
    let (server, written) = (anything(), Written::default());
    let _recording = written.record();
    both(&server, async |client| {
        let params = json!({"name": "tool", "_meta": {"traceparent": PARENT}});
        client.request("tools/call", params).await.unwrap();
        client.call_tool("fails", json!({})).await;
        client.request("no/such", json!({})).await.unwrap_err();
        client.list_tools().await;
        client.settle().await;
        let text = written.text();
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
        assert_eq!(called.contains("mcp.session.id="), !is_stateless(&client));
        assert!(!called.contains("error.type"), "{called}");
        let failed = closing(&text, "gen_ai.tool.name=fails");
        assert!(failed.contains(r#"error.type="tool_error""#), "{failed}");
        let unknown = closing(&text, "_OTHER");
        assert!(unknown.contains(r#"error.type="-32601""#), "{unknown}");
        closing(&text, r#"mcp.method.name="tools/list""#);
        if !is_stateless(&client) {
            closing(&text, r#"mcp.method.name="initialize""#);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_part_of_a_sessions_id_is_in_any_line() {
    let (server, written) = (anything(), Written::default());
    let recording = written.record();
    let client = Client::handshake(&server).await;
    client.call_tool("tool", json!({})).await;
    let id = client.session().id().clone();
    server.sessions().end(&id);
    client.close().await;
    drop(recording);
    let text = written.text();
    assert!(text.contains("session ended"), "{text}");
    let mut parts = id.as_str().as_bytes().windows(8);
    let told = parts.find(|part| text.as_bytes().windows(8).any(|line| line == *part));
    assert_eq!(told, None, "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_metrics_facade_hears_of_requests_and_sessions() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let server = anything();
    let client = Client::handshake(&server).await;
    client.call_tool("tool", json!({})).await;
    client.request("no/such", json!({})).await.unwrap_err();
    client.settle().await;
    let mut seen = Vec::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let (name, labels) = key.key().clone().into_parts();
        let labels: Vec<_> = labels
            .iter()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let value = match value {
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => values.len() as f64,
            DebugValue::Counter(_) => 0.0,
        };
        seen.push((format!("{} {}", name.as_str(), labels.join(",")), value));
    }
    let expect = |name: &str, expected: f64| {
        let found = seen.iter().find(|(seen, _)| seen == name);
        assert_eq!(
            found.map(|(_, value)| *value),
            Some(expected),
            "{name}: {seen:?}"
        );
    };
    expect(
        "mcp.server.operation.duration mcp.method.name=tools/call",
        1.0,
    );
    expect(
        "mcp.server.operation.duration mcp.method.name=_OTHER,error.type=-32601",
        1.0,
    );
    expect("mcp.server.sessions ", 1.0);
    server.sessions().end(client.session().id());
    let ended = snapshotter.snapshot().into_vec();
    let duration =
        |key: &metrics_util::CompositeKey| key.key().name() == "mcp.server.session.duration";
    assert!(ended.iter().any(|(key, ..)| duration(key)));
}
