//! Everything a server can do, as the protocol's conformance suite wants to see it.
//!
//! It is what `.ci/conformance` judges, and a place to look up how one thing is done: each module
//! shows one kind of entry.
//!
//! ```text
//! cargo run --example everything -- --http 127.0.0.1:0     prints the URL
//! cargo run --example everything -- --stdio
//! cargo run --example everything -- --store postgres://user:password@host/database --seal-key HEX
//! ```
//!
//! One process serves every revision of the protocol at that one URL. Entries that only make sense
//! in one era are there in both: what a client may call does not depend on when it was written.
//! Processes that are given the same `--store` and `--seal-key` are one server.

#![expect(clippy::print_stdout, reason = "a program with a command line")]

mod asking;
mod content;
mod prompts;
mod reporting;
mod resources;
mod rounds;
mod schemas;
mod stateless;
mod triggers;

use mcp_session::Template;
use mcp_session_examples::{Listen, Replica, Result, serve_as};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result {
    // To standard error, and only what RUST_LOG asks for.
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut args = std::env::args().skip(1).collect();
    let replica = Replica::take(&mut args).await?;
    let name = replica.name().map(str::to_owned);
    let listen = Listen::parse(args)?;
    let server = replica.server(template()?)?;
    triggers::follow(&server).await?;
    serve_as(name.as_deref(), server, listen, |url| {
        println!("everything is served at {url}")
    })
    .await
}

/// Lists are in this order: some clients call the first tool to see whether a server works.
fn template() -> mcp_session::Result<Template> {
    Template::builder("everything", env!("CARGO_PKG_VERSION"))
        .title("Everything")
        .description("Shows what a server can do.")
        .instructions("Call any tool: none of them changes anything that lasts.")
        .tools(content::tools())
        .tools(reporting::tools())
        .tools(schemas::tools())
        .tools(asking::tools())
        .tools(rounds::tools())
        .tools(stateless::tools())
        .tools(triggers::tools())
        .tools(prompts::prompts())
        .prompt(rounds::prompt())
        .tools(resources::resources())
        .build()
}
