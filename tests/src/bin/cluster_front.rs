//! Several processes of a program as one server, behind a proxy that takes turns.
//!
//! `cluster_front COUNT PROGRAM ARGS…` starts so many, which are given `--http ADDR` and `--name NAME`
//! besides; it prints the proxy's URL, and ends with all of them when it is stopped.

use mcp_session_examples::{Failure, Member, Plan, Proxy, Result};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "standard output is read by others")]
async fn main() -> Result {
    let mut args = std::env::args().skip(1);
    let count: Option<usize> = args.next().and_then(|count| count.parse().ok());
    let (Some(count), Some(program)) = (count, args.next()) else {
        return Err(Failure::new("usage: cluster_front COUNT PROGRAM ARGS…"));
    };
    let plan = Plan {
        program: program.into(),
        args: args.collect(),
    };
    let mut replicas = Vec::new();
    for number in 1..=count {
        replicas.push(Member::start(plan.clone(), number.to_string()).await?);
    }
    let proxy = Proxy::start(replicas.iter().map(Member::address)).await?;
    println!("{count} replicas are served at {}", proxy.url());
    proxy.serve().await;
    Ok(())
}
