//! Lines that are no messages, and messages of two eras on one stream.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Client, call, initialize, ping, stateless};
use crate::catalog::Tool;
use crate::server::{Limits, Server, Session, Template};

const VERSION: &str = "2025-11-25";

fn tools(answer: &Value) -> Vec<&str> {
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_bad_line_is_answered_once_and_the_next_one_works() {
    let mut client = Client::initialized(Limits::default().message_bytes(300), VERSION).await;
    let long = format!("{{\"long\":\"{}\"}}", "x".repeat(20_000));
    let cases = [
        ("not json", -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1", -32700),
        ("[]", -32600),
        ("7", -32600),
        (&long, -32600),
    ];
    for (line, code) in cases {
        client
            .send_text(&format!("{line}\r\n\n \n{}\r\n", ping(9)))
            .await;
        let refused = client.receive().await;
        assert_eq!(refused["error"]["code"], code, "{line:.20}");
        assert_eq!(
            client.receive().await,
            json!({"jsonrpc": "2.0", "id": 9, "result": {}})
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_line_needs_no_break() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    client.send_text(&ping(1).to_string()).await;
    client.close().await;
    let rest = client.rest().await;
    assert_eq!(rest, [json!({"jsonrpc": "2.0", "id": 1, "result": {}})]);
    client.run.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_right_behind_initialize_finds_the_session_open() {
    let template = Template::builder("slow to open", "1.0.0")
        .tool(Tool::new("old").description("Old.").handler(async || "old"))
        .on_open(async |session: Session| {
            tokio::task::yield_now().await;
            let fresh = Tool::new("new").description("New.").handler(async || "new");
            session.edit(|edit| edit.add_tool(fresh))?;
            Ok(())
        })
        .build()
        .unwrap();
    let mut client = Client::of(
        Server::new(template),
        Semaphore::new(0).into(),
        Arc::default(),
    );
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    client
        .send_text(&format!("{}\n{initialized}\n{list}\n", initialize(VERSION)))
        .await;
    assert_eq!(client.receive().await["id"], 0);
    assert_eq!(tools(&client.receive().await), ["old", "new"]);
}

#[tokio::test(start_paused = true)]
async fn the_eras_share_a_stream_and_no_session() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    client.call(1, "hide").await;
    let changed = client.receive().await;
    assert_eq!(changed["method"], "notifications/tools/list_changed");
    assert_eq!(client.answer().await, (1, "hidden".to_owned()));
    client
        .send(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}))
        .await;
    assert_eq!(
        tools(&client.receive().await),
        ["wait", "stuck", "ask", "hide"]
    );
    client.send(&stateless(3, "tools/list", json!({}))).await;
    assert_eq!(
        tools(&client.receive().await),
        ["echo", "wait", "stuck", "ask", "hide"]
    );
    client
        .send(&stateless(4, "tools/call", json!({"name": "hide"})))
        .await;
    assert_eq!(client.receive().await["result"]["isError"], true);
}

#[tokio::test(start_paused = true)]
async fn an_id_in_flight_is_refused_whatever_the_eras() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    client
        .send(&stateless(7, "tools/call", json!({"name": "wait"})))
        .await;
    client.send(&ping(7)).await;
    assert_eq!(client.receive().await["error"]["code"], -32600);
    client.send(&call(8, "wait")).await;
    client
        .send(&stateless(8, "server/discover", json!({})))
        .await;
    assert_eq!(client.receive().await["error"]["code"], -32600);
    client.gate.add_permits(2);
    let mut ids = [client.answer().await.0, client.answer().await.0];
    ids.sort_unstable();
    assert_eq!(ids, [7, 8]);
    client.send(&ping(7)).await;
    assert_eq!(client.receive().await["id"], 7);
}
