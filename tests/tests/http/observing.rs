//! Counters over HTTP: messages, errors, streams, and ends.

use mcp_session::EndReason;
use serde_json::json;

use super::support::{Client, server};

#[tokio::test(start_paused = true)]
async fn answers_and_streams_are_counted_in_both_eras() {
    let (server, _probe) = server();
    let handshake = Client::handshake(server.http()).await;
    let modern = Client::modern(server.http());
    for client in [&handshake, &modern] {
        let before = server.stats().traffic;
        client.post(client.call(1, "plain", 0)).await.text().await;
        client.post(client.call(2, "none", 0)).await.text().await;
        client
            .post(client.message(3, "tools/list", json!({})))
            .await
            .text()
            .await;
        let after = server.stats().traffic;
        assert_eq!(after.messages_in - before.messages_in, 3);
        assert_eq!(after.messages_out - before.messages_out, 3);
        assert_eq!(after.errors - before.errors, 1);
        let events = client
            .post(client.call(4, "speak", 2))
            .await
            .events
            .rest()
            .await;
        let spoken = server.stats().traffic;
        assert_eq!(events.len(), 3);
        assert_eq!(spoken.messages_out - after.messages_out, 3);
    }
    let session = server.sessions().list().remove(0);
    let traffic = session.stats().traffic;
    // `initialize` and `notifications/initialized`, then four requests.
    assert_eq!((traffic.messages_in, traffic.messages_out), (6, 1 + 3 + 3));
    assert_eq!(traffic.errors, 1);
}

#[tokio::test(start_paused = true)]
async fn open_streams_are_counted_while_they_are_open() {
    let (server, _probe) = server();
    let client = Client::handshake(server.http()).await;
    assert_eq!(server.stats().streams, 0);
    let stream = client.get(None).await;
    let stats = server.stats();
    assert_eq!((stats.streams, stats.sessions, stats.opened), (1, 1, 1));
    drop(stream);
    assert_eq!(server.stats().streams, 0);
    client.delete().await;
    let stats = server.stats();
    assert_eq!((stats.sessions, stats.ended(EndReason::Client)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_read_is_counted() {
    let (server, _probe) = server();
    let client = Client::handshake(server.http()).await;
    let session = server.sessions().list().remove(0);
    session.edit(|edit| edit.hide_tool("plain")).unwrap();
    assert_eq!((session.stats().queued, server.stats().queued), (1, 1));
    let mut stream = client.get(None).await.events;
    stream.message().await.unwrap();
    assert_eq!(session.stats().queued, 0);
    assert!(server.sessions().validate().is_empty());
}
