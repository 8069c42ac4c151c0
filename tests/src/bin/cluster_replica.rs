//! One replica of the server of [`mcp_session_tests::cluster`].
//!
//! `cluster_replica --http ADDR --name NAME [--store URL] [--space NAME] [--seal-key HEX]
//! [--journal FILE] [--open]` serves until its standard input ends. With `--open` nobody is asked who
//! they are.

use std::path::PathBuf;

use mcp_session_examples::{Listen, Replica, Result, serve_as};
use mcp_session_tests::cluster;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "standard output is read by the test")]
async fn main() -> Result {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let replica = Replica::take(&mut args).await?;
    let is_open = args.iter().any(|arg| arg == "--open");
    args.retain(|arg| arg != "--open");
    let name = replica.name().unwrap_or_default().to_owned();
    let journal = option(&mut args, "--journal").map(PathBuf::from);
    let listen = Listen::parse(args)?;
    let template = cluster::builder(&name, journal.as_deref()).build()?;
    let mut server = replica.builder(template);
    if !is_open {
        server = server.authenticate(cluster::users());
    }
    let server = server.build()?;
    serve_as(Some(&name), server, listen, |url| {
        println!("{name} at {url}");
    })
    .await
}

fn option(args: &mut Vec<String>, name: &str) -> Option<String> {
    let index = args.iter().position(|arg| arg == name)?;
    args.drain(index..(index + 2).min(args.len())).nth(1)
}
