//! Streams that stay open, and clients that come back to them.

use std::time::Duration;

use futures_util::FutureExt;
use http::{Method, StatusCode};
use mcp_session::{Server, Session, Tool};
use serde_json::{Value, json};

use crate::http::sockets::{listening, read_until};
use crate::http::support::{
    Answer, Client, Events, Probe, kind, now, pass, said, seen, server, template,
};

const EVERY: Duration = Duration::from_secs(15);
const FIVE_MINUTES: u32 = 20;

/// One stream of each kind that there is.
async fn of_every_kind(server: &Server, probe: &Probe) -> Vec<(&'static str, Answer)> {
    let (old, new) = (
        Client::handshake(server.http()).await,
        Client::modern(server.http()),
    );
    let lost = old.post(old.call(7, "wait", 1)).await.events;
    let event = first_id(lost).await;
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let listen = new.message("l", "subscriptions/listen", wish);
    let streams = vec![
        (
            "a call that spoke, handshake era",
            old.post(old.call(1, "wait", 1)).await,
        ),
        (
            "a call that spoke, stateless era",
            new.post(new.call(1, "wait", 1)).await,
        ),
        (
            "a call that is silent, handshake era",
            old.post(old.call(2, "wait", 0)).await,
        ),
        (
            "a call that is silent, stateless era",
            new.post(new.call(2, "wait", 0)).await,
        ),
        ("listen", new.post(listen).await),
        ("replay", old.get(Some(&event)).await),
        ("standing", old.get(None).await),
    ];
    for _ in 0..5 {
        seen(&probe.started).await;
    }
    streams
}

async fn first_id(mut stream: Events) -> String {
    stream.event().await.unwrap().id.unwrap()
}

/// Proxies cut what is silent, and wait for the first byte. Every stream has one at once, is told
/// to pass unbuffered, and says something every fifteen seconds; and with the stream goes its
/// timer.
#[tokio::test(start_paused = true)]
async fn no_stream_is_ever_silent_for_longer_than_fifteen_seconds() {
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let probe = Probe::new();
    let server = Server::new(template(&probe));
    let streams = of_every_kind(&server, &probe).await;
    for (name, answer) in streams {
        assert!(answer.is_stream(), "{name}");
        assert_eq!(
            answer.header("x-accel-buffering").as_deref(),
            Some("no"),
            "{name}"
        );
        let mut events = answer.events;
        let first = events.block().now_or_never();
        assert!(
            first.flatten().is_some(),
            "{name}: the first byte comes at once"
        );
        while events.block().now_or_never().is_some() {}
        let begun = now();
        for round in 1..=FIVE_MINUTES {
            let block = events.block().await.unwrap();
            assert!(block.is_comment(), "{name}: {block:?}");
            let silent = begun.elapsed() - EVERY * (round - 1);
            assert!(silent <= EVERY, "{name}: silent for {silent:?}");
        }
    }
    assert_eq!(server.stats().streams, 0);
    server.shutdown().await;
    assert_eq!(tasks(), 0, "nothing that would still wake up");
}

fn change(session: &Session, name: &str) {
    let tool = Tool::new(name).description("New.").handler(async || "new");
    session.edit(|edit| edit.add_tool(tool)).unwrap();
}

/// Clients drop their stream and come again before anybody could notice: they are let in at once,
/// hear what is new on the newest stream, and lose no call.
#[tokio::test]
async fn a_client_that_comes_again_is_not_in_the_way_of_its_own_ghost() {
    let (server, probe) = server();
    let listening = listening(server).await;
    let client = Client::handshake(listening.server.http()).await;
    let session = listening.server.sessions().list().remove(0);
    let call = client.call(1, "wait", 1);
    let mut calling = listening.send(&client, Method::POST, &call).await;
    seen(&probe.started).await;
    let mut ghosts = Vec::new();
    for round in 0..20 {
        let mut stream = listening.send(&client, Method::GET, &Value::Null).await;
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        change(&session, &format!("tool-{round}"));
        read_until(&mut stream, "list_changed").await;
        if round % 2 == 0 {
            // Closed with something unread, so that the connection is reset.
            change(&session, &format!("unread-{round}"));
        } else {
            ghosts.push(stream);
        }
    }
    probe.gate.add_permits(1);
    read_until(&mut calling, "waited").await;
    drop((ghosts, calling));
    let (served, ()) = tokio::join!(listening.serving, listening.server.shutdown());
    served.unwrap().unwrap();
}

/// Several streams of one session are open side by side, and none is refused for another.
#[tokio::test(start_paused = true)]
async fn streams_of_one_session_stand_side_by_side() {
    let (server, _) = server();
    let client = Client::handshake(server.http()).await;
    let session = server.sessions().list().remove(0);
    let mut open = Vec::new();
    for number in 0..100 {
        let answer = client.get(None).await;
        assert_eq!(answer.status, StatusCode::OK, "the {number}th");
        open.push(answer.events);
    }
    change(&session, "told");
    pass(Duration::from_secs(1)).await;
    let mut told = 0;
    for stream in &mut open {
        told += usize::from(stream.message().now_or_never().is_some());
    }
    assert_eq!(told, 1, "each message goes to one stream");
    let newest = open.pop().unwrap();
    drop(newest);
    change(&session, "again");
    pass(Duration::from_secs(1)).await;
    let next = open.last_mut().unwrap().message().now_or_never().flatten();
    assert_eq!(kind(&next.unwrap()), "notifications/tools/list_changed");
    let call = client.post(client.call(1, "plain", 0)).await;
    assert_eq!(said(&call.json().await), "plain");
}
