//! Several servers with one store in an engine: what one of them remembers, the others know.

use std::sync::Arc;

use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::Client;
use mcp_session::{
    Context, Handle, HandleKind, JsonSchema, Principal, SealKeys, Server, Template, Tool,
    ToolError, store::Store, tool,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{postgres, redis, unique};

#[derive(Default, Serialize, Deserialize, JsonSchema)]
struct Basket {
    items: Vec<String>,
}

impl HandleKind for Basket {
    const NAME: &str = "basket";
    const PREFIX: &str = "bsk";
    const SOURCE: &str = "call `new_basket`";
}

/// Take a new, empty basket.
#[tool]
async fn new_basket(ctx: Context) -> Result<Handle<Basket>, ToolError> {
    Ok(ctx.handles().create(Basket::default()).await?)
}

/// Put something into a basket.
#[tool]
async fn put(basket: Handle<Basket>, item: String) -> Result<String, ToolError> {
    let basket = basket
        .update(|basket| basket.items.push(item.clone()))
        .await?;
    Ok(basket.items.join(" "))
}

/// Count the visits of a user.
#[tool]
async fn visits(ctx: Context) -> Result<String, ToolError> {
    let state = ctx.principal_scope()?.state();
    let visits = state.update("visits", |visits: Option<u32>| visits.unwrap_or(0) + 1);
    Ok(visits.await?.to_string())
}

/// Keep a shelf of one's own, for good.
#[tool]
async fn keep_shelf(name: String, ctx: Context) -> Result<&'static str, ToolError> {
    let scope = ctx.principal_scope()?;
    scope.edit(|edit| edit.install("shelf", &name)).await?;
    Ok("kept")
}

/// What is kept of each user's shelves.
fn shelf(name: String) -> Tool {
    let said = name.clone();
    Tool::new(name)
        .description("A shelf.")
        .handler(move || std::future::ready(said.clone()))
}

const REPLICAS: usize = 3;

fn serve(store: &Arc<impl Store>) -> Server {
    let template = Template::builder("shop", "1.0.0").tool(new_basket);
    let template = template.tool(put).tool(visits).tool(keep_shelf);
    let template = template.tool_factory("shelf", shelf).build().unwrap();
    let server = Server::builder(template).store(Arc::clone(store));
    server.seal_keys(SealKeys::new([7; 32])).build().unwrap()
}

/// What must be true of servers with this store.
async fn know_the_same(store: impl Store) {
    let store = Arc::new(store);
    let servers: Vec<_> = (0..REPLICAS).map(|_| serve(&store)).collect();
    let subject = unique();
    let mut clients = Vec::new();
    for server in &servers {
        let principal = Principal::new("https://issuer.example", &*subject);
        clients.push(Client::builder(server).principal(principal).connect().await);
    }

    let made = clients[0].call_tool("new_basket", json!({})).await;
    let basket = made.text();
    let items = ["apples", "pears", "plums"];
    for at in 0..REPLICAS {
        let arguments = json!({"basket": basket, "item": items[at]});
        let put = clients[at].call_tool("put", arguments).await;
        assert_eq!(put.text(), items[..=at].join(" "));
    }

    // All at once, and none is lost.
    const ROUNDS: usize = 5;
    for _ in 0..ROUNDS {
        let visits = clients
            .iter()
            .map(|client| client.call_tool("visits", json!({})));
        for visit in futures_util::future::join_all(visits).await {
            visit.text();
        }
    }
    let last = clients[1].call_tool("visits", json!({})).await;
    assert_eq!(last.text(), (ROUNDS * REPLICAS + 1).to_string());

    // What each of them is told to keep for the user, all keep.
    let keeping = clients.iter().zip(["high", "low", "wide"]);
    let keeping =
        keeping.map(|(client, name)| client.call_tool("keep_shelf", json!({"name": name})));
    for kept in futures_util::future::join_all(keeping).await {
        assert_eq!(kept.text(), "kept");
    }
    for server in &servers {
        server.shutdown().await;
    }
    let server = serve(&store);
    let principal = Principal::new("https://issuer.example", &*subject);
    let later = Client::builder(&server).principal(principal);
    let later = later.version(ProtocolVersion::LATEST).connect().await;
    for name in ["high", "low", "wide"] {
        assert_eq!(later.call_tool(name, json!({})).await.text(), name);
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_with_one_postgres_know_the_same() {
    if let Some(store) = postgres().await {
        know_the_same(store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_with_one_redis_know_the_same() {
    if let Some(store) = redis().await {
        know_the_same(store).await;
    }
}
