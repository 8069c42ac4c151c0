//! A server over standard input and output that does to the protocol what it must survive.

use std::{process::Command, sync::Arc, time::Duration};

use mcp_session::catalog::ToolBuilder;
use mcp_session::{Context, Server, Template, Tool, ToolError};
use tokio::sync::Notify;

#[tokio::main]
async fn main() -> mcp_session::Result<()> {
    print_before_serving();
    let server = Server::new(template()?);
    let mut run = server.stdio().await?;
    match std::env::args().nth(1).as_deref() {
        Some("--outlive") => run = run.outlive_parent(),
        Some("--signals") => {
            tokio::spawn(server.shutdown_on_signal(Duration::from_secs(3_600))?);
        }
        _ => {}
    }
    let session = run.session();
    session.edit(|edit| {
        let own = Tool::new("own")
            .description("This process's.")
            .handler(async || "own");
        edit.add_tool(own)
    })?;
    run.serve().await?;
    report(&format!("ended: {}", session.done().await));
    if std::env::args().nth(1).as_deref() == Some("--print-after") {
        print("after");
    }
    Ok(())
}

/// Half a line that is still in the program's buffer when serving begins.
#[expect(clippy::print_stdout, reason = "printing is what is tried here")]
fn print_before_serving() {
    print!("stray from before, ");
}

#[expect(clippy::print_stdout, reason = "printing is what is tried here")]
fn print(text: &str) {
    println!("{text}");
}

#[expect(
    clippy::print_stderr,
    reason = "standard error is this program's to use"
)]
fn report(text: &str) {
    eprintln!("{text}");
}

fn template() -> mcp_session::Result<Template> {
    let released = Arc::new(Notify::new());
    let release = released.clone();
    let wait = move || {
        let released = released.clone();
        async move {
            released.notified().await;
            "released"
        }
    };
    let release = move || {
        release.notify_one();
        async { "ok" }
    };
    Template::builder("fixture", "1.0.0")
        .tool(tool("echo").handler(async || "echoed"))
        .tool(tool("wait").handler(wait))
        .tool(tool("release").handler(release))
        .tool(tool("print").handler(async || print("stray from a handler")))
        .tool(tool("big").handler(async || "x".repeat(1 << 20)))
        .tool(tool("child").handler(child))
        .tool(tool("again").handler(again))
        .tool(tool("stop").handler(stop))
        .build()
}

fn tool(name: &str) -> ToolBuilder {
    Tool::new(name).description("Part of a test.")
}

/// A child process that reads its standard input and prints, as many programs do.
async fn child() -> Result<&'static str, ToolError> {
    let script = "cat; echo stray from a child";
    Command::new("sh").args(["-c", script]).status()?;
    Ok("done")
}

async fn again(ctx: Context) -> Result<String, ToolError> {
    let server = ctx
        .server()
        .ok_or_else(|| ToolError::new("the server is gone"))?;
    match server.serve_stdio().await {
        Ok(()) => Ok("served twice".to_owned()),
        Err(error) => Ok(format!("{} {error}", error.is_configuration())),
    }
}

/// Shuts the server down from within, while its client keeps standard input open.
async fn stop(ctx: Context) -> Result<&'static str, ToolError> {
    let server = ctx
        .server()
        .ok_or_else(|| ToolError::new("the server is gone"))?;
    tokio::spawn(async move { server.shutdown().await });
    Ok("stopping")
}
