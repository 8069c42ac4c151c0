//! Proves that opening a session, calling a tool and editing a view allocate the same for a
//! template of 10 tools and for one of 10,000, that a session at rest is small and what it changed
//! takes little more than it says, and that sessions which their clients abandon leave nothing
//! behind. A program of its own: it counts with the global allocator, and nothing else may run
//! meanwhile.

use std::{alloc::System, convert::Infallible, sync::Arc, time::Duration};

use futures_util::FutureExt;
use mcp_session::catalog::IntoTool;
use mcp_session::session::SessionState;
use mcp_session::testing::Client;
use mcp_session::{Context, EndReason, Server, Session, Template, Tool, tool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower_service::Service;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often something was allocated or grown, and how many bytes in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    allocations: usize,
    reallocations: usize,
    bytes: usize,
}

/// What each step costs.
#[derive(Debug, PartialEq, Eq)]
struct Costs {
    /// A handshake session, `initialize` and all.
    handshake: Cost,
    /// A stateless `tools/call`, which opens a session and calls the template's last tool.
    stateless: Cost,
    /// Hiding one tool and adding another, and telling the client.
    edit: Cost,
}

fn serve(tools: usize) -> Server {
    let tool = |name: String| {
        Tool::new(name)
            .description("A tool.")
            .handler(async || "done")
    };
    let template = (1..tools).map(|number| tool(format!("tool{number}")));
    let template = template.fold(Template::builder("many", "1"), |all, tool| all.tool(tool));
    Server::new(
        template
            .tool(tool("last".to_owned()))
            .build()
            .expect("no mistakes"),
    )
}

async fn cost<T>(step: impl Future<Output = T>) -> (Cost, T) {
    let region = Region::new(ALLOCATOR);
    let done = step.await;
    let change = region.change();
    let cost = Cost {
        allocations: change.allocations,
        reallocations: change.reallocations,
        bytes: change.bytes_allocated,
    };
    (cost, done)
}

fn edit(session: &Session) {
    let edited = session.edit(|edit| {
        edit.hide_tool("last")?;
        edit.add_tool(
            Tool::new("own")
                .description("A tool.")
                .handler(async || "done"),
        )
    });
    edited.expect("a session may be edited");
}

async fn costs(tools: usize) -> Costs {
    let server = serve(tools);
    let (handshake, client) = cost(Client::handshake(&server)).await;
    let other = Client::stateless(&server);
    let call = || async {
        let outcome = other.call_tool("last", json!({})).await;
        assert_eq!(outcome.text(), "done");
    };
    call().await;
    let (stateless, ()) = cost(call()).await;
    let session = client.session();
    let (edit, ()) = cost(async {
        edit(&session);
        client
            .notification("notifications/tools/list_changed")
            .await;
    })
    .await;
    Costs {
        handshake,
        stateless,
        edit,
    }
}

/// How many clients come and never say goodbye.
const ABANDONED: usize = 10_000;

/// A server that clients can leave in the middle of anything.
fn abandonable() -> Server {
    let endless = Tool::new("endless")
        .description("Says something, and never ends.")
        .handler(async |ctx: Context| {
            ctx.progress(0.5).send();
            std::future::pending::<&str>().await
        });
    let waits = async |session: Session| {
        if session.opening().header("x-slow").is_some() {
            std::future::pending::<()>().await;
        }
        Ok(())
    };
    let last = Tool::new("last").description("-").handler(async || "done");
    let template = Template::builder("abandoned", "1");
    let template = template.tool(endless).tool(last).on_open(waits);
    Server::new(template.build().expect("no mistakes"))
}

fn request(method: &str, session: Option<&str>) -> http::request::Builder {
    let mut request = http::Request::builder()
        .method(method)
        .uri("/mcp")
        .header("host", "localhost")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json");
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    request
}

fn full(message: &Value) -> http_body_util::Full<bytes::Bytes> {
    let text = match message {
        Value::Null => String::new(),
        message => message.to_string(),
    };
    http_body_util::Full::new(text.into())
}

/// One message over HTTP; the whole answer is dropped unread but for the session it names.
async fn send(server: &Server, method: &str, session: Option<&str>, body: &Value) -> String {
    let request = request(method, session).body(full(body));
    let answered = server.http().call(request.expect("a request")).await;
    let response = answered.expect("an answer");
    assert!(response.status().is_success());
    let id = response.headers().get("mcp-session-id");
    let id = id.map(|id| id.to_str().expect("visible").to_owned());
    id.unwrap_or_default()
}

/// A request whose client is gone before it is answered.
fn drop_halfway<B>(server: &Server, request: http::Request<B>)
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let mut halfway = Box::pin(server.http().call(request));
    assert!((&mut halfway).now_or_never().is_none(), "it waits");
}

