//! The handle of a session, from outside.

use mcp_session::testing::Client;
use mcp_session::{Context, EndReason, Session, Tool};
use serde_json::json;

use super::{named, serve, template};

#[tokio::test(start_paused = true)]
async fn a_session_is_found_edited_and_ended_from_outside() {
    let server = serve(template().tool(named("tool")));
    assert!(server.sessions().is_empty());
    let client = Client::handshake(&server).await;
    let id = client.session().id().clone();
    let session = server.sessions().get(&id).expect("a live session is found");
    assert_eq!(
        (session == client.session(), server.sessions().len()),
        (true, 1)
    );
    assert_eq!(
        session.client().unwrap().info().unwrap().name,
        "mcp-session-testing"
    );
    session.edit(|edit| edit.add_tool(named("more"))).unwrap();
    assert_eq!(client.list_tools().await.len(), 2);
    assert!(server.sessions().end(&id));
    assert!(!server.sessions().end(&id), "it has ended");
    assert_eq!(server.sessions().get(&id), None);
    assert_eq!(session.done().await, EndReason::Revoked);
    assert_eq!(session.end_reason(), Some(EndReason::Revoked));
}

#[tokio::test(start_paused = true)]
async fn everybody_who_waits_for_the_end_learns_of_it_once() {
    let server = serve(template().tool(named("tool")));
    let client = Client::handshake(&server).await;
    let session = client.session();
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.done().await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(session.end_reason(), None);
    client.close().await;
    for waits in waiting {
        assert_eq!(waits.await.unwrap(), EndReason::Transport);
    }
    assert_eq!(
        session.done().await,
        EndReason::Transport,
        "it stays resolved"
    );
    assert!(server.sessions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_every_session() {
    let server = serve(template().tool(named("tool")));
    let clients = [
        Client::handshake(&server).await,
        Client::handshake(&server).await,
    ];
    let sessions = clients.each_ref().map(Client::session);
    server.shutdown().await;
    for session in sessions {
        assert_eq!(session.done().await, EndReason::Shutdown);
    }
    assert!(server.sessions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handler_in_the_handshake_era_always_gets_the_same_session() {
    let tool =
        Tool::new("which")
            .description("-")
            .handler(async |session: Session, ctx: Context| {
                format!("{} {}", session.id().as_str(), ctx.session() == session)
            });
    let server = serve(template().tool(tool));
    let client = Client::handshake(&server).await;
    let expected = format!("{} true", client.session().id().as_str());
    for _ in 0..2 {
        assert_eq!(client.call_tool("which", json!({})).await.text(), expected);
    }
    let stateless = Client::stateless(&server);
    let one = stateless.call_tool("which", json!({})).await.text();
    assert_ne!(one, stateless.call_tool("which", json!({})).await.text());
}
