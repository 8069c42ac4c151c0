//! What a hundred streams that are never read, under a storm of changes, cost everybody else:
//! `cargo bench -p mcp-session-tests --bench stalled`.
//!
//! Slots take turns, so that whatever else the machine does falls on all kinds alike: one with
//! nobody but the active clients; one with a storm over as many sessions, of which none has a stream;
//! and one with the storm and the streams. What the streams cost is the last against the second: the
//! storm itself, which changes every session, is work that somebody asked for. All of it goes over
//! real connections, and clients and servers share the machine.

use std::{io, net::SocketAddr, time::Duration};

use mcp_session::server::Limits;
use mcp_session::{Context, LogLevel, Resource, Server, Template, Tool, ToolError, Variant};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

const STALLED: usize = 100;
const ACTIVE: usize = 8;
const ROUNDS: usize = 40;
const SLOT: Duration = Duration::from_millis(250);
/// Between two gusts of a storm: each changes a list and ten resources, and logs in every call.
const GUST: Duration = Duration::from_millis(20);
/// Between two calls of an active client.
const PAUSE: Duration = Duration::from_millis(3);
const WARM: Duration = Duration::from_secs(25);
const RESOURCES: usize = 10;
const NOTE: &str = "note:///";

/// A server that listens, and what blows over it.
struct Place {
    server: Server,
    address: SocketAddr,
    said: watch::Sender<usize>,
    /// How many gusts there were.
    gusts: usize,
    /// Streams that nobody reads.
    stalled: Vec<TcpStream>,
    /// How long each call took, of all slots.
    took: Vec<Duration>,
}

impl Place {
    async fn new() -> mcp_session::Result<Self> {
        let (said, hear) = watch::channel(0);
        let follow = Tool::new("follow")
            .description("Logs whatever is said, for ever.")
            .handler(move |ctx: Context| {
                let mut hear = hear.clone();
                async move {
                    while hear.changed().await.is_ok() {
                        ctx.log(LogLevel::Info, "x".repeat(1_000));
                    }
                    Ok::<_, ToolError>("over")
                }
            });
        let plain = Tool::new("plain")
            .description("-")
            .handler(async || "plain");
        let template = Template::builder("bench", "1").tool(follow).tool(plain);
        let template = (0..RESOURCES).fold(template, |all, number| {
            all.resource(Resource::new(format!("{NOTE}{number}"), "note").text("-"))
        });
        let limits = Limits::default().silence(Duration::from_millis(1));
        let server = Server::builder(template.build()?).limits(limits).build()?;
        let http = server.bind_http("127.0.0.1:0").await?;
        let address = http.local_addr();
        tokio::spawn(http.serve());
        Ok(Self {
            server,
            address,
            said,
            gusts: 0,
            stalled: Vec::new(),
            took: Vec::new(),
        })
    }

    /// Opens sessions, and streams of every kind which nobody reads from here on.
    async fn fill(&mut self, streams: bool) -> io::Result<()> {
        let uris: Vec<_> = (0..RESOURCES)
            .map(|number| format!("{NOTE}{number}"))
            .collect();
        let wish = json!({"toolsListChanged": true, "resourceSubscriptions": uris});
        let listen = modern("subscriptions/listen", json!({"notifications": wish}));
        for number in 0..STALLED {
            let session = if number % 3 == 0 {
                None
            } else {
                Some(self.session(&uris).await?)
            };
            if !streams {
                continue;
            }
            let session = session.as_deref();
            let message = match number % 3 {
                0 => listen.clone(),
                1 => Value::Null,
                _ => handshake("tools/call", &json!({"name": "follow"})),
            };
            // A small window, so that what is not read soon stays with the server.
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(4_096)?;
            let mut stream = socket.connect(self.address).await?;
            stream.write_all(&request(session, &message)).await?;
            stream.read_u8().await?;
            self.stalled.push(stream);
        }
        Ok(())
    }

