//! A handle that a call holds does not expire, and can be closed beneath it.

use std::{sync::Arc, time::Duration};

use mcp_session::handle::HandleRules;
use mcp_session::protocol::ProtocolVersion;
use mcp_session::{Handle, Json, Server, Tool, ToolError};
use mcp_session_tests::keeping::{self, Basket};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::http::support::pass;
use crate::keeping::client;

const MINUTE: Duration = Duration::from_secs(60);

/// Holds a basket until the gate opens, then shows it.
#[derive(Clone)]
struct Gate {
    started: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

struct Holding(Gate);

#[mcp_session::tools]
impl Holding {
    /// Holds a basket for as long as it takes.
    #[tool]
    async fn hold(&self, basket: Handle<Basket>) -> Result<Json<Basket>, ToolError> {
        self.0.started.add_permits(1);
        self.0.open.acquire().await?.forget();
        Ok(Json(basket.get().await?))
    }
}

fn serve() -> (Server, Gate) {
    let none = || Arc::new(Semaphore::new(0));
    let gate = Gate {
        started: none(),
        open: none(),
    };
    let rules = HandleRules::new().ttl(MINUTE);
    let builder = keeping::builder(rules).tools(Holding(gate.clone()));
    let quick = Tool::new("quick")
        .description("-")
        .handler(async || "quick");
    (Server::new(builder.tool(quick).build().unwrap()), gate)
}

#[tokio::test(start_paused = true)]
async fn one_that_is_in_use_does_not_expire() {
    let (server, gate) = serve();
    let ann = client(&server, ProtocolVersion::LATEST, "ann").await;
    let basket = ann.call_tool("new_basket", json!({})).await.text();
    let calls = json!({"name": "hold", "arguments": {"basket": basket}});
    let (first, second) = (
        ann.start("tools/call", calls.clone()).await,
        ann.start("tools/call", calls).await,
    );
    gate.started.acquire_many(2).await.unwrap().forget();
    for _ in 0..30 {
        pass(MINUTE / 3).await;
    }
    gate.open.add_permits(1);
    let shown = first.result().await.unwrap();
    assert_eq!(shown["structuredContent"], json!({"items": []}), "{shown}");
    // The other one still holds it.
    for _ in 0..30 {
        pass(MINUTE / 3).await;
    }
    gate.open.add_permits(1);
    let shown = second.result().await.unwrap();
    assert_eq!(shown["structuredContent"], json!({"items": []}), "{shown}");
    // From here on its time runs again.
    let show = json!({"basket": basket});
    pass(MINUTE / 3).await;
    assert!(!ann.call_tool("show", show.clone()).await.is_error);
    pass(MINUTE / 2).await;
    pass(MINUTE / 2).await;
    assert!(ann.call_tool("show", show).await.is_error);
}

#[tokio::test(start_paused = true)]
async fn closing_one_in_use_makes_it_unknown_to_who_uses_it() {
    let (server, gate) = serve();
    let ann = client(&server, ProtocolVersion::LATEST_HANDSHAKE, "ann").await;
    let basket = ann.call_tool("new_basket", json!({})).await.text();
    let call = json!({"name": "hold", "arguments": {"basket": basket}});
    let held = ann.start("tools/call", call).await;
    gate.started.acquire().await.unwrap().forget();
    let closed = ann
        .call_tool("close_basket", json!({"handle": basket}))
        .await;
    assert_eq!(closed.text(), "closed");
    gate.open.add_permits(1);
    let shown: Value = held.result().await.unwrap();
    let text = shown["content"][0]["text"].as_str().unwrap();
    assert!(
        shown["isError"] == true && text.contains("call `new_basket`"),
        "{shown}"
    );
    // Nothing brings it back.
    for _ in 0..5 {
        pass(MINUTE / 3).await;
    }
    assert!(
        ann.call_tool("show", json!({"basket": basket}))
            .await
            .is_error
    );
}
