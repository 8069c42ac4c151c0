//! The server of [`mcp_session_tests::interop`] as a process of its own, for clients that
//! start their servers.

use mcp_session::Server;
use mcp_session_tests::interop;

#[tokio::main]
async fn main() -> mcp_session::Result<()> {
    Server::new(interop::template()?).serve_stdio().await
}
