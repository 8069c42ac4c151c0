//! Proves that what is said at one replica reaches the client at another: notices, answers to
//! questions, cancellations, and streams that are gone on with.

use std::time::Duration;

use http::StatusCode;
use mcp_session::protocol::ElicitAction;
use mcp_session::server::Limits;
use mcp_session::{BoxError, Context, Session, Tool, ToolError};
use serde_json::{Value, json};

use super::support::{Replicas, Told, call, messages, settle, template, tools};
use crate::http::support::{Answer, Client, Events, pass, soon};

/// Tools that speak, ask and wait.
fn speaking(told: &Told) -> mcp_session::Template {
    let updated = Tool::new("updated")
        .description("Says that a memo changed.")
        .handler(async |session: Session| {
            session.resource_updated("memo://a");
            "said"
        });
    let everybody = Tool::new("everybody")
        .description("Tells everybody.")
        .handler(async |ctx: Context| {
            let server = ctx.server().expect("it serves this call");
            server.notifier().resource_updated("memo://a");
            "told"
        });
    let ask = Tool::new("ask").description("Asks the user.").handler(
        async |ctx: Context| -> Result<String, ToolError> {
            let form = mcp_session::protocol::ElicitFormParams::new(
                "Sure?",
                json!({
                    "type": "object", "properties": {"sure": {"type": "boolean"}}
                }),
            );
            let answer = ctx.elicit_form("sure", form).await?;
            Ok(format!("{:?}", answer.action == ElicitAction::Accept))
        },
    );
    let (begun, stopped) = (std::sync::Arc::clone(told), std::sync::Arc::clone(told));
    let wait = Tool::new("wait")
        .description("Reports, and waits.")
        .handler(move |ctx: Context| {
            let (begun, stopped) = (begun.clone(), stopped.clone());
            async move {
                let mut stop = Stop(stopped, false);
                begun.lock().push("begun".to_owned());
                for step in 0..3 {
                    ctx.progress(f64::from(step)).send();
                }
                tokio::time::sleep(Duration::from_secs(10)).await;
                ctx.progress(3.0).send();
                stop.1 = true;
                "waited"
            }
        });
    let roots = std::sync::Arc::clone(told);
    template(told)
        .tool(updated)
        .tool(everybody)
        .tool(ask)
        .tool(wait)
        .on_roots_changed(move |_, change| {
            roots.lock().push(format!("roots: {}", change.new.len()));
            std::future::ready(Ok::<(), BoxError>(()))
        })
        .build()
        .unwrap()
}

/// Tells when a call is stopped before its end.
struct Stop(Told, bool);

impl Drop for Stop {
    fn drop(&mut self) {
        if !self.1 {
            self.0.lock().push("stopped".to_owned());
        }
    }
}

fn replicas(count: usize) -> Replicas {
    replicas_with(count, &Limits::default())
}

fn replicas_with(count: usize, limits: &Limits) -> Replicas {
    let mut replicas = Replicas::new(0);
    for _ in 0..count {
        let template = speaking(&replicas.told);
        replicas.start(template, limits.clone());
    }
    replicas
}

/// A session of a client that can be asked, opened at the first replica.
async fn client(replicas: &Replicas) -> Client {
    let mut client = Client {
        service: replicas.servers[0].http(),
        session: None,
        token: None,
        version: "2025-11-25",
    };
    let hello = json!({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
        "protocolVersion": client.version,
        "capabilities": {"elicitation": {}, "roots": {"listChanged": true}},
        "clientInfo": {"name": "test", "version": "1"},
    }});
    let answer = client.post(hello).await;
    client.session = Some(answer.header("mcp-session-id").unwrap());
    client
}

async fn subscribe(client: &Client) {
    let subscribe = client.message(3, "resources/subscribe", json!({"uri": "memo://a"}));
    assert_eq!(client.post(subscribe).await.status, StatusCode::OK);
}

async fn opened(client: &Client, last: Option<&str>) -> Events {
    let answer = client.get(last).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.events
}

