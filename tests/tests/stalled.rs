//! Proves what a stream costs that is never read while the whole server is told of changes: so
//! many bytes, whatever happens. A program of its own: it counts with the global allocator.

use std::{alloc::System, time::Duration};

use mcp_session::server::Limits;
use mcp_session::transport::http::HttpBody;
use mcp_session::{
    Context, LogLevel, Resource, Server, Session, Template, Tool, ToolError, Variant,
};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::sync::watch;
use tower_service::Service;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Streams that are never read, of each kind.
const STREAMS: usize = 100;
/// What each of them is subscribed to.
const RESOURCES: usize = 10;
/// How long a log message is.
const LOGGED: usize = 1_000;
/// What a queue itself costs, and what stands around it, beside what it holds.
const AROUND: usize = 4_096;
/// What one message costs beside its text.
const OVERHEAD: usize = 256;

/// A kind of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The standing stream of a handshake session.
    Standing,
    /// `subscriptions/listen`.
    Listen,
    /// The answer to a call of a handshake session, which logs.
    Call,
    /// The same of the stateless era, which nobody can resume.
    StatelessCall,
}

impl Kind {
    /// How much one of them may hold, as the documentation of `Limits` has it.
    fn bound(self, (notices, bytes): (usize, usize)) -> usize {
        let changes = (3 + RESOURCES) * OVERHEAD;
        let messages = notices.min(bytes / LOGGED + 1);
        let logged = messages * (LOGGED + OVERHEAD);
        AROUND
            + match self {
                Self::Standing | Self::Listen => changes,
                // Changes wait on the standing stream of its session, which nobody opened.
                Self::Call => changes + logged,
                Self::StatelessCall => logged,
            }
    }
}

/// A server, and how to make its calls log once more.
struct Storm {
    server: Server,
    said: watch::Sender<usize>,
}

impl Storm {
    fn new(limits: (usize, usize)) -> Self {
        let (said, hear) = watch::channel(0);
        let follow = Tool::new("follow")
            .description("Logs whatever is said, for ever.")
            .handler(move |ctx: Context| {
                let mut hear = hear.clone();
                async move {
                    while hear.changed().await.is_ok() {
                        ctx.log(LogLevel::Info, "x".repeat(LOGGED));
                    }
                    Ok::<_, ToolError>("over")
                }
            });
        let quiet = Tool::new("quiet").description("-").handler(async || "-");
        let other = Tool::new("other").description("-").handler(async || "-");
        let template = Template::builder("storm", "1");
        let template = template.tool(follow).tool(quiet).tool(other);
        let template = (0..RESOURCES).fold(template, |all, number| {
            all.resource(Resource::new(uri(number), "resource").text("-"))
        });
        let template = template.build().expect("no mistakes");
        let limits = Limits::default().notices(limits.0).notice_bytes(limits.1);
        let server = Server::builder(template).limits(limits).build();
        Self {
            server: server.expect("it can be built"),
            said,
        }
    }

    /// Tells everybody of everything, so many times.
    async fn rage(&self, rounds: usize) {
        let notifier = self.server.notifier();
        for round in 0..rounds {
            let hide = round.is_multiple_of(2);
            self.server
                .sessions()
                .list()
                .iter()
                .for_each(|session| toggle(session, hide));
            let other = Tool::new("other").title(format!("{round:06}"));
            let other = other.description("-").handler(async || "-");
            let published = self
                .server
                .publish(Variant::DEFAULT, |edit| edit.add_tool(other));
            published.await.expect("it can be published");
            (0..RESOURCES).for_each(|number| notifier.resource_updated(&uri(number)));
            self.said.send_modify(|said| *said += 1);
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            tokio::time::advance(Duration::from_millis(50)).await;
        }
    }
}

fn toggle(session: &Session, hide: bool) {
    let edited = session.edit(|edit| {
        if hide {
            edit.hide_tool("quiet")
        } else {
            edit.show_tool("quiet")
        }
    });
    edited.expect("a session may be edited");
}