    /// Opens a handshake session that is subscribed to everything.
    async fn session(&self, uris: &[String]) -> io::Result<String> {
        let mut connection = TcpStream::connect(self.address).await?;
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "stalled", "version": "1"},
        });
        let hello = handshake("initialize", &params);
        let head = exchange(&mut connection, &request(None, &hello)).await?;
        let mut lines = head.lines();
        let id = lines.find_map(|line| line.strip_prefix("mcp-session-id: "));
        let id = id.ok_or(io::ErrorKind::InvalidData)?.to_owned();
        for uri in uris {
            let subscribe = handshake("resources/subscribe", &json!({"uri": uri}));
            exchange(&mut connection, &request(Some(&id), &subscribe)).await?;
        }
        Ok(id)
    }

    /// One gust: everything changes.
    async fn gust(&mut self) -> mcp_session::Result<()> {
        let round = self.gusts;
        self.gusts += 1;
        let other = Tool::new("other").title(round.to_string()).description("-");
        let other = other.handler(async || "-");
        self.server
            .publish(Variant::DEFAULT, |edit| edit.add_tool(other))
            .await?;
        for session in self.server.sessions().list() {
            session.edit(|edit| {
                if round.is_multiple_of(2) {
                    edit.hide_tool("plain")
                } else {
                    edit.show_tool("plain")
                }
            })?;
            // As anything does that changes many sessions and shares its thread.
            tokio::task::yield_now().await;
        }
        let notifier = self.server.notifier();
        for number in 0..RESOURCES {
            notifier.resource_updated(&format!("{NOTE}{number}"));
            tokio::task::yield_now().await;
        }
        self.said.send_modify(|said| *said += 1);
        Ok(())
    }

    /// Blows until it is stopped; gives how many gusts there were.
    async fn storm(&mut self, until: Instant) -> mcp_session::Result<usize> {
        let mut pace = tokio::time::interval(GUST);
        let before = self.gusts;
        while pace.tick().await < until {
            self.gust().await?;
        }
        Ok(self.gusts - before)
    }

    /// One slot: active clients call, one call after the other.
    async fn slot(&mut self, storms: bool) -> mcp_session::Result<usize> {
        let until = now() + SLOT;
        let active = (0..ACTIVE).map(|_| tokio::spawn(call(self.address, until)));
        let active: Vec<_> = active.collect();
        let gusts = if storms { self.storm(until).await? } else { 0 };
        for client in active {
            let took = client.await.map_err(io::Error::other).and_then(|took| took);
            self.took.extend(took.unwrap_or_default());
        }
        Ok(gusts)
    }

    fn quantile(&mut self, per_mille: usize) -> Duration {
        self.took.sort_unstable();
        self.took[(self.took.len() - 1) * per_mille / 1_000]
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Calls until then, with pauses, so that the machine is not busy by this alone; gives how long each
/// call took.
async fn call(address: SocketAddr, until: Instant) -> io::Result<Vec<Duration>> {
    let call = request(None, &modern("tools/call", json!({"name": "plain"})));
    let mut connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    exchange(&mut connection, &call).await?;
    let mut took = Vec::new();
    loop {
        let began = now();
        if began >= until {
            return Ok(took);
        }
        exchange(&mut connection, &call).await?;
        took.push(now() - began);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Sends a request and reads its answer, which has a length; gives its head.
async fn exchange(connection: &mut TcpStream, request: &[u8]) -> io::Result<String> {
    connection.write_all(request).await?;
    let mut text = Vec::new();
    loop {
        if connection.read_buf(&mut text).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&text[..end]).into_owned();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if text.len() >= end + 4 + length {
            return Ok(head);
        }
    }
}

fn handshake(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    handshake(method, &params)
}

/// A message as an HTTP request; a GET where there is none.
fn request(session: Option<&str>, message: &Value) -> Vec<u8> {
    let verb = if message.is_null() { "GET" } else { "POST" };
    let mut head = format!(
        "{verb} /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n"
    );
    if let Some(session) = session {
        head += &format!("mcp-session-id: {session}\r\n");
    }
    if message["params"]["_meta"].is_object() {
        let method = message["method"].as_str().unwrap_or_default();
        head += &format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n");
        if let Some(name) = message["params"]["name"].as_str() {
            head += &format!("mcp-name: {name}\r\n");
        }
    }
    let body = if message.is_null() {
        String::new()
    } else {
        message.to_string()
    };
    head += &format!("content-length: {}\r\n\r\n{body}", body.len());
    head.into_bytes()
}

#[expect(clippy::print_stdout, reason = "a benchmark says what it found")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut alone, mut stormy) = (Place::new().await?, Place::new().await?);
    let mut stalled = Place::new().await?;
    stormy.fill(false).await?;
    stalled.fill(true).await?;
    // Until the connections hold all they can: the system takes megabytes for each.
    let warm = now() + WARM;
    while now() < warm {
        stalled.gust().await?;
    }
    println!(
        "{STALLED} streams, {} messages wait for them",
        stalled.server.stats().queued
    );
    let mut gusts = 0;
    for _ in 0..ROUNDS {
        alone.slot(false).await?;
        stormy.slot(true).await?;
        gusts += stalled.slot(true).await?;
    }
    let seconds = SLOT.as_secs_f64() * ROUNDS as f64;
    println!("{:.0} gusts a second", gusts as f64 / seconds);
    let base = stormy.quantile(990);
    for (name, place) in [
        ("alone", &mut alone),
        ("storm", &mut stormy),
        ("stalled", &mut stalled),
    ] {
        let (p50, p99) = (place.quantile(500), place.quantile(990));
        let ratio = p99.as_secs_f64() / base.as_secs_f64();
        let rate = place.took.len() as f64 / seconds;
        println!(
            "{name:8} p50 {p50:9.1?}  p99 {p99:9.1?}  ratio {ratio:.2}  {rate:.0} calls a second"
        );
    }
    Ok(())
}
