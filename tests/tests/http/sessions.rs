//! Proves what GET, DELETE and `Last-Event-ID` do in a handshake session.

use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use mcp_session::server::Limits;
use mcp_session::{Server, Session, Tool};
use serde_json::json;

use crate::http::support::{Client, Probe, kind, said, seen, server, template};

/// Changes the session's tools, so that its client is told.
fn change(session: &Session, name: &str) {
    let tool = Tool::new(name).description("New.").handler(async || "new");
    session.edit(|edit| edit.add_tool(tool)).unwrap();
}

fn only_session(server: &Server) -> Session {
    server.sessions().list().remove(0)
}

#[tokio::test]
async fn events_of_the_standing_stream_replay_in_order_and_once() {
    let (server, _) = server();
    let client = Client::handshake(server.http()).await;
    let session = only_session(&server);
    let mut stream = client.get(None).await.events;
    let priming = stream.event().await.unwrap().id;
    let mut ids = vec![priming.unwrap()];
    for name in ["a", "b", "c"] {
        change(&session, name);
        let event = stream.event().await.unwrap();
        assert_eq!(
            kind(&event.message().unwrap()),
            "notifications/tools/list_changed"
        );
        ids.push(event.id.unwrap());
    }
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    drop(stream);
    // One that nobody was connected for, recorded all the same.
    change(&session, "d");
    for (seen, id) in ids.iter().enumerate() {
        let mut back = client.get(Some(id)).await.events;
        for _ in seen..4 {
            let message = back.message().await.unwrap();
            assert_eq!(kind(&message), "notifications/tools/list_changed");
        }
        assert!(
            back.message().now_or_never().is_none(),
            "once, and the stream stays open"
        );
    }
}

#[tokio::test]
async fn ids_of_other_sessions_of_nobody_and_of_the_future_resume_nothing() {
    let (server, _) = server();
    let client = Client::handshake(server.http()).await;
    let other = Client::handshake(server.http()).await;
    let mut stream = client.get(None).await.events;
    let id = stream.event().await.unwrap().id.unwrap();
    assert_eq!(client.get(Some(&id)).await.status, StatusCode::OK);
    let (rest, seen) = id.rsplit_once('.').unwrap();
    let (tag, _) = rest.rsplit_once('.').unwrap();
    let future = format!("{rest}.{}", seen.parse::<u64>().unwrap() + 1);
    let unknown = format!("{tag}.77.1");
    let bad = [
        "",
        "x",
        "1",
        "0.0.0",
        future.as_str(),
        unknown.as_str(),
        "0000000000000000.0.1",
    ];
    for id in bad {
        let answer = client.get(Some(id)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{id:?}");
        assert_eq!(answer.json().await["error"]["code"], -32600);
    }
    let foreign = other.get(Some(&id)).await;
    let nonsense = other.get(Some("x")).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        foreign.text().await,
        nonsense.text().await,
        "alike, whoever's it is"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_or_too_much_cannot_be_resumed() {
    let limits = Limits::default().replay(3, 10_000, Duration::from_secs(60));
    let server = Server::builder(template(&Probe::new()))
        .limits(limits)
        .build()
        .unwrap();
    let client = Client::handshake(server.http()).await;
    let session = only_session(&server);
    let mut stream = client.get(None).await.events;
    let mut ids = vec![stream.event().await.unwrap().id.unwrap()];
    for name in ["a", "b", "c", "d"] {
        change(&session, name);
        ids.push(stream.event().await.unwrap().id.unwrap());
    }
    let mut statuses = Vec::new();
    for id in &ids {
        statuses.push(client.get(Some(id)).await.status.as_u16());
    }
    assert_eq!(statuses, [400, 200, 200, 200, 200], "three events are kept");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(
        client.get(Some(&ids[3])).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        client.get(Some(&ids[4])).await.status,
        StatusCode::OK,
        "nothing was missed"
    );
}

#[tokio::test]
async fn the_newest_of_several_streams_is_told_and_the_ghost_of_one_hinders_nobody() {
    let (server, _) = server();
    let client = Client::handshake(server.http()).await;
    let session = only_session(&server);
    let mut ghost = client.get(None).await.events;
    ghost.event().await.unwrap();
    let mut fresh = client.get(None).await.events;
    fresh.event().await.unwrap();
    change(&session, "a");
    assert_eq!(
        kind(&fresh.message().await.unwrap()),
        "notifications/tools/list_changed"
    );
    assert!(ghost.message().now_or_never().is_none());
    drop(fresh);
    change(&session, "b");
    assert_eq!(
        kind(&ghost.message().await.unwrap()),
        "notifications/tools/list_changed"
    );
}

#[tokio::test]
async fn calls_survive_the_loss_of_the_standing_stream() {
    let (server, probe) = server();
    let client = Client::handshake(server.http()).await;
    let standing = client.get(None).await;
    let call = client.post(client.call(1, "wait", 1)).await;
    drop(standing);
    let again = client.get(None).await;
    assert_eq!(again.status, StatusCode::OK);
    probe.gate.add_permits(1);
    assert_eq!(said(call.events.rest().await.last().unwrap()), "waited");
}

#[tokio::test]
async fn delete_ends_the_session_and_all_that_belongs_to_it() {
    let (server, probe) = server();
    let client = Client::handshake(server.http()).await;
    let session = only_session(&server);
    let standing = client.get(None).await.events;
    let running = client.post(client.call(1, "wait", 1)).await.events;
    assert_eq!(client.delete().await.status, StatusCode::NO_CONTENT);
    assert_eq!(session.done().await, mcp_session::EndReason::Client);
    seen(&probe.abandoned).await;
    assert_eq!(standing.rest().await.len(), 0);
    assert_eq!(
        running.rest().await.len(),
        1,
        "what was said before, and no answer"
    );
    let list = client.message(2, "tools/list", json!({}));
    let late = [
        client.post(list).await,
        client.get(None).await,
        client.delete().await,
    ];
    assert_eq!(late.map(|answer| answer.status.as_u16()), [404; 3]);
}

#[tokio::test]
async fn streams_before_priming_events_have_ids_and_begin_with_a_message() {
    let (server, _) = server();
    for version in ["2025-03-26", "2025-06-18"] {
        let client = Client::handshake_of(server.http(), version).await;
        let mut stream = client.post(client.call(1, "speak", 1)).await.events;
        let first = stream.event().await.unwrap();
        assert_eq!(kind(&first.message().unwrap()), "notifications/progress");
        drop(stream);
        let rest = client.get(first.id.as_deref()).await.events.rest().await;
        assert_eq!(rest.len(), 1);
        assert_eq!(said(&rest[0]), "spoken");
    }
}
