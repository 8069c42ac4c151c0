//! `on_open`: it comes before everything, and what it refuses stays closed.

use std::sync::Arc;

use mcp_session::testing::Client;
use mcp_session::{BoxError, Principal, Server, Session, Tool};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{both, is_stateless, named, serve, template};

/// A server whose `on_open` hides `secret` once the gate has a place.
fn slow(gate: &Arc<Semaphore>) -> Server {
    let gate = Arc::clone(gate);
    let hook = move |session: Session| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await?.forget();
            session.edit(|edit| edit.hide_tool("secret"))?;
            Ok(())
        }
    };
    serve(
        template()
            .tool(named("secret"))
            .tool(named("open"))
            .on_open(hook),
    )
}

fn introduction() -> Value {
    json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "eager", "version": "1"},
    })
}

#[tokio::test(start_paused = true)]
async fn what_follows_initialize_waits_until_the_session_is_open() {
    let gate = Arc::new(Semaphore::new(0));
    let server = slow(&gate);
    let client = Client::builder(&server).attach();
    let mut initialize = client.start("initialize", introduction()).await;
    client
        .notify("notifications/initialized", Value::Null)
        .await;
    let list = client.start("tools/list", json!({})).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(!initialize.is_answered());
    gate.add_permits(1);
    initialize.result().await.unwrap();
    let listed = list.result().await.unwrap();
    assert_eq!(listed["tools"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_initialize_cannot_be_cancelled() {
    let gate = Arc::new(Semaphore::new(0));
    let server = slow(&gate);
    let client = Client::builder(&server).attach();
    let initialize = client.start("initialize", introduction()).await;
    client.cancel(initialize.id()).await;
    let call = client.start("tools/call", json!({"name": "secret"})).await;
    gate.add_permits(1);
    initialize.result().await.unwrap();
    assert_eq!(call.result().await.unwrap_err().code, -32602);
    assert_eq!(client.list_tools().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_session_stays_closed() {
    let hook = async |_: Session| Err::<(), BoxError>("the house is full".into());
    let server = serve(template().tool(named("secret")).on_open(hook));
    let client = Client::builder(&server).attach();
    client
        .request("initialize", introduction())
        .await
        .unwrap_err();
    client
        .notify("notifications/initialized", Value::Null)
        .await;
    for (method, params) in [
        ("tools/list", json!({})),
        ("tools/call", json!({"name": "secret"})),
    ] {
        let error = client.request(method, params).await.unwrap_err();
        assert_eq!(error.code, -32600, "{method}");
    }
    let again = client
        .request("initialize", introduction())
        .await
        .unwrap_err();
    assert_eq!(
        super::parts(&again),
        (-32600, "the session of this stream was refused")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stateless_request_waits_for_its_own_hook_only_and_can_be_cancelled() {
    let gate = Arc::new(Semaphore::new(0));
    let server = slow(&gate);
    let client = Client::stateless(&server);
    let mut one = client.start("tools/list", json!({})).await;
    let mut two = client.start("tools/list", json!({})).await;
    client.settle().await;
    assert!(!one.is_answered() && !two.is_answered());
    client.cancel(one.id()).await;
    client.settle().await;
    gate.add_permits(1);
    let listed = two.result().await.unwrap();
    assert_eq!(listed["tools"].as_array().unwrap().len(), 1);
    assert!(!one.is_answered());
}

#[tokio::test(start_paused = true)]
async fn the_hook_runs_once_per_session_or_once_per_stateless_request() {
    let opened = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    let hook = move |_: Session| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async { Ok(()) }
    };
    let server = serve(template().tool(named("tool")).on_open(hook));
    both(&server, async |client| {
        opened.store(0, std::sync::atomic::Ordering::Relaxed);
        for _ in 0..3 {
            client.list_tools().await;
        }
        let expected = if is_stateless(&client) { 3 } else { 0 };
        assert_eq!(opened.load(std::sync::atomic::Ordering::Relaxed), expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_offered_may_depend_on_who_calls() {
    let hook = async |session: Session| {
        if let Some(principal) = session.principal() {
            let own = named(&format!("only_{}", principal.subject()));
            session.edit(|edit| edit.add_tool(own))?;
        }
        Ok(())
    };
    let who = Tool::new("who")
        .description("-")
        .handler(async |ctx: mcp_session::Context| {
            ctx.principal()
                .map_or_else(|| "nobody".to_owned(), |who| who.subject().to_owned())
        });
    let server = serve(template().tool(who).on_open(hook));
    for version in [
        super::ProtocolVersion::LATEST,
        super::ProtocolVersion::LATEST_HANDSHAKE,
    ] {
        for subject in ["ann", "bob"] {
            let principal = Principal::new("https://issuer.example", subject);
            let builder = Client::builder(&server)
                .version(version)
                .principal(principal);
            let client = builder.connect().await;
            let names: Vec<_> = client
                .list_tools()
                .await
                .into_iter()
                .map(|one| one.name)
                .collect();
            assert_eq!(names, ["who".to_owned(), format!("only_{subject}")]);
            assert_eq!(client.call_tool("who", json!({})).await.text(), subject);
            for other in ["only_ann", "only_bob"]
                .into_iter()
                .filter(|name| !names.contains(&(*name).to_owned()))
            {
                let error = client.try_call_tool(other, json!({})).await.unwrap_err();
                assert_eq!(error.code, -32602);
            }
        }
        let nobody = Client::builder(&server).version(version).connect().await;
        assert_eq!(nobody.call_tool("who", json!({})).await.text(), "nobody");
        assert_eq!(nobody.list_tools().await.len(), 1);
    }
}
