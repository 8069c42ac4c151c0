//! What an operator sees: counters, sessions in pages and by principal, and that they are sound.

use std::time::Duration;

use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::Client;
use mcp_session::{EndReason, Principal, Server, Session, Tool, ToolError};
use serde_json::json;

use super::{is_stateless, named, serve, template};

fn anything() -> Server {
    let fails = Tool::new("fails")
        .description("-")
        .handler(async || Err::<&str, _>(ToolError::new("no")));
    serve(template().tool(named("tool")).tool(fails))
}

#[tokio::test(start_paused = true)]
async fn what_a_client_says_and_hears_is_counted_for_it_and_for_the_server() {
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let server = anything();
        let client = Client::builder(&server).version(version).connect().await;
        client.settle().await;
        let before = (client.session().stats(), server.stats());
        client.call_tool("tool", json!({})).await;
        client.call_tool("fails", json!({})).await;
        client.request("no/such", json!({})).await.unwrap_err();
        let after = (client.session().stats(), server.stats());
        for (before, after) in [
            (before.0.traffic, after.0.traffic),
            (before.1.traffic, after.1.traffic),
        ] {
            assert_eq!(after.messages_in - before.messages_in, 3, "{version}");
            assert_eq!(after.messages_out - before.messages_out, 3, "{version}");
            assert_eq!(after.errors - before.errors, 1, "{version}");
            assert!(after.bytes_in > before.bytes_in + 100, "{after:?}");
            assert!(after.bytes_out > before.bytes_out + 100, "{after:?}");
        }
        assert_eq!((after.1.sessions, after.1.opened), (1, 1));
        assert_eq!((after.0.in_flight, after.0.queued), (0, 0));
        assert!(after.0.connected || is_stateless(&client));
    }
}

#[tokio::test(start_paused = true)]
async fn times_are_those_of_the_session() {
    let server = anything();
    let client = Client::handshake(&server).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    client.call_tool("tool", json!({})).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    let stats = client.session().stats();
    assert_eq!(stats.age.as_secs(), 90);
    assert_eq!(stats.silence.as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn ends_are_counted_by_their_reason() {
    let server = anything();
    let (one, two) = (
        Client::handshake(&server).await,
        Client::handshake(&server).await,
    );
    let _other = Client::stateless(&server).list_tools().await;
    assert!(server.sessions().end(one.session().id()));
    two.close().await;
    let stats = server.stats();
    assert_eq!(stats.ended(EndReason::Revoked), 1);
    assert_eq!(
        stats.ended(EndReason::Transport),
        2,
        "the stateless client's stream too"
    );
    assert_eq!(stats.ends().map(|(_, count)| count).sum::<u64>(), 3);
    assert_eq!(stats.sessions, 0);
}

#[tokio::test(start_paused = true)]
async fn pages_hold_every_session_once_in_order() {
    let server = anything();
    let mut clients = Vec::new();
    for _ in 0..7 {
        clients.push(Client::handshake(&server).await);
    }
    let mut seen: Vec<Session> = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let after = seen.last().map(|session| session.id().clone());
        let page = server.sessions().page(after.as_ref(), 3);
        sizes.push(page.len());
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(sizes, [3, 3, 1, 0]);
    assert!(seen.is_sorted_by(|a, b| a.id().as_str() < b.id().as_str()));
    assert!(
        clients
            .iter()
            .all(|client| seen.contains(&client.session()))
    );
    assert_eq!(server.sessions().page(None, 0), []);
}

#[tokio::test(start_paused = true)]
async fn the_sessions_of_a_principal_are_found_and_ended_together() {
    let server = anything();
    let (ann, bob) = (Principal::new("test", "ann"), Principal::new("test", "bob"));
    let run = |principal: &Principal| {
        let (_, stream) = tokio::io::duplex(64);
        let (reader, writer) = tokio::io::split(stream);
        server.duplex_as(principal.clone(), reader, writer)
    };
    let runs = [run(&ann), run(&bob), run(&ann)];
    let found = server.sessions().of(&ann);
    assert!(found.len() == 2 && found.contains(&runs[0].session()));
    assert_eq!(server.sessions().end_all(&ann), 2);
    assert_eq!(runs[2].session().done().await, EndReason::Revoked);
    assert_eq!(runs[1].session().end_reason(), None);
    assert_eq!(
        (server.sessions().of(&ann).len(), server.sessions().len()),
        (0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn sessions_in_use_are_sound() {
    let server = anything();
    let client = Client::handshake(&server).await;
    client
        .session()
        .edit(|edit| {
            edit.hide_tool("tool")?;
            edit.add_tool(named("own"))
        })
        .unwrap();
    client
        .notification("notifications/tools/list_changed")
        .await;
    client.call_tool("own", json!({})).await;
    let found = server.sessions().validate();
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_shows_neither_its_id_nor_a_part_of_it() {
    let server = anything();
    let client = Client::handshake(&server).await;
    let session = client.session();
    let shown = format!("{session:?} {:?} {server:?}", session.id());
    assert!(!shown.contains(&session.id().as_str()[..4]), "{shown}");
}
