//! What a request leaves in metrics.

use mcp_session::testing::Client;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;

use super::{named, serve, template};

#[tokio::test(start_paused = true)]
async fn the_metrics_facade_hears_of_requests_and_sessions() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let server = serve(template().tool(named("tool")));
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
