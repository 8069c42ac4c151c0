//! What changes while a client is connected: a session's own view, and the template's revision.
#![expect(
    deprecated,
    reason = "`resources/subscribe` is how the handshake era subscribes"
)]

use rmcp::model::{
    GetPromptRequestParams, ReadResourceRequestParams, ServerNotification, SubscribeRequestParams,
    SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::SubscriptionEnd;
use serde_json::json;

use mcp_session_tests::interop::README;

use crate::rmcp_client::{Client, Heard, every_way};

every_way! {
    edits_of_the_own_session_are_announced_and_listed
    hidden_tools_are_unknown
    publishing_concerns_stateless_clients_at_once
    updates_of_a_resource_reach_its_subscribers
    subscriptions_end_when_they_are_called_off
}

async fn edits_of_the_own_session_are_announced_and_listed(client: &mut Client) {
    if !client.way.has_handshake() {
        // Nothing keeps an edit in passing; the tool learns where to edit instead.
        let refused = client.failure("unlock", json!({})).await;
        assert!(refused.contains("on_open"), "{refused}");
        assert!(!client.tools().await.contains(&"vault".to_owned()));
        return;
    }
    let before = client.tools().await;
    assert_eq!(client.text("unlock", json!({})).await, "unlocked");
    let heard = [
        client.next_heard().await,
        client.next_heard().await,
        client.next_heard().await,
    ];
    for family in [Heard::Tools, Heard::Prompts, Heard::Resources] {
        assert!(heard.contains(&family), "{heard:?}");
    }
    let after = client.tools().await;
    assert_eq!(after[..before.len()], before);
    assert_eq!(after[before.len()..], ["vault"]);
    assert_eq!(client.text("vault", json!({})).await, "open");
    let confess = client
        .rmcp
        .get_prompt(GetPromptRequestParams::new("confess"))
        .await
        .unwrap();
    assert_eq!(
        confess.messages[0].content.as_text().unwrap().text,
        "Tell me all."
    );
    let secret = ReadResourceRequestParams::new("docs://secret");
    assert_eq!(
        client
            .rmcp
            .read_resource(secret)
            .await
            .unwrap()
            .contents
            .len(),
        1
    );
    assert!(client.heard_nothing_else());
}

async fn hidden_tools_are_unknown(client: &mut Client) {
    if !client.way.has_handshake() {
        return;
    }
    client.text("lock", json!({"name": "add"})).await;
    assert_eq!(client.next_heard().await, Heard::Tools);
    assert!(!client.tools().await.contains(&"add".to_owned()));
    assert_eq!(client.refusal("add", json!({"a": 1, "b": 2})).await, -32602);
    let again = client.failure("lock", json!({"name": "add"})).await;
    assert!(again.contains("add"), "{again}");
    assert!(client.heard_nothing_else());
}

async fn publishing_concerns_stateless_clients_at_once(client: &mut Client) {
    if client.way.has_handshake() {
        client.text("publish", json!({"name": "tides"})).await;
        let tools = client.tools().await;
        assert!(
            !tools.contains(&"tides".to_owned()),
            "an open session keeps its snapshot"
        );
        assert!(client.heard_nothing_else());
        return;
    }
    // Listed once, so that rmcp has a page in its cache that the notice has to drop.
    assert!(!client.tools().await.contains(&"tides".to_owned()));
    let filter = SubscriptionFilter::builder()
        .tools_list_changed()
        .prompts_list_changed()
        .build();
    let mut listening = client.rmcp.listen(filter.clone()).await.unwrap();
    assert_eq!(*listening.acknowledged(), filter);
    client.text("publish", json!({"name": "tides"})).await;
    let notice = listening.next().await.unwrap().unwrap();
    assert!(
        matches!(notice, ServerNotification::ToolListChangedNotification(_)),
        "{notice:?}"
    );
    assert!(client.tools().await.contains(&"tides".to_owned()));
    assert_eq!(client.text("tides", json!({})).await, "open");
}

async fn updates_of_a_resource_reach_its_subscribers(client: &mut Client) {
    if client.way.has_handshake() {
        client
            .rmcp
            .subscribe(SubscribeRequestParams::new(README))
            .await
            .unwrap();
        client.text("touch", json!({})).await;
        assert_eq!(client.next_heard().await, Heard::Updated(README.to_owned()));
        client
            .rmcp
            .unsubscribe(UnsubscribeRequestParams::new(README))
            .await
            .unwrap();
        client.text("touch", json!({})).await;
        client.text("lock", json!({"name": "fail"})).await;
        assert_eq!(
            client.next_heard().await,
            Heard::Tools,
            "and no update before it"
        );
        return;
    }
    let filter = SubscriptionFilter::builder()
        .resource_subscription(README)
        .build();
    let mut listening = client.rmcp.listen(filter).await.unwrap();
    client.text("touch", json!({})).await;
    let notice = listening.next().await.unwrap().unwrap();
    let ServerNotification::ResourceUpdatedNotification(update) = notice else {
        panic!("{notice:?}");
    };
    assert_eq!(update.params.uri, README);
}

async fn subscriptions_end_when_they_are_called_off(client: &mut Client) {
    if client.way.has_handshake() {
        return;
    }
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    let mut first = client.rmcp.listen(filter.clone()).await.unwrap();
    let mut second = client.rmcp.listen(filter).await.unwrap();
    assert_ne!(first.id(), second.id());
    first.cancel().await.unwrap();
    assert!(matches!(first.end(), Some(SubscriptionEnd::Cancelled)));
    client.text("publish", json!({"name": "ebb"})).await;
    let notice = second.next().await.unwrap();
    assert!(matches!(
        notice,
        Some(ServerNotification::ToolListChangedNotification(_))
    ));
}
