//! Proves when an answer is plain JSON and when it becomes an event stream, and what is in it.

use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use mcp_session::Server;
use mcp_session::server::Limits;
use serde_json::json;

use crate::http::support::{Client, Probe, answered, kind, now, said, seen, server, template};

async fn both_eras(server: &Server) -> [Client; 2] {
    [
        Client::modern(server.http()),
        Client::handshake(server.http()).await,
    ]
}

#[tokio::test]
async fn a_handler_that_only_answers_is_answered_in_plain_json() {
    let (server, _) = server();
    for client in both_eras(&server).await {
        let answer = client.post(client.call(7, "plain", 0)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("mcp-session-id"), None);
        let text = answer.text().await;
        assert_eq!(
            text.lines().count(),
            1,
            "one line: some readers split at line breaks"
        );
        let body: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((body["id"].as_u64(), said(&body)), (Some(7), "plain"));
    }
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let (server, _) = server();
    for client in both_eras(&server).await {
        let body = client.post(client.call(7, "large", 0)).await.json().await;
        assert_eq!(said(&body).len(), 200_000);
    }
}

#[tokio::test]
async fn a_handler_that_speaks_is_heard_before_its_answer() {
    let (server, probe) = server();
    for client in both_eras(&server).await {
        let answer = client.post(client.call("a", "speak", 3)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.is_stream());
        assert_eq!(answer.header("x-accel-buffering").as_deref(), Some("no"));
        assert!(answer.header("cache-control").unwrap().contains("no-cache"));
        let messages = answer.events.rest().await;
        let kinds: Vec<_> = messages.iter().map(kind).collect();
        let progress = "notifications/progress";
        assert_eq!(kinds, [progress, progress, progress, "result"]);
        assert_eq!(messages[0]["params"]["progressToken"], "a");
        assert_eq!(messages[3]["id"], "a");

        let mut stream = client.post(client.call("b", "wait", 2)).await.events;
        seen(&probe.started).await;
        assert_eq!(stream.message().await.unwrap()["params"]["progress"], 0);
        assert_eq!(stream.message().await.unwrap()["params"]["progress"], 1);
        probe.gate.add_permits(1);
        let rest = stream.rest().await;
        assert_eq!(
            rest.iter().map(kind).collect::<Vec<_>>(),
            [progress, progress, "result"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn silence_makes_a_stream_whose_first_byte_comes_at_once() {
    let (server, probe) = server();
    for client in both_eras(&server).await {
        let started = now();
        let answer = client.post(client.call(1, "wait", 0)).await;
        assert!(answer.is_stream());
        assert_eq!(started.elapsed(), Duration::from_secs(1));
        let mut events = answer.events;
        assert!(
            events.block().now_or_never().is_some(),
            "something is sent at once"
        );
        probe.gate.add_permits(1);
        assert_eq!(said(&events.rest().await[0]), "waited");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_within_the_second_stays_plain() {
    let (server, probe) = server();
    for client in both_eras(&server).await {
        let request = client.call(1, "wait", 0);
        let (answer, ()) = tokio::join!(client.post(request), async {
            seen(&probe.started).await;
            tokio::time::advance(Duration::from_millis(900)).await;
            probe.gate.add_permits(1);
        });
        assert_eq!(said(&answer.json().await), "waited");
    }
}

#[tokio::test(start_paused = true)]
async fn comments_keep_a_silent_stream_alive_and_only_a_silent_one() {
    let probe = Probe::new();
    let limits = Limits::default().keep_alive(Duration::from_secs(15));
    let server = Server::builder(template(&probe))
        .limits(limits)
        .build()
        .unwrap();
    let client = Client::handshake(server.http()).await;
    let mut standing = client.get(None).await.events;
    assert_eq!(
        standing.block().await.unwrap().data.as_deref(),
        Some(""),
        "the priming event"
    );
    let begun = now();
    for round in 1..=3 {
        assert!(standing.block().await.unwrap().is_comment());
        assert_eq!(begun.elapsed(), Duration::from_secs(15) * round);
    }
    tokio::time::advance(Duration::from_secs(10)).await;
    let tool = mcp_session::Tool::new("new")
        .description("New.")
        .handler(async || "new");
    server.sessions().list()[0]
        .edit(|edit| edit.add_tool(tool))
        .unwrap();
    assert_eq!(
        kind(&standing.message().await.unwrap()),
        "notifications/tools/list_changed"
    );
    assert_eq!(begun.elapsed(), Duration::from_secs(55));
    assert!(standing.block().await.unwrap().is_comment());
    assert_eq!(begun.elapsed(), Duration::from_secs(70));
}

#[tokio::test]
async fn a_handler_that_panics_answers_with_an_error_and_harms_nobody() {
    let (server, _) = server();
    for client in both_eras(&server).await {
        let messages = client
            .post(client.call(1, "panic", 0))
            .await
            .events
            .rest()
            .await;
        let answer = messages.last().unwrap();
        assert!(
            answer["error"].is_object() || answer["result"]["isError"] == true,
            "{answer}"
        );
        assert!(!answer.to_string().contains("on purpose"));
        let next = client.post(client.call(2, "plain", 0)).await.json().await;
        assert_eq!(said(&next), "plain");
    }
}

#[tokio::test]
async fn notifications_and_responses_are_accepted_without_a_body() {
    let (server, _) = server();
    for client in both_eras(&server).await {
        let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}});
        let answer = client.post(note).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert_eq!(answer.text().await, "");
    }
}

#[tokio::test]
async fn stateless_streams_have_no_ids_and_ignore_those_of_others() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    let message = client.call(1, "speak", 2);
    let builder = client
        .headers(http::Method::POST, &message)
        .header("last-event-id", "0000000000000000.1.1")
        .header("mcp-session-id", "nobody's");
    let mut events = client.send(builder, &message.to_string()).await.events;
    let mut count = 0;
    while let Some(event) = events.event().await {
        assert_eq!((event.id, event.retry), (None, None));
        count += 1;
    }
    assert_eq!(count, 3);
}

#[tokio::test]
async fn stateless_ids_never_collide() {
    let (server, probe) = server();
    let client = Client::modern(server.http());
    let calls: Vec<_> = (0..50)
        .map(|_| tokio::spawn(answered(client.start(&client.call(1, "wait", 1)))))
        .collect();
    for _ in &calls {
        seen(&probe.started).await;
    }
    probe.gate.add_permits(calls.len());
    for call in calls {
        let messages = call.await.unwrap().events.rest().await;
        let kinds: Vec<_> = messages.iter().map(kind).collect();
        assert_eq!(
            kinds,
            ["notifications/progress", "notifications/progress", "result"]
        );
        assert_eq!(said(&messages[2]), "waited");
    }
}

#[tokio::test]
async fn a_batch_is_answered_as_one_where_the_revision_has_batches() {
    let (server, _) = server();
    let client = Client::handshake_of(server.http(), "2025-03-26").await;
    let batch = json!([
        client.call(1, "plain", 0),
        client.call(2, "large", 0),
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}},
    ]);
    let answers = client.post(batch.clone()).await.json().await;
    let ids: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_u64())
        .collect();
    assert_eq!(ids, [Some(1), Some(2)]);
    let newer = Client::handshake(server.http()).await;
    assert_eq!(newer.post(batch).await.status, StatusCode::BAD_REQUEST);
}
