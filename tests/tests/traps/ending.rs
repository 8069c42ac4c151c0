//! What belongs to a session is let go of when it ends, in both eras.

use std::sync::{Arc, Weak};

use mcp_session::testing::Client;
use mcp_session::{EndReason, Session, Tool};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::mpsc;

use super::{serve, template};

/// A tool that holds the session it was added to, and something to see it go.
fn holding(session: &Session, held: &Arc<()>) -> Tool {
    let (session, held) = (session.clone(), Arc::clone(held));
    Tool::new("own").description("-").handler(move || {
        let known = session.known_roots().is_some() && Arc::strong_count(&held) == 0;
        async move { known.to_string() }
    })
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_own_tool_holds_it_is_let_go() {
    let seen: Arc<Mutex<Vec<Weak<()>>>> = Arc::default();
    let noting = Arc::clone(&seen);
    let opens = move |session: Session| {
        let held = Arc::new(());
        noting.lock().push(Arc::downgrade(&held));
        async move {
            session.edit(|edit| edit.add_tool(holding(&session, &held)))?;
            Ok(())
        }
    };
    let server = serve(template().on_open(opens));
    let client = Client::handshake(&server).await;
    client.call_tool("own", json!({})).await;
    client.close().await;
    let client = Client::stateless(&server);
    client.call_tool("own", json!({})).await;
    client.list_tools().await;
    client.close().await;
    let seen = seen.lock();
    assert_eq!(seen.len(), 3);
    for (number, held) in seen.iter().enumerate() {
        assert!(held.upgrade().is_none(), "number {number} is still there");
    }
}

#[tokio::test(start_paused = true)]
async fn the_session_of_a_stateless_request_ends_with_it() {
    let (tell, mut told) = mpsc::channel(4);
    let opens = move |session: Session| {
        let tell = tell.clone();
        async move {
            tokio::spawn(async move { tell.send(session.done().await).await });
            Ok(())
        }
    };
    let server = serve(template().on_open(opens));
    let client = Client::stateless(&server);
    client.list_tools().await;
    assert_eq!(told.recv().await, Some(EndReason::Request));
    client.call_tool("plain", json!({})).await;
    assert_eq!(told.recv().await, Some(EndReason::Request));
    let listening = client
        .listen(json!({"toolsListChanged": true}))
        .await
        .unwrap();
    client.settle().await;
    assert!(told.try_recv().is_err(), "it lives as long as the stream");
    drop(listening.cancel().await);
    assert_eq!(told.recv().await, Some(EndReason::Request));
}
