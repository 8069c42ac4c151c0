//! A client and a server at the two ends of a stream in memory, on a paused clock.

mod flow;
mod framing;
mod lifecycle;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::catalog::Tool;
use crate::context::Context;
use crate::error::{Result, ToolError};
use crate::peer::Elicited;
use crate::schema::JsonSchema;
use crate::server::{Limits, Server, Session, Template};
use crate::transport::Run;

/// What a client sees of a server, and what a test holds of it.
struct Client {
    reader: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    server: Server,
    session: Session,
    run: JoinHandle<Result<()>>,
    /// Lets one call of `wait` go on.
    gate: Arc<Semaphore>,
    /// Calls that began and were not dropped yet.
    held: Arc<()>,
}

/// The server's end of a stream.
type Reader = ReadHalf<DuplexStream>;
type Writer = WriteHalf<DuplexStream>;

#[derive(serde::Deserialize, JsonSchema)]
struct Seat {
    seat: String,
}

/// Echoes, waits, asks, hides a tool, or never ends.
fn template(gate: &Arc<Semaphore>, held: &Arc<()>) -> Template {
    let (gate, held, stuck) = (gate.clone(), held.clone(), held.clone());
    let wait = move || {
        let (gate, held) = (gate.clone(), held.clone());
        async move {
            gate.acquire().await.unwrap().forget();
            drop(held);
            "waited"
        }
    };
    let stuck = move || {
        let held = stuck.clone();
        async move {
            std::future::pending::<()>().await;
            drop(held);
        }
    };
    let ask = async |ctx: Context| match ctx.elicit::<Seat>("seat", "Which seat?").await {
        Ok(Elicited::Accept(seat)) => seat.seat,
        Ok(_) => "none".to_owned(),
        Err(error) => error.to_string(),
    };
    let hide = async |session: Session| {
        session.edit(|edit| edit.hide_tool("echo"))?;
        Ok::<_, ToolError>("hidden")
    };
    Template::builder("bench", "1.0.0")
        .tool(
            Tool::new("echo")
                .description("Answers.")
                .handler(async || "echoed"),
        )
        .tool(Tool::new("wait").description("Waits.").handler(wait))
        .tool(Tool::new("stuck").description("Never ends.").handler(stuck))
        .tool(Tool::new("ask").description("Asks.").handler(ask))
        .tool(Tool::new("hide").description("Hides.").handler(hide))
        .build()
        .unwrap()
}

impl Client {
    fn new(limits: Limits) -> Self {
        let (gate, held) = (Arc::new(Semaphore::new(0)), Arc::new(()));
        let server = Server::builder(template(&gate, &held))
            .limits(limits)
            .build()
            .unwrap();
        Self::of(server, gate, held)
    }

    fn of(server: Server, gate: Arc<Semaphore>, held: Arc<()>) -> Self {
        Self::over(server, gate, held, Server::duplex)
    }

    fn over(
        server: Server,
        gate: Arc<Semaphore>,
        held: Arc<()>,
        serve: impl FnOnce(&Server, Reader, Writer) -> Run<Reader, Writer>,
    ) -> Self {
        let (near, far) = tokio::io::duplex(4096);
        let (reader, writer) = tokio::io::split(far);
        let run = serve(&server, reader, writer);
        let session = run.session();
        let (reader, writer) = tokio::io::split(near);
        Self {
            reader: BufReader::new(reader).lines(),
            writer,
            server,
            session,
            run: tokio::spawn(run.serve()),
            gate,
            held,
        }
    }

    /// A client that has introduced itself.
    async fn initialized(limits: Limits, version: &str) -> Self {
        let mut client = Self::new(limits);
        client.send(&initialize(version)).await;
        assert_eq!(client.receive().await["result"]["protocolVersion"], version);
        client
            .send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        client
    }

    async fn send(&mut self, message: &Value) {
        self.send_text(&format!("{message}\n")).await;
    }

    async fn send_text(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).await.unwrap();
    }

    async fn call(&mut self, id: u32, tool: &str) {
        self.send(&call(id, tool)).await;
    }

    async fn cancel(&mut self, id: u32) {
        let params = json!({"requestId": id});
        let method = "notifications/cancelled";
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
            .await;
    }

    async fn receive(&mut self) -> Value {
        let line = self.reader.next_line().await.unwrap();
        serde_json::from_str(&line.expect("a message, not the end")).unwrap()
    }

    /// The text of the next answer, and whose it is.
    async fn answer(&mut self) -> (u64, String) {
        let answer = self.receive().await;
        let text = &answer["result"]["content"][0]["text"];
        let text = text
            .as_str()
            .or_else(|| answer["error"]["message"].as_str());
        (
            answer["id"].as_u64().unwrap(),
            text.unwrap_or_default().to_owned(),
        )
    }

    async fn close(&mut self) {
        self.writer.shutdown().await.unwrap();
    }

    /// Everything that still comes until the server closes its end.
    async fn rest(&mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        while let Some(line) = self.reader.next_line().await.unwrap() {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        rest
    }

    /// How many calls hold on to something: none may after the end.
    fn calls_held(&self) -> usize {
        // One is the test's, and two are the template's.
        Arc::strong_count(&self.held) - 3
    }
}

fn initialize(version: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version,
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "test", "version": "1"},
    }})
}

fn call(id: u32, tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})
}

fn ping(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "ping"})
}

/// A request of the stateless era.
fn stateless(id: u32, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}
