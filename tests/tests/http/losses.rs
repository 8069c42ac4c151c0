//! Proves what a lost connection means in each era.

use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use mcp_session::Server;
use mcp_session::server::Limits;
use serde_json::json;

use crate::http::support::{
    Client, Probe, initialize, kind, pass, said, seen, server, soon, template,
};

#[tokio::test]
async fn losing_a_stateless_request_stops_its_handler() {
    let (server, probe) = server();
    let client = Client::modern(server.http());
    let mut request = client.start(&client.call(1, "wait", 0));
    assert!((&mut request).now_or_never().is_none());
    seen(&probe.started).await;
    drop(request);
    assert_eq!(
        probe.abandoned.available_permits(),
        1,
        "at once, not at some later poll"
    );
}

#[tokio::test]
async fn losing_a_stateless_stream_stops_its_handler() {
    let (server, probe) = server();
    let client = Client::modern(server.http());
    let mut stream = client.post(client.call(1, "wait", 1)).await.events;
    assert_eq!(
        kind(&stream.message().await.unwrap()),
        "notifications/progress"
    );
    seen(&probe.started).await;
    drop(stream);
    seen(&probe.abandoned).await;
    assert_eq!(probe.finished.available_permits(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handler_does_not_stand_still_when_its_client_does_not_read() {
    let (server, probe) = server();
    for client in [
        Client::modern(server.http()),
        Client::handshake(server.http()).await,
    ] {
        let unread = client.post(client.call(1, "wait", 1)).await;
        probe.gate.add_permits(1);
        seen(&probe.finished).await;
        assert_eq!(unread.events.rest().await.len(), 3);
    }
}

#[tokio::test]
async fn losing_a_handshake_request_lets_its_handler_finish() {
    let (server, probe) = server();
    let client = Client::handshake(server.http()).await;
    let mut request = client.start(&client.call(1, "wait", 0));
    assert!((&mut request).now_or_never().is_none());
    seen(&probe.started).await;
    drop(request);
    probe.gate.add_permits(1);
    seen(&probe.finished).await;
}

#[tokio::test]
async fn losing_a_handshake_stream_loses_nothing_that_was_said() {
    let (server, probe) = server();
    let client = Client::handshake(server.http()).await;
    let mut stream = client.post(client.call(1, "wait", 2)).await.events;
    let priming = stream.event().await.unwrap();
    assert_eq!(
        (priming.data.as_deref(), priming.retry.is_some()),
        (Some(""), true)
    );
    let first = stream.event().await.unwrap();
    drop(stream);
    probe.gate.add_permits(1);
    seen(&probe.finished).await;
    for (id, expected) in [(priming.id, 5), (first.id, 4)] {
        let resumed = client.get(id.as_deref()).await;
        assert_eq!(resumed.status, StatusCode::OK);
        let messages = resumed.events.rest().await;
        assert_eq!(
            messages.len(),
            expected,
            "in order and once, and then the stream ends"
        );
        assert_eq!(said(messages.last().unwrap()), "waited");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_nobody_comes_back_for_is_dropped_in_the_end() {
    let probe = Probe::new();
    let an_hour = Duration::from_secs(3_600);
    let limits = Limits::default()
        .detached(Duration::from_secs(60))
        .replay(10, 10_000, an_hour);
    let server = Server::builder(template(&probe))
        .limits(limits)
        .build()
        .unwrap();
    let client = Client::handshake(server.http()).await;

    let mut request = client.start(&client.call(1, "wait", 0));
    assert!((&mut request).now_or_never().is_none());
    drop(request);
    pass(Duration::from_secs(59)).await;
    assert_eq!(probe.abandoned.available_permits(), 0);
    pass(Duration::from_secs(2)).await;
    seen(&probe.abandoned).await;

    // Whoever comes back in time finds it running, and the time begins anew.
    let mut stream = client.post(client.call(2, "wait", 1)).await.events;
    let id = stream.event().await.unwrap().id;
    pass(Duration::from_secs(300)).await;
    drop(stream);
    pass(Duration::from_secs(50)).await;
    let mut back = client.get(id.as_deref()).await.events;
    assert_eq!(
        kind(&back.message().await.unwrap()),
        "notifications/progress"
    );
    pass(Duration::from_secs(300)).await;
    assert_eq!(probe.abandoned.available_permits(), 0);
    drop(back);
    pass(Duration::from_secs(61)).await;
    seen(&probe.abandoned).await;
    let over = client.get(id.as_deref()).await.events.rest().await;
    assert_eq!(
        over.len(),
        1,
        "what was said is still there, and the stream has ended"
    );
}

#[tokio::test]
async fn a_handshake_request_that_was_cancelled_ends_without_an_answer() {
    let (server, probe) = server();
    let client = Client::handshake(server.http()).await;
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});

    let request = client.call(1, "wait", 0);
    let (answer, ()) = tokio::join!(client.post(request), async {
        seen(&probe.started).await;
        assert_eq!(
            client.post(cancel.clone()).await.status,
            StatusCode::ACCEPTED
        );
    });
    assert!(answer.is_stream());
    assert_eq!(answer.events.rest().await, [json!(null); 0]);
    seen(&probe.abandoned).await;

    let stream = client.post(client.call(1, "wait", 1)).await.events;
    client.post(cancel).await;
    assert_eq!(stream.rest().await.len(), 1, "the progress, and no answer");
    seen(&probe.abandoned).await;
}

#[tokio::test]
async fn an_initialize_that_lost_its_client_leaves_no_session() {
    let probe = Probe::new();
    let opening = probe.clone();
    let template = mcp_session::Template::builder("slow", "1.0.0").on_open(
        move |session: mcp_session::Session| {
            let probe = opening.clone();
            async move {
                let watcher = probe.clone();
                tokio::spawn(async move {
                    session.done().await;
                    watcher.finished.add_permits(1);
                });
                probe.started.add_permits(1);
                probe.gate.acquire().await?.forget();
                Ok(())
            }
        },
    );
    let server = Server::new(template.build().unwrap());
    let mut client = Client::modern(server.http());
    client.session = None;
    let mut request = client.start(&initialize("2025-11-25"));
    assert!((&mut request).now_or_never().is_none());
    seen(&probe.started).await;
    drop(request);
    seen(&probe.finished).await;
    assert!(server.sessions().is_empty());
}

#[tokio::test]
async fn a_handler_closes_its_connection_and_the_client_comes_back_for_the_rest() {
    let (server, probe) = server();
    let client = Client::handshake(server.http()).await;
    let answer = client.post(client.call(1, "close", 0)).await;
    assert!(answer.is_stream());
    let mut stream = answer.events;
    let priming = stream.event().await.unwrap();
    assert_eq!(
        (priming.data.as_deref(), priming.retry.as_deref()),
        (Some(""), Some("1000"))
    );
    assert_eq!(stream.event().await, None, "closed before the answer");
    seen(&probe.started).await;
    let back = client.get(priming.id.as_deref()).await;
    probe.gate.add_permits(1);
    let messages = back.events.rest().await;
    assert_eq!(
        messages.iter().map(kind).collect::<Vec<_>>(),
        ["notifications/message", "result"]
    );
    assert_eq!(messages[1]["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn closing_a_connection_means_nothing_where_nobody_could_come_back() {
    let (server, probe) = server();
    for client in [
        Client::modern(server.http()),
        Client::handshake_of(server.http(), "2025-06-18").await,
    ] {
        let answer = client.post(client.call(1, "close", 0)).await;
        probe.gate.add_permits(1);
        assert_eq!(said(answer.events.rest().await.last().unwrap()), "closed");
    }
}

#[tokio::test]
async fn shutting_down_ends_every_stream() {
    let (server, _) = server();
    let client = Client::handshake(server.http()).await;
    let modern = Client::modern(server.http());
    let standing = client.get(None).await.events;
    let listen = json!({"notifications": {"toolsListChanged": true}});
    let listening = modern
        .post(modern.message("l", "subscriptions/listen", listen))
        .await
        .events;
    let (standing, listening, ()) = tokio::join!(
        soon(standing.rest()),
        soon(listening.rest()),
        soon(server.shutdown())
    );
    assert_eq!(standing.len(), 0);
    let kinds: Vec<_> = listening.iter().map(kind).collect();
    assert_eq!(
        kinds,
        ["notifications/subscriptions/acknowledged", "result"]
    );
    let late = modern.post(modern.call(1, "plain", 0)).await;
    assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
}
