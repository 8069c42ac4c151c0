//! Proves that a server with a thousand open streams and fifty running calls ends in time, with
//! every call answered or cancelled and every stream closed as it should be.

use std::time::Duration;

use mcp_session::Server;
use mcp_session::server::Limits;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::http::sockets::{Listening, listening, read_until};
use crate::http::support::{Client, Probe, now, seen, soon, template};

/// Streams of each of two kinds.
const STREAMS: usize = 500;
const CALLS: usize = 50;
const DRAIN: Duration = Duration::from_secs(4);

/// Everything the connection still holds, up to its end.
async fn rest(mut connection: TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), connection.read_to_end(&mut text));
    read.await.expect("it ends").unwrap();
    String::from_utf8(text).unwrap()
}

async fn listens(listening: &Listening, client: &Client) -> Vec<TcpStream> {
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let listen = client.message("l", "subscriptions/listen", wish);
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        let mut stream = listening.send(client, http::Method::POST, &listen).await;
        read_until(&mut stream, "subscriptions/acknowledged").await;
        open.push(stream);
    }
    open
}

async fn standing(listening: &Listening) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        let client = Client::handshake(listening.server.http()).await;
        let mut stream = listening
            .send(&client, http::Method::GET, &Value::Null)
            .await;
        read_until(&mut stream, "\r\n\r\n").await;
        open.push(stream);
    }
    open
}

#[tokio::test]
async fn a_thousand_streams_and_fifty_calls_end_within_the_deadline() {
    let probe = Probe::new();
    let limits = Limits::default().drain(DRAIN);
    let server = Server::builder(template(&probe)).limits(limits);
    let listening = listening(server.build().unwrap()).await;
    let modern = Client::modern(listening.server.http());
    let handshake = Client::handshake(listening.server.http()).await;

    let listens = listens(&listening, &modern).await;
    let standing = standing(&listening).await;
    let mut calls = Vec::new();
    for id in 0..CALLS {
        let client = if id % 2 == 0 { &modern } else { &handshake };
        let call = client.call(id, "wait", 1);
        calls.push(listening.send(client, http::Method::POST, &call).await);
        seen(&probe.started).await;
    }

    let began = now();
    let server = listening.server.clone();
    let stopping = tokio::spawn(async move { server.shutdown().await });
    // Half of them finish in time; what is left is cancelled.
    probe.gate.add_permits(CALLS / 2);
    for _ in 0..CALLS / 2 {
        seen(&probe.finished).await;
    }
    let mut answered = 0;
    for call in calls {
        answered += usize::from(rest(call).await.contains("waited"));
    }
    assert_eq!(answered, CALLS / 2, "an answer that is there is not lost");
    for _ in 0..CALLS / 2 {
        seen(&probe.abandoned).await;
    }
    for stream in listens {
        let text = rest(stream).await;
        assert!(
            text.contains("\"result\"") && text.ends_with("0\r\n\r\n"),
            "{text}"
        );
    }
    for stream in standing {
        assert!(rest(stream).await.ends_with("0\r\n\r\n"), "closed, not cut");
    }
    stopping.await.unwrap();
    soon(listening.serving).await.unwrap().unwrap();
    assert!(now() - began <= DRAIN * 2, "{:?}", now() - began);
    assert!(listening.server.sessions().is_empty());
}
