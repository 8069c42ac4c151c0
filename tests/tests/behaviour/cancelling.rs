//! Cancellation on a byte stream, which works alike in both eras.

use std::sync::Arc;

use mcp_session::testing::Client;
use mcp_session::{Context, Dep, Server, Tool};
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{both, named, serve, template};

/// Tells the test when it is dropped.
struct Guard(Sender<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.try_send("dropped").unwrap();
    }
}

/// A server whose tool `wait` never ends, and what it tells of itself.
fn waiting() -> (Server, Receiver<&'static str>) {
    let (tell, told) = channel(64);
    let wait = Tool::new("wait").description("-").handler(
        async |tell: Dep<Sender<&'static str>>, ctx: Context| {
            let _guard = Guard((*tell).clone());
            let (tell, watching) = ((*tell).clone(), ctx.clone());
            tokio::spawn(async move {
                watching.cancelled().await;
                tell.send("told").await.unwrap();
            });
            std::future::pending::<()>().await;
        },
    );
    (
        serve(
            template()
                .provide_arc(Arc::new(tell))
                .tool(wait)
                .tool(named("other")),
        ),
        told,
    )
}

async fn both_signals(told: &mut Receiver<&'static str>) {
    let mut signals = [told.recv().await.unwrap(), told.recv().await.unwrap()];
    signals.sort_unstable();
    assert_eq!(signals, ["dropped", "told"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_dropped_tells_its_tasks_and_gets_no_answer() {
    let (server, told) = waiting();
    let told = tokio::sync::Mutex::new(told);
    both(&server, async |client| {
        let mut call = client.start("tools/call", json!({"name": "wait"})).await;
        client.settle().await;
        client.cancel(call.id()).await;
        both_signals(&mut *told.lock().await).await;
        assert_eq!(client.call_tool("other", json!({})).await.text(), "other");
        assert!(!call.is_answered());
        client.close().await;
        assert_eq!(call.outcome().await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_cancelled_call_can_be_used_again() {
    let (server, mut told) = waiting();
    let client = Client::handshake(&server).await;
    let call = r#"{"jsonrpc":"2.0","id":"again","method":"tools/call","params":{"name":"wait"}}"#;
    let cancel =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"again"}}"#;
    let other = call.replace("wait", "other");
    client.send_line(call).await;
    let taken = client.raw_request(&other).await;
    assert_eq!(taken.len(), 1);
    assert!(taken[0].contains("still in flight"), "{taken:?}");
    assert_eq!(client.raw_request(cancel).await, [""; 0]);
    both_signals(&mut told).await;
    let answered = client.raw_request(&other).await;
    assert!(answered[0].contains(r#""text":"other""#), "{answered:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_fits_nothing_is_ignored() {
    let (server, _told) = waiting();
    both(&server, async |client| {
        for params in [
            json!({"requestId": 999}),
            json!({"requestId": "1"}),
            json!({"requestId": null}),
            json!({"requestId": {}}),
            json!({}),
        ] {
            client.notify("notifications/cancelled", params).await;
        }
        client
            .notify("notifications/cancelled", serde_json::Value::Null)
            .await;
        assert_eq!(client.call_tool("other", json!({})).await.text(), "other");
        assert_eq!(client.notifications().await, []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_stream_cancels_what_ran_on_it() {
    let (server, told) = waiting();
    let told = tokio::sync::Mutex::new(told);
    both(&server, async |client| {
        let _call = client.start("tools/call", json!({"name": "wait"})).await;
        client.settle().await;
        drop(client);
        both_signals(&mut *told.lock().await).await;
    })
    .await;
}
