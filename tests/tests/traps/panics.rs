//! Code of the user's that panics outside any future is contained all the same.

use mcp_session::protocol::Era;
use mcp_session::testing::Client;
use mcp_session::{Server, Tool};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::{serve, template};

#[derive(Debug, schemars::JsonSchema)]
struct Fragile {
    #[expect(dead_code, reason = "it is never made")]
    text: String,
}

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("while reading arguments")
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_before_it_is_a_future_harms_nobody() {
    let reading = Tool::new("reading")
        .description("-")
        .handler(async |_: Fragile| "never");
    let early = Tool::new("early").description("-").handler(|| {
        assert!(std::env::args().count() == usize::MAX, "before the future");
        async { "never" }
    });
    let server = serve(
        template()
            .tool(reading)
            .tool(early)
            .method("com.example/early", |_, _| {
                assert!(std::env::args().count() == usize::MAX, "before the future");
                async { Ok(serde_json::Map::new()) }
            }),
    );
    for client in [Client::handshake(&server).await, Client::stateless(&server)] {
        for tool in ["reading", "early"] {
            let arguments = json!({"text": "x"});
            let outcome = client.try_call_tool(tool, arguments).await.unwrap();
            assert_eq!(outcome.error(), "the tool failed unexpectedly");
        }
        let error = client.request("com.example/early", json!({})).await;
        assert_eq!(error.unwrap_err().code, -32603);
        assert_eq!(client.call_tool("plain", json!({})).await.text(), "plain");
    }
}

#[tokio::test(start_paused = true)]
async fn a_selector_that_panics_fails_its_own_request_only() {
    let server = Server::builder(template().build().unwrap())
        .variant("beta", template().build().unwrap())
        .select(|opening| match opening.era() {
            Era::Handshake => "beta",
            Era::Stateless => panic!("no choice"),
        })
        .build()
        .unwrap();
    let client = Client::handshake(&server).await;
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let answer = client.raw_request(line).await;
    assert!(answer[0].contains("-32603"), "{answer:?}");
    assert_eq!(client.call_tool("plain", json!({})).await.text(), "plain");
}
