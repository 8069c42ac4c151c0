//! Questions from a tool to its client: forms, the client's model, its roots.
#![expect(
    deprecated,
    reason = "roots are deprecated, and older servers still ask for them"
)]

use rmcp::model::Root;
use serde_json::json;

use crate::rmcp_client::{Client, Heard, every_way};

every_way! {
    forms_are_answered
    forms_asked_for_in_two_rounds_are_answered
    the_clients_model_is_asked
    roots_are_known_and_followed
}

const BOOKED: &str = "booked 12C (Aisle), 2 bags, meal true";

/// In the default lifecycle, too: a server that answered `initialize` with 2026-07-28 would never
/// get the client's answer.
async fn forms_are_answered(client: &mut Client) {
    assert_eq!(client.text("book", json!({})).await, BOOKED);
    let Heard::Elicitation(form) = client.next_heard().await else {
        panic!("not a form");
    };
    assert_eq!(form["message"], "Which seat?");
    let schema = &form["schema"];
    assert_eq!(schema["required"], json!(["seat", "bags", "meal", "side"]));
    assert_eq!(schema["properties"]["bags"]["maximum"], 3);
    let sides = json!([
        {"const": "window", "title": "At the window."},
        {"const": "aisle", "title": "At the aisle."},
    ]);
    assert_eq!(schema["properties"]["side"]["oneOf"], sides);
    assert_eq!(schema["properties"]["remarks"]["type"], "string");
}

async fn forms_asked_for_in_two_rounds_are_answered(client: &mut Client) {
    if !client.way.has_handshake() {
        assert_eq!(client.text("book_by_hand", json!({})).await, BOOKED);
        assert!(matches!(client.next_heard().await, Heard::Elicitation(_)));
    }
}

async fn the_clients_model_is_asked(client: &mut Client) {
    let said = client.text("ask_model", json!({})).await;
    assert_eq!(said, "model-1 says Oslo");
}

async fn roots_are_known_and_followed(client: &mut Client) {
    assert_eq!(client.text("roots", json!({})).await, "file:///work");
    *client.rmcp.service().roots.lock() = vec![Root::new("file:///play")];
    if !client.way.has_handshake() {
        // Nothing is inferred from earlier requests: every exchange asks.
        assert_eq!(client.text("roots", json!({})).await, "file:///play");
        return;
    }
    client.rmcp.notify_roots_list_changed().await.unwrap();
    // The server asks again on its own; until it has the answer the old set stands.
    while client.text("roots", json!({})).await != "file:///play" {
        tokio::task::yield_now().await;
    }
}
