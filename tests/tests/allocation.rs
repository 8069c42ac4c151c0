//! Proves that opening a session, calling a tool and editing a view allocate the same for a
//! template of 10 tools and for one of 10,000, and that a session at rest is small, and that
//! sessions which their clients abandon leave nothing behind. A program of its own: it counts with the global allocator, and nothing else may
//! run meanwhile.

use std::{alloc::System, time::Duration};

use mcp_session::testing::Client;
use mcp_session::{Server, Session, Template, Tool};
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

/// One message over HTTP; the whole answer is dropped unread but for the session it names.
async fn post(server: &Server, session: Option<&str>, message: &Value) -> Option<String> {
    let mut request = http::Request::post("/mcp")
        .header("host", "localhost")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json");
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    let body = http_body_util::Full::new(bytes::Bytes::from(message.to_string()));
    let request = request.body(body).expect("a request");
    let response = server.http().call(request).await.expect("an answer");
    assert!(response.status().is_success());
    let id = response.headers().get("mcp-session-id")?;
    Some(id.to_str().expect("visible").to_owned())
}

/// A client that initializes, perhaps uses its session and listens, and is never seen again.
async fn abandon(server: &Server, number: usize) {
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "gone", "version": "1"},
    }});
    let id = post(server, None, &initialize).await.expect("a session");
    if number.is_multiple_of(2) {
        // Gone in the middle of the handshake.
        return;
    }
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    post(server, Some(&id), &initialized).await;
    let session = server.sessions().get(&id.as_str().into());
    edit(&session.expect("it is there"));
    let get = http::Request::get("/mcp")
        .header("host", "localhost")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &id);
    let get = get.body(http_body_util::Full::<bytes::Bytes>::default());
    let stream = server
        .http()
        .call(get.expect("a request"))
        .await
        .expect("an answer");
    assert!(stream.status().is_success());
}

/// How many bytes an open session holds that its client used and left alone.
async fn held(server: &Server) -> isize {
    const SESSIONS: usize = 10_000;
    let open = async |number: usize| {
        let message = |id: usize, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let introduced = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "idle", "version": "1"},
        });
        let id = post(server, None, &message(0, "initialize", introduced)).await;
        let id = id.expect("a session");
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        post(server, Some(&id), &initialized).await;
        let call = json!({"name": "last", "arguments": {}});
        post(server, Some(&id), &message(number, "tools/call", call)).await;
    };
    // The tables have room for some sessions before there are any.
    for number in 0..SESSIONS / 10 {
        open(number).await;
    }
    let region = Region::new(ALLOCATOR);
    for number in 0..SESSIONS {
        open(number).await;
    }
    held_since(&region) / isize::try_from(SESSIONS).expect("not so many")
}

fn held_since(region: &Region<'_, System>) -> isize {
    let change = region.change();
    let signed = |bytes: usize| isize::try_from(bytes).expect("no such amount of memory");
    signed(change.bytes_allocated) - signed(change.bytes_deallocated)
}

/// How many bytes are held once all of so many abandoned sessions are over.
async fn abandoned(server: &Server, clients: usize) -> isize {
    let region = Region::new(ALLOCATOR);
    for number in 0..clients {
        abandon(server, number).await;
    }
    assert_eq!(server.sessions().len(), clients);
    let day = Duration::from_secs(24 * 60 * 60);
    for _ in 0..100 {
        tokio::time::advance(day / 90).await;
        // The janitor has its turn after each part of the table.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    assert!(server.sessions().is_empty());
    held_since(&region)
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
    let (held, left) = runtime.expect("a runtime").block_on(async {
        let held = held(&serve(1_000)).await;
        let server = serve(10);
        // The first ones pay for what is made once.
        abandoned(&server, 100).await;
        (held, abandoned(&server, ABANDONED).await)
    });
    println!("a session that rests holds {held} bytes");
    assert!(held < 900, "{held} bytes");
    println!("{ABANDONED} abandoned sessions left {left} bytes behind");
    assert!(left < 4_096, "{left} bytes");
    println!("the same for 10 tools and for 10,000: {few:#?}");
}
