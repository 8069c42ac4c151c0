//! Roots over HTTP: a handler asks on its own stream, and what it learns is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_session::server::RootsChange;
use mcp_session::{Context, Server, Session, Template, Tool, ToolError};
use serde_json::json;

use super::support::{Client, LATEST_HANDSHAKE, initialize, said};

#[tokio::test(start_paused = true)]
async fn what_a_handler_learned_is_kept_and_the_hook_hears_of_it_once() {
    let told = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&told);
    let tool = Tool::new("roots")
        .description("-")
        .handler(async |ctx: Context| {
            let roots = ctx.roots().await?;
            let uris: Vec<_> = roots.iter().map(|root| root.uri.clone()).collect();
            Ok::<_, ToolError>(uris.join(" "))
        });
    let hook = move |_: Session, change: RootsChange| {
        counted.fetch_add(change.new.len(), Ordering::Relaxed);
        std::future::ready(Ok(()))
    };
    let template = Template::builder("probe", "1.0.0").tool(tool);
    let server = Server::new(template.on_roots_changed(hook).build().unwrap());
    let mut client = Client {
        service: server.http(),
        session: None,
        token: None,
        version: LATEST_HANDSHAKE,
    };
    let mut hello = initialize(LATEST_HANDSHAKE);
    hello["params"]["capabilities"] = json!({"roots": {}});
    client.session = client.post(hello).await.header("mcp-session-id");
    let call = |id: i32| client.message(id, "tools/call", json!({"name": "roots"}));

    let mut events = client.post(call(1)).await.events;
    let question = events.message().await.unwrap();
    assert_eq!(question["method"], "roots/list");
    let roots = json!({"roots": [{"uri": "file:///a"}]});
    let reply = json!({"jsonrpc": "2.0", "id": question["id"], "result": roots});
    client.post(reply).await;
    assert_eq!(said(&events.message().await.unwrap()), "file:///a");
    assert_eq!(said(&client.post(call(2)).await.json().await), "file:///a");
    let session = server.sessions().list().remove(0);
    assert_eq!(session.known_roots().unwrap().len(), 1);
    assert_eq!(told.load(Ordering::Relaxed), 1);
}
