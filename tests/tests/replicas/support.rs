//! Replicas in one process.

use std::{sync::Arc, time::Duration};

use mcp_session::server::{Limits, TemplateBuilder};
use mcp_session::store::{MemoryStore, Store};
use mcp_session::testing::{FaultyBus, FaultyStore};
use mcp_session::{
    BoxError, Context, LogLevel, Resource, Server, Session, Template, Tool, ToolError,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::http::support::{Answer, Client, pass};

/// What hooks were told, on all replicas.
pub(super) type Told = Arc<Mutex<Vec<String>>>;

/// Several servers with one store.
pub(super) struct Replicas {
    pub(super) store: Arc<FaultyStore>,
    memory: Arc<MemoryStore>,
    pub(super) servers: Vec<Server>,
    pub(super) told: Told,
}

fn greeting(name: String) -> mcp_session::Result<Tool> {
    let tool = Tool::new(format!("greet_{name}")).description("Greets.");
    Ok(tool.handler(move || {
        let name = name.clone();
        async move { format!("hello {name}") }
    }))
}

/// Tools that change the session they are called in.
pub(super) fn template(told: &Told) -> TemplateBuilder {
    let install = Tool::new("install").description("Adds a tool.").handler(
        async |name: NameArgs, session: Session| -> Result<&str, ToolError> {
            session.edit(|edit| edit.install("greeting", &name.name))?;
            Ok("installed")
        },
    );
    let hide = Tool::new("hide").description("Hides a tool.").handler(
        async |name: NameArgs, session: Session| -> Result<&str, ToolError> {
            session.edit(|edit| edit.hide_tool(&name.name))?;
            Ok("hidden")
        },
    );
    let count = Tool::new("count").description("Counts.").handler(
        async |session: Session| -> Result<String, ToolError> {
            let more = |count: Option<u32>| count.unwrap_or(0) + 1;
            Ok(session.state().update("count", more).await?.to_string())
        },
    );
    let speak = Tool::new("speak")
        .description("Logs.")
        .handler(async |ctx: Context| {
            ctx.log(LogLevel::Debug, "a detail");
            "spoken"
        });
    let closed = Arc::clone(told);
    let resumed = Arc::clone(told);
    Template::builder("replicas", "1")
        .tool(install)
        .tool(hide)
        .tool(count)
        .tool(speak)
        .resource(Resource::new("memo://a", "a").text("a"))
        .tool_factory("greeting", greeting)
        .on_resume(move |_| {
            resumed.lock().push("resumed".to_owned());
            std::future::ready(Ok::<(), BoxError>(()))
        })
        .on_close(move |_, reason| {
            closed.lock().push(format!("closed: {reason}"));
            std::future::ready(Ok::<(), BoxError>(()))
        })
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(super) struct NameArgs {
    pub(super) name: String,
}

impl Replicas {
    pub(super) fn new(count: usize) -> Self {
        Self::with(count, &Limits::default())
    }

    pub(super) fn with(count: usize, limits: &Limits) -> Self {
        let told = Told::default();
        let memory = Arc::new(MemoryStore::new());
        let store = Arc::new(FaultyStore::over(Arc::clone(&memory)).durable());
        let mut replicas = Self {
            store,
            memory,
            servers: Vec::new(),
            told,
        };
        for _ in 0..count {
            let template = template(&replicas.told).build().unwrap();
            replicas.start(template, limits.clone());
        }
        replicas
    }

    /// One more, of this template.
    pub(super) fn start(&mut self, template: Template, limits: Limits) {
        let server = Server::builder(template)
            .limits(limits)
            .store(Arc::clone(&self.store));
        self.servers.push(server.build().unwrap());
    }

    /// One more, which hears others over a line of its own.
    pub(super) fn start_on(&mut self, line: &Arc<FaultyBus>) {
        let template = template(&self.told).build().unwrap();
        let server = Server::builder(template).store(Arc::clone(&self.store));
        self.servers
            .push(server.bus(Arc::clone(line)).build().unwrap());
    }

    /// A line to all others that fails as it is told to.
    pub(super) fn line(&self) -> Arc<FaultyBus> {
        Arc::new(FaultyBus::over(self.store.bus().unwrap()))
    }

    /// A client whose session was opened at the first replica.
    pub(super) async fn client(&self) -> Client {
        Client::handshake(self.servers[0].http()).await
    }

    /// The same client, which goes to another replica.
    pub(super) fn at(&self, client: &Client, replica: usize) -> Client {
        Client {
            service: self.servers[replica].http(),
            ..client.clone()
        }
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().clone()
    }
}

/// Until replicas hear each other, and have looked at what these clients have.
pub(super) async fn settle(clients: &[&Client]) {
    for _ in 0..2 {
        for client in clients {
            tools(client).await;
        }
        pass(Duration::from_millis(600)).await;
    }
}

/// A call of a tool, and the text it answers.
pub(super) async fn call(client: &Client, tool: &str, name: &str) -> String {
    let answer = try_call(client, tool, name).await;
    assert_eq!(answer.status, 200, "{tool} {name}");
    text(&messages(answer).await.pop().unwrap())
}

pub(super) async fn try_call(client: &Client, tool: &str, name: &str) -> Answer {
    let arguments = match name {
        "" => json!({}),
        name => json!({"name": name}),
    };
    let params = json!({"name": tool, "arguments": arguments});
    client.post(client.message(7, "tools/call", params)).await
}

/// All messages of an answer that ends.
pub(super) async fn messages(answer: Answer) -> Vec<Value> {
    let text = answer.text().await;
    if text.starts_with('{') {
        return vec![serde_json::from_str(&text).unwrap()];
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let messages = data.map(str::trim).filter(|data| !data.is_empty());
    messages
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn text(answer: &Value) -> String {
    let text = answer["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The names of the tools that a client sees.
pub(super) async fn tools(client: &Client) -> Vec<String> {
    let answer = client
        .post(client.message(8, "tools/list", json!({})))
        .await;
    assert_eq!(answer.status, 200);
    let listed = answer.json().await["result"]["tools"].as_array().cloned();
    let names = listed.unwrap().into_iter();
    names
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

impl Replicas {
    /// How many bytes of sessions and of their state are left.
    pub(super) fn left(&self) -> usize {
        self.memory.bytes()
    }
}
