//! A server over HTTP that is asked to stop while it has much to do.
//!
//! `http_fixture MILLISECONDS` says where it listens, and has so long to stop. Its tool `wait` is
//! answered when a line arrives on standard input, `stuck` never is, and `much` fills any buffer.

use std::sync::Arc;
use std::time::Duration;

use mcp_session::catalog::ToolBuilder;
use mcp_session::server::Limits;
use mcp_session::{EndReason, Server, Session, Template, Tool};
use tokio::sync::Semaphore;

/// More calls than anybody makes.
const CALLS: usize = 1_000;

#[tokio::main]
async fn main() -> mcp_session::Result<()> {
    let deadline = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let deadline = Duration::from_millis(deadline.unwrap_or(10_000));
    let limits = Limits::default().silence(Duration::from_millis(1));
    let server = Server::builder(template()?).limits(limits).build()?;
    tokio::spawn(server.shutdown_on_signal(deadline)?);
    let http = server.bind_http("127.0.0.1:0").await?;
    say(&http.url());
    http.serve().await?;
    say("served");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "standard output is read by the test")]
fn say(text: &str) {
    println!("{text}");
}

fn template() -> mcp_session::Result<Template> {
    let gate = Arc::new(Semaphore::new(0));
    let open = Arc::clone(&gate);
    // A thread, which ends with the process: nobody waits for it.
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            open.add_permits(CALLS);
        }
    });
    let wait = move || {
        let gate = Arc::clone(&gate);
        async move { gate.acquire_owned().await.map(|_open| "waited") }
    };
    let closed = async |_: Session, reason: EndReason| {
        say(&format!("closed: {reason}"));
        Ok(())
    };
    Template::builder("fixture", "1.0.0")
        .tool(tool("wait").handler(wait))
        .tool(tool("stuck").handler(std::future::pending::<&'static str>))
        .tool(tool("much").handler(async || "x".repeat(64 << 20)))
        .on_close(closed)
        .build()
}

fn tool(name: &str) -> ToolBuilder {
    Tool::new(name).description("Part of a test.")
}
