//! `subscriptions/listen`, and subscriptions of the handshake era.

use mcp_session::server::Farewell;
use mcp_session::testing::Client;
use mcp_session::{Resource, Server, Variant};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::{named, serve, template};

fn watched() -> Server {
    let resource = |uri: &str| Resource::new(uri, uri).text("-");
    serve(
        template()
            .tool(named("tool"))
            .resource(resource("x:a"))
            .resource(resource("x:b")),
    )
}

#[tokio::test(start_paused = true)]
async fn exactly_what_can_be_delivered_is_acknowledged() {
    let server = watched();
    let client = Client::stateless(&server);
    let wish = json!({
        "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": false,
        "resourceSubscriptions": ["x:a", "x:unknown"], "future": {"thing": 1},
    });
    let stream = client.listen(wish).await.unwrap();
    let granted = json!({"toolsListChanged": true, "resourceSubscriptions": ["x:a", "x:unknown"]});
    assert_eq!(stream.granted(), &granted);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_can_carry_nothing_is_complete_at_once() {
    let server = watched();
    let client = Client::stateless(&server);
    for wish in [json!({}), json!({"promptsListChanged": true})] {
        let stream = client.listen(wish).await.unwrap();
        assert_eq!(stream.granted(), &json!({}));
        assert_eq!(stream.closed().await.unwrap()["resultType"], "complete");
    }
    let error = client
        .listen(json!({"toolsListChanged": "yes"}))
        .await
        .unwrap_err();
    assert_eq!(error.code, -32602);
    let error = client
        .request("subscriptions/listen", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code, -32602);
}

#[tokio::test(start_paused = true)]
async fn everything_on_a_stream_is_tagged_with_the_requests_own_id() {
    let server = watched();
    let client = Client::stateless(&server);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for id in [json!("listen:1"), json!(41)] {
        let params = json!({"_meta": meta, "notifications": {"toolsListChanged": true}});
        let line = json!({
            "jsonrpc": "2.0", "id": id, "method": "subscriptions/listen", "params": params,
        });
        client.send_line(&line.to_string()).await;
        let tag = |said: &Value| said["_meta"]["io.modelcontextprotocol/subscriptionId"].clone();
        let acknowledged = client.next_notification().await;
        assert_eq!(
            acknowledged.method,
            "notifications/subscriptions/acknowledged"
        );
        assert_eq!(tag(&acknowledged.params), id);
        let changed = named("tool").title(id.to_string());
        server
            .publish(Variant::DEFAULT, |edit| edit.add_tool(changed))
            .await
            .unwrap();
        assert_eq!(tag(&client.next_notification().await.params), id);
        client
            .notify("notifications/cancelled", json!({"requestId": id}))
            .await;
        client.settle().await;
    }
    server
        .publish(Variant::DEFAULT, |edit| edit.hide_tool("tool"))
        .await
        .unwrap();
    assert_eq!(client.notifications().await, [], "both were cancelled");
}

#[tokio::test(start_paused = true)]
async fn an_update_reaches_who_subscribed_to_that_resource() {
    let server = watched();
    let (stateless, handshake) = (Client::stateless(&server), Client::handshake(&server).await);
    let stream = stateless
        .listen(json!({"resourceSubscriptions": ["x:a"]}))
        .await
        .unwrap();
    let subscribed = handshake
        .request("resources/subscribe", json!({"uri": "x:a"}))
        .await;
    assert_eq!(subscribed.unwrap(), json!({}));
    let notifier = server.notifier();
    tokio::task::spawn_blocking(move || {
        notifier.resource_updated("x:a");
        notifier.resource_updated("x:b");
    })
    .await
    .unwrap();
    let heard = stream.heard().await;
    assert_eq!((heard.len(), &heard[0].params["uri"]), (1, &json!("x:a")));
    let heard = handshake.notifications().await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].params, json!({"uri": "x:a"}));
    handshake
        .request("resources/unsubscribe", json!({"uri": "x:a"}))
        .await
        .unwrap();
    server.notifier().resource_updated("x:a");
    assert_eq!(handshake.notifications().await, []);
}

