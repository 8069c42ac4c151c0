//! Proves that a connection's end is one thing and the session's another, and what the tasks of a
//! handler hear of them.

use mcp_session::context::{Cancellation, Connection};
use mcp_session::{Context, Server, Template, Tool};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::http::support::{Client, kind, soon};

/// What a handler has in hand.
type Held = (Context, Connection, Cancellation);

/// A server whose tool `wait` hands out what it has in hand, and waits for ever.
#[expect(clippy::disallowed_methods, reason = "a test sends few messages")]
fn handing() -> (Server, UnboundedReceiver<Held>) {
    let (hand, handed): (UnboundedSender<Held>, _) = unbounded_channel();
    let wait = Tool::new("wait")
        .description("Waits.")
        .handler(move |ctx: Context| {
            let held = (ctx.clone(), ctx.connection(), ctx.cancellation());
            ctx.progress(1.0).send();
            hand.send(held).unwrap();
            std::future::pending::<&'static str>()
        });
    let template = Template::builder("hands", "1.0.0").tool(wait);
    (Server::new(template.build().unwrap()), handed)
}

#[tokio::test]
async fn a_client_that_comes_back_has_a_new_connection_and_the_same_session() {
    let (server, mut handed) = handing();
    let client = Client::handshake(server.http()).await;
    let mut stream = client.post(client.call(1, "wait", 0)).await.events;
    let id = stream.event().await.unwrap().id;
    let (ctx, first, cancellation) = soon(handed.recv()).await.unwrap();
    assert!(!first.is_done() && !ctx.connection().is_done());

    drop(stream);
    soon(first.done()).await;
    assert!(first.is_done() && ctx.connection().is_done(), "it is away");

    let mut back = client.get(id.as_deref()).await.events;
    assert_eq!(
        kind(&back.message().await.unwrap()),
        "notifications/progress"
    );
    let second = ctx.connection();
    assert!(!second.is_done() && first.is_done(), "each resolves once");
    assert_eq!(ctx.session().end_reason(), None);
    assert!(!cancellation.is_cancelled());

    client.delete().await;
    soon(ctx.session().done()).await;
    soon(cancellation.cancelled()).await;
    assert_eq!(
        cancellation.run(std::future::pending::<()>()).await,
        None,
        "at once"
    );
    assert_eq!(back.message().await, None);
    drop(back);
    soon(second.done()).await;
}

#[tokio::test]
async fn a_stateless_client_that_goes_takes_connection_and_request_with_it() {
    let (server, mut handed) = handing();
    let client = Client::modern(server.http());
    let stream = client.post(client.call(1, "wait", 0)).await.events;
    let (ctx, connection, cancellation) = soon(handed.recv()).await.unwrap();
    assert!(!connection.is_done() && !cancellation.is_cancelled());
    drop(stream);
    soon(connection.done()).await;
    soon(cancellation.cancelled()).await;
    soon(ctx.session().done()).await;
}
