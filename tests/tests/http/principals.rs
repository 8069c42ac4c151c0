//! Proves what a verified principal has in the stateless era: one session, however requests come
//! and go, and changes of its own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{Method, StatusCode};
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::server::TemplateBuilder;
use mcp_session::{
    Context, Limits, Principal, Server, Session, Template, Tool, ToolError, Variant, tool,
};
use serde_json::{Value, json};

use crate::http::support::{Client, answered, said, seen};

/// Hides a tool from its caller, and from nobody else.
#[tool]
async fn dismiss(ctx: Context) -> Result<&'static str, ToolError> {
    ctx.principal_scope()?
        .edit(|edit| edit.hide_tool("wizard"))
        .await?;
    Ok("dismissed")
}

/// What is known of this request, and of the session.
#[tool]
async fn known(ctx: Context, session: Session) -> String {
    let own = session.opening();
    assert_eq!((own.path(), own.header("x-tenant")), (None, None));
    let opening = ctx.opening();
    let tenant = opening.header("x-tenant").unwrap_or("none");
    assert_eq!(opening.header("authorization"), None);
    format!("{} {tenant}", opening.path().unwrap())
}

fn wizard() -> Tool {
    Tool::new("wizard")
        .description("Helps newcomers.")
        .handler(async || "abracadabra")
}

fn template() -> TemplateBuilder {
    Template::builder("principals", "1.0.0")
        .tool(wizard())
        .tool(dismiss)
        .tool(known)
}

fn serve(template: TemplateBuilder, limits: Limits) -> Server {
    let caller = |name: &str| Caller::new(Principal::new("test", name));
    let tokens = BearerTokens::new()
        .token("ann", caller("ann"))
        .token("ann, refreshed", caller("ann"))
        .token("bob", caller("bob"));
    Server::builder(template.build().unwrap())
        .authenticate(tokens)
        .limits(limits)
        .build()
        .unwrap()
}

fn client(server: &Server, token: &'static str) -> Client {
    Client {
        token: Some(token),
        ..Client::modern(server.http())
    }
}

async fn list(client: &Client) -> Value {
    let list = client.message(1, "tools/list", json!({}));
    client.post(list).await.json().await["result"].clone()
}

fn names(list: &Value) -> Vec<&str> {
    let tools = list["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

async fn listening(client: &Client) -> crate::http::support::Events {
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let listen = client.message("listen", "subscriptions/listen", wish);
    let mut events = client.post(listen).await.events;
    let first = events.message().await.unwrap();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    events
}

#[tokio::test]
async fn a_principals_changes_follow_it_through_tokens_and_are_told_to_it_alone() {
    let server = serve(template(), Limits::default());
    let (ann, bob) = (client(&server, "ann"), client(&server, "bob"));
    let (mut hers, mut his) = (listening(&ann).await, listening(&bob).await);
    let before = list(&bob).await;
    let answer = ann.post(ann.call(2, "dismiss", 0)).await.json().await;
    assert_eq!(said(&answer), "dismissed");
    let told = hers.message().await.unwrap();
    assert_eq!(told["method"], "notifications/tools/list_changed");
    let refreshed = list(&client(&server, "ann, refreshed")).await;
    assert_eq!(names(&refreshed), ["dismiss", "known"]);
    assert_eq!(
        (&refreshed["cacheScope"], &refreshed["ttlMs"]),
        (&json!("private"), &json!(0))
    );
    assert_eq!(list(&bob).await, before);
    // The first he hears is of the revision, not of her change.
    let next = Tool::new("next").description("-").handler(async || "next");
    let published = server.publish(Variant::DEFAULT, |edit| edit.add_tool(next));
    published.await.unwrap();
    his.message().await.unwrap();
    assert_eq!(names(&list(&bob).await).len(), 4);
    assert_eq!(names(&list(&ann).await).len(), 3);
    let hidden = ann.message(3, "tools/call", json!({"name": "wizard"}));
    let unknown = ann.message(3, "tools/call", json!({"name": "never"}));
    let hidden = ann.post(hidden).await.text().await;
    let unknown = ann.post(unknown).await.text().await;
    assert_eq!(hidden, unknown.replace("never", "wizard"));
}

#[tokio::test]
async fn each_request_knows_its_own_url_and_headers_and_the_session_none() {
    let server = serve(template(), Limits::default());
    let ann = client(&server, "ann");
    for tenant in ["acme", "other"] {
        let call = ann.call(1, "known", 0);
        let builder = ann.headers(Method::POST, &call).header("x-tenant", tenant);
        let answer = ann.send(builder, &call.to_string()).await.json().await;
        assert_eq!(said(&answer), format!("/mcp {tenant}"));
    }
}

#[tokio::test]
async fn opening_survives_the_client_that_caused_it_and_runs_once_for_all() {
    let none = || Arc::new(tokio::sync::Semaphore::new(0));
    let (started, gate) = (none(), none());
    let opened = Arc::new(AtomicUsize::new(0));
    let hook = {
        let (started, gate, opened) = (started.clone(), gate.clone(), opened.clone());
        move |session: Session| {
            opened.fetch_add(1, Ordering::SeqCst);
            let (started, gate) = (started.clone(), gate.clone());
            async move {
                started.add_permits(1);
                gate.acquire().await?.forget();
                session.edit(|edit| edit.hide_tool("wizard"))?;
                Ok(())
            }
        }
    };
    let server = serve(template().on_open(hook), Limits::default());
    let ann = client(&server, "ann");
    let message = ann.message(1, "tools/list", json!({}));
    let first = tokio::spawn(answered(ann.start(&message)));
    seen(&started).await;
    first.abort();
    assert!(first.await.is_err());
    let others: Vec<_> = (0..5)
        .map(|_| tokio::spawn(answered(ann.start(&message))))
        .collect();
    gate.add_permits(1);
    for other in others {
        let page = other.await.unwrap().json().await;
        assert_eq!(names(&page["result"]), ["dismiss", "known"]);
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_principal_that_finds_no_place_is_asked_to_come_back() {
    let server = serve(template(), Limits::default().sessions(1));
    let (ann, bob) = (client(&server, "ann"), client(&server, "bob"));
    let listening = listening(&ann).await;
    let answer = bob.post(bob.message(1, "tools/list", json!({}))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.json().await["id"], 1);
    assert_eq!(names(&list(&ann).await).len(), 3);
    drop(listening);
    assert_eq!(names(&list(&bob).await).len(), 3);
}

#[tokio::test]
async fn a_choice_by_the_url_alone_leaves_lists_public() {
    let other = Template::builder("other", "1").tool(known).build().unwrap();
    let family = || {
        let default = template().build().unwrap();
        Server::builder(default).variant("other", other.clone())
    };
    let by_url = family()
        .select_by_url(|url| url.query("v").unwrap_or(Variant::DEFAULT).to_owned())
        .build()
        .unwrap();
    let opaque = family()
        .select(|opening| opening.query("v").unwrap_or(Variant::DEFAULT).to_owned())
        .build()
        .unwrap();
    for (server, scope) in [(by_url, "public"), (opaque, "private")] {
        let client = Client::modern(server.http());
        for (uri, count) in [("/mcp", 3), ("/mcp?v=other", 1), ("/mcp?v=unknown", 3)] {
            let message = client.message(1, "tools/list", json!({}));
            let builder = client.headers(Method::POST, &message).uri(uri);
            let answer = client.send(builder, &message.to_string()).await;
            let page = answer.json().await["result"].clone();
            assert_eq!(
                (names(&page).len(), &page["cacheScope"]),
                (count, &json!(scope))
            );
        }
    }
}
