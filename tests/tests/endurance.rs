//! Proves that a server can hold very many sessions at once, and let go of very many one after the
//! other: what one costs and holds does not depend on how many there are, nothing is left of those
//! that ended, and looking after all of them takes little time. A program of its own: it counts
//! with the global allocator.
//!
//! A debug build makes a start, so that nothing rots. The real thing is
//!
//! ```text
//! cargo test --release -p mcp-session-tests --test endurance
//! ```

use std::{
    alloc::System,
    sync::LazyLock,
    time::{Duration, Instant},
};

use http::{HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use mcp_session::server::Limits;
use mcp_session::session::SessionState;
use mcp_session::transport::http::{HttpBody, HttpService};
use mcp_session::{Context, Elicited, EndReason, Server, Template, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower_service::Service;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How much smaller everything is in a debug build, which takes so much longer for each.
const SHARE: usize = if cfg!(debug_assertions) { 25 } else { 1 };

/// How many sessions are open at once.
const CROWD: usize = 1_000_000 / SHARE;

/// What a session holds of which a client asked nothing yet, at most, with its share of tables that
/// have just doubled.
const HELD: isize = 1_100;

/// How much longer opening the last tenth of them may take than opening the first.
const SLOWER: u32 = 3;

/// How long a look after a million sessions at rest may take.
const LOOK: Duration = Duration::from_millis(200);

/// How long one part of it may take, between two moments at which others have their turn. What is
/// locked is locked for less.
const TURN: Duration = Duration::from_millis(1);

/// How many sessions come and go, of each kind.
const CHURNED: usize = 200_000 / SHARE;

/// How much more may be held after all of them than after the first tenth, and be in memory.
const GROWTH: isize = 2 * 1024 * 1024;

/// What a session does before it ends.
#[derive(Debug, Clone, Copy)]
enum Life {
    /// It is called once.
    Plain,
    /// It is changed.
    Overlay,
    /// It is changed while its client listens.
    Stream,
    /// Its client is asked something.
    Question,
}

/// Whether to go on.
#[derive(Debug, Deserialize, JsonSchema)]
struct Answer {
    sure: bool,
}

fn server() -> Server {
    let ask = async |ctx: Context| -> Result<String, ToolError> {
        match ctx.elicit::<Answer>("sure", "Sure?").await? {
            Elicited::Accept(answer) => Ok(answer.sure.to_string()),
            Elicited::Decline | Elicited::Cancel => Err(ToolError::new("not sure")),
        }
    };
    let ask = Tool::new("ask").description("Asks.").handler(ask);
    let template = Template::builder("crowded", "1")
        .tool(ask)
        .tool(tool("done"));
    let template = template.build().expect("no mistakes");
    let limits = Limits::default().sessions(CROWD + 1);
    let server = Server::builder(template).limits(limits).build();
    server.expect("limits that work")
}

fn tool(name: &str) -> Tool {
    Tool::new(name)
        .description("A tool.")
        .handler(async || "done")
}

/// A client that opens one session after the other.
struct Client {
    server: Server,
    service: HttpService,
    initialize: Value,
    initialized: Value,
}

impl Client {
    fn new(server: Server) -> Self {
        let introduced = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "one of many", "version": "1"},
        });
        Self {
            service: server.http(),
            server,
            initialize: message("initialize", &introduced),
            initialized: json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        }
    }

    async fn open(&mut self) -> HeaderValue {
        let initialize = self.initialize.to_string();
        let (session, _) = self.send(Method::POST, None, initialize).await;
        let session = session.expect("a session");
        let initialized = self.initialized.to_string();
        self.send(Method::POST, Some(&session), initialized).await;
        session
    }

    /// One message, and what is said to it.
    async fn send(
        &mut self,
        method: Method,
        session: Option<&HeaderValue>,
        body: String,
    ) -> (Option<HeaderValue>, HttpBody) {
        let mut request = http::Request::new(Full::<bytes::Bytes>::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = http::Uri::from_static("/mcp");
        let headers = request.headers_mut();
        headers.insert("host", HeaderValue::from_static("localhost"));
        let accept = HeaderValue::from_static("application/json, text/event-stream");
        headers.insert("accept", accept);
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if let Some(session) = session {
            headers.insert("mcp-session-id", session.clone());
        }
        let answered = self.service.call(request).await.expect("an answer");
        assert!(answered.status().is_success(), "{}", answered.status());
        let session = answered.headers().get("mcp-session-id").cloned();
        (session, answered.into_body())
    }

    /// A session from its beginning to its end.
    async fn live(&mut self, life: Life) {
        let id = self.open().await;
        match life {
            Life::Plain => {
                let call = message("tools/call", &json!({"name": "done"})).to_string();
                let (_, mut answer) = self.send(Method::POST, Some(&id), call).await;
                until(&mut answer, "\"result\"").await;
            }
            Life::Overlay => self.edit(&id),
            Life::Stream => {
                let (_, mut stream) = self.send(Method::GET, Some(&id), String::new()).await;
                self.edit(&id);
                until(&mut stream, "notifications/tools/list_changed").await;
            }
            Life::Question => {
                let call = message("tools/call", &json!({"name": "ask"})).to_string();
                let (_, mut asking) = self.send(Method::POST, Some(&id), call).await;
                let asked = until(&mut asking, "elicitation/create").await;
                let asked = asked.lines().find_map(|line| line.strip_prefix("data: {"));
                let asked = format!("{{{}", asked.expect("a question"));
                let asked: Value = serde_json::from_str(&asked).expect("JSON");
                let answer = json!({"action": "accept", "content": {"sure": true}});
                let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": answer});
                self.send(Method::POST, Some(&id), answer.to_string()).await;
                until(&mut asking, "\"result\"").await;
            }
        }
        self.send(Method::DELETE, Some(&id), String::new()).await;
    }

    fn edit(&self, id: &HeaderValue) {
        let id = id.to_str().expect("visible").into();
        let session = self.server.sessions().get(&id).expect("it is open");
        let edited = session.edit(|edit| {
            edit.hide_tool("done")?;
            edit.add_tool(tool("own"))
        });
        edited.expect("a session may be edited");
    }
}