fn uri(number: usize) -> String {
    format!("note:///{number}")
}

/// One request over HTTP, of either era.
async fn send(server: &Server, session: Option<&str>, message: &Value) -> http::Response<HttpBody> {
    let method = if message.is_null() { "GET" } else { "POST" };
    let mut request = http::Request::builder()
        .method(method)
        .uri("/mcp")
        .header("host", "localhost")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json");
    match session {
        Some(session) => request = request.header("mcp-session-id", session),
        None if message["method"] != "initialize" => {
            request = request
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", message["method"].as_str().expect("a method"));
            if let Some(name) = message["params"]["name"].as_str() {
                request = request.header("mcp-name", name);
            }
        }
        None => {}
    }
    let body = http_body_util::Full::new(bytes::Bytes::from(message.to_string()));
    let request = request.body(body).expect("a request");
    let answer = server.http().call(request).await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    answer
}

fn message(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/logLevel": "info",
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn handshake(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// Opens a handshake session that is subscribed to everything; gives its id.
async fn session(server: &Server) -> String {
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "stalled", "version": "1"},
    });
    let answer = send(server, None, &handshake("initialize", &params)).await;
    let id = answer.headers()["mcp-session-id"].to_str();
    let id = id.expect("visible text").to_owned();
    for number in 0..RESOURCES {
        let subscribe = handshake("resources/subscribe", &json!({"uri": uri(number)}));
        send(server, Some(&id), &subscribe).await;
    }
    id
}

/// Opens a stream that is never polled.
async fn open(server: &Server, kind: Kind) -> HttpBody {
    let follow = json!({"name": "follow"});
    let answer = match kind {
        Kind::Standing => send(server, Some(&session(server).await), &Value::Null).await,
        Kind::Call => {
            let call = handshake("tools/call", &follow);
            send(server, Some(&session(server).await), &call).await
        }
        Kind::StatelessCall => send(server, None, &message("tools/call", follow)).await,
        Kind::Listen => {
            let uris: Vec<_> = (0..RESOURCES).map(uri).collect();
            let wish = json!({"toolsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": uris});
            let listen = message("subscriptions/listen", json!({"notifications": wish}));
            send(server, None, &listen).await
        }
    };
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    answer.into_body()
}

fn grown(region: &Region<'_, System>) -> isize {
    let change = region.change();
    let signed = |bytes: usize| isize::try_from(bytes).expect("no such amount of memory");
    signed(change.bytes_allocated) - signed(change.bytes_deallocated)
}

/// What one stream of a kind holds after a storm, and after one that is three times as long.
async fn held(kind: Kind, limits: (usize, usize)) -> [isize; 2] {
    let storm = Storm::new(limits);
    storm.rage(3).await;
    let mut streams = Vec::with_capacity(STREAMS);
    for _ in 0..STREAMS {
        streams.push(open(&storm.server, kind).await);
    }
    let region = Region::new(ALLOCATOR);
    let count = isize::try_from(STREAMS).expect("few");
    storm.rage(120).await;
    let short = grown(&region) / count;
    storm.rage(240).await;
    let long = grown(&region) / count;
    assert!(short > 1_000, "a storm that nobody hears proves nothing");
    drop(streams);
    [short, long]
}

#[expect(clippy::print_stdout, reason = "a program may say what it found")]
fn main() {
    for limits in [(256, 64 * 1024), (16, 1024 * 1024)] {
        for kind in [
            Kind::Standing,
            Kind::Listen,
            Kind::Call,
            Kind::StatelessCall,
        ] {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().start_paused(true).build();
            let runtime = runtime.expect("a runtime");
            let [short, long] = runtime.block_on(held(kind, limits));
            let bound = isize::try_from(kind.bound(limits)).expect("not so large");
            println!(
                "{kind:?}, {limits:?}: {short} bytes, {long} after three storms; bound {bound}"
            );
            assert!(short <= bound && long <= bound, "more than {bound}");
            assert!(long - short < 512, "it grows");
        }
    }
}
