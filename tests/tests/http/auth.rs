//! Proves who is let in, to what, and that everybody else's things do not exist.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Method, StatusCode};
use mcp_session::auth::{self, BearerTokens, Caller, Challenge};
use mcp_session::{Context, Principal, Prompt, Resource, Server, Session, Template, tool};
use serde_json::{Value, json};

use crate::http::support::{Client, Events, pass, said};

/// Who is calling.
#[tool]
async fn whoami(principal: Option<Principal>, session: Session, ctx: Context) -> String {
    let named = |principal: &Principal| principal.subject().to_owned();
    assert_eq!(session.principal(), ctx.principal());
    assert_eq!(session.opening().header("authorization"), None);
    principal
        .as_ref()
        .map_or_else(|| "nobody".to_owned(), named)
}

/// Deletes everything.
#[tool(guard("files:write", "files:delete"))]
async fn wipe(ctx: Context) -> String {
    format!("wiped, admin {}", ctx.has_scope("admin"))
}

fn template() -> Template {
    let secret = Resource::new("note://secret", "secret")
        .guard("notes")
        .text("hush");
    let plan = Prompt::new("plan")
        .description("Plans.")
        .guard("plans")
        .handler(async || "plan");
    Template::builder("guarded", "1.0.0")
        .tool(whoami)
        .tool(wipe)
        .resource(secret)
        .prompt(plan)
        .build()
        .unwrap()
}

fn caller(name: &str) -> Caller {
    Caller::new(Principal::new("test", name))
}

fn tokens() -> BearerTokens {
    BearerTokens::new()
        .token("ann", caller("ann"))
        .token("ann, refreshed", caller("ann"))
        .token(
            "bob",
            caller("bob").scopes(["files:write", "files:delete", "notes"]),
        )
        .token("brief", caller("brief").expires_in(Duration::from_secs(60)))
        .resource_metadata("https://mcp.example/meta")
}

fn server() -> Server {
    Server::builder(template())
        .authenticate(tokens())
        .build()
        .unwrap()
}

fn modern(server: &Server, token: Option<&'static str>) -> Client {
    Client {
        token,
        ..Client::modern(server.http())
    }
}

const UNKNOWN: &str = "Bearer error=\"invalid_token\", \
    error_description=\"the token is not known here\", \
    resource_metadata=\"https://mcp.example/meta\"";

#[tokio::test]
async fn every_request_is_verified_before_anything_else_is_looked_at() {
    let server = server();
    let missing = "Bearer resource_metadata=\"https://mcp.example/meta\"";
    for (token, expected) in [(None, missing), (Some("eve"), UNKNOWN)] {
        let client = modern(&server, token);
        for method in [Method::POST, Method::GET, Method::DELETE, Method::PUT] {
            // Neither JSON nor acceptable, and far too large: nobody gets so far.
            let builder = client.headers(method.clone(), &Value::Null);
            let builder = builder.header("content-length", "99999999999");
            let answer = client.send(builder, "{").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method}");
            assert_eq!(answer.header("www-authenticate").as_deref(), Some(expected));
            assert_eq!(answer.json().await["error"]["code"], -32600);
        }
    }
    let mut stranger = modern(&server, Some("ann"));
    stranger.token = None;
    let elsewhere = stranger
        .headers(Method::POST, &Value::Null)
        .header("origin", "http://evil.example");
    assert_eq!(
        stranger.send(elsewhere, "{}").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(server.sessions().len(), 0);
}

#[tokio::test]
async fn handlers_see_the_principal_and_never_the_token() {
    let server = server();
    let client = modern(&server, Some("ann"));
    let answer = client.post(client.call(1, "whoami", 0)).await.json().await;
    assert_eq!(said(&answer), "ann");
    let list = client.message(2, "tools/list", json!({}));
    assert_eq!(
        client.post(list).await.json().await["result"]["cacheScope"],
        "private"
    );
    let client = Client::handshake_as(server.http(), "bob").await;
    let answer = client.post(client.call(1, "whoami", 0)).await.json().await;
    assert_eq!(said(&answer), "bob");
}

