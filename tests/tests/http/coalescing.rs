//! Proves how often a client is told that a list has changed, and on which of its streams.

use std::time::Duration;

use futures_util::FutureExt;
use mcp_session::server::Limits;
use mcp_session::{Server, Session, Template, Tool, ToolError, Variant};
use serde_json::{Value, json};

use crate::http::support::{Client, Events, kind, pass};

const WINDOW: Duration = Duration::from_secs(2);
const CHANGED: &str = "notifications/tools/list_changed";

fn named(name: impl Into<String>) -> Tool {
    Tool::new(name)
        .description("One more.")
        .handler(async || "more")
}

fn server() -> Server {
    let storm = Tool::new("storm")
        .description("Changes the session a thousand times.")
        .handler(|session: Session| async move {
            for number in 0..1_000 {
                session.edit(|edit| edit.add_tool(named(format!("tool-{number}"))))?;
            }
            Ok::<_, ToolError>("changed")
        });
    let template = Template::builder("many", "1.0.0")
        .tool(storm)
        .tool(named("old"));
    let limits = Limits::default().coalesce(WINDOW);
    let server = Server::builder(template.build().unwrap()).limits(limits);
    server.build().unwrap()
}

fn session(server: &Server) -> Session {
    server.sessions().list().remove(0)
}

/// What the stream holds now.
async fn now(stream: &mut Events) -> Vec<Value> {
    let mut said = Vec::new();
    while let Some(Some(message)) = stream.message().now_or_never() {
        said.push(message);
    }
    said
}

fn kinds(said: &[Value]) -> Vec<&str> {
    said.iter().map(kind).collect()
}

#[tokio::test(start_paused = true)]
async fn a_storm_is_told_twice_a_batch_once_and_what_changes_nothing_never() {
    let server = server();
    let client = Client::handshake(server.http()).await;
    let mut stream = client.get(None).await.events;
    let session = session(&server);
    assert!(now(&mut stream).await.is_empty());

    let nothing = session.edit(|edit| edit.hide_tool("unknown"));
    assert!(nothing.is_err());
    session
        .edit(|edit| {
            edit.hide_tool("old")?;
            edit.show_tool("old")
        })
        .unwrap();
    assert!(now(&mut stream).await.is_empty(), "looks the same");

    session
        .edit(|edit| (0..1_000).try_for_each(|number| edit.add_tool(named(format!("b{number}")))))
        .unwrap();
    assert_eq!(kinds(&now(&mut stream).await), [CHANGED], "at once");
    pass(WINDOW * 2).await;
    assert!(now(&mut stream).await.is_empty());

    for number in 0..1_000 {
        session
            .edit(|edit| edit.add_tool(named(format!("s{number}"))))
            .unwrap();
        if number == 0 {
            assert_eq!(kinds(&now(&mut stream).await), [CHANGED]);
        }
    }
    assert!(now(&mut stream).await.is_empty());
    pass(WINDOW).await;
    assert_eq!(kinds(&now(&mut stream).await), [CHANGED], "the last state");
    pass(WINDOW * 2).await;
    assert!(now(&mut stream).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_publications_is_told_twice_to_a_stateless_client() {
    let server = server();
    let client = Client::modern(server.http());
    let params = json!({"notifications": {"toolsListChanged": true}});
    let mut stream = client
        .post(client.message(1, "subscriptions/listen", params))
        .await
        .events;
    stream.message().await.unwrap();
    for number in 0..100 {
        server
            .publish(Variant::DEFAULT, |edit| {
                edit.add_tool(named(format!("p{number}")))
            })
            .await
            .unwrap();
        if number == 0 {
            assert_eq!(kinds(&now(&mut stream).await), [CHANGED]);
        }
    }
    assert!(now(&mut stream).await.is_empty());
    pass(WINDOW).await;
    assert_eq!(kinds(&now(&mut stream).await), [CHANGED]);
    server
        .publish(Variant::DEFAULT, |edit| edit.add_tool(named("last")))
        .await
        .unwrap();
    let (rest, ()) = tokio::join!(stream.rest(), server.shutdown());
    assert_eq!(
        kinds(&rest),
        [CHANGED, "result"],
        "before the closing result"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_stream_hears_it_on_the_request_that_made_the_change() {
    let server = server();
    let client = Client::handshake(server.http()).await;
    let answer = client.post(client.call(1, "storm", 0)).await;
    assert!(answer.is_stream());
    let said = answer.events.rest().await;
    let (last, before) = said.split_last().unwrap();
    assert_eq!(kind(last), "result");
    assert!((1..=2).contains(&before.len()), "{before:?}");
    assert!(before.iter().all(|said| kind(said) == CHANGED));

    // Once told there, it is not told again elsewhere.
    let mut standing = client.get(None).await.events;
    pass(WINDOW * 2).await;
    assert!(now(&mut standing).await.is_empty());

    // With a stream of the session's open, that is where it goes, and nowhere else.
    session(&server)
        .edit(|edit| (0..1_000).try_for_each(|number| edit.hide_tool(&format!("tool-{number}"))))
        .unwrap();
    assert_eq!(kinds(&now(&mut standing).await), [CHANGED]);
    let answer = client.post(client.call(2, "storm", 0)).await;
    assert_eq!(answer.json().await["id"], 2);
    pass(WINDOW).await;
    assert_eq!(kinds(&now(&mut standing).await), [CHANGED]);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_waits_while_the_client_reconnects_is_told_once() {
    let server = server();
    let client = Client::handshake(server.http()).await;
    let mut first = client.get(None).await.events;
    let session = session(&server);
    let add = |name: &str| session.edit(|edit| edit.add_tool(named(name))).unwrap();
    add("a");
    let event = loop {
        let event = first.event().await.unwrap();
        if event.message().is_some() {
            break event.id;
        }
    };
    add("b");
    drop(first);
    add("c");
    pass(WINDOW * 3).await;
    let mut second = client.get(event.as_deref()).await.events;
    assert_eq!(kinds(&now(&mut second).await), [CHANGED]);
    pass(WINDOW * 3).await;
    assert!(now(&mut second).await.is_empty());
}
