//! Tools that say something before they answer.

use std::time::Duration;

use mcp_session::{Context, LogLevel, Tool};
use tokio::time::sleep;

/// Long enough to see one message arrive after the other.
const STEP: Duration = Duration::from_millis(50);

pub(crate) fn tools() -> [Tool; 3] {
    [
        Tool::new("test_tool_with_logging")
            .description("Logs three messages to the client.")
            .handler(logging),
        Tool::new("test_tool_with_progress")
            .description("Reports how far it is.")
            .handler(progress),
        Tool::new("test_reconnection")
            .description("Closes its stream before it answers.")
            .handler(reconnection),
    ]
}

async fn logging(ctx: Context) -> &'static str {
    ctx.log(LogLevel::Info, "Tool execution started");
    sleep(STEP).await;
    ctx.log(LogLevel::Info, "Tool processing data");
    sleep(STEP).await;
    ctx.log(LogLevel::Info, "Tool execution completed");
    "Logged three messages."
}

async fn progress(ctx: Context) -> &'static str {
    ctx.progress(0.0).total(100.0).send();
    sleep(STEP).await;
    ctx.progress(50.0).total(100.0).send();
    sleep(STEP).await;
    ctx.progress(100.0).total(100.0).send();
    "Reported 0, 50 and 100 of 100."
}

/// A client that can resume (2025-11-25, "Streamable HTTP", "Resumability") comes back for the
/// answer; for any other the stream stays open.
async fn reconnection(ctx: Context) -> &'static str {
    ctx.close_connection();
    sleep(STEP).await;
    "The answer came after the stream was closed."
}
