//! What is called off stops, and what was asked is answered or over.

use std::sync::Arc;
use std::time::Duration;

use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing;
use mcp_session::{Context, Server, Template, Tool};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::http::support::{Client, now, pass, seen, soon};
use crate::users::named;

/// What a running call tells of its end.
#[derive(Clone)]
struct Told {
    started: Arc<Semaphore>,
    /// A task that the handler spawned has heard that it was called off.
    cancelled: Arc<Semaphore>,
    /// The handler's guard was dropped.
    dropped: Arc<Semaphore>,
}

struct Guard(Arc<Semaphore>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

fn telling() -> (Server, Told) {
    let none = || Arc::new(Semaphore::new(0));
    let told = Told {
        started: none(),
        cancelled: none(),
        dropped: none(),
    };
    let tells = told.clone();
    let hang = Tool::new("hang")
        .description("Hangs.")
        .handler(move |ctx: Context| {
            let tells = tells.clone();
            async move {
                let _guard = Guard(tells.dropped);
                let (cancellation, cancelled) = (ctx.cancellation(), tells.cancelled);
                tokio::spawn(async move {
                    cancellation.cancelled().await;
                    cancelled.add_permits(1);
                });
                tells.started.add_permits(1);
                std::future::pending::<&str>().await
            }
        });
    let template = Template::builder("stops", "1")
        .tool(hang)
        .tool(named("plain"));
    (Server::new(template.build().unwrap()), told)
}

impl Told {
    /// Both happen at once: no timer has to fire first.
    async fn at_once(&self) {
        let begun = now();
        seen(&self.cancelled).await;
        seen(&self.dropped).await;
        assert!(
            begun.elapsed() < Duration::from_millis(100),
            "{:?}",
            begun.elapsed()
        );
    }
}

/// However a client calls off its request, the handler's tasks hear of it at once and its guards
/// are dropped; the next call works.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_called_off_stops_at_once() {
    let (server, told) = telling();
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let client = testing::Client::builder(&server)
            .version(version)
            .connect()
            .await;
        let hanging = client.start("tools/call", json!({"name": "hang"})).await;
        seen(&told.started).await;
        client.cancel(hanging.id()).await;
        told.at_once().await;
        assert_eq!(client.call_tool("plain", json!({})).await.text(), "plain");
    }

    let client = Client::modern(server.http());
    let hanging = client.post(client.call(1, "hang", 0)).await;
    seen(&told.started).await;
    drop(hanging);
    told.at_once().await;

    let client = Client::handshake(server.http()).await;
    let hanging = client.post(client.call(1, "hang", 0)).await;
    seen(&told.started).await;
    let cancel = json!({"requestId": 1});
    client
        .post(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}))
        .await;
    told.at_once().await;
    assert!(
        hanging.events.rest().await.is_empty(),
        "no answer, and the stream is over"
    );

    // A connection that is lost is not a request that is called off, until nobody came for long.
    let hanging = client.post(client.call(2, "hang", 0)).await;
    seen(&told.started).await;
    drop(hanging);
    pass(Duration::from_secs(4 * 60)).await;
    assert_eq!(told.dropped.available_permits(), 0);
    pass(Duration::from_secs(2 * 60)).await;
    seen(&told.cancelled).await;
    seen(&told.dropped).await;
}

/// Whatever becomes of a session, no client waits for ever: each request is answered or its
/// stream ends.
#[tokio::test(start_paused = true)]
async fn every_request_is_answered_or_its_stream_is_over() {
    type Ending = fn(Server, Client) -> futures_util::future::BoxFuture<'static, ()>;
    let endings: [(&str, Ending); 4] = [
        ("delete", |_, client| {
            Box::pin(async move { drop(client.delete().await) })
        }),
        ("shutdown", |server, _| {
            Box::pin(async move { server.shutdown().await })
        }),
        ("revoked", |server, _| {
            Box::pin(async move {
                server.sessions().end(server.sessions().list()[0].id());
            })
        }),
        ("dropped", |server, client| {
            Box::pin(async move { drop((server, client)) })
        }),
    ];
    for (name, ending) in endings {
        let (server, told) = telling();
        let client = Client::handshake(server.http()).await;
        let mut open = vec![client.get(None).await];
        for id in 0..10 {
            open.push(client.post(client.call(id, "hang", 0)).await);
            seen(&told.started).await;
        }
        let late = tokio::spawn(client.start(&client.call(10, "hang", 0)));
        seen(&told.started).await;
        ending(server, client).await;
        for answer in open {
            assert!(soon(answer.events.rest()).await.is_empty(), "{name}");
        }
        soon(late).await.unwrap().unwrap();
        for _ in 0..11 {
            seen(&told.dropped).await;
        }
    }
}
