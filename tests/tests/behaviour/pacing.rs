//! How much at one time, and how fast: over byte streams, in both eras.

use std::time::Duration;

use mcp_session::protocol::{Era, ProtocolVersion};
use mcp_session::testing::Client;
use mcp_session::{Limits, Principal, Prompt, Server, Tool, tool};
use serde_json::json;

use super::{both, is_stateless, named, parts, serve_within, template};

const TOO_MANY: &str = "too many requests are in flight: try again";
const TOO_FAST: &str = "you call too fast: at most 2 calls per second";
const TOO_OFTEN: &str = "`tool` is called too often: at most 2 times per second";

/// Never answers.
#[tool(timeout = "5s")]
async fn hangs() -> String {
    std::future::pending().await
}

/// Never answers either.
#[tool(timeout = Duration::from_secs(60), calls_per_second = 1)]
async fn lingers() -> String {
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn the_attribute_of_a_tool_sets_its_limits() {
    let limits = Limits::default().request(Duration::from_secs(9));
    let server = serve_within(limits, template().tool(hangs).tool(lingers));
    both(&server, async |client| {
        for (tool, seconds) in [("hangs", 5), ("lingers", 60)] {
            let stopped = client.call_tool(tool, json!({})).await.text();
            let expected = format!("it took longer than {seconds}s, and was stopped");
            assert_eq!(stopped, expected);
        }
        let first = client.start("tools/call", json!({"name": "lingers"})).await;
        let why = "`lingers` is called too often: at most 1 times per second";
        assert_eq!(answered(&client, "lingers", 1, why).await, 0);
        drop(first);
        tokio::time::sleep(Duration::from_secs(61)).await;
    })
    .await;
}

fn paced(limits: Limits) -> Server {
    let own = Tool::new("own").description("-").calls_per_second(3);
    let stuck = Tool::new("stuck").description("-");
    let template = template()
        .tool(named("tool"))
        .tool(own.handler(async || "own"))
        .tool(stuck.handler(async || std::future::pending::<&str>().await))
        .prompt(Prompt::new("prompt").handler(async || "prompt"));
    serve_within(limits, template)
}

async fn ann(server: &Server, other: &Client) -> Client {
    let principal = Principal::new("test", "ann");
    let version = match other.era() {
        Era::Handshake => ProtocolVersion::LATEST_HANDSHAKE,
        Era::Stateless => ProtocolVersion::LATEST,
    };
    let client = Client::builder(server).version(version);
    client.principal(principal).connect().await
}

/// How many of so many calls are answered with a result.
async fn answered(client: &Client, tool: &str, calls: usize, why: &str) -> usize {
    let mut answered = 0;
    for _ in 0..calls {
        match client.request("tools/call", json!({"name": tool})).await {
            Ok(_) => answered += 1,
            Err(error) => assert_eq!(parts(&error), (-32603, why)),
        }
    }
    answered
}

#[tokio::test(start_paused = true)]
async fn a_request_beyond_what_is_at_work_in_all_gets_an_error() {
    let server = paced(Limits::default().in_flight_total(2));
    both(&server, async |client| {
        let other = Client::handshake(&server).await;
        let wish = json!({"toolsListChanged": true});
        // What only waits to hear something works at nothing.
        let listening = match is_stateless(&client) {
            true => Some(client.listen(wish).await.unwrap()),
            false => None,
        };
        let stuck = json!({"name": "stuck"});
        let first = other.start("tools/call", stuck.clone()).await;
        let second = client.start("tools/call", stuck).await;
        client.settle().await;
        other.settle().await;
        assert_eq!(server.stats().in_flight, 2);
        assert_eq!(answered(&client, "tool", 2, TOO_MANY).await, 0);
        assert_eq!(answered(&other, "tool", 2, TOO_MANY).await, 0);
        other.cancel(first.id()).await;
        other.settle().await;
        assert_eq!(answered(&client, "tool", 2, TOO_MANY).await, 2);
        client.cancel(second.id()).await;
        client.settle().await;
        client
            .request("tools/call", json!({"name": "none"}))
            .await
            .unwrap_err();
        client.request("no/such", json!({})).await.unwrap_err();
        assert_eq!(server.stats().in_flight, 0);
        drop(listening);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_principal_calls_no_faster_than_it_may_and_others_do_not_pay_for_it() {
    let server = paced(Limits::default().calls_per_second(2));
    both(&server, async |anonymous| {
        let (ann, again) = (
            ann(&server, &anonymous).await,
            ann(&server, &anonymous).await,
        );
        assert_eq!(answered(&ann, "tool", 3, TOO_FAST).await, 2);
        let error = again
            .request("prompts/get", json!({"name": "prompt"}))
            .await;
        assert_eq!(parts(&error.unwrap_err()), (-32603, TOO_FAST));
        // What runs nothing of the program's is no call.
        again.request("tools/list", json!({})).await.unwrap();
        assert_eq!(answered(&anonymous, "tool", 9, "never").await, 9);
        tokio::time::advance(Duration::from_millis(499)).await;
        assert_eq!(answered(&ann, "own", 1, TOO_FAST).await, 0);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(answered(&again, "own", 2, TOO_FAST).await, 1);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(answered(&ann, "tool", 5, TOO_FAST).await, 2);
        tokio::time::advance(Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_called_no_more_often_than_it_may_be_by_all_together() {
    let server = paced(Limits::default().calls_per_tool(2));
    both(&server, async |client| {
        let ann = ann(&server, &client).await;
        assert_eq!(answered(&client, "tool", 1, TOO_OFTEN).await, 1);
        assert_eq!(answered(&ann, "tool", 3, TOO_OFTEN).await, 1);
        let why = "`own` is called too often: at most 3 times per second";
        assert_eq!(answered(&client, "own", 5, why).await, 3);
        let unknown = client.request("tools/call", json!({"name": "none"})).await;
        assert_eq!(parts(&unknown.unwrap_err()), (-32602, "unknown tool: none"));
        client
            .request("prompts/get", json!({"name": "prompt"}))
            .await
            .unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(answered(&client, "tool", 3, TOO_OFTEN).await, 2);
        tokio::time::advance(Duration::from_secs(1)).await;
    })
    .await;
}
