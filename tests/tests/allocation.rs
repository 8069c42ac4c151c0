//! Proves that opening a session, calling a tool and editing a view allocate the same for a
//! template of 10 tools and for one of 10,000. A program of its own: it counts with the global
//! allocator, and nothing else may run meanwhile.

use std::alloc::System;

use mcp_session::testing::Client;
use mcp_session::{Server, Session, Template, Tool};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

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
    println!("the same for 10 tools and for 10,000: {few:#?}");
}
