//! What is remembered, where, and for how long: state and handles.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod changes;
mod handles;
mod holding;
mod process;
mod state;
mod stores;
mod ways;

use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::Client;
use mcp_session::{Principal, Server};

fn principal(subject: &str) -> Principal {
    Principal::new("https://issuer.example", subject)
}

/// A client of this user, in this revision.
async fn client(server: &Server, version: ProtocolVersion, subject: &str) -> Client {
    Client::builder(server)
        .version(version)
        .principal(principal(subject))
        .connect()
        .await
}

/// Runs a test in each era.
async fn each_era(test: impl AsyncFn(ProtocolVersion)) {
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        test(version).await;
    }
}
