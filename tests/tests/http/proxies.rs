//! Proves that a stream outlives a proxy's patience with idle connections many times over.

use std::{net::SocketAddr, time::Duration};

use mcp_session::server::Limits;
use mcp_session::{Server, Variant};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::http::sockets::{Listening, listening, read_until};
use crate::http::support::{Client, Probe, seen, soon, template};

/// What the proxy bears in the short form of the test.
const PATIENCE: Duration = Duration::from_secs(1);

/// What proxies in the field bear, at the least; the interval of comments is 15 seconds.
const IN_THE_FIELD: Duration = Duration::from_secs(20);

/// A proxy that passes on one connection, until it has been silent for too long.
async fn proxy(to: SocketAddr, patience: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(to).await.unwrap();
        let (mut up, mut down) = ([0; 4096], [0; 4096]);
        loop {
            tokio::select! {
                read = client.read(&mut up) => match read {
                    Ok(count) if count > 0 => server.write_all(&up[..count]).await.unwrap(),
                    _ => return,
                },
                read = server.read(&mut down) => match read {
                    Ok(count) if count > 0 => client.write_all(&down[..count]).await.unwrap(),
                    _ => return,
                },
                () = tokio::time::sleep(patience) => return,
            }
        }
    });
    address
}

/// Whether the answer of a call that takes five times as long as the proxy's patience arrives.
async fn arrives(keep_alive: Duration) -> bool {
    let probe = Probe::new();
    let limits = Limits::default().keep_alive(keep_alive);
    let server = Server::builder(template(&probe)).limits(limits);
    let mut listening = listening(server.build().unwrap()).await;
    listening.address = proxy(listening.address, PATIENCE).await;
    let client = Client::handshake(listening.server.http()).await;
    let call = client.call(1, "wait", 1);
    let mut connection = listening.send(&client, http::Method::POST, &call).await;
    seen(&probe.started).await;
    read_until(&mut connection, "\"progress\":0").await;
    tokio::time::sleep(PATIENCE * 5).await;
    probe.gate.add_permits(1);
    seen(&probe.finished).await;
    let mut rest = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count) = soon(connection.read(&mut buffer)).await
        && count > 0
    {
        rest.extend_from_slice(&buffer[..count]);
        if rest.windows(6).any(|text| text == b"waited") {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_stream_survives_a_proxy_that_cuts_idle_connections() {
    let (kept, cut) = tokio::join!(arrives(PATIENCE / 4), arrives(PATIENCE * 60));
    assert!(kept);
    assert!(!cut, "the proxy does cut what is silent");
}

/// One stream through a proxy of its own, up to where it began.
async fn through_a_proxy(
    listening: &Listening,
    client: &Client,
    message: &Value,
    begins: &str,
) -> TcpStream {
    let behind = Listening {
        server: listening.server.clone(),
        address: proxy(listening.address, IN_THE_FIELD).await,
        serving: tokio::spawn(async { Ok(()) }),
    };
    let method = match message {
        Value::Null => http::Method::GET,
        _ => http::Method::POST,
    };
    let mut stream = behind.send(client, method, message).await;
    read_until(&mut stream, begins).await;
    stream
}

#[tokio::test]
#[ignore = "it takes five minutes, in real time: `.ci/run` runs it"]
async fn a_five_minute_stream_of_every_kind_survives_a_proxy_that_cuts_after_20_seconds() {
    let probe = Probe::new();
    // As it comes, with nothing set.
    let listening = listening(Server::new(template(&probe))).await;
    let handshake = Client::handshake(listening.server.http()).await;
    let modern = Client::modern(listening.server.http());
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let listen = modern.message("l", "subscriptions/listen", wish);
    let progress = "\"progress\":0";
    let mut calls = Vec::new();
    for client in [&handshake, &modern] {
        let call = client.call(1, "wait", 1);
        calls.push(through_a_proxy(&listening, client, &call, progress).await);
        seen(&probe.started).await;
    }
    let mut listens =
        through_a_proxy(&listening, &modern, &listen, "subscriptions/acknowledged").await;
    let mut standing = through_a_proxy(&listening, &handshake, &Value::Null, "\r\n\r\n").await;

    tokio::time::sleep(Duration::from_secs(5 * 60)).await;
    probe.gate.add_permits(2);
    for call in &mut calls {
        read_until(call, "waited").await;
    }
    let session = listening.server.sessions().list().remove(0);
    session.edit(|edit| edit.hide_tool("plain")).unwrap();
    read_until(&mut standing, "tools/list_changed").await;
    let publish = listening
        .server
        .publish(Variant::DEFAULT, |edit| edit.hide_tool("plain"));
    publish.await.unwrap();
    read_until(&mut listens, "tools/list_changed").await;
}