fn message(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// Reads until this was said, and gives what was.
async fn until(body: &mut HttpBody, said: &str) -> String {
    let mut text = String::new();
    while !text.contains(said) {
        let frame = body.frame().await.expect("more").expect("no fault");
        if let Some(data) = frame.data_ref() {
            text.push_str(std::str::from_utf8(data).expect("text"));
        }
    }
    text
}

fn held_since(region: &Region<'_, System>) -> isize {
    let change = region.change();
    signed(change.bytes_allocated) - signed(change.bytes_deallocated)
}

fn signed(number: usize) -> isize {
    isize::try_from(number).expect("no such amount")
}

/// More often than the table of sessions has parts.
const TURNS: usize = 2_000;

/// Moves the clock, and lets everybody do what is due.
async fn pass(time: Duration) {
    turns(time).await;
}

/// As [`pass`], and how long it took each time until it was this task's turn again.
async fn turns(time: Duration) -> Vec<Duration> {
    let mut turns = Vec::with_capacity(TURNS + 1);
    let mut last = elapsed();
    let mut turn = || {
        let now = elapsed();
        turns.push(now - std::mem::replace(&mut last, now));
    };
    tokio::time::advance(time).await;
    turn();
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
        turn();
    }
    turns
}

#[expect(clippy::print_stdout, reason = "a program may say what it found")]
async fn crowd() {
    let mut client = Client::new(server());
    client.live(Life::Plain).await;
    let all = Region::new(ALLOCATOR);
    let mut costs = Vec::new();
    for tenth in 1..=10 {
        let (own, since) = (Region::new(ALLOCATOR), spent());
        for _ in 0..CROWD / 10 {
            client.open().await;
        }
        costs.push((own.change().allocations, spent() - since));
        let each = held_since(&all) / signed(CROWD / 10 * tenth);
        assert!(each < HELD, "{each} bytes for each of {tenth} tenths");
    }
    let each = held_since(&all) / signed(CROWD);
    let ((first, early), (last, late)) = (costs[0], costs[9]);
    println!(
        "{CROWD} sessions hold {each} bytes each; the first tenth of them took {first} allocations and {early:?}, the last one {last} and {late:?}"
    );
    assert!(last <= first + first / 100, "opening costs more and more");
    assert!(late < early * SLOWER, "opening takes longer and longer");
    assert_eq!(client.server.sessions().len(), CROWD);
    let (look, turn) = looks().await;
    println!("looking after all of them takes {look:?}, of which {turn:?} at one go");
    assert!(cfg!(debug_assertions) || look < LOOK, "{look:?}");
    assert!(cfg!(debug_assertions) || turn < TURN, "{turn:?}");
    // A look that touches each of them takes some time for each.
    assert!(look > Duration::from_nanos(CROWD as u64), "nobody looked");

    pass(Duration::from_secs(20 * 60)).await;
    let one = &client.server.sessions().page(None, 1)[0];
    assert_eq!(one.lifecycle(), SessionState::Parked);
    pass(Duration::from_secs(25 * 60 * 60)).await;
    let stats = client.server.stats();
    assert!(client.server.sessions().is_empty());
    assert_eq!(stats.ended(EndReason::Idle), CROWD as u64);
    let left = held_since(&all);
    println!("they leave {left} bytes behind");
    assert!(left < 64 * 1024, "{left} bytes");
}

