//! Proves how much at one time and how fast clients over HTTP may ask, and that whatever a request
//! took is given back however it ends.

use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::server::Limits;
use mcp_session::{BoxError, Principal, Server, Session, Template, Tool};
use serde_json::{Value, json};

use crate::http::support::{Answer, Client, initialize, pass};

fn template() -> Template {
    let open = async |session: Session| match session.opening().header("x-refuse") {
        Some(_) => Err::<(), BoxError>("refused".into()),
        None => Ok(()),
    };
    let own = Tool::new("own").description("-").calls_per_second(2);
    let slow = Tool::new("slow");
    let stuck = || async { std::future::pending::<&str>().await };
    let tools = [
        Tool::new("plain")
            .description("-")
            .handler(async || "plain"),
        own.handler(async || "own"),
        Tool::new("stuck").description("-").handler(stuck),
        slow.description("-")
            .timeout(Duration::from_secs(5))
            .handler(stuck),
        Tool::new("panics")
            .description("-")
            .handler(async || -> &str { panic!("this panic is part of the test") }),
    ];
    let template = Template::builder("paced", "1").on_open(open);
    let template = tools.into_iter().fold(template, |all, tool| all.tool(tool));
    template.build().unwrap()
}

fn serve(limits: Limits) -> Server {
    Server::builder(template()).limits(limits).build().unwrap()
}

fn serve_tokens(limits: Limits) -> Server {
    let caller = |name: &str| Caller::new(Principal::new("test", name));
    let tokens = BearerTokens::new()
        .token("ann", caller("ann"))
        .token("ben", caller("ben"));
    let server = Server::builder(template()).limits(limits);
    server.authenticate(tokens).build().unwrap()
}

async fn call(client: &Client, tool: &str) -> Answer {
    client.post(client.call(7, tool, 0)).await
}

async fn statuses(client: &Client, tool: &str, calls: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..calls {
        let answer = call(client, tool).await;
        let retry = answer.header("retry-after");
        assert_eq!(retry.is_some(), answer.status != StatusCode::OK);
        statuses.push(answer.status.as_u16());
        let answer = answer.json().await;
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["error"].is_object(), statuses.last() != Some(&200));
    }
    statuses
}

#[tokio::test(start_paused = true)]
async fn requests_beyond_what_is_at_work_in_all_are_asked_to_come_back() {
    let server = serve(Limits::default().in_flight_total(2));
    let handshake = Client::handshake(server.http()).await;
    let modern = Client::modern(server.http());
    let (first, second) = (
        call(&handshake, "stuck").await,
        call(&modern, "stuck").await,
    );
    assert_eq!(server.stats().in_flight, 2);
    for client in [&handshake, &modern] {
        assert_eq!(statuses(client, "plain", 1).await, [503]);
        let list = client
            .post(client.message(1, "tools/list", json!({})))
            .await;
        assert_eq!(list.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let newcomer = Client {
        version: "2025-11-25",
        ..modern.clone()
    };
    let refused = newcomer.post(initialize("2025-11-25")).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (refused.json().await["id"].clone(), server.sessions().len()),
        ("init".into(), 1)
    );
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let listen = modern.message("l", "subscriptions/listen", wish);
    let mut listening = modern.post(listen).await;
    listening.events.message().await.unwrap();
    drop(second);
    pass(Duration::ZERO).await;
    assert_eq!(statuses(&modern, "plain", 2).await, [200, 200]);
    assert_eq!(server.stats().in_flight, 1);
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_a_request_its_place_comes_back() {
    let server = serve(
        Limits::default()
            .in_flight_total(1)
            .detached(Duration::from_secs(9)),
    );
    let free = |after: &str| assert_eq!(server.stats().in_flight, 0, "{after}");
    let handshake = Client::handshake(server.http()).await;
    for client in [&handshake, &Client::modern(server.http())] {
        for tool in ["plain", "panics", "unknown"] {
            call(client, tool).await;
            free(tool);
        }
        drop(call(client, "slow").await.events.rest().await);
        free("a timeout");
        client.post(client.message(1, "no/such", json!({}))).await;
        free("an unknown method");
        let mut lost = client.start(&client.call(7, "stuck", 0)).boxed();
        assert!((&mut lost).now_or_never().is_none());
        drop(lost);
        pass(Duration::from_secs(10)).await;
        free("a connection that was lost");
        drop(call(client, "stuck").await);
        pass(Duration::from_secs(10)).await;
        free("a stream that was lost");
    }
    let stuck = call(&handshake, "stuck").await;
    let params = json!({"requestId": 7});
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    handshake.post(cancel).await;
    assert_eq!(stuck.events.rest().await, Vec::<Value>::new());
    free("a cancellation");
    let modern = Client::modern(server.http());
    for version in ["2025-11-25", "2026-07-28"] {
        let client = Client {
            version,
            ..modern.clone()
        };
        let message = match version {
            "2025-11-25" => initialize(version),
            _ => client.message(1, "tools/list", json!({})),
        };
        let headers = client.headers(http::Method::POST, &message);
        let headers = headers.header("x-refuse", "yes");
        client.send(headers, &message.to_string()).await;
        free("an opening that was refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_principal_calls_no_faster_than_it_may_in_both_eras_together() {
    let server = serve_tokens(Limits::default().calls_per_second(3));
    let modern = |token| Client {
        token: Some(token),
        ..Client::modern(server.http())
    };
    let (ann, ben) = (modern("ann"), modern("ben"));
    let handshake = Client::handshake_as(server.http(), "ann").await;
    assert_eq!(statuses(&ann, "plain", 2).await, [200, 200]);
    assert_eq!(statuses(&handshake, "plain", 2).await, [200, 429]);
    assert_eq!(statuses(&ann, "plain", 1).await, [429]);
    assert_eq!(statuses(&ben, "plain", 3).await, [200; 3]);
    let listed = ann.post(ann.message(1, "tools/list", json!({}))).await;
    assert_eq!(listed.status, StatusCode::OK);
    pass(Duration::from_secs(1)).await;
    assert_eq!(statuses(&handshake, "plain", 4).await, [200, 200, 200, 429]);
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_called_no_more_often_than_it_may_be_in_both_eras_together() {
    let server = serve(Limits::default().calls_per_tool(1));
    let handshake = Client::handshake(server.http()).await;
    let modern = Client::modern(server.http());
    assert_eq!(statuses(&modern, "plain", 1).await, [200]);
    assert_eq!(statuses(&handshake, "plain", 1).await, [429]);
    assert_eq!(statuses(&handshake, "own", 1).await, [200]);
    assert_eq!(statuses(&modern, "own", 2).await, [200, 429]);
    pass(Duration::from_secs(1)).await;
    assert_eq!(statuses(&handshake, "plain", 2).await, [200, 429]);
}
