//! Proves that there are never more sessions over HTTP than there may be, who makes room for whom,
//! and that whoever watches is told.

use std::time::Duration;

use futures_util::{FutureExt, future::join_all};
use http::StatusCode;
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::server::{AtCapacity, Limits, Refusal, SessionEvent};
use mcp_session::session::SessionState;
use mcp_session::{BoxError, EndReason, Principal, Server, Session, Template, Tool};
use serde_json::json;

use crate::http::support::{Answer, Client, LATEST_HANDSHAKE, initialize, pass, said};

fn server(limits: Limits) -> Server {
    let caller = |name: &str| Caller::new(Principal::new("test", name));
    let tokens = BearerTokens::new()
        .token("token of ann", caller("ann"))
        .token("token of ben", caller("ben"));
    let plain = Tool::new("plain")
        .description("-")
        .handler(async || "plain");
    let template = Template::builder("small", "1").tool(plain).build().unwrap();
    let server = Server::builder(template)
        .limits(limits)
        .authenticate(tokens);
    server.build().unwrap()
}

fn stranger(server: &Server, token: &'static str) -> Client {
    Client {
        service: server.http(),
        session: None,
        token: Some(token),
        version: LATEST_HANDSHAKE,
    }
}

async fn knock(server: &Server, token: &'static str) -> Answer {
    stranger(server, token)
        .post(initialize(LATEST_HANDSHAKE))
        .await
}

async fn opened(server: &Server, token: &'static str) -> Client {
    Client::handshake_as(server.http(), token).await
}

async fn is_there(client: &Client) -> bool {
    let list = client.message(1, "tools/list", json!({}));
    client.post(list).await.status == StatusCode::OK
}

const ANN: &str = "token of ann";
const BEN: &str = "token of ben";
const REST: Duration = Duration::from_secs(11);

