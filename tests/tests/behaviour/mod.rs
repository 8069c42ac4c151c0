//! What a client meets, in both eras wherever both have it; all of it through the testing client.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod asking;
mod cancelling;
mod custom;
mod editing;
mod errands;
mod factories;
mod forms;
mod handles;
mod hiding;
mod lifecycle;
mod listening;
mod logging;
mod metrics;
mod observing;
mod once;
mod opening;
mod pacing;
mod paging;
mod principals;
mod progress;
mod prompts;
mod publishing;
mod rebasing;
mod requests;
mod resources;
mod roots;
mod structured;
mod tools;
mod variants;

use mcp_session::protocol::{Era, ProtocolVersion, RpcError};
use mcp_session::server::TemplateBuilder;
use mcp_session::testing::Client;
use mcp_session::{Limits, Server, Template, Tool};

/// A template to add to.
fn template() -> TemplateBuilder {
    Template::builder("fixture", "1.2.3")
}

/// A server with default limits.
fn serve(template: TemplateBuilder) -> Server {
    Server::new(template.build().expect("a template without mistakes"))
}

/// A server with limits of its own.
fn serve_within(limits: Limits, template: TemplateBuilder) -> Server {
    let template = template.build().expect("a template without mistakes");
    Server::builder(template)
        .limits(limits)
        .build()
        .expect("a configuration that works")
}

/// A tool that says its own name.
fn named(name: &str) -> Tool {
    let said = name.to_owned();
    Tool::new(name)
        .description("Says its name.")
        .handler(move || {
            let said = said.clone();
            async move { said }
        })
}

/// Runs a test with a client of each era.
async fn both(server: &Server, test: impl AsyncFn(Client)) {
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        test(Client::builder(server).version(version).connect().await).await;
    }
}

/// Runs a test with a client of each revision.
async fn every_version(server: &Server, test: impl AsyncFn(Client, ProtocolVersion)) {
    for version in ProtocolVersion::ALL {
        test(
            Client::builder(server).version(version).connect().await,
            version,
        )
        .await;
    }
}

/// The code and the message of an error.
fn parts(error: &RpcError) -> (i64, &str) {
    (error.code, &error.message)
}

/// True for a client of the stateless era.
fn is_stateless(client: &Client) -> bool {
    client.era() == Era::Stateless
}
