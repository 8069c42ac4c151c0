//! How a stream ends, and what its end leaves behind.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::Semaphore;

use super::{Client, ping, stateless, template};
use crate::auth::Principal;
use crate::clock;
use crate::protocol::Era;
use crate::server::{Limits, Server, Session};
use crate::session::EndReason;

const VERSION: &str = "2025-11-25";

#[tokio::test(start_paused = true)]
async fn the_end_of_input_waits_for_what_is_in_flight() {
    let mut client = Client::initialized(Limits::default().in_flight(2), VERSION).await;
    for id in 1..=6 {
        client.call(id, "wait").await;
    }
    client.close().await;
    tokio::task::yield_now().await;
    client.gate.add_permits(6);
    let mut ids: Vec<_> = client
        .rest()
        .await
        .iter()
        .map(|one| one["id"].as_u64())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=6).map(Some).collect::<Vec<_>>());
    assert!((&mut client.run).await.unwrap().is_ok());
    assert_eq!(client.session.end_reason(), Some(EndReason::Transport));
    assert!(client.server.sessions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_input_waits_no_longer_than_the_drain() {
    let limits = Limits::default().drain(Duration::from_secs(3));
    let mut client = Client::initialized(limits, VERSION).await;
    client.call(1, "stuck").await;
    client.call(2, "wait").await;
    client.gate.add_permits(1);
    let began = clock::now();
    client.close().await;
    let rest = client.rest().await;
    assert!(rest.len() == 1 && rest[0]["id"] == 2, "{rest:?}");
    assert_eq!(clock::now() - began, Duration::from_secs(3));
    assert!((&mut client.run).await.unwrap().is_ok());
    assert_eq!(client.calls_held(), 0);
}

#[tokio::test(start_paused = true)]
async fn questions_fail_at_once_when_nobody_can_answer_any_more() {
    let mut client = Client::initialized(Limits::default().in_flight(1), VERSION).await;
    client.call(1, "ask").await;
    client.call(2, "ask").await;
    assert_eq!(client.receive().await["method"], "elicitation/create");
    let began = clock::now();
    client.close().await;
    let rest = client.rest().await;
    let answered = |id: u64| {
        rest.iter()
            .any(|one| one["id"] == id && one.get("result").is_some())
    };
    assert!(answered(1) && answered(2), "{rest:?}");
    assert_eq!(clock::now(), began);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_closes_subscriptions_and_finishes_calls_with_the_input_still_open() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    let wish = json!({"notifications": {"toolsListChanged": true}});
    client
        .send(&stateless(1, "subscriptions/listen", wish))
        .await;
    let acknowledged = client.receive().await;
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    client.call(2, "wait").await;
    client.send(&ping(3)).await;
    assert_eq!(client.answer().await.0, 3);
    let server = client.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown().await });
    let cancelled = client.receive().await;
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], 1);
    let closed = client.receive().await;
    assert_eq!(
        (&closed["id"], &closed["result"]["resultType"]),
        (&json!(1), &json!("complete"))
    );
    client.gate.add_permits(1);
    assert_eq!(client.answer().await, (2, "waited".to_owned()));
    assert!(client.rest().await.is_empty());
    shutdown.await.unwrap();
    assert!((&mut client.run).await.unwrap().is_ok());
    assert_eq!(client.session.end_reason(), Some(EndReason::Shutdown));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_input_closes_subscriptions_at_once() {
    let mut client = Client::new(Limits::default());
    let wish = json!({"notifications": {"toolsListChanged": true}});
    client
        .send(&stateless(1, "subscriptions/listen", wish))
        .await;
    client.close().await;
    let began = clock::now();
    let rest = client.rest().await;
    let methods: Vec<_> = rest.iter().map(|one| one["method"].as_str()).collect();
    let acknowledged = "notifications/subscriptions/acknowledged";
    assert_eq!(
        methods,
        [Some(acknowledged), Some("notifications/cancelled"), None]
    );
    assert_eq!(clock::now(), began);
}

#[tokio::test(start_paused = true)]
async fn a_principals_session_is_found_again_until_it_ends_and_then_there_is_another() {
    let (gate, held) = (Arc::new(Semaphore::new(0)), Arc::new(()));
    let server = Server::new(template(&gate, &held));
    let ann = Principal::new("https://issuer.example", "ann");
    let mut client = Client::over(server, gate, held, |server, reader, writer| {
        server.duplex_as(ann, reader, writer)
    });
    let own = |client: &Client| {
        let sessions = client.server.sessions().list();
        let own = |session: &Session| session.opening().era() == Era::Stateless;
        sessions.into_iter().find(own).expect("a principal's")
    };
    // Somebody holds on to it, so that it is there after its end.
    let mut known = Vec::new();
    for id in 1..=3 {
        let params = json!({"name": "echo"});
        client.send(&stateless(id, "tools/call", params)).await;
        assert_eq!(client.answer().await, (id.into(), "echoed".to_owned()));
        known.push(own(&client));
        if id == 2 {
            assert!(client.server.sessions().end(known[1].id()));
        }
    }
    assert_eq!(known[0], known[1]);
    assert_ne!(known[1], known[2]);
}

#[tokio::test(start_paused = true)]
async fn a_session_ended_from_elsewhere_ends_its_stream() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    client.call(1, "stuck").await;
    client.send(&ping(2)).await;
    assert_eq!(client.answer().await.0, 2);
    assert!(client.server.sessions().end(client.session.id()));
    assert!(client.rest().await.is_empty());
    assert!((&mut client.run).await.unwrap().is_ok());
    assert_eq!(client.session.end_reason(), Some(EndReason::Revoked));
    assert_eq!(client.calls_held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_go_without_reading_what_it_never_asked_for() {
    // The notice comes before the client goes, or after.
    for gone_first in [false, true] {
        let mut client = Client::initialized(Limits::default(), VERSION).await;
        client.send(&ping(1)).await;
        assert_eq!(client.answer().await.0, 1);
        let Client {
            reader,
            writer,
            run,
            session,
            ..
        } = client;
        let edited = session.clone();
        let notify = move || edited.edit(|edit| edit.hide_tool("echo")).unwrap();
        if gone_first {
            drop((reader, writer));
            notify();
        } else {
            notify();
            drop((reader, writer));
        }
        assert!(run.await.unwrap().is_ok());
        assert_eq!(session.end_reason(), Some(EndReason::Transport));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_written_is_owed_even_behind_a_notice() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    client.call(1, "hide").await;
    let Client {
        reader,
        writer,
        run,
        ..
    } = client;
    drop((reader, writer));
    assert!(run.await.unwrap().unwrap_err().is_io());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_ends_the_run_with_an_error() {
    let Client {
        reader,
        writer,
        run,
        session,
        gate,
        ..
    } = {
        let mut client = Client::initialized(Limits::default(), VERSION).await;
        client.call(1, "wait").await;
        client
    };
    drop((reader, writer));
    gate.add_permits(1);
    assert!(run.await.unwrap().unwrap_err().is_io());
    assert_eq!(session.end_reason(), Some(EndReason::Transport));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_run_ends_its_session_and_its_calls() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    client.call(1, "stuck").await;
    client.send(&ping(2)).await;
    assert_eq!(client.answer().await.0, 2);
    client.run.abort();
    assert_eq!(client.session.done().await, EndReason::Transport);
    assert!(client.rest().await.is_empty());
    client.server.shutdown().await;
    assert_eq!(client.calls_held(), 0);
}
