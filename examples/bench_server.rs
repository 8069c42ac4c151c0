//! A server to measure: cheap tools, as many more as you like, and every limit and guard on.
//!
//! ```text
//! cargo run --release --example bench_server -- --http 127.0.0.1:8000
//! cargo run --release --example bench_server -- --http 127.0.0.1:8000 --tools 1000
//! cargo run --release --example bench_server -- --http 127.0.0.1:8000 --overlay 100
//! cargo run --release --example bench_server -- --stdio
//! cargo run --release --example bench_server -- --store redis://127.0.0.1 --seal-key $(openssl rand -hex 32)
//! ```
//!
//! `add` does next to nothing, so that what is measured is the framework; `sleep_ms` shows whether
//! calls run side by side; `touch_tools` changes what every client is offered, so that each is
//! told. `--tools N` adds N tools that are there to be listed. With `--overlay K` each session is
//! opened with K tools made for it alone; with `--hide K` there are K more tools for all, which
//! each session hides. Processes that are given the same `--store` and `--seal-key` are one server.

#![expect(clippy::print_stdout, reason = "a program with a command line")]

use std::{sync::Arc, time::Duration};

use mcp_session::{Context, Edit, Session, Template, Tool, ToolError, Variant, tool};
use mcp_session_examples::{Failure, Listen, Replica, Result, serve_as};
use serde_json::{Value, json};

/// How many sessions are edited before others get their turn.
const AT_ONCE: usize = 32;

/// Add two numbers.
#[tool(read_only)]
async fn add(a: i64, b: i64) -> String {
    a.saturating_add(b).to_string()
}

/// Wait.
#[tool(read_only)]
async fn sleep_ms(
    /// How long, in milliseconds.
    ms: u32,
) -> &'static str {
    tokio::time::sleep(Duration::from_millis(ms.into())).await;
    "slept"
}

/// Change what every client is offered.
#[tool]
async fn touch_tools(ctx: Context) -> Result<String, ToolError> {
    let server = ctx.server();
    let server = server.ok_or_else(|| ToolError::new("the server is going"))?;
    let sessions = server.sessions().list();
    let mut edited = 0;
    for sessions in sessions.chunks(AT_ONCE) {
        // One that has ended meanwhile is of no interest.
        edited += sessions
            .iter()
            .filter(|one| one.edit(toggle).is_ok())
            .count();
        // Those that were edited are told, before the others are edited.
        tokio::task::yield_now().await;
    }
    // Stateless clients have no session to edit: their lists are those of the newest revision.
    server.publish(Variant::DEFAULT, toggle).await?;
    Ok(format!("{edited} sessions"))
}

/// Here, and gone with the next touch.
#[tool]
async fn touched() -> &'static str {
    "touched"
}

fn toggle(edit: &mut Edit<'_>) -> mcp_session::Result<()> {
    if edit.hide_tool("touched").is_ok() {
        return Ok(());
    }
    edit.add_tool(touched)
}

/// Makes tools that nobody else has, and hides what others see.
fn change(session: &Session, overlay: usize, hidden: &[String]) -> mcp_session::Result<()> {
    session.edit(|edit| {
        for number in 0..overlay {
            edit.add_tool(dummy(&format!("own_{number:04}")))?;
        }
        hidden.iter().try_for_each(|name| edit.hide_tool(name))
    })
}

/// A tool that is there to be listed, with a schema of a usual size.
fn dummy(name: &str) -> Tool {
    Tool::new(name)
        .description(format!("Looks something up: {name}."))
        .input_schema(dummy_schema())
        .raw_handler(|_, _| async { "nothing found" })
}

fn dummy_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "What to look for", "minLength": 1, "maxLength": 200},
            "count": {"type": "integer", "description": "At most so many results", "minimum": 1, "maximum": 100, "default": 20},
            "order": {"type": "string", "description": "What comes first", "enum": ["best", "newest", "oldest"]},
            "labels": {"type": "array", "description": "Only what carries all of these labels", "items": {"type": "string"}, "maxItems": 16},
            "hidden": {"type": "boolean", "description": "Look at hidden items as well", "default": false},
        },
        "required": ["text"],
        "additionalProperties": false,
    })
}

#[tokio::main]
async fn main() -> Result {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let tools = take_number(&mut args, "--tools")?;
    let overlay = take_number(&mut args, "--overlay")?;
    let hide = take_number(&mut args, "--hide")?;
    let replica = Replica::take(&mut args).await?;
    let name = replica.name().map(str::to_owned);
    let listen = Listen::parse(args)?;
    let mut template = Template::builder("bench_server", "1.0.0")
        .tool(add)
        .tool(sleep_ms)
        .tool(touch_tools);
    for number in 0..tools {
        template = template.tool(dummy(&format!("dummy_{number:04}")));
    }
    let hidden: Arc<[String]> = (0..hide)
        .map(|number| format!("hidden_{number:04}"))
        .collect();
    for name in &*hidden {
        template = template.tool(dummy(name));
    }
    if overlay + hide > 0 {
        template = template.on_open(move |session| {
            let changed = change(&session, overlay, &hidden);
            async { Ok(changed?) }
        });
    }
    let server = replica.server(template.build()?)?;
    serve_as(name.as_deref(), server, listen, |url| {
        println!("bench_server is served at {url}");
    })
    .await
}

/// Takes an option and its number out of the command line; zero where it is not there.
fn take_number(args: &mut Vec<String>, option: &str) -> Result<usize> {
    let Some(index) = args.iter().position(|arg| arg == option) else {
        return Ok(0);
    };
    let number = args.get(index + 1).and_then(|number| number.parse().ok());
    let number = number.ok_or_else(|| Failure::new(format!("usage: {option} N, a number")))?;
    args.drain(index..=index + 1);
    Ok(number)
}