#[tokio::test(start_paused = true)]
async fn a_full_server_evicts_the_session_that_rested_longest_and_never_one_in_use() {
    let server = server(Limits::default().sessions(3));
    let listening = opened(&server, ANN).await;
    let stream = listening.get(None).await;
    let oldest = opened(&server, ANN).await;
    pass(REST).await;
    let older = opened(&server, BEN).await;
    pass(REST).await;
    let newest = opened(&server, BEN).await;
    assert_eq!(server.sessions().len(), 3);
    assert!(!is_there(&oldest).await);
    assert!(is_there(&older).await && is_there(&newest).await && is_there(&listening).await);
    // All three were just in use, so nobody can be sent away.
    let refused = knock(&server, ANN).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after").as_deref(), Some("5"));
    pass(REST).await;
    opened(&server, ANN).await;
    assert!(is_there(&listening).await, "an open stream is in use");
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn a_server_may_refuse_instead() {
    let server = server(
        Limits::default()
            .sessions(1)
            .at_capacity(AtCapacity::Refuse),
    );
    let first = opened(&server, ANN).await;
    pass(REST * 9).await;
    let refused = knock(&server, ANN).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(is_there(&first).await);
    first.delete().await;
    assert_eq!(knock(&server, ANN).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_principal_at_its_limit_makes_room_among_its_own_sessions_only() {
    let limits = Limits::default().per_principal(2);
    let server = server(limits);
    let of_ben = opened(&server, BEN).await;
    pass(REST).await;
    let of_ann = [opened(&server, ANN).await, opened(&server, ANN).await];
    let refused = knock(&server, ANN).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").is_some());
    pass(REST).await;
    assert!(is_there(&of_ann[0]).await);
    opened(&server, ANN).await;
    assert!(is_there(&of_ann[0]).await && !is_there(&of_ann[1]).await);
    assert!(is_there(&of_ben).await);
    of_ann[0].delete().await;
    assert_eq!(knock(&server, ANN).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn sessions_open_no_faster_than_they_may() {
    let server = server(Limits::default().openings_per_second(2));
    let mut statuses = Vec::new();
    for pause in [0, 0, 0, 499, 1, 0, 10_000, 0, 0] {
        pass(Duration::from_millis(pause)).await;
        statuses.push(knock(&server, ANN).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 429, 200, 429, 200, 200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_openings_never_exceed_the_limit_and_places_come_back_on_every_path() {
    let open = async |session: Session| {
        tokio::task::yield_now().await;
        match session.opening().header("x-refuse") {
            Some(_) => Err::<(), BoxError>("refused".into()),
            None => Ok(()),
        }
    };
    let template = Template::builder("small", "1")
        .on_open(open)
        .build()
        .unwrap();
    let limits = Limits::default()
        .sessions(20)
        .at_capacity(AtCapacity::Refuse);
    let server = Server::builder(template).limits(limits).build().unwrap();
    for _ in 0..3 {
        let knocks = (0..200).map(|number| {
            let server = server.clone();
            tokio::spawn(async move {
                let client = Client::modern(server.http());
                let client = Client {
                    version: LATEST_HANDSHAKE,
                    ..client
                };
                let message = initialize(LATEST_HANDSHAKE);
                let mut headers = client.headers(http::Method::POST, &message);
                match number % 4 {
                    0 => headers = headers.header("x-refuse", "yes"),
                    1 => {
                        // Its client is gone before it is open.
                        let mut lost = Box::pin(client.start(&message));
                        assert!((&mut lost).now_or_never().is_none_or(|done| done.is_ok()));
                        return None;
                    }
                    _ => {}
                }
                let answer = client.send(headers, &message.to_string()).await;
                assert!(server.sessions().len() <= 20);
                answer.header("mcp-session-id")
            })
        });
        let ids = join_all(knocks)
            .await
            .into_iter()
            .filter_map(Result::unwrap);
        let ids: Vec<_> = ids.collect();
        assert!(ids.len() <= 20 && server.sessions().len() <= 20);
        for session in server.sessions().list() {
            server.sessions().end(session.id());
        }
        assert!(server.sessions().is_empty());
    }
    for _ in 0..20 {
        Client::handshake(server.http()).await;
    }
    assert_eq!(server.sessions().len(), 20, "no place was lost");
}

#[tokio::test(start_paused = true)]
async fn whoever_subscribes_is_told_what_happens_and_how_much_was_missed() {
    let limits = Limits::default().sessions(1).idle(Duration::from_secs(100));
    let server = server(limits);
    let mut events = server.events();
    opened(&server, ANN).await;
    let session = server.sessions().list().remove(0);
    let id = session.id().clone();
    assert_eq!(
        knock(&server, BEN).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    pass(REST).await;
    opened(&server, BEN).await;
    let of = |name| Some(Principal::new("test", name));
    let changed = |from, to| SessionEvent::StateChanged {
        session: id.clone(),
        from,
        to,
    };
    use SessionState::{Active, Idle, Opening, Terminating};
    let mut seen = Vec::new();
    while let Some(event) = events.next().now_or_never() {
        seen.push(event.unwrap());
    }
    let before: Vec<_> = seen.iter().take(3).collect();
    assert!(matches!(before[0], SessionEvent::Opened { principal, .. } if *principal == of("ann")));
    assert_eq!(before[1], &changed(Opening, Active));
    let refused = SessionEvent::Refused {
        principal: of("ben"),
        reason: Refusal::ServerFull,
    };
    assert_eq!(before[2], &refused);
    let ended = SessionEvent::Ended {
        session: id.clone(),
        reason: EndReason::Evicted,
    };
    assert!(seen.contains(&ended), "{seen:?}");
    assert!(
        !seen.contains(&changed(Idle, Terminating)),
        "the end says it all"
    );
    for _ in 0..600 {
        server.sessions().end(server.sessions().list()[0].id());
        opened(&server, ANN).await;
    }
    assert!(matches!(events.next().await, Some(SessionEvent::Lagged(lost)) if lost > 0));
    assert!(
        matches!(events.next().await, Some(event) if !matches!(event, SessionEvent::Lagged(_)))
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_that_takes_too_long_is_stopped_and_has_failed_in_both_eras() {
    let stuck = || {
        let tool = Tool::new("stuck").description("-");
        tool.handler(async || std::future::pending::<&str>().await)
    };
    let patient = Tool::new("patient")
        .description("-")
        .timeout(Duration::from_secs(50))
        .handler(async || {
            tokio::time::sleep(Duration::from_secs(30)).await;
            "done"
        });
    let prompt =
        mcp_session::Prompt::new("stuck").handler(async || std::future::pending::<&str>().await);
    let template = Template::builder("slow", "1")
        .tool(stuck())
        .tool(patient)
        .prompt(prompt);
    let limits = Limits::default().request(Duration::from_secs(20));
    let server = Server::builder(template.build().unwrap())
        .limits(limits)
        .build()
        .unwrap();
    for client in [
        Client::handshake(server.http()).await,
        Client::modern(server.http()),
    ] {
        let call = async |id: u32, tool: &str| {
            let answer = client.post(client.call(id, tool, 0)).await;
            answer.events.rest().await.remove(0)
        };
        let answer = call(1, "stuck").await;
        assert_eq!(said(&answer), "it took longer than 20s, and was stopped");
        assert_eq!(answer["result"]["isError"], true);
        assert_eq!(said(&call(2, "patient").await), "done");
        let get = client.message(3, "prompts/get", json!({"name": "stuck"}));
        let answer = client.post(get).await.events.rest().await.remove(0);
        assert!(answer["error"]["code"].is_i64(), "{answer}");
    }
}
