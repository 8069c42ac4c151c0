//! State in its three scopes: what it promises, and what it says where it cannot keep anything.

use std::sync::Arc;

use mcp_session::protocol::ProtocolVersion;
use mcp_session::store::{MemoryStore, Store};
use mcp_session::testing::Client;
use mcp_session::{
    BoxError, Context, EndReason, Limits, Server, Session, Template, Tool, ToolError,
};
use parking_lot::Mutex;
use serde_json::json;

use crate::keeping::{client, each_era, principal};

/// Counts the calls of a session.
fn count() -> Tool {
    Tool::new("count")
        .description("-")
        .handler(async |session: Session| {
            let next = |calls: Option<u32>| calls.unwrap_or(0) + 1;
            Ok::<_, ToolError>(session.state().update("calls", next).await?)
        })
}

fn serve(store: Arc<MemoryStore>, limits: Limits, tools: impl IntoIterator<Item = Tool>) -> Server {
    let template = Template::builder("state", "1.0.0").tool(count());
    let template = tools.into_iter().fold(template, |all, tool| all.tool(tool));
    let template = template.build().unwrap();
    let builder = Server::builder(template).limits(limits);
    builder.store(store).build().unwrap()
}

fn plain() -> (Server, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    (serve(Arc::clone(&store), Limits::default(), []), store)
}

#[tokio::test(start_paused = true)]
async fn a_session_remembers_as_long_as_it_lives_and_nobody_else_sees_it() {
    let (server, store) = plain();
    let (one, other) = (
        Client::handshake(&server).await,
        Client::handshake(&server).await,
    );
    for expected in ["1", "2"] {
        assert_eq!(one.call_tool("count", json!({})).await.text(), expected);
    }
    assert_eq!(other.call_tool("count", json!({})).await.text(), "1");
    let session = one.session();
    assert_eq!(session.state().get("calls").await.unwrap(), Some(2));
    assert!(store.bytes() > 0);
    one.close().await;
    session.done().await;
    other.close().await;
    server.shutdown().await;
    assert_eq!(store.bytes(), 0, "nothing of ended sessions stays");
    for outcome in [
        session.state().get::<u32>("calls").await.map(drop),
        session.state().set("calls", &1).await,
        session.state().remove("calls").await.map(drop),
    ] {
        assert!(outcome.unwrap_err().is_ended());
    }
    assert_eq!(store.bytes(), 0, "and nothing comes after the end");
}

