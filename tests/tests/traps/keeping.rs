//! What a session keeps of a client is bounded, however large its messages may be.

use mcp_session::ResourceTemplate;
use mcp_session::testing::Client;
use serde_json::json;

use super::{serve, template};

#[tokio::test(start_paused = true)]
async fn a_client_cannot_make_a_session_keep_megabytes() {
    let any = ResourceTemplate::new("x:{+path}", "any").handler(async || "-");
    let server = serve(template().resource(any));
    let large = "x".repeat(1_000_000);

    let client = Client::builder(&server).attach();
    let introduction = |experimental: &str| {
        json!({"protocolVersion": "2025-11-25", "clientInfo": {"name": "c", "version": "1"},
               "capabilities": {"experimental": {"e": {"e": experimental}}}})
    };
    let error = client.request("initialize", introduction(&large)).await;
    assert_eq!(error.unwrap_err().code, -32602);
    let small = client.request("initialize", introduction("small")).await;
    assert!(small.is_ok(), "{small:?}");

    let uri = format!("x:{large}");
    let error = client
        .request("resources/subscribe", json!({"uri": uri}))
        .await;
    assert_eq!(error.unwrap_err().code, -32602);
    let read = client.request("resources/read", json!({"uri": uri})).await;
    assert!(read.is_ok(), "what is not kept may be long");

    let client = Client::stateless(&server);
    let error = client.listen(json!({"resourceSubscriptions": [uri]})).await;
    assert_eq!(error.unwrap_err().code, -32602);
}