/// The next message, with the id of its event.
async fn next(events: &mut Events) -> (String, Value) {
    loop {
        let event = events.event().await.unwrap();
        if let Some(message) = event.message() {
            return (event.id.unwrap(), message);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_at_one_replica_is_read_at_another() {
    let replicas = replicas(3);
    let a = client(&replicas).await;
    let (b, c) = (replicas.at(&a, 1), replicas.at(&a, 2));
    subscribe(&b).await;
    let mut stream = opened(&c, None).await;
    settle(&[&a, &b, &c]).await;
    call(&a, "updated", "").await;
    let (_, message) = next(&mut stream).await;
    assert_eq!(message["method"], "notifications/resources/updated");
    call(&b, "install", "ann").await;
    let (_, message) = next(&mut stream).await;
    assert_eq!(message["method"], "notifications/tools/list_changed");
    call(&b, "everybody", "").await;
    let (_, message) = next(&mut stream).await;
    assert_eq!(message["params"]["uri"], "memo://a");
    pass(Duration::from_secs(2)).await;
    assert!(futures_util::FutureExt::now_or_never(stream.message()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_goes_on_reading_where_it_was_at_any_replica() {
    let replicas = replicas(3);
    let a = client(&replicas).await;
    let at: Vec<Client> = (0..3).map(|replica| replicas.at(&a, replica)).collect();
    subscribe(&a).await;
    let mut stream = opened(&at[1], None).await;
    settle(&[&at[0], &at[1], &at[2]]).await;
    let mut last = String::new();
    for round in 0..12_usize {
        call(&at[round % 3], "updated", "").await;
        (last, _) = next(&mut stream).await;
        if round % 3 == 2 {
            drop(stream);
            // While nobody reads.
            call(&at[round % 2], "install", &format!("n{round}")).await;
            pass(Duration::from_secs(2)).await;
            stream = opened(&at[(round / 3) % 3], Some(&last)).await;
            let (id, message) = next(&mut stream).await;
            assert_eq!(
                message["method"], "notifications/tools/list_changed",
                "{round}"
            );
            last = id;
            settle(&[&at[0], &at[1], &at[2]]).await;
        }
    }
    // Without saying what it saw, it gets what nobody was given.
    drop(stream);
    pass(Duration::from_secs(1)).await;
    call(&at[0], "updated", "").await;
    pass(Duration::from_secs(2)).await;
    let mut stream = opened(&at[2], None).await;
    let (_, message) = next(&mut stream).await;
    assert_eq!(message["method"], "notifications/resources/updated");
    pass(Duration::from_secs(2)).await;
    assert!(futures_util::FutureExt::now_or_never(stream.message()).is_none());
    // What is gone, or was never there, is said so.
    let gone = last
        .rsplit_once('.')
        .map(|(stream, _)| format!("{stream}.9"))
        .unwrap();
    assert_eq!(at[0].get(Some(&gone)).await.status, StatusCode::BAD_REQUEST);
}

/// Replicas whose sessions may rest for ten minutes: what is said is kept for 71 minutes and a bit.
fn resting(count: usize) -> Replicas {
    let limits = Limits::default().retention(Duration::from_secs(10 * 60));
    replicas_with(count, &limits)
}

/// So many minutes, of which the last is long enough to look again at what is read.
async fn minutes(count: u64) {
    for _ in 0..count / 5 {
        pass(Duration::from_secs(5 * 60)).await;
    }
    for _ in 0..250 {
        pass(Duration::from_millis(250)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_saw_all_goes_on_though_nothing_was_said_for_long() {
    let replicas = resting(3);
    let a = client(&replicas).await;
    let (b, c) = (replicas.at(&a, 1), replicas.at(&a, 2));
    subscribe(&a).await;
    let mut stream = opened(&b, None).await;
    settle(&[&a, &b, &c]).await;
    call(&a, "updated", "").await;
    let (first, _) = next(&mut stream).await;
    call(&a, "updated", "").await;
    let (mut last, _) = next(&mut stream).await;
    // It listens all the while. Once it comes back before anything is said, and once behind that.
    for said_meanwhile in [false, true] {
        minutes(80).await;
        drop(stream);
        pass(Duration::from_secs(1)).await;
        // Behind this there was something, which is gone.
        assert_eq!(c.get(Some(&first)).await.status, StatusCode::BAD_REQUEST);
        if said_meanwhile {
            call(&a, "updated", "").await;
            pass(Duration::from_secs(2)).await;
        }
        stream = opened(&c, Some(&last)).await;
        settle(&[&a, &b, &c]).await;
        if !said_meanwhile {
            call(&a, "updated", "").await;
        }
        let (id, message) = next(&mut stream).await;
        assert_eq!(message["method"], "notifications/resources/updated");
        last = id;
        assert!(futures_util::FutureExt::now_or_never(stream.message()).is_none());
    }
    // What is said while it is away is not kept for ever, and it is told that it missed something.
    drop(stream);
    pass(Duration::from_secs(1)).await;
    call(&a, "updated", "").await;
    for _ in 0..16 {
        pass(Duration::from_secs(5 * 60)).await;
        tools(&a).await;
    }
    assert_eq!(c.get(Some(&last)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_left_before_it_was_given_all_is_told_that_something_is_gone() {
    let replicas = resting(2);
    let a = client(&replicas).await;
    let b = replicas.at(&a, 1);
    subscribe(&a).await;
    let mut stream = opened(&b, None).await;
    settle(&[&a, &b]).await;
    call(&a, "updated", "").await;
    let (last, _) = next(&mut stream).await;
    // It does not read this, and goes when that is old.
    call(&a, "updated", "").await;
    minutes(30).await;
    drop(stream);
    for _ in 0..10 {
        pass(Duration::from_secs(5 * 60)).await;
        tools(&a).await;
    }
    assert_eq!(b.get(Some(&last)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn an_answer_given_at_one_replica_reaches_the_handler_at_another() {
    let replicas = replicas(2);
    let a = client(&replicas).await;
    let b = replicas.at(&a, 1);
    settle(&[&a, &b]).await;
    for round in 0..5 {
        let params = json!({"name": "ask", "arguments": {}});
        let mut asked = a.post(a.message(round, "tools/call", params)).await;
        let question = asked.events.message().await.unwrap();
        assert_eq!(question["method"], "elicitation/create");
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {
            "action": "accept", "content": {"sure": true},
        }});
        for client in [&b, &b] {
            // The second one comes too late, and harms nobody.
            let taken = client.post(answer.clone()).await;
            assert_eq!(taken.status, StatusCode::ACCEPTED);
        }
        let answered = asked.events.message().await.unwrap();
        assert_eq!(answered["result"]["content"][0]["text"], "true");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_cancelled_from_another_replica() {
    let replicas = replicas(2);
    let a = client(&replicas).await;
    let b = replicas.at(&a, 1);
    settle(&[&a, &b]).await;
    let params = json!({"name": "wait", "arguments": {}});
    let waiting = a.post(a.message("w", "tools/call", params)).await;
    assert_eq!(waiting.status, StatusCode::OK);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": "w"}});
    assert_eq!(b.post(cancel).await.status, StatusCode::ACCEPTED);
    pass(Duration::from_secs(1)).await;
    assert!(replicas.told().contains(&"stopped".to_owned()));
}

fn waiting(client: &Client) -> Value {
    let params = json!({"name": "wait", "arguments": {}, "_meta": {"progressToken": 1}});
    client.message("w", "tools/call", params)
}

async fn progress(answer: &mut Answer) -> (String, f64) {
    let (id, message) = next(&mut answer.events).await;
    (id, message["params"]["progress"].as_f64().unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_an_answer_is_gone_on_with_at_another_replica() {
    let replicas = replicas(2);
    let a = client(&replicas).await;
    let b = replicas.at(&a, 1);
    settle(&[&a, &b]).await;
    let mut answer = a.post(waiting(&a)).await;
    let (_, first) = progress(&mut answer).await;
    assert!(first.abs() < f64::EPSILON);
    let (last, _) = progress(&mut answer).await;
    drop(answer);
    let mut resumed = b.get(Some(&last)).await;
    assert_eq!(resumed.status, StatusCode::OK);
    let (_, third) = progress(&mut resumed).await;
    assert!((third - 2.0).abs() < f64::EPSILON);
    let (last, fourth) = soon(progress(&mut resumed)).await;
    assert!((fourth - 3.0).abs() < f64::EPSILON);
    let rest = resumed.events.rest().await;
    assert_eq!(rest[0]["result"]["content"][0]["text"], "waited");
    assert_eq!(rest.len(), 1);
    // Once more, when it is over: at the one and at the other.
    for client in [&a, &b] {
        let again = client.get(Some(&last)).await;
        assert_eq!(again.status, StatusCode::OK);
        assert_eq!(messages(again).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_replica_is_gone_is_said_to_be_lost() {
    let mut replicas = replicas(2);
    let b = client(&replicas).await;
    let b = replicas.at(&b, 1);
    let a = replicas.at(&b, 0);
    settle(&[&a, &b]).await;
    let mut answer = b.post(waiting(&b)).await;
    let (last, _) = progress(&mut answer).await;
    drop((answer, b));
    drop(replicas.servers.pop());
    let lost = soon(a.get(Some(&last))).await;
    assert_eq!(lost.status, StatusCode::BAD_REQUEST);
    assert!(lost.text().await.contains("gone"));
    assert_eq!(tools(&a).await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn roots_are_asked_for_where_the_client_listens_and_known_everywhere() {
    let replicas = replicas(3);
    let a = client(&replicas).await;
    let (b, c) = (replicas.at(&a, 1), replicas.at(&a, 2));
    let mut stream = opened(&c, None).await;
    settle(&[&a, &b, &c]).await;
    for count in 1..4 {
        let changed = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
        assert_eq!(a.post(changed).await.status, StatusCode::ACCEPTED);
        let (_, question) = next(&mut stream).await;
        assert_eq!(question["method"], "roots/list");
        let roots: Vec<Value> = (0..count)
            .map(|root| json!({"uri": format!("file:///{root}")}))
            .collect();
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"roots": roots}});
        assert_eq!(b.post(answer).await.status, StatusCode::ACCEPTED);
        pass(Duration::from_secs(1)).await;
        assert_eq!(replicas.told().last().unwrap(), &format!("roots: {count}"));
        tools(&b).await;
        let id = mcp_session::session::SessionId::from(b.session.as_deref().unwrap());
        let session = replicas.servers[1].sessions().get(&id).unwrap();
        assert_eq!(session.known_roots().unwrap().len(), count);
    }
}