/// A client that begins, and perhaps uses its session, and is never seen again. True where that
/// leaves a session for a while.
async fn abandon(server: &Server, number: usize) -> bool {
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "gone", "version": "1"},
    }});
    match number % 5 {
        // Gone behind its headers, before it has said what it wants.
        0 => {
            let never = futures_util::stream::pending::<Result<http_body::Frame<_>, Infallible>>();
            let never = http_body_util::StreamBody::new(never);
            drop_halfway(
                server,
                request("POST", None).body(never).expect("a request"),
            );
            return false;
        }
        // Gone while its session was being opened.
        1 => {
            let slow = request("POST", None).header("x-slow", "yes");
            drop_halfway(server, slow.body(full(&initialize)).expect("a request"));
            return false;
        }
        _ => {}
    }
    let id = send(server, "POST", None, &initialize).await;
    if number % 5 == 2 {
        // Gone in the middle of the handshake.
        return true;
    }
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    send(server, "POST", Some(&id), &initialized).await;
    let session = server.sessions().get(&id.as_str().into());
    edit(&session.expect("it is there"));
    send(server, "GET", Some(&id), &Value::Null).await;
    if number % 5 == 4 {
        // Gone while a call was running, whose answer could have been resumed.
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "endless", "arguments": {}, "_meta": {"progressToken": 1},
        }});
        send(server, "POST", Some(&id), &call).await;
    }
    true
}

/// How many bytes a session at rest holds whose client called the tool `last` and left it alone.
async fn held(server: &Server) -> isize {
    const SESSIONS: usize = 10_000;
    let open = async |number: usize| {
        let message = |id: usize, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let introduced = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "idle", "version": "1"},
        });
        let id = send(server, "POST", None, &message(0, "initialize", introduced)).await;
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        send(server, "POST", Some(&id), &initialized).await;
        let call = json!({"name": "last", "arguments": {}});
        send(
            server,
            "POST",
            Some(&id),
            &message(number, "tools/call", call),
        )
        .await;
    };
    // The tables have room for some sessions before there are any.
    for number in 0..SESSIONS / 10 {
        open(number).await;
    }
    let region = Region::new(ALLOCATOR);
    for number in 0..SESSIONS {
        open(number).await;
    }
    // Nobody comes back for the answer any more.
    pass(Duration::from_secs(8 * 60)).await;
    let one = &server.sessions().page(None, 1)[0];
    assert_eq!(one.lifecycle(), SessionState::Idle);
    held_since(&region) / isize::try_from(SESSIONS).expect("not so many")
}

/// What sessions at rest hold, by what was changed in them.
#[derive(Debug)]
struct Changed {
    nothing: isize,
    /// Ten of the template's tools are hidden.
    hidden: isize,
    /// For each tool of its own: how long it is in a list, and how many bytes it holds.
    derived: (isize, isize),
    /// The same, where the schema of the arguments is a value that calls are held against.
    given: (isize, isize),
    /// The same for a function under `#[tool]`, which every session is given.
    common: (isize, isize),
    /// The same again, marked as what is not to be stored.
    ephemeral: (isize, isize),
}

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use")]
struct Query {
    /// Words that must be there.
    words: String,
    limit: Option<u32>,
}

/// A server whose tool `last` changes the session that it is called in.
fn changing(change: impl Fn(&Session) + Send + Sync + 'static) -> Server {
    let change = Arc::new(change);
    let last = Tool::new("last").description("Changes.");
    let last = last.handler(move |session: Session| {
        let change = Arc::clone(&change);
        async move {
            change(&session);
            "done"
        }
    });
    let tool = |number| {
        let tool = Tool::new(format!("tool{number}")).description("A tool.");
        tool.handler(async || "done")
    };
    let template = (1..100).map(tool);
    let template = template.fold(Template::builder("changing", "1"), |all, tool| {
        all.tool(tool)
    });
    Server::new(template.tool(last).build().expect("no mistakes"))
}

/// One of eight tools that are the same for all sessions.
fn common(number: usize) -> Tool {
    macro_rules! functions {
        ($($name:ident)*) => {
            $(
                /// Looks for it.
                #[tool]
                async fn $name(words: String, limit: Option<u32>) -> String {
                    format!("{words} {limit:?}")
                }
            )*
            [$($name.into_tool()),*]
        };
    }
    let tools: [Tool; 8] = {
        functions! { one two three four five six seven eight }
    };
    tools[number].clone()
}

async fn changed() -> Changed {
    let nothing = held(&changing(|_| ())).await;
    let hide = |session: &Session| {
        let hidden = session
            .edit(|edit| (1..=10).try_for_each(|number| edit.hide_tool(&format!("tool{number}"))));
        hidden.expect("a session may be edited");
    };
    let hidden = held(&changing(hide)).await;
    let derived = |number| {
        let tool = Tool::new(format!("own{number}")).description("Looks for it.");
        tool.handler(async |query: Query| query.words)
    };
    let given = |number| {
        let tool = Tool::new(format!("own{number}")).description("Looks for it.");
        let tool = tool.input_schema(json!({
            "type": "object",
            "properties": {
                "words": {"type": "string", "description": "Words that must be there."},
                "limit": {"type": "integer", "minimum": 0},
            },
            "required": ["words"],
        }));
        tool.handler(async |query: Value| query["words"].to_string())
    };
    Changed {
        nothing,
        hidden,
        derived: each_of_its_own(derived).await,
        given: each_of_its_own(given).await,
        common: each_of_its_own(common).await,
        ephemeral: each_of_its_own(|number| common(number).ephemeral()).await,
    }
}

