//! How much is at work at one time, and that nothing waits for what waits for it.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use super::{Client, call, initialize, ping};
use crate::catalog::Tool;
use crate::server::{Limits, Server, Template};

const VERSION: &str = "2025-11-25";

#[tokio::test(start_paused = true)]
async fn a_slow_call_holds_nothing_back() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    client.call(1, "wait").await;
    client.send(&ping(2)).await;
    client.call(3, "echo").await;
    let mut first = [client.answer().await.0, client.answer().await.0];
    first.sort_unstable();
    assert_eq!(first, [2, 3]);
    client.gate.add_permits(1);
    assert_eq!(client.answer().await, (1, "waited".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_arrives_together_is_answered_as_it_gets_done() {
    let mut client = Client::initialized(Limits::default(), VERSION).await;
    let tools = ["wait", "echo", "stuck", "wait", "echo"];
    let calls = (1..).zip(tools).map(|(id, tool)| call(id, tool));
    let cancelled =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}});
    let lines: Vec<_> = calls
        .chain([cancelled])
        .map(|line| line.to_string())
        .collect();
    client.send_text(&format!("{}\n", lines.join("\n"))).await;
    assert_eq!(client.answer().await, (2, "echoed".to_owned()));
    assert_eq!(client.answer().await, (5, "echoed".to_owned()));
    client.gate.add_permits(2);
    assert_eq!(client.answer().await, (1, "waited".to_owned()));
    assert_eq!(client.answer().await, (4, "waited".to_owned()));
    client.close().await;
    assert!(
        client.rest().await.is_empty(),
        "what was cancelled is not answered"
    );
    assert_eq!(client.calls_held(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_keeps_its_thread_holds_up_none_while_there_is_another_thread() {
    let (say, hear) = mpsc::channel();
    let hear = Arc::new(Mutex::new(hear));
    let blocks = move || {
        let hear = Arc::clone(&hear);
        async move {
            let heard = hear.lock().recv_timeout(Duration::from_secs(20));
            heard.map_or("alone", |()| "freed")
        }
    };
    let frees = move || {
        let say = say.clone();
        async move { say.send(()).map_or("too late", |()| "said") }
    };
    let template = Template::builder("blocking", "1.0.0")
        .tool(
            Tool::new("block")
                .description("Waits on its thread.")
                .handler(blocks),
        )
        .tool(Tool::new("free").description("Frees it.").handler(frees))
        .build()
        .unwrap();
    let mut client = Client::of(
        Server::new(template),
        Semaphore::new(0).into(),
        Arc::default(),
    );
    client.send(&initialize(VERSION)).await;
    client.receive().await;
    let lines = [call(1, "block"), call(2, "free")].map(|line| line.to_string());
    client.send_text(&format!("{}\n", lines.join("\n"))).await;
    let mut answers = [client.answer().await, client.answer().await];
    answers.sort();
    assert_eq!(answers, [(1, "freed".to_owned()), (2, "said".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn requests_beyond_the_limit_wait_for_a_place_and_keep_their_order() {
    let mut client = Client::initialized(Limits::default().in_flight(2), VERSION).await;
    for (id, tool) in [(1, "wait"), (2, "stuck"), (3, "echo"), (4, "echo")] {
        client.call(id, tool).await;
    }
    let early = tokio::time::timeout(Duration::from_secs(60), client.receive()).await;
    assert!(early.is_err(), "{early:?}");
    client.gate.add_permits(1);
    assert_eq!(client.answer().await.0, 1);
    assert_eq!(client.answer().await.0, 3);
    assert_eq!(client.answer().await.0, 4);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_is_heard_while_requests_wait_for_a_place() {
    let mut client = Client::initialized(Limits::default().in_flight(1), VERSION).await;
    client.call(1, "stuck").await;
    client.call(2, "echo").await;
    client.call(3, "echo").await;
    client.cancel(2).await;
    client.cancel(1).await;
    assert_eq!(client.answer().await, (3, "echoed".to_owned()));
    client.close().await;
    assert!(
        client.rest().await.is_empty(),
        "cancelled requests get no answer"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_question_is_heard_while_requests_wait_for_a_place() {
    let mut client = Client::initialized(Limits::default().in_flight(1), VERSION).await;
    client.call(1, "ask").await;
    client.call(2, "echo").await;
    let question = client.receive().await;
    assert_eq!(question["method"], "elicitation/create");
    let result = json!({"action": "accept", "content": {"seat": "12C"}});
    client
        .send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result}))
        .await;
    assert_eq!(client.answer().await, (1, "12C".to_owned()));
    assert_eq!(client.answer().await, (2, "echoed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_behind_many_requests_is_heard_when_nothing_else_can_go_on() {
    let mut client = Client::initialized(Limits::default().in_flight(1), VERSION).await;
    client.call(1, "ask").await;
    for id in 2..=100 {
        client.call(id, "echo").await;
    }
    let question = client.receive().await;
    let result = json!({"action": "decline"});
    client
        .send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result}))
        .await;
    assert_eq!(client.answer().await, (1, "none".to_owned()));
    for id in 2..=100 {
        assert_eq!(client.answer().await.0, id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_not_read_either_and_loses_no_answer() {
    let mut client = Client::initialized(
        Limits::default().in_flight(4).message_bytes(10_000),
        VERSION,
    )
    .await;
    let mut sent = 0;
    let flood = async {
        loop {
            let line = format!("{}\n", ping(sent + 1));
            client.writer.write_all(line.as_bytes()).await.unwrap();
            sent += 1;
        }
    };
    let stalled = tokio::time::timeout(Duration::from_secs(60), flood).await;
    assert!(stalled.is_err() && sent < 1_000, "{sent} were read");
    // Reading makes room for what was cut off in the middle, so finish that line first.
    let (reader, writer) = (&mut client.reader, &mut client.writer);
    let finish = async {
        writer.write_all(b"\n").await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let read = async {
        let mut answers = 0;
        while let Some(line) = reader.next_line().await.unwrap() {
            answers += u32::from(line.contains("\"result\""));
        }
        answers
    };
    let ((), answers) = tokio::join!(finish, read);
    assert!(
        answers == sent || answers == sent + 1,
        "{answers} of {sent}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_larger_than_the_limit_is_answered_as_one() {
    let mut client = Client::initialized(Limits::default().in_flight(2), "2025-03-26").await;
    client.call(1, "wait").await;
    client
        .send(&json!([
            call(2, "echo"),
            call(3, "wait"),
            call(4, "echo"),
            ping(5)
        ]))
        .await;
    client.send(&ping(6)).await;
    client.gate.add_permits(2);
    assert_eq!(client.answer().await.0, 1);
    let answers = client.receive().await;
    let mut ids: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_u64())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [Some(2), Some(3), Some(4), Some(5)]);
    assert_eq!(client.answer().await.0, 6);
}