#[tokio::test(start_paused = true)]
async fn only_what_can_be_read_can_be_subscribed_to() {
    let server = watched();
    let handshake = Client::handshake(&server).await;
    let error = handshake
        .request("resources/subscribe", json!({"uri": "x:c"}))
        .await
        .unwrap_err();
    assert_eq!(error.code, -32002);
    handshake
        .request("resources/unsubscribe", json!({"uri": "x:c"}))
        .await
        .unwrap();
    let stateless = Client::stateless(&server);
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let error = stateless
            .request(method, json!({"uri": "x:a"}))
            .await
            .unwrap_err();
        assert_eq!(error.code, -32601);
    }
    let error = handshake
        .request("subscriptions/listen", json!({"notifications": {}}))
        .await;
    assert_eq!(error.unwrap_err().code, -32601);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_stream_gets_no_answer() {
    let server = watched();
    let client = Client::stateless(&server);
    let stream = client
        .listen(json!({"toolsListChanged": true}))
        .await
        .unwrap();
    let mut pending = stream.cancel().await;
    client.settle().await;
    server
        .publish(Variant::DEFAULT, |edit| edit.hide_tool("tool"))
        .await
        .unwrap();
    assert_eq!(client.notifications().await, []);
    assert!(!pending.is_answered());
}

/// What a byte stream carries behind the acknowledgement of a `subscriptions/listen` that the
/// server ends: by a shutdown, or because the input has ended.
async fn goodbye(server: &Server, wish: Value, by_shutdown: bool) -> Vec<Value> {
    let (client, stream) = tokio::io::duplex(1 << 16);
    let (reader, writer) = tokio::io::split(stream);
    let run = tokio::spawn(server.duplex(reader, writer).serve());
    let (output, mut input) = tokio::io::split(client);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"_meta": meta, "notifications": wish});
    let method = "subscriptions/listen";
    let listen = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    input
        .write_all(format!("{listen}\n").as_bytes())
        .await
        .unwrap();
    let mut lines = BufReader::new(output).lines();
    let acknowledged = lines.next_line().await.unwrap().unwrap();
    assert!(acknowledged.contains("subscriptions/acknowledged"));
    if by_shutdown {
        server.shutdown().await;
    } else {
        input.shutdown().await.unwrap();
    }
    let mut rest = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        rest.push(serde_json::from_str(&line).unwrap());
    }
    run.await.unwrap().unwrap();
    rest
}

#[tokio::test(start_paused = true)]
async fn the_operator_chooses_how_the_server_ends_a_stream_over_a_byte_stream() {
    let tag = "io.modelcontextprotocol/subscriptionId";
    let both = ["cancelled", "result"];
    for (farewell, expected) in [
        (Farewell::CancelledThenResult, &both[..]),
        (Farewell::Cancelled, &both[..1]),
        (Farewell::Result, &both[1..]),
    ] {
        for by_shutdown in [false, true] {
            let template = template().tool(named("tool")).build().unwrap();
            let server = Server::builder(template).farewell(farewell);
            let server = server.build().unwrap();
            let empty = goodbye(&server, json!({}), false).await;
            assert_eq!(empty.len(), 1, "nothing but the answer was asked for");
            assert_eq!(empty[0]["result"]["resultType"], "complete");
            let wish = json!({"toolsListChanged": true});
            let said = goodbye(&server, wish, by_shutdown).await;
            let kinds = said.iter().map(|one| {
                if one["method"] == "notifications/cancelled" {
                    assert_eq!(one["params"]["requestId"], 1);
                    return "cancelled";
                }
                assert_eq!(one["id"], 1);
                assert_eq!(one["result"]["_meta"][tag], 1);
                "result"
            });
            assert_eq!(kinds.collect::<Vec<_>>(), expected, "{farewell:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_streams_with_a_result() {
    let server = watched();
    let client = Client::stateless(&server);
    let stream = client
        .listen(json!({"toolsListChanged": true}))
        .await
        .unwrap();
    let id = stream.id().clone();
    let (result, ()) = tokio::join!(stream.closed(), server.shutdown());
    let result = result.unwrap();
    assert_eq!(result["resultType"], "complete");
    let tag = &result["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(tag, &serde_json::to_value(&id).unwrap());
}