/// How long a tool is in a list, and how many bytes it holds that was made for one session.
async fn each_of_its_own(make: fn(usize) -> Tool) -> (isize, isize) {
    let with = async |tools: usize| {
        let add = move |session: &Session| {
            let added =
                session.edit(|edit| (0..tools).try_for_each(|number| edit.add_tool(make(number))));
            added.expect("a session may be edited");
        };
        held(&changing(add)).await
    };
    let listed = serde_json::to_string(make(0).definition())
        .expect("JSON")
        .len();
    let listed = isize::try_from(listed).expect("not so long");
    (listed, (with(8).await - with(4).await) / 4)
}

fn held_since(region: &Region<'_, System>) -> isize {
    let change = region.change();
    let signed = |bytes: usize| isize::try_from(bytes).expect("no such amount of memory");
    signed(change.bytes_allocated) - signed(change.bytes_deallocated)
}

/// Lets so much time pass, and everybody who looks after something have many turns meanwhile.
async fn pass(time: Duration) {
    for _ in 0..100 {
        tokio::time::advance(time / 100).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

/// What so many abandoned clients hold.
struct Held {
    /// For each session that was just in use, and could be resumed in all it was told.
    hot: isize,
    /// For each session that waits to be resumed.
    parked: isize,
    /// Once all of it is over.
    left: isize,
}

async fn abandoned(server: &Server, clients: usize) -> Held {
    let region = Region::new(ALLOCATOR);
    let mut sessions = 0;
    for number in 0..clients {
        sessions += usize::from(abandon(server, number).await);
    }
    assert_eq!(server.sessions().len(), sessions);
    let count = |sessions| isize::try_from(sessions).expect("no such number of sessions");
    let hot = held_since(&region) / count(sessions);
    // Half of them never got beyond their handshake, and calls nobody came back for are dropped.
    pass(Duration::from_secs(20 * 60)).await;
    let parked = server.sessions().list();
    assert!(
        parked
            .iter()
            .all(|one| one.lifecycle() == SessionState::Parked)
    );
    let of = count(parked.len());
    drop(parked);
    let parked = held_since(&region) / of;
    pass(Duration::from_secs(25 * 60 * 60)).await;
    nothing_is_left(server);
    let left = held_since(&region);
    Held { hot, parked, left }
}

/// No session, task, stream, buffer or table entry.
fn nothing_is_left(server: &Server) {
    let stats = server.stats();
    assert!(server.sessions().is_empty());
    let counts = [
        stats.streams,
        stats.listening,
        stats.queued,
        stats.in_flight,
    ];
    assert_eq!(counts, [0; 4], "streams, listening, queued, in flight");
    let tasks = tokio::runtime::Handle::current().metrics();
    assert_eq!(tasks.num_alive_tasks(), 0, "tasks");
    assert_eq!(
        stats.ended(EndReason::Idle),
        stats.opened,
        "each for its time"
    );
}

#[expect(clippy::print_stdout, reason = "a program may say what it found")]
fn main() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    let (few, many) = runtime.block_on(async {
        // What is made once per process is made before anything is counted.
        costs(3).await;
        (costs(10).await, costs(10_000).await)
    });
    assert_eq!(few, many, "10 tools and 10,000 tools");
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    let (rests, held) = runtime.expect("a runtime").block_on(async {
        let rests = changed().await;
        let server = abandonable();
        // The first ones pay for what is made once: the runtime keeps the room that its queue of
        // tasks needs when the calls of all of them are given up at once.
        abandoned(&server, ABANDONED).await;
        (rests, abandoned(&server, ABANDONED).await)
    });
    println!("a session that rests holds so many bytes: {rests:?}");
    let Changed {
        nothing,
        hidden,
        derived,
        given,
        common,
        ephemeral,
    } = rests;
    assert!(nothing < 850, "{nothing} bytes");
    assert!(hidden <= 1_536, "{hidden} bytes with ten changes");
    let (listed, own) = derived;
    assert!(own <= listed + 300, "{own} bytes for {listed} in a list");
    let (listed, own) = given;
    assert!(own <= listed + 300, "{own} bytes for {listed} in a list");
    for (listed, own) in [common, ephemeral] {
        assert!(
            own <= 32,
            "{own} bytes for {listed} that all have in common"
        );
    }
    let Held { hot, parked, left } = held;
    println!(
        "{ABANDONED} abandoned clients: {hot} bytes for each session, {parked} for each parked one, {left} left"
    );
    assert!(parked < hot, "parking frees something");
    assert!(left < 4_096, "{left} bytes");
    println!("the same for 10 tools and for 10,000: {few:#?}");
}