#[tokio::test(start_paused = true)]
async fn a_session_without_state_never_gets_to_the_store() {
    let (server, store) = plain();
    let client = Client::handshake(&server).await;
    client.list_tools().await;
    let session = client.session();
    client.close().await;
    session.done().await;
    assert!(
        session
            .state()
            .set("late", &1)
            .await
            .unwrap_err()
            .is_ended()
    );
    assert_eq!(store.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn on_close_still_finds_the_state() {
    let found = Arc::new(Mutex::new(None));
    let told = Arc::clone(&found);
    let store = Arc::new(MemoryStore::new());
    let template = Template::builder("state", "1.0.0").tool(count()).on_close(
        move |session: Session, _reason: EndReason| {
            let told = Arc::clone(&told);
            async move {
                session.state().set("note", "written at the end").await?;
                let calls: Option<u32> = session.state().get("calls").await?;
                *told.lock() = calls;
                Ok::<_, BoxError>(())
            }
        },
    );
    let server = Server::builder(template.build().unwrap());
    let server = server.store(Arc::clone(&store)).build().unwrap();
    let client = Client::handshake(&server).await;
    client.call_tool("count", json!({})).await;
    client.close().await;
    server.shutdown().await;
    assert_eq!(*found.lock(), Some(1));
    assert_eq!(store.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stateless_session_says_what_remembers_instead() {
    let (server, store) = plain();
    let anonymous = Client::stateless(&server);
    let refused = anonymous.call_tool("count", json!({})).await.error();
    for remedy in [
        "cannot be kept",
        "authenticate",
        "principal_scope",
        "handle",
    ] {
        assert!(refused.contains(remedy), "{refused}");
    }
    let ann = client(&server, ProtocolVersion::LATEST, "ann").await;
    let refused = ann.call_tool("count", json!({})).await.error();
    for remedy in ["cannot be kept", "principal_scope", "handle"] {
        assert!(refused.contains(remedy), "{refused}");
    }
    assert_eq!(store.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_anonymous_caller_has_no_principals_state() {
    let tool = Tool::new("keep")
        .description("-")
        .handler(async |ctx: Context| {
            ctx.principal_scope()?.state().set("x", &1).await?;
            Ok::<_, ToolError>("kept")
        });
    let server = serve(Arc::default(), Limits::default(), [tool]);
    for client in [Client::handshake(&server).await, Client::stateless(&server)] {
        let refused = client.call_tool("keep", json!({})).await.error();
        for remedy in ["authenticate", "handle"] {
            assert!(refused.contains(remedy), "{refused}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_type_comes_back_as_it_was_and_a_wrong_one_is_an_error() {
    let (server, _) = plain();
    let client = Client::handshake(&server).await;
    let state = client.session().state();
    state.set("pair", &("a", 1.5)).await.unwrap();
    state.set("text", "plain").await.unwrap();
    assert_eq!(
        state.get("pair").await.unwrap(),
        Some(("a".to_owned(), 1.5))
    );
    assert_eq!(state.get::<String>("text").await.unwrap().unwrap(), "plain");
    assert_eq!(state.get::<u8>("none").await.unwrap(), None);
    assert!(state.get::<u8>("text").await.unwrap_err().is_value());
    let wrong = state
        .update("text", |value: Option<u8>| value.unwrap_or(0))
        .await;
    assert!(wrong.unwrap_err().is_value());
    assert!(state.remove("text").await.unwrap());
    assert!(!state.remove("text").await.unwrap());
    assert_eq!(state.get::<String>("text").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_bounded_and_the_error_names_the_limit() {
    let limits = Limits::default().state_bytes(100).scratch_bytes(40);
    let scratch = Tool::new("scratch")
        .description("-")
        .handler(async |ctx: Context| {
            ctx.scratch().set("a", &"x".repeat(20)).await?;
            let refused = ctx.scratch().set("b", &"x".repeat(20)).await.unwrap_err();
            assert!(refused.is_full());
            assert_eq!(ctx.scratch().get::<String>("b").await?, None);
            Ok::<_, ToolError>(refused.to_string())
        });
    let server = serve(Arc::default(), limits, [scratch]);
    let client = Client::handshake(&server).await;
    let principals = server.principal(&principal("ann")).state();
    for (state, whose) in [
        (client.session().state(), "session"),
        (principals, "principal"),
    ] {
        state.set("a", &"x".repeat(60)).await.unwrap();
        let refused = state.set("b", &"x".repeat(60)).await.unwrap_err();
        assert!(refused.is_full(), "{refused}");
        let expected =
            format!("the {whose}'s state is full: it may have 100 bytes (`Limits::state_bytes`)");
        assert_eq!(refused.to_string(), expected);
        let grown = |text: Option<String>| text.unwrap_or_default() + &"x".repeat(60);
        assert!(state.update("a", grown).await.unwrap_err().is_full());
        assert_eq!(state.get::<String>("a").await.unwrap().unwrap().len(), 60);
        state.remove("a").await.unwrap();
        state.set("b", &"x".repeat(60)).await.unwrap();
    }
    let text = client.call_tool("scratch", json!({})).await.text();
    let expected = "the exchange's state is full: it may have 40 bytes (`Limits::scratch_bytes`)";
    assert_eq!(text, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_updates_lose_nothing() {
    let (server, _) = plain();
    let state = server.principal(&principal("ann")).state();
    let adding: Vec<_> = (0..16)
        .map(|_| {
            let state = state.clone();
            tokio::spawn(async move {
                for _ in 0..25 {
                    let next = |count: Option<u32>| count.unwrap_or(0) + 1;
                    state.update("count", next).await.unwrap();
                }
            })
        })
        .collect();
    for task in adding {
        task.await.unwrap();
    }
    assert_eq!(state.get("count").await.unwrap(), Some(400));
}

#[tokio::test(start_paused = true)]
async fn a_principals_state_goes_when_it_was_not_used_for_long() {
    let day = std::time::Duration::from_secs(86_400);
    let limits = Limits::default().state_retention(10 * day);
    let store = Arc::new(MemoryStore::new());
    let server = serve(Arc::clone(&store), limits, []);
    let state = server.principal(&principal("ann")).state();
    state.set("note", "kept").await.unwrap();
    // Read now and then, it stays.
    for _ in 0..4 {
        tokio::time::advance(6 * day).await;
        assert_eq!(state.get::<String>("note").await.unwrap().unwrap(), "kept");
    }
    tokio::time::advance(10 * day).await;
    assert_eq!(state.get::<String>("note").await.unwrap(), None);
    // Somebody looks after it, without another request.
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    assert_eq!((store.sweep(10).await.unwrap(), store.bytes()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn scratch_is_of_one_request() {
    let tool = Tool::new("scratch")
        .description("-")
        .handler(async |ctx: Context| {
            let other = ctx.clone();
            let next = |count: Option<u32>| count.unwrap_or(0) + 1;
            ctx.scratch().update("count", next).await?;
            other.scratch().update("count", next).await?;
            let count = ctx.scratch().get::<u32>("count").await?;
            assert!(ctx.scratch().remove("count").await?);
            assert_eq!(other.scratch().get::<u32>("count").await?, None);
            Ok::<_, ToolError>(count.unwrap())
        });
    let store = Arc::new(MemoryStore::new());
    let server = serve(Arc::clone(&store), Limits::default(), [tool]);
    each_era(async |version| {
        let client = client(&server, version, "ann").await;
        for _ in 0..2 {
            assert_eq!(client.call_tool("scratch", json!({})).await.text(), "2");
        }
    })
    .await;
    assert_eq!(store.bytes(), 0);
}
