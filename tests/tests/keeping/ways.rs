//! The same tools in every way a client can come, a client included that begins afresh for every
//! call.

use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::protocol::ProtocolVersion;
use mcp_session::{Server, testing};
use mcp_session_tests::keeping;
use serde_json::{Value, json};

use crate::http::support::{Client, LATEST_HANDSHAKE, MODERN, initialize};
use crate::keeping::process::Process;
use crate::keeping::{client, principal};

/// How calls get to the server.
enum Way {
    Stdio(Box<Process>, ProtocolVersion),
    Http(Client),
    /// A session of its own for every call.
    HttpAfresh(Server),
    Memory(Box<testing::Client>),
    /// A connection of its own for every call.
    MemoryAfresh(Server, ProtocolVersion),
}

fn server() -> Server {
    let caller = |subject| Caller::new(principal(subject));
    let tokens = BearerTokens::new()
        .token("ann", caller("ann"))
        .token("bob", caller("bob"));
    Server::builder(keeping::template().unwrap())
        .authenticate(tokens)
        .build()
        .unwrap()
}

fn with_meta(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

impl Way {
    async fn stdio(version: ProtocolVersion) -> Self {
        let mut process = Process::start();
        if version != ProtocolVersion::LATEST {
            let initialize = initialize(LATEST_HANDSHAKE)["params"].clone();
            process.ask("initialize", initialize).await;
            process.notify("notifications/initialized").await;
        }
        Self::Stdio(Box::new(process), version)
    }

    async fn memory(server: &Server, version: ProtocolVersion) -> Self {
        Self::Memory(Box::new(client(server, version, "ann").await))
    }

    /// The result of a tool call.
    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let over_http = async |client: &Client| {
            let call = client.message(1, "tools/call", params.clone());
            client.post(call).await.json().await["result"].clone()
        };
        match self {
            Self::Stdio(process, ProtocolVersion::LATEST) => {
                process.ask("tools/call", with_meta(params)).await["result"].clone()
            }
            Self::Stdio(process, _) => process.ask("tools/call", params).await["result"].clone(),
            Self::Http(client) => over_http(client).await,
            Self::HttpAfresh(server) => {
                let client = Client::handshake_as(server.http(), "ann").await;
                let result = over_http(&client).await;
                assert_eq!(client.delete().await.status, 204);
                result
            }
            Self::Memory(client) => client.call_tool(tool, arguments).await.value().clone(),
            Self::MemoryAfresh(server, version) => {
                let client = client(server, *version, "ann").await;
                let outcome = client.call_tool(tool, arguments).await;
                client.close().await;
                outcome.value().clone()
            }
        }
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

/// What a client does in every way alike.
async fn is_served(mut way: Way) {
    assert_eq!(text(&way.call("recall", json!({})).await), "nothing");
    way.call("remember", json!({"note": "buy tea"})).await;
    assert_eq!(text(&way.call("recall", json!({})).await), "buy tea");

    let made = way.call("new_basket", json!({})).await;
    let basket = text(&made).to_owned();
    assert_eq!(made["structuredContent"], json!({"basket": basket}));
    for sku in ["tea", "milk"] {
        let add = json!({"basket": basket, "sku": sku});
        assert_eq!(way.call("add_item", add).await.get("isError"), None);
    }
    let shown = way.call("show", json!({"basket": basket})).await;
    assert_eq!(
        shown["structuredContent"],
        json!({"items": ["tea", "milk"]})
    );

    let listed = way.call("list_baskets", json!({})).await;
    let handles = &listed["structuredContent"]["handles"];
    assert_eq!(handles[0]["handle"], basket);
    way.call("close_basket", json!({"handle": basket})).await;
    let gone = way.call("show", json!({"basket": basket})).await;
    assert_eq!(gone["isError"], true);
    assert!(text(&gone).contains("call `new_basket`"), "{gone}");
}

#[tokio::test]
async fn over_stdio_with_a_handshake() {
    is_served(Way::stdio(ProtocolVersion::LATEST_HANDSHAKE).await).await;
}

#[tokio::test]
async fn over_stdio_without_a_session() {
    is_served(Way::stdio(ProtocolVersion::LATEST).await).await;
}

#[tokio::test(start_paused = true)]
async fn over_http_with_a_handshake() {
    is_served(Way::Http(
        Client::handshake_as(server().http(), "ann").await,
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn over_http_without_a_session() {
    let client = Client::modern(server().http());
    let token = Some("ann");
    is_served(Way::Http(Client { token, ..client })).await;
}

#[tokio::test(start_paused = true)]
async fn over_http_with_a_session_for_every_call() {
    is_served(Way::HttpAfresh(server())).await;
}

#[tokio::test(start_paused = true)]
async fn in_memory_in_both_eras() {
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let server = server();
        is_served(Way::memory(&server, version).await).await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_memory_with_a_connection_for_every_call() {
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        is_served(Way::MemoryAfresh(server(), version)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_era_remembers_the_other_recalls() {
    let server = server();
    let modern = Client {
        token: Some("ann"),
        ..Client::modern(server.http())
    };
    let (mut one, mut other) = (
        Way::Http(Client::handshake_as(server.http(), "ann").await),
        Way::Http(modern),
    );
    one.call("remember", json!({"note": "from a session"}))
        .await;
    assert_eq!(
        text(&other.call("recall", json!({})).await),
        "from a session"
    );
    let basket = other.call("new_basket", json!({})).await["structuredContent"]["basket"].clone();
    let add = json!({"basket": basket, "sku": "tea"});
    let added = one.call("add_item", add).await;
    assert_eq!(added["structuredContent"], json!({"items": ["tea"]}));

    let mut bob = Way::Http(Client::handshake_as(server.http(), "bob").await);
    assert_eq!(text(&bob.call("recall", json!({})).await), "nothing");
}
