//! Proves what becomes of a stream whose reader takes nothing while much is said.

use std::time::Duration;

use futures_util::FutureExt;
use mcp_session::server::Limits;
use mcp_session::{Context, LogLevel, Server, Template, Tool, ToolError};
use serde_json::{Value, json};

use crate::http::support::{Client, Events, Probe, kind, pass, said, seen};

/// How much may wait.
const ROOM: usize = 10;
/// What `Limits::stall` is unless set.
const STALL: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// A tool that says as much as may wait whenever the gate opens, a few times.
fn talkative(limits: Limits) -> (Server, Probe) {
    let probe = Probe::new();
    let talking = probe.clone();
    let talk = Tool::new("talk")
        .description("Talks.")
        .handler(move |ctx: Context| {
            let probe = talking.clone();
            async move {
                for round in 0..ROUNDS {
                    let open = probe.gate.acquire().await.map_err(ToolError::from)?;
                    open.forget();
                    (0..ROOM).for_each(|number| ctx.log(LogLevel::Info, round * ROOM + number));
                    probe.started.add_permits(1);
                }
                let left = ctx.connection().is_done();
                Ok::<_, ToolError>(if left { "to nobody" } else { "to somebody" })
            }
        });
    let template = Template::builder("talkative", "1.0.0").tool(talk);
    let server = Server::builder(template.build().unwrap()).limits(limits.notices(ROOM));
    (server.build().unwrap(), probe)
}

fn talk(client: &Client) -> Value {
    let meta = json!({"io.modelcontextprotocol/logLevel": "info"});
    client.message(1, "tools/call", json!({"name": "talk", "_meta": meta}))
}

async fn round(probe: &Probe) {
    probe.gate.add_permits(1);
    seen(&probe.started).await;
}

/// What was logged, up to the end of the stream; and the answer, if it came.
async fn heard(events: Events) -> (Vec<u64>, Option<Value>) {
    let mut messages = events.rest().await;
    let answer = messages.pop_if(|last| kind(last) == "result");
    let number = |message: &Value| message["params"]["data"].as_u64().unwrap();
    (messages.iter().map(number).collect(), answer)
}

fn numbers(range: std::ops::Range<usize>) -> Vec<u64> {
    range.map(|number| number as u64).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_ends_and_its_client_comes_back_for_what_was_kept() {
    let (server, probe) = talkative(Limits::default());
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = Client::handshake_of(server.http(), version).await;
        probe.gate.add_permits(1);
        let mut stream = client.post(talk(&client)).await.events;
        let mut third = None;
        for _ in 0..3 {
            third = stream.event().await;
        }
        seen(&probe.started).await;
        // It stalls: this fills the queue, and then there is no room for what follows.
        round(&probe).await;
        pass(STALL).await;
        round(&probe).await;
        let (_, answer) = heard(stream).await;
        assert_eq!(answer, None, "the stream has ended before the answer");

        let id = third.unwrap().id;
        let (logged, answer) = heard(client.get(id.as_deref()).await.events).await;
        let primed = usize::from(version == "2025-11-25");
        assert_eq!(logged, numbers(3 - primed..2 * ROOM), "in order, once");
        assert_eq!(said(&answer.unwrap()), "to nobody");
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_ends_no_stream_that_is_read() {
    let (server, probe) = talkative(Limits::default());
    let client = Client::handshake(server.http()).await;
    probe.gate.add_permits(ROUNDS);
    let stream = client.post(talk(&client)).await.events;
    let (logged, answer) = heard(stream).await;
    assert_eq!(logged, numbers(0..ROOM), "what finds no room is dropped");
    assert_eq!(said(&answer.unwrap()), "to somebody");
}

#[tokio::test(start_paused = true)]
async fn a_burst_ends_a_stream_where_no_stall_is_borne() {
    let (server, probe) = talkative(Limits::default().stall(Duration::ZERO));
    let client = Client::handshake(server.http()).await;
    probe.gate.add_permits(ROUNDS);
    let mut stream = client.post(talk(&client)).await.events;
    let id = stream.event().await.unwrap().id;
    assert_eq!(heard(stream).await, (vec![], None));
    let (logged, answer) = heard(client.get(id.as_deref()).await.events).await;
    assert_eq!(logged, numbers(0..ROOM));
    assert_eq!(said(&answer.unwrap()), "to nobody");
}

#[tokio::test(start_paused = true)]
async fn a_stateless_stream_goes_on_for_nobody_could_come_back_to_it() {
    let (server, probe) = talkative(Limits::default());
    let client = Client::modern(server.http());
    probe.gate.add_permits(1);
    let mut stream = client.post(talk(&client)).await.events;
    stream.event().await.unwrap();
    seen(&probe.started).await;
    round(&probe).await;
    pass(STALL * 9).await;
    round(&probe).await;
    let (logged, answer) = heard(stream).await;
    assert_eq!(logged, numbers(1..2 * ROOM));
    assert_eq!(said(&answer.unwrap()), "to somebody");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_stalled_reader_is_bounded_in_bytes() {
    let (server, probe) = talkative(Limits::default().notice_bytes(1));
    let client = Client::handshake(server.http()).await;
    probe.gate.add_permits(1);
    let mut stream = client.post(talk(&client)).await.events;
    stream.event().await.unwrap();
    seen(&probe.started).await;
    pass(STALL).await;
    assert!(stream.event().now_or_never().flatten().is_some());
    round(&probe).await;
    round(&probe).await;
    let (logged, answer) = heard(stream).await;
    assert_eq!(
        logged,
        [ROOM as u64],
        "one message of each burst finds room"
    );
    assert!(answer.is_some());
}