/// How long the janitor needs for all sessions, and for the part of them that takes it longest
/// before others have their turn. Both at best: neither caches nor processors are its own.
async fn looks() -> (Duration, Duration) {
    // A little more than its pause, which timers may exceed by a little. It had no turn before, so
    // that its first pause begins with this, and its first look makes idle what rests.
    let pause = Duration::from_secs(11);
    pass(pause).await;
    pass(pause).await;
    let mut best = Duration::MAX;
    let mut parts = vec![Duration::MAX; TURNS + 1];
    for _ in 0..10 {
        let since = spent();
        let turns = turns(pause).await;
        best = best.min(spent() - since);
        for (part, turn) in parts.iter_mut().zip(turns) {
            *part = turn.min(*part);
        }
    }
    (best, parts.into_iter().max().unwrap_or_default())
}

/// How long this thread has been on a processor, whatever else the machine does; where the system
/// does not say, how long it has been there.
fn spent() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = times.split_whitespace().next();
    let spent = spent.and_then(|spent| spent.parse().ok());
    spent.map_or_else(elapsed, Duration::from_nanos)
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is how long it takes, and the other clock stands still"
)]
fn elapsed() -> Duration {
    static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGINNING.elapsed()
}

/// How many bytes of this process are in memory; none where the system does not say.
fn resident() -> isize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
    resident.map_or(0, |kilobytes| kilobytes.trim().parse().unwrap_or(0) * 1024)
}

#[expect(clippy::print_stdout, reason = "a program may say what it found")]
async fn churn(life: Life) {
    let mut client = Client::new(server());
    let region = Region::new(ALLOCATOR);
    let mut before = (0, 0);
    for number in 0..CHURNED {
        if number == CHURNED / 10 {
            pass(Duration::from_secs(60)).await;
            before = (held_since(&region), resident());
        }
        client.live(life).await;
    }
    pass(Duration::from_secs(60)).await;
    let (held, resident) = (held_since(&region) - before.0, resident() - before.1);
    println!(
        "{CHURNED} sessions came and went ({life:?}): {} bytes held after a tenth of them, {held} more after all, and {resident} more in memory",
        before.0
    );
    assert!(held < GROWTH, "{held} bytes more");
    assert!(resident < GROWTH, "{resident} bytes more in memory");
    assert!(client.server.sessions().is_empty());
    let stats = client.server.stats();
    assert_eq!([stats.streams, stats.in_flight, stats.queued], [0; 3]);
    // As on any server that nobody uses, there are no tasks.
    let tasks = tokio::runtime::Handle::current().metrics();
    assert_eq!(tasks.num_alive_tasks(), 0, "tasks");
}

fn main() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        for life in [Life::Plain, Life::Overlay, Life::Stream, Life::Question] {
            churn(life).await;
        }
        crowd().await;
    });
}
