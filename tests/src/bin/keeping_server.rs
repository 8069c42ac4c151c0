//! The server of [`mcp_session_tests::keeping`] as a process of its own.

use mcp_session::Server;
use mcp_session_tests::keeping;

#[tokio::main]
async fn main() -> mcp_session::Result<()> {
    Server::new(keeping::template()?).serve_stdio().await
}
