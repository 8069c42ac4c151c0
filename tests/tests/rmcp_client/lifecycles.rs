//! Beginnings and ends: which era a client gets, beside whom, and that nothing is left behind.

use rmcp::model::{ProtocolVersion, SubscriptionFilter};
use rmcp::service::{ClientLifecycleMode, SubscriptionEnd};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientServiceExt, ServiceExt};
use serde_json::json;
use tokio::process::ChildStdin;

use mcp_session::EndReason;

use crate::rmcp_client::client::Handler;
use crate::rmcp_client::way::{Served, bounded, server_command};
use crate::rmcp_client::{Client, Heard, Lifecycle, Over, Way};

/// A client over HTTP of a server that others use, too.
async fn connect(served: &Served, lifecycle: ClientLifecycleMode, ask: ProtocolVersion) -> Client {
    let (handler, heard) = Handler::new(ask);
    let transport = StreamableHttpClientTransport::from_uri(served.url());
    let running = handler
        .serve_with_lifecycle(transport, lifecycle)
        .await
        .unwrap();
    let version = running.peer_info().unwrap().protocol_version.clone();
    let lifecycle = if version.has_initialize() {
        Lifecycle::Initialize
    } else {
        Lifecycle::Discover
    };
    Client::new(Way::new(lifecycle, Over::Http), running, heard)
}

fn discover() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    }
}

#[tokio::test]
async fn every_handshake_revision_is_negotiated_as_asked() {
    bounded(async {
        let served = Served::start().await;
        for version in ProtocolVersion::KNOWN_VERSIONS {
            let asked = version.clone();
            let client = connect(&served, ClientLifecycleMode::Initialize, asked).await;
            let expected = if version.has_initialize() {
                version
            } else {
                &ProtocolVersion::V_2025_11_25
            };
            assert_eq!(client.server().protocol_version, *expected);
            let sum = client.call("add", json!({"a": 1, "b": 1})).await.unwrap();
            let structured = *expected >= ProtocolVersion::V_2025_06_18;
            assert_eq!(sum.structured_content.is_some(), structured, "{version}");
            client.close().await;
        }
        served.stop().await;
    })
    .await;
}

fn auto_before(version: ProtocolVersion) -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![version.clone()],
        legacy_version: Some(version),
    }
}

#[tokio::test]
async fn a_client_that_prefers_an_older_revision_falls_back_to_initialize() {
    bounded(async {
        let served = Served::start().await;
        let older = ProtocolVersion::V_2025_06_18;
        let client = connect(&served, auto_before(older.clone()), older.clone()).await;
        assert_eq!(client.server().protocol_version, older);
        assert_eq!(
            client.text("greet", json!({"name": "you"})).await,
            "Hello, you!"
        );
        client.close().await;
        served.stop().await;

        let transport = TokioChildProcess::new(server_command()).unwrap();
        let client = ().serve_with_lifecycle(transport, auto_before(older.clone())).await.unwrap();
        assert_eq!(client.peer_info().unwrap().protocol_version, older);
        assert_eq!(client.list_tools(None).await.unwrap().tools[0].name, "add");
        client.cancel().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn both_eras_are_served_side_by_side_and_apart() {
    bounded(async {
        let served = Served::start().await;
        let ask = ProtocolVersion::V_2025_11_25;
        let mut one = connect(&served, ClientLifecycleMode::Initialize, ask.clone()).await;
        let other = connect(&served, ClientLifecycleMode::Initialize, ask.clone()).await;
        let stateless = connect(&served, discover(), ask).await;
        assert_eq!(
            served.server.sessions().len(),
            2,
            "discovering opens no session"
        );

        let before = (other.tools().await, stateless.tools().await);
        one.text("unlock", json!({})).await;
        one.text("lock", json!({"name": "add"})).await;
        assert!(matches!(
            one.next_heard().await,
            Heard::Tools | Heard::Prompts | Heard::Resources
        ));
        assert_eq!((other.tools().await, stateless.tools().await), before);
        assert_eq!(other.refusal("vault", json!({})).await, -32602);
        assert_eq!(stateless.refusal("vault", json!({})).await, -32602);
        let sum = other.call("add", json!({"a": 1, "b": 2})).await.unwrap();
        assert_eq!(sum.structured_content, Some(json!({"sum": 3})));
        assert!(other.heard_nothing_else());

        for client in [one, other, stateless] {
            client.close().await;
        }
        served.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_session_along() {
    bounded(async {
        let served = Served::start().await;
        let ask = ProtocolVersion::V_2025_11_25;
        let client = connect(&served, ClientLifecycleMode::Initialize, ask).await;
        let session = served.server.sessions().list().remove(0);
        assert_eq!(
            session.client().unwrap().info().unwrap().name,
            "interop-client"
        );
        client.close().await;
        assert_eq!(session.done().await, EndReason::Client);
        assert!(served.server.sessions().is_empty());
        served.stop().await;
    })
    .await;
}

#[tokio::test]
async fn edits_from_outside_reach_an_idle_client() {
    bounded(async {
        let served = Served::start().await;
        let ask = ProtocolVersion::V_2025_11_25;
        let mut client = connect(&served, ClientLifecycleMode::Initialize, ask).await;
        client.tools().await;
        let session = served.server.sessions().list().remove(0);
        session.edit(|edit| edit.hide_tool("greet")).unwrap();
        assert_eq!(client.next_heard().await, Heard::Tools);
        assert!(!client.tools().await.contains(&"greet".to_owned()));
        client.close().await;
        served.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_whose_session_was_revoked_begins_anew() {
    bounded(async {
        let served = Served::start().await;
        let ask = ProtocolVersion::V_2025_11_25;
        let client = connect(&served, ClientLifecycleMode::Initialize, ask).await;
        client.text("unlock", json!({})).await;
        let first = served.server.sessions().list().remove(0);
        assert!(served.server.sessions().end(first.id()));
        assert_eq!(first.done().await, EndReason::Revoked);
        // rmcp meets the 404, initializes again and repeats the call: in a view without edits.
        assert_eq!(client.refusal("vault", json!({})).await, -32602);
        let second = served.server.sessions().list().remove(0);
        assert_ne!(second.id(), first.id());
        client.close().await;
        served.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_ends_subscriptions_with_their_result() {
    bounded(async {
        let served = Served::start().await;
        let client = connect(&served, discover(), ProtocolVersion::default()).await;
        let filter = SubscriptionFilter::builder().tools_list_changed().build();
        let mut listening = client.rmcp.listen(filter).await.unwrap();
        served.stop().await;
        assert!(listening.next().await.unwrap().is_none());
        assert!(matches!(
            listening.end(),
            Some(SubscriptionEnd::Graceful(_))
        ));
        client.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_server_over_stdio_exits_by_itself_when_its_input_ends() {
    bounded(async {
        let mut child = server_command()
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input: ChildStdin = child.stdin.take().unwrap();
        let output = child.stdout.take().unwrap();
        // A client without roots: nothing is on its way to it when it leaves.
        let client = ().serve((output, input)).await.unwrap();
        client.cancel().await.unwrap();
        assert!(child.wait().await.unwrap().success());
    })
    .await;
}
