//! Questions from a tool to its client: forms, the client's model, its roots.
#![expect(
    deprecated,
    reason = "roots are deprecated, and older servers still ask for them"
)]

use std::sync::atomic::Ordering;

use rmcp::model::{GetPromptRequestParams, ReadResourceRequestParams, ResourceContents, Root};
use serde_json::json;

use crate::rmcp_client::client::object;
use crate::rmcp_client::{Client, Heard, every_way};

every_way! {
    forms_are_answered
    forms_asked_for_in_two_rounds_are_answered
    the_clients_model_is_asked
    roots_are_known_and_followed
    several_things_are_asked_at_once_and_in_turn
    prompts_and_resources_ask_as_well
    users_may_decline
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

async fn several_things_are_asked_at_once_and_in_turn(client: &mut Client) {
    let said = client.text("book_trip", json!({})).await;
    assert_eq!(said, "12C there, 12C back from Oslo, 1 root");
    for message in ["Which seat out?", "Which seat back from Oslo?"] {
        let Heard::Elicitation(form) = client.next_heard().await else {
            panic!("not a form");
        };
        assert_eq!(form["message"], message);
    }
    assert!(client.heard_nothing_else(), "each was asked once");
}

async fn prompts_and_resources_ask_as_well(client: &mut Client) {
    let plan = GetPromptRequestParams::new("plan").with_arguments(object(json!({"city": "?"})));
    let plan = client.rmcp.get_prompt(plan).await.unwrap();
    let text = plan.messages[0].content.as_text().unwrap();
    assert_eq!(text.text, "Sit in 12C. Plan 2 days in ?.");
    let note = ReadResourceRequestParams::new("notes://0");
    let note = client.rmcp.read_resource(note).await.unwrap();
    let ResourceContents::TextResourceContents { text, .. } = &note.contents[0] else {
        panic!("{note:?}");
    };
    assert_eq!(text, "seat 12C");
}

async fn users_may_decline(client: &mut Client) {
    let declines = &client.rmcp.service().declines;
    declines.store(true, Ordering::SeqCst);
    assert_eq!(client.text("book", json!({})).await, "declined");
    let failed = client.failure("book_trip", json!({})).await;
    assert_eq!(failed, "no seat, no trip");
}