#[tokio::test]
async fn a_session_survives_a_refreshed_token_and_not_a_revoked_one() {
    let valid = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&valid);
    let authenticator = auth::from_fn(move |request| {
        let known = request.bearer().is_some() && asked.load(Ordering::SeqCst);
        async move {
            known
                .then(|| caller("ann"))
                .ok_or_else(|| Challenge::invalid_token("revoked"))
        }
    });
    let server = Server::builder(template())
        .authenticate(authenticator)
        .build()
        .unwrap();
    let mut client = Client::handshake_as(server.http(), "first").await;
    client.token = Some("second");
    let call = client.call(1, "whoami", 0);
    assert_eq!(client.post(call.clone()).await.status, StatusCode::OK);
    valid.store(false, Ordering::SeqCst);
    assert_eq!(client.post(call).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_principals_session_answers_like_one_that_never_was() {
    let server = server();
    let ann = Client::handshake_as(server.http(), "ann").await;
    let event = ann.get(None).await.events.event().await.unwrap().id;
    let foreign = Client {
        token: Some("bob"),
        ..ann.clone()
    };
    let unknown = Client {
        session: Some("nobody's".to_owned()),
        ..foreign.clone()
    };
    async fn ways(client: &Client, event: Option<&str>) -> Vec<(StatusCode, String)> {
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let response = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
        let batch = json!([note.clone()]);
        let mut answers = vec![client.get(None).await, client.get(event).await];
        for message in [client.call(7, "whoami", 0), note, response, batch] {
            answers.push(client.post(message).await);
        }
        answers.push(client.delete().await);
        let mut all = Vec::new();
        for answer in answers {
            all.push((answer.status, answer.text().await));
        }
        all
    }
    let event = event.as_deref();
    let seen = ways(&foreign, event).await;
    assert_eq!(seen, ways(&unknown, event).await);
    assert!(
        seen.iter()
            .filter(|(status, _)| *status == StatusCode::NOT_FOUND)
            .count()
            >= 6
    );
    // Nothing of it has touched the session.
    let mut refreshed = ann;
    refreshed.token = Some("ann, refreshed");
    let answer = refreshed
        .post(refreshed.call(1, "whoami", 0))
        .await
        .json()
        .await;
    assert_eq!(said(&answer), "ann");
    assert_eq!(refreshed.delete().await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_guarded_is_listed_and_asks_for_its_scopes() {
    let server = server();
    let asked = "Bearer error=\"insufficient_scope\", scope=\"files:delete files:write\", \
        resource_metadata=\"https://mcp.example/meta\"";
    for client in [
        modern(&server, Some("ann")),
        Client::handshake_as(server.http(), "ann").await,
    ] {
        let list = client
            .post(client.message(1, "tools/list", json!({})))
            .await
            .json()
            .await;
        assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 2);
        let answer = client.post(client.call(2, "wipe", 0)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.header("www-authenticate").as_deref(), Some(asked));
        let error = answer.json().await;
        assert_eq!(
            (&error["id"], &error["error"]["code"]),
            (&json!(2), &json!(-32600))
        );
        let prompt = client
            .post(client.message(3, "prompts/get", json!({"name": "plan"})))
            .await;
        assert_eq!(prompt.status, StatusCode::FORBIDDEN);
    }
    let bob = Client::handshake_as(server.http(), "bob").await;
    let answer = bob.post(bob.call(1, "wipe", 0)).await.json().await;
    assert_eq!(said(&answer), "wiped, admin false");
    let read = bob.message(2, "resources/read", json!({"uri": "note://secret"}));
    assert_eq!(
        bob.post(read).await.json().await["result"]["contents"][0]["text"],
        "hush"
    );
}

#[tokio::test]
async fn where_nobody_asks_who_is_calling_what_is_guarded_is_closed() {
    let server = Server::new(template());
    let client = Client::handshake(server.http()).await;
    let answer = client.post(client.call(1, "wipe", 0)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = client.post(client.call(2, "whoami", 0)).await.json().await;
    assert_eq!(said(&answer), "nobody");
    // On a byte stream the caller is the local user.
    let client = mcp_session::testing::Client::handshake(&server).await;
    assert_eq!(
        client.call_tool("wipe", json!({})).await.text(),
        "wiped, admin true"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_the_token_expires_it_was_opened_with() {
    async fn ended(mut events: Events) {
        while events.block().await.is_some() {}
    }
    let server = server();
    let client = Client::handshake_as(server.http(), "brief").await;
    let standing = client.get(None).await.events;
    let listener = modern(&server, Some("brief"));
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let listening = listener
        .post(listener.message(1, "subscriptions/listen", wish))
        .await
        .events;
    let (standing, listening) = (
        tokio::spawn(ended(standing)),
        tokio::spawn(ended(listening)),
    );
    pass(Duration::from_secs(59)).await;
    assert!(!standing.is_finished() && !listening.is_finished());
    pass(Duration::from_secs(2)).await;
    assert!(standing.is_finished() && listening.is_finished());
    assert_eq!(client.get(None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_authenticator_that_panics_or_cannot_tell_lets_nobody_in() {
    let failing = |panics: bool| {
        auth::from_fn(move |_| async move {
            assert!(!panics, "on purpose");
            Err(Challenge::unavailable())
        })
    };
    for panics in [false, true] {
        let server = Server::builder(template())
            .authenticate(failing(panics))
            .build()
            .unwrap();
        let client = modern(&server, Some("ann"));
        let answer = client.post(client.call(1, "whoami", 0)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            answer.header("retry-after").is_some() && answer.header("www-authenticate").is_none()
        );
    }
}
