//! Log messages: a level per session in the handshake era, per request in the stateless one.

use mcp_session::testing::Client;
use mcp_session::{Context, LogLevel, Tool};
use serde_json::{Value, json};

use super::{both, is_stateless, serve, template};

fn talk() -> Tool {
    Tool::new("talk")
        .description("-")
        .handler(async |ctx: Context| {
            ctx.log(LogLevel::Debug, "details");
            ctx.log_as("talker", LogLevel::Info, json!({"said": "hello"}));
            ctx.log(LogLevel::Error, "trouble");
        })
}

async fn levels(client: &Client, meta: Value) -> Vec<Value> {
    let params = json!({"name": "talk", "_meta": meta});
    client.request("tools/call", params).await.unwrap();
    let said = client.notifications().await;
    assert!(said.iter().all(|one| one.method == "notifications/message"));
    said.iter().map(|one| one.params["level"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_handshake_session_has_a_level_that_its_client_sets() {
    let server = serve(template().tool(talk()));
    let client = Client::handshake(&server).await;
    let other = Client::handshake(&server).await;
    assert_eq!(levels(&client, json!({})).await, ["info", "error"]);
    let set = async |level: &str| {
        client
            .request("logging/setLevel", json!({"level": level}))
            .await
    };
    assert_eq!(set("debug").await.unwrap(), json!({}));
    assert_eq!(levels(&client, json!({})).await, ["debug", "info", "error"]);
    set("critical").await.unwrap();
    assert_eq!(levels(&client, json!({})).await, [Value::Null; 0]);
    assert_eq!(set("loud").await.unwrap_err().code, -32602);
    assert_eq!(levels(&other, json!({})).await, ["info", "error"]);
}

#[tokio::test(start_paused = true)]
async fn a_stateless_request_says_which_level_it_wants() {
    let server = serve(template().tool(talk()));
    let client = Client::stateless(&server);
    let wanted = |level: &str| json!({"io.modelcontextprotocol/logLevel": level});
    assert_eq!(
        levels(&client, wanted("debug")).await,
        ["debug", "info", "error"]
    );
    assert_eq!(levels(&client, json!({})).await, [Value::Null; 0]);
    assert_eq!(levels(&client, wanted("warning")).await, ["error"]);
    let params = json!({"name": "talk", "_meta": wanted("loud")});
    assert_eq!(
        client.request("tools/call", params).await.unwrap_err().code,
        -32602
    );
    let error = client
        .request("logging/setLevel", json!({"level": "info"}))
        .await
        .unwrap_err();
    assert_eq!(error.code, -32601);
}

#[tokio::test(start_paused = true)]
async fn a_message_carries_its_logger_and_data() {
    let server = serve(template().tool(talk()));
    both(&server, async |client| {
        let meta = json!({"io.modelcontextprotocol/logLevel": "info"});
        client
            .request("tools/call", json!({"name": "talk", "_meta": meta}))
            .await
            .unwrap();
        let said = client.notification("notifications/message").await;
        let expected = json!({"level": "info", "logger": "talker", "data": {"said": "hello"}});
        assert_eq!(said.params, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_logging_neither_declares_nor_sends_it() {
    let server = serve(template().without_logging().tool(talk()));
    both(&server, async |client| {
        let meta = json!({"io.modelcontextprotocol/logLevel": "debug"});
        assert_eq!(levels(&client, meta).await, [Value::Null; 0]);
        let error = client
            .request("logging/setLevel", json!({"level": "info"}))
            .await
            .unwrap_err();
        assert_eq!(error.code, -32601);
        let declared = if is_stateless(&client) {
            client.request("server/discover", json!({})).await.unwrap()
        } else {
            client.initialized().clone()
        };
        assert!(declared["capabilities"].get("logging").is_none());
    })
    .await;
}
