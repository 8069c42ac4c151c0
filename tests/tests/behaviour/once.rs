//! Effects that happen once in an exchange, however often a handler runs.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use mcp_session::protocol::{Era, ProtocolVersion};
use mcp_session::server::TemplateBuilder;
use mcp_session::testing::{Answer, Client};
use mcp_session::{Context, Elicited, OnceError, Server, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{serve, template};

#[derive(Deserialize, JsonSchema)]
struct Seat {
    seat: String,
}

/// What happened, and what lets it go on.
#[derive(Clone, Default)]
struct World {
    runs: Arc<AtomicUsize>,
    charges: Arc<AtomicUsize>,
    gate: Arc<Notify>,
}

impl World {
    fn charged(&self) -> usize {
        self.charges.load(Ordering::SeqCst)
    }

    fn ran(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    async fn charge(&self) -> Result<usize, ToolError> {
        Ok(self.charges.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Asks, charges, asks again, charges again.
    fn book(&self) -> Tool {
        let world = self.clone();
        Tool::new("book")
            .description("-")
            .handler(move |ctx: Context| {
                let world = world.clone();
                async move {
                    world.runs.fetch_add(1, Ordering::SeqCst);
                    let deposit = ctx.once("deposit", || world.charge()).await?;
                    let seat = ctx.elicit::<Seat>("seat", "Which seat?").await?;
                    let Elicited::Accept(seat) = seat else {
                        return Ok("not booked".to_owned());
                    };
                    let rest = ctx.once("rest", || world.charge()).await?;
                    Ok::<_, ToolError>(format!("{} after {deposit} and {rest}", seat.seat))
                }
            })
    }

    fn template(&self) -> TemplateBuilder {
        template().tool(self.book())
    }
}

fn asked(server: &Server, version: ProtocolVersion) -> mcp_session::testing::ClientBuilder {
    Client::builder(server)
        .version(version)
        .on_elicit(|_| Answer::accept(json!({"seat": "12C"})))
}

async fn stateless(server: &Server) -> Client {
    asked(server, ProtocolVersion::LATEST).connect().await
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_runs_again_and_its_effects_do_not() {
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let world = World::default();
        let server = serve(world.template());
        let client = asked(&server, version).connect().await;
        let said = client.call_tool("book", json!({})).await.text();
        assert_eq!(said, "12C after 1 and 2");
        assert_eq!(world.charged(), 2);
        let runs = if version.era() == Era::Stateless {
            2
        } else {
            1
        };
        assert_eq!(world.ran(), runs);
    }
}

/// The parameters of the retry of a call that asked.
async fn retry(client: &Client, call: Value) -> Value {
    let asking = client.request("tools/call", call.clone()).await.unwrap();
    assert_eq!(asking["resultType"], "input_required");
    client.answered(call, &asking).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn ten_retries_at_once_are_ten_answers_and_one_effect() {
    for park in [None, Some(Duration::from_secs(60))] {
        let world = World::default();
        let slow = world.clone();
        let mut tool = Tool::new("pay").description("-");
        if let Some(time) = park {
            tool = tool.park(time);
        }
        let tool = tool.handler(move |ctx: Context| {
            let world = slow.clone();
            async move {
                ctx.elicit::<Seat>("seat", "Which seat?").await?;
                let paid = ctx.once("pay", || async {
                    world.gate.notified().await;
                    world.charge().await
                });
                Ok::<_, ToolError>(format!("paid {}", paid.await?))
            }
        });
        let server = serve(template().tool(tool));
        let client = stateless(&server).await;
        let again = retry(&client, json!({"name": "pay", "arguments": {}})).await;
        let mut retries = Vec::new();
        for _ in 0..10 {
            retries.push(client.start("tools/call", again.clone()).await);
        }
        client.settle().await;
        world.gate.notify_one();
        for retry in retries {
            assert_eq!(
                retry.outcome().await.unwrap().unwrap()["content"][0]["text"],
                "paid 1"
            );
        }
        // And much later, as long as the state is good.
        tokio::time::sleep(Duration::from_secs(9 * 60)).await;
        let late = client.request("tools/call", again).await.unwrap();
        assert_eq!(late["content"][0]["text"], "paid 1");
        assert_eq!(world.charged(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_was_cut_off_is_neither_repeated_nor_called_done() {
    let world = World::default();
    let cut = world.clone();
    let tool = Tool::new("pay")
        .description("-")
        .handler(move |ctx: Context| {
            let world = cut.clone();
            async move {
                ctx.elicit::<Seat>("seat", "Which seat?").await?;
                let paid = ctx.once("pay", || async {
                    world.charge().await?;
                    std::future::pending::<Result<usize, ToolError>>().await
                });
                match paid.await {
                    Err(OnceError::OutcomeUnknown) => Ok::<_, ToolError>("nobody knows".to_owned()),
                    other => Ok(format!("{}", other?)),
                }
            }
        });
    let server = serve(template().tool(tool));
    let client = stateless(&server).await;
    let again = retry(&client, json!({"name": "pay", "arguments": {}})).await;
    let first = client.start("tools/call", again.clone()).await;
    client.settle().await;
    assert_eq!(world.charged(), 1);
    client.cancel(first.id()).await;
    client.settle().await;
    let second = client.request("tools/call", again).await.unwrap();
    assert_eq!(second["content"][0]["text"], "nobody knows");
    assert_eq!(world.charged(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_failed_may_be_tried_again() {
    let world = World::default();
    let failing = world.clone();
    let tool = Tool::new("pay")
        .description("-")
        .handler(move |ctx: Context| {
            let world = failing.clone();
            async move {
                ctx.elicit::<Seat>("seat", "Which seat?").await?;
                let paid = ctx.once("pay", || async {
                    match world.charge().await? {
                        1 => Err(ToolError::new("the card was refused")),
                        paid => Ok(paid),
                    }
                });
                Ok::<_, ToolError>(format!("paid {}", paid.await?))
            }
        });
    let server = serve(template().tool(tool));
    let client = stateless(&server).await;
    let again = retry(&client, json!({"name": "pay", "arguments": {}})).await;
    let first = client.request("tools/call", again.clone()).await.unwrap();
    assert_eq!(first["content"][0]["text"], "the card was refused");
    for _ in 0..2 {
        let second = client.request("tools/call", again.clone()).await.unwrap();
        assert_eq!(second["content"][0]["text"], "paid 2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_beside_an_effect_waits_until_the_effect_has_happened() {
    let world = World::default();
    let slow = world.clone();
    let tool = Tool::new("pay")
        .description("-")
        .handler(move |ctx: Context| {
            let world = slow.clone();
            async move {
                let paying = ctx.once("pay", || async {
                    tokio::time::sleep(Duration::from_secs(90)).await;
                    world.charge().await
                });
                let (paid, seat) = tokio::join!(paying, ctx.elicit::<Seat>("seat", "Which seat?"));
                seat?;
                Ok::<_, ToolError>(format!("paid {}", paid?))
            }
        });
    let server = serve(template().tool(tool));
    let client = stateless(&server).await;
    assert_eq!(client.call_tool("pay", json!({})).await.text(), "paid 1");
    assert_eq!(world.charged(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_effects_of_one_run_need_two_keys() {
    let world = World::default();
    let twice = world.clone();
    let tool = Tool::new("pay")
        .description("-")
        .handler(move |ctx: Context| {
            let world = twice.clone();
            async move {
                let one = ctx.once("pay", || async {
                    tokio::task::yield_now().await;
                    world.charge().await
                });
                let (one, two) = tokio::join!(one, ctx.once("pay", || world.charge()));
                assert!(matches!(two, Err(OnceError::KeyTaken)));
                Ok::<_, ToolError>(format!("paid {}", one?))
            }
        });
    let server = serve(template().tool(tool));
    super::both(&server, async |client| {
        let said = client.call_tool("pay", json!({})).await.text();
        assert!(said.starts_with("paid "));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_noted_is_there_when_it_runs_again() {
    let tool = Tool::new("offer")
        .description("-")
        .handler(async |ctx: Context| {
            let runs: u32 = ctx.scratch().get("runs").await?.unwrap_or_default();
            ctx.scratch().set("runs", &(runs + 1)).await?;
            for key in ["first", "second"] {
                ctx.elicit::<Seat>(key, "Which seat?").await?;
            }
            Ok::<_, ToolError>(format!("run {}", runs + 1))
        });
    let server = serve(template().tool(tool));
    for (version, runs) in [
        (ProtocolVersion::LATEST_HANDSHAKE, 1),
        (ProtocolVersion::LATEST, 3),
    ] {
        let client = asked(&server, version).connect().await;
        let said = client.call_tool("offer", json!({})).await.text();
        assert_eq!(said, format!("run {runs}"));
    }
}
