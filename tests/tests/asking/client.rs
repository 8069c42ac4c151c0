//! A client of one way, which answers what it is asked from a script.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use mcp_session::protocol::RpcError;
use mcp_session::{Principal, Server, testing};
use serde_json::{Map, Value, json};

use crate::asking::script::Script;
use crate::asking::stream::Stream;
use crate::asking::way::{Over, Way};
use crate::asking::web::Web;

/// How often a server may ask before the test has failed.
const ROUNDS: usize = 16;

/// How long any answer may take: longer than any limit of the server.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

pub(crate) struct Client {
    pub(crate) way: Way,
    pub(crate) script: Arc<Script>,
    wire: Wire,
    next_id: AtomicI64,
}

enum Wire {
    Memory(testing::Client),
    Stream(Stream),
    Http(Web),
}

impl Client {
    /// An anonymous client; one of the handshake era has introduced itself.
    pub(crate) async fn connect(way: Way, server: &Server, script: Script) -> Self {
        Self::connect_as(None, way, server, script).await
    }

    /// A client of somebody whom the server knows; over HTTP by a token that is the name.
    pub(crate) async fn connect_as(
        who: Option<&'static str>,
        way: Way,
        server: &Server,
        script: Script,
    ) -> Self {
        let script = Arc::new(script);
        let principal = who.map(|who| Principal::new("test", who));
        let wire = match way.over {
            Over::Memory => Wire::Memory(in_memory(way, server, principal, &script).await),
            Over::Stream => Wire::Stream(Stream::open(server, principal, &script)),
            Over::Http => Wire::Http(Web::new(server, who, way.version(), &script)),
        };
        let client = Self {
            way,
            script,
            wire,
            next_id: AtomicI64::new(1),
        };
        if way.over != Over::Memory && !way.is_stateless() {
            client.introduce().await;
        }
        client
    }

    async fn introduce(&self) {
        let params = json!({
            "protocolVersion": self.way.version().as_str(),
            "capabilities": self.script.capabilities,
            "clientInfo": {"name": "asked", "version": "1"},
        });
        self.once("initialize", params).await.unwrap();
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        match &self.wire {
            Wire::Memory(_) => unreachable!("it has introduced itself"),
            Wire::Stream(stream) => stream.send(note).await,
            Wire::Http(web) => web.notify(note).await,
        }
    }

    /// One request and its answer.
    pub(crate) async fn once(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        if let Wire::Memory(client) = &self.wire {
            return client.request(method, params).await;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let message = json!({
            "jsonrpc": "2.0", "id": id, "method": method, "params": self.with_meta(params),
        });
        let answer = async {
            match &self.wire {
                Wire::Memory(_) => unreachable!("it has a way of its own"),
                Wire::Stream(stream) => stream.request(message).await,
                Wire::Http(web) => web.request(message).await,
            }
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let mut answer = answer.expect("an answer in time");
        match answer.get_mut("error") {
            Some(error) => Err(serde_json::from_value(error.take()).unwrap()),
            None => Ok(answer["result"].take()),
        }
    }

    /// A request, made again with answers as long as its result asks.
    pub(crate) async fn exchange(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        if let Wire::Memory(client) = &self.wire {
            return client.exchange(method, params).await;
        }
        let mut again = params.clone();
        for _ in 0..ROUNDS {
            let result = self.once(method, again).await?;
            if result["resultType"] != "input_required" {
                return Ok(result);
            }
            again = self.answered(params.clone(), &result).await;
        }
        panic!("`{method}` asks without end")
    }

    /// The parameters of the retry that answers what a result asks.
    pub(crate) async fn answered(&self, mut params: Value, result: &Value) -> Value {
        let mut answers = Map::new();
        for (key, asked) in result["inputRequests"].as_object().unwrap() {
            let said = self
                .script
                .ask(asked["method"].as_str().unwrap(), &asked["params"]);
            let answer = said.settle().await.expect("an answer, in this era");
            answers.insert(key.clone(), answer.unwrap());
        }
        params["inputResponses"] = Value::Object(answers);
        if let Some(state) = result.get("requestState") {
            params["requestState"] = state.clone();
        }
        params
    }

    /// A request that is called off once something has happened.
    pub(crate) async fn cancelled(&self, method: &str, params: Value, then: impl Future) {
        if let Wire::Memory(client) = &self.wire {
            let call = client.start(method, params).await;
            then.await;
            return client.cancel(call.id()).await;
        }
        let id = self.next_id.load(Ordering::Relaxed);
        tokio::select! {
            outcome = self.once(method, params) => panic!("{outcome:?}"),
            _ = then => {}
        }
        // Over HTTP the connection is gone now, which is enough.
        if let Wire::Stream(stream) = &self.wire {
            let params = json!({"requestId": id});
            let method = "notifications/cancelled";
            let note = json!({"jsonrpc": "2.0", "method": method, "params": params});
            stream.send(note).await;
        }
    }

    /// Calls the tool `ask` until it is done, and gives what it said.
    pub(crate) async fn ask(&self) -> String {
        text(&self.try_ask().await.unwrap())
    }

    /// As [`ask`](Self::ask), or the error.
    pub(crate) async fn try_ask(&self) -> Result<Value, RpcError> {
        self.exchange("tools/call", json!({"name": "ask"})).await
    }

    /// Every notification so far that concerns a request.
    pub(crate) async fn heard(&self) -> Vec<(String, Value)> {
        match &self.wire {
            Wire::Memory(client) => {
                let heard = client.notifications().await;
                heard
                    .into_iter()
                    .map(|one| (one.method, one.params))
                    .collect()
            }
            Wire::Stream(stream) => stream.heard(),
            Wire::Http(web) => web.heard(),
        }
    }

    /// The status of the last response; `None` where there is no such thing.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.wire {
            Wire::Http(web) => web.status(),
            Wire::Memory(_) | Wire::Stream(_) => None,
        }
    }

    /// Adds what every request of the stateless era says.
    fn with_meta(&self, mut params: Value) -> Value {
        if self.way.is_stateless() {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = self.way.version().as_str().into();
            meta["io.modelcontextprotocol/clientCapabilities"] = self.script.capabilities.clone();
            meta["io.modelcontextprotocol/clientInfo"] = json!({"name": "asked", "version": "1"});
        }
        params
    }
}

async fn in_memory(
    way: Way,
    server: &Server,
    principal: Option<Principal>,
    script: &Arc<Script>,
) -> testing::Client {
    let mut builder = testing::Client::builder(server)
        .version(way.version())
        .capabilities(script.capabilities.clone());
    if let Some(principal) = principal {
        builder = builder.principal(principal);
    }
    let methods = ["elicitation/create", "sampling/createMessage", "roots/list"];
    for method in methods {
        let script = Arc::clone(script);
        builder = builder.on_request(method, move |params| script.ask(method, &params));
    }
    builder.connect().await
}

/// What a tool said.
pub(crate) fn text(result: &Value) -> String {
    let text = result["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no text: {result}"))
        .to_owned()
}
