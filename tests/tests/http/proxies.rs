//! Proves that a stream outlives a proxy's patience with idle connections many times over.

use std::{net::SocketAddr, time::Duration};

use mcp_session::Server;
use mcp_session::server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::http::sockets::{listening, read_until};
use crate::http::support::{Client, Probe, seen, soon, template};

/// What the proxy bears. In the field it is 20 seconds or more, and the interval of comments 15.
const PATIENCE: Duration = Duration::from_secs(1);

/// A proxy that passes on one connection, until it has been silent for too long.
async fn proxy(to: SocketAddr) -> SocketAddr {
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
                () = tokio::time::sleep(PATIENCE) => return,
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
    listening.address = proxy(listening.address).await;
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
