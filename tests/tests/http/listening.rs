//! Proves what `subscriptions/listen` sends: the acknowledgement first, then what was asked for,
//! all of it tagged.

use futures_util::FutureExt;
use mcp_session::{Server, Tool, Variant};
use serde_json::{Value, json};

use crate::http::support::{Client, kind, server};

const TAG: &str = "io.modelcontextprotocol/subscriptionId";

async fn publish(server: &Server, name: &str) {
    let tool = Tool::new(name).description("New.").handler(async || "new");
    server
        .publish(Variant::DEFAULT, |edit| edit.add_tool(tool))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_acknowledgement_is_first_and_everything_carries_the_requests_own_id() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    for id in [json!("listen:1"), json!(1), json!("1")] {
        let params = json!({"notifications": {"toolsListChanged": true}});
        let answer = client
            .post(client.message(id.clone(), "subscriptions/listen", params))
            .await;
        assert!(answer.is_stream());
        let mut stream = answer.events;
        let acknowledged = stream.message().now_or_never().flatten().unwrap();
        assert_eq!(
            kind(&acknowledged),
            "notifications/subscriptions/acknowledged"
        );
        assert_eq!(
            acknowledged["params"]["notifications"],
            json!({"toolsListChanged": true})
        );
        publish(
            &server,
            &format!("tool-{}", id.to_string().replace(['"', ':'], "-")),
        )
        .await;
        let changed = stream.message().await.unwrap();
        assert_eq!(kind(&changed), "notifications/tools/list_changed");
        for message in [acknowledged, changed] {
            assert_eq!(
                message["params"]["_meta"][TAG], id,
                "the same value and type"
            );
        }
        assert!(
            stream.message().now_or_never().is_none(),
            "once, and the stream stays open"
        );
    }
}

#[tokio::test]
async fn a_stream_that_can_carry_nothing_is_complete_at_once() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    // Nothing is asked for, in one way or another; or no prompts are declared.
    for wish in [
        json!({}),
        json!({"toolsListChanged": false, "resourceSubscriptions": []}),
        json!({"promptsListChanged": true}),
    ] {
        let params = json!({"notifications": wish});
        let listen = client.message("l", "subscriptions/listen", params);
        let said = client.post(listen).await.events.rest().await;
        let kinds: Vec<_> = said.iter().map(kind).collect();
        let acknowledged = "notifications/subscriptions/acknowledged";
        assert_eq!(kinds, [acknowledged, "result"], "{wish}");
        assert_eq!(said[0]["params"]["notifications"], json!({}));
        assert_eq!(said[1]["id"], "l");
        assert_eq!(said[1]["result"]["resultType"], "complete");
        assert_eq!(said[1]["result"]["_meta"][TAG], "l");
    }
    assert_eq!(server.stats().listening, 0, "none of them stays open");
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_forgotten() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    let params = json!({"notifications": {"toolsListChanged": true}});
    let open = || client.post(client.message(1, "subscriptions/listen", params.clone()));
    let mut kept = open().await.events;
    let dropped = open().await.events;
    kept.message().await.unwrap();
    drop(dropped);
    publish(&server, "after").await;
    let told: Value = kept.message().await.unwrap();
    assert_eq!(kind(&told), "notifications/tools/list_changed");
    // Nothing holds the server up: there is no stream but the one that is closed here.
    let (rest, ()) = tokio::join!(kept.rest(), server.shutdown());
    assert_eq!(rest.iter().map(kind).collect::<Vec<_>>(), ["result"]);
}
