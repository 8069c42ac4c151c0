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
async fn nothing_comes_that_was_not_asked_for() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    let deaf = json!({"notifications": {"promptsListChanged": true}});
    let mut empty = client
        .post(client.message(1, "subscriptions/listen", deaf))
        .await
        .events;
    let acknowledged = empty.message().await.unwrap();
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({}),
        "no prompts are declared"
    );
    assert_eq!(
        kind(&empty.message().await.unwrap()),
        "result",
        "so there is nothing to wait for"
    );
    assert_eq!(empty.message().await, None);
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
