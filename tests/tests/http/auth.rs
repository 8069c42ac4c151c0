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
use mcp_session::{
    Context, Principal, Prompt, Resource, Server, Session, Template, ToolError, tool,
};
use serde_json::{Value, json};

use crate::http::support::{Client, Events, initialize, pass, said};

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

/// Asks the client where it works.
#[tool]
async fn ask(ctx: Context) -> Result<String, ToolError> {
    Ok(format!("{} roots", ctx.roots().await?.len()))
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
        .tool(ask)
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
            "ann of another issuer",
            Caller::new(Principal::new("elsewhere", "ann")),
        )
        .token(
            "ann of another client",
            Caller::new(Principal::new("test", "ann").client("editor")),
        )
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

/// Opens a session of a client that can be asked for its roots.
async fn with_roots(server: &Server, token: &'static str) -> Client {
    let mut client = modern(server, Some(token));
    client.version = "2025-11-25";
    let mut message = initialize(client.version);
    message["params"]["capabilities"] = json!({"roots": {}});
    let answer = client.post(message).await;
    client.session = answer.header("mcp-session-id");
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(client.post(note).await.status, StatusCode::ACCEPTED);
    client
}

/// Everything by which a session can be named, and all that comes back but for the time.
async fn ways(
    client: &Client,
    event: &str,
    question: &Value,
) -> Vec<(StatusCode, Vec<(String, String)>, String)> {
    let note = |method: &str, params: Value| {
        let mut note = json!({"jsonrpc": "2.0", "method": method});
        note["params"] = params;
        note
    };
    let messages = [
        client.call(7, "whoami", 0),
        client.message(7, "tools/list", json!({})),
        client.message(7, "ping", json!({})),
        client.message(7, "no/such", json!({})),
        client.message(7, "logging/setLevel", json!({"level": "debug"})),
        client.message(7, "resources/subscribe", json!({"uri": "note://secret"})),
        note("notifications/initialized", json!({})),
        note("notifications/cancelled", json!({"requestId": 1})),
        note("notifications/roots/list_changed", json!({})),
        json!({"jsonrpc": "2.0", "id": question, "result": {"roots": []}}),
        json!({"jsonrpc": "2.0", "id": question, "error": {"code": 1, "message": "no"}}),
        json!([client.message(7, "ping", json!({}))]),
    ];
    let mut answers = vec![
        client.get(None).await,
        client.get(Some(event)).await,
        client.get(Some("nonsense")).await,
        client.delete().await,
    ];
    for message in messages {
        // Also in a revision that it was not opened with, and in none that there is.
        for version in ["2025-11-25", "2025-03-26", "1999-01-01"] {
            let client = Client {
                version,
                ..client.clone()
            };
            answers.push(client.post(message.clone()).await);
        }
    }
    let mut all = Vec::new();
    for answer in answers {
        assert!(answer.status.is_client_error(), "{}", answer.status);
        let headers = answer.headers.iter().map(|(name, value)| {
            let value = value.to_str().unwrap().to_owned();
            (name.to_string(), value)
        });
        let (status, headers) = (answer.status, headers.collect());
        all.push((status, headers, answer.text().await));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn another_principals_session_answers_like_one_that_never_was() {
    let server = server();
    let ann = with_roots(&server, "ann").await;
    let mut standing = ann.get(None).await.events;
    let event = standing.event().await.unwrap().id.unwrap();
    let mut asking = ann.post(ann.call(1, "ask", 0)).await.events;
    let question = asking.message().await.unwrap()["id"].clone();
    pass(Duration::from_secs(5)).await;
    let session = server.sessions().list().remove(0);
    let before = session.stats();
    assert_eq!(before.in_flight, 1);

    let strangers = ["bob", "ann of another issuer", "ann of another client"];
    for stranger in strangers {
        let foreign = Client {
            token: Some(stranger),
            ..ann.clone()
        };
        let unknown = Client {
            session: Some("nobody's".to_owned()),
            ..foreign.clone()
        };
        let seen = ways(&foreign, &event, &question).await;
        let never = ways(&unknown, &event, &question).await;
        for (seen, never) in seen.iter().zip(&never) {
            assert_eq!(seen, never, "{stranger}");
        }
        // Her event in a session of his own resumes what nonsense does.
        let own = Client::handshake_as(server.http(), stranger).await;
        let replayed = own.get(Some(&event)).await;
        let nonsense = own.get(Some("nonsense")).await;
        assert_eq!(replayed.status, StatusCode::BAD_REQUEST);
        assert_eq!(replayed.headers, nonsense.headers);
        assert_eq!(replayed.text().await, nonsense.text().await);
        // His answer to her question is an answer to nothing.
        let answer = json!({"jsonrpc": "2.0", "id": question, "result": {"roots": []}});
        assert_eq!(own.post(answer).await.status, StatusCode::ACCEPTED);
        own.delete().await;
    }

    // Nothing of it has touched the session: not even its rest.
    let after = session.stats();
    assert_eq!((after.in_flight, after.traffic), (1, before.traffic));
    assert!(after.connected && session.end_reason().is_none());
    pass(Duration::from_secs(5)).await;
    assert!(session.stats().silence >= Duration::from_secs(10));
    let mut refreshed = ann;
    refreshed.token = Some("ann, refreshed");
    let roots = json!({"roots": [{"uri": "file:///a"}]});
    let answer = json!({"jsonrpc": "2.0", "id": question, "result": roots});
    assert_eq!(refreshed.post(answer).await.status, StatusCode::ACCEPTED);
    assert_eq!(said(&asking.message().await.unwrap()), "1 roots");
    let answer = refreshed.post(refreshed.call(2, "whoami", 0)).await;
    assert_eq!(said(&answer.json().await), "ann");
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
        assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 3);
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
