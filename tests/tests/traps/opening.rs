//! Nothing is served before `on_open` has had its say, and everybody hears in their own session.

use std::sync::Arc;

use mcp_session::Session;
use mcp_session::protocol::{Era, Root};
use mcp_session::testing::Client;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::{named, serve, template};

#[tokio::test(start_paused = true)]
async fn a_session_that_was_refused_serves_nothing() {
    let refusing = async |session: Session| match session.opening().era() {
        Era::Handshake => Err("not today".into()),
        Era::Stateless => Ok(()),
    };
    let client = Client::builder(&serve(template().on_open(refusing))).attach();
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {},
                        "clientInfo": {"name": "c", "version": "1"}});
    client.request("initialize", params).await.unwrap_err();
    for (method, params) in [
        ("tools/list", json!({})),
        ("tools/call", json!({"name": "plain"})),
    ] {
        let error = client.request(method, params).await.unwrap_err();
        assert_eq!(error.code, -32600, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stray_initialized_does_not_count() {
    let (tell, mut told) = mpsc::channel(4);
    let hook = move |_, _| {
        let tell = tell.clone();
        async move { Ok(tell.send(()).await?) }
    };
    let server = serve(template().on_roots_changed(hook));
    let client = Client::builder(&server)
        .roots([Root::new("file:///a")])
        .attach();
    client
        .notify("notifications/initialized", Value::Null)
        .await;
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {"roots": {}},
                        "clientInfo": {"name": "c", "version": "1"}});
    client.request("initialize", params).await.unwrap();
    client
        .notify("notifications/initialized", Value::Null)
        .await;
    told.recv().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_change_of_roots_is_told_after_the_other() {
    let (tell, mut told) = mpsc::channel(4);
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let hook = move |_, change: mcp_session::server::RootsChange| {
        let (tell, gate) = (tell.clone(), Arc::clone(&waiting));
        async move {
            tell.send(change.new.len()).await?;
            gate.acquire().await?.forget();
            Ok(())
        }
    };
    let server = serve(template().on_roots_changed(hook));
    let one = [Root::new("file:///a")];
    let client = Client::builder(&server).roots(one.clone()).connect().await;
    assert_eq!(told.recv().await, Some(1));
    client
        .set_roots([one[0].clone(), Root::new("file:///b")])
        .await;
    client.settle().await;
    assert!(told.try_recv().is_err(), "the first is still being told");
    gate.add_permits(1);
    assert_eq!(told.recv().await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_stateless_notification_never_reaches_the_handshake_session() {
    let (tell, mut told) = mpsc::channel(4);
    let opens = async |session: Session| {
        session.edit(|edit| edit.add_tool(named("own")))?;
        Ok(())
    };
    let template =
        template()
            .on_open(opens)
            .notification("com.example/note", move |_, session: Session| {
                let tell = tell.clone();
                async move { tell.send(session).await.unwrap() }
            });
    let client = Client::stateless(&serve(template));
    let params = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    client.notify("com.example/note", params).await;
    let session = told.recv().await.unwrap();
    assert_eq!(session.opening().era(), Era::Stateless);
    assert_ne!(session, client.session());
}
