//! Three processes that are one server: any of them serves any request of any session.
//!
//! ```text
//! scripts/services run cargo run --example cluster                starts engines of its own
//! docker compose up --wait
//! cargo run --example cluster -- --store redis://127.0.0.1:6379
//! cargo run --example cluster -- --store postgres://mcp:mcp@127.0.0.1:5432/mcp?sslmode=disable
//! cargo run --example cluster -- --serve                          and serves until Ctrl-C
//! ```
//!
//! It starts three replicas on one store, and before them a proxy that takes turns: the first
//! request goes to `a`, the second to `b`, the third to `c`, and so on, whatever session it is of.
//! Then it is a client of that proxy, and prints which replica did what. `--http ADDR` says where
//! the proxy listens. Without `--store` it takes `DATABASE_URL` or `REDIS_URL`.
//!
//! `replica.rs` is all that a server needs to be part of a cluster: a store, and keys that all
//! replicas have. `tour.rs` is the client. The proxy stands for any: nothing it does needs to know
//! of sessions.

#![expect(clippy::print_stdout, reason = "a program with a command line")]

mod replica;
mod tour;

use std::{collections::hash_map::RandomState, hash::BuildHasher, net::SocketAddr};

use mcp_session_examples::{Failure, Member, Plan, Proxy, Result};

/// The replicas, by name.
const REPLICAS: [&str; 3] = ["a", "b", "c"];

#[tokio::main]
async fn main() -> Result {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if flag(&mut args, "--replica") {
        return replica::run(args).await;
    }
    let serves = flag(&mut args, "--serve");
    let store = option(&mut args, "--store")?.map_or_else(engine, Ok)?;
    let address = option(&mut args, "--http")?;
    let address: SocketAddr = address.as_deref().unwrap_or("127.0.0.1:0").parse()?;
    if !args.is_empty() {
        return Err(Failure::new("usage: [--store URL] [--http ADDR] [--serve]"));
    }

    let plan = Plan {
        program: std::env::current_exe()?,
        args: ["--replica", "--store", &store, "--seal-key", &seal_key()]
            .map(str::to_owned)
            .to_vec(),
    };
    let mut replicas = Vec::new();
    for name in REPLICAS {
        replicas.push(Member::start(plan.clone(), name).await?);
    }
    let addresses = replicas.iter().map(Member::address);
    let proxy = Proxy::start_at(address, addresses).await?;
    for replica in &replicas {
        println!("replica {} serves at {}", replica.name(), replica.address());
    }
    println!("the proxy takes turns at {}\n", proxy.url());

    tour::take(&proxy.url()).await?;
    if serves {
        println!("\nPress Ctrl-C to stop.");
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}

/// The engine that the environment names, or what to do where it names none.
fn engine() -> Result<String> {
    let named = |variable| std::env::var(variable).ok().filter(|url| !url.is_empty());
    named("DATABASE_URL")
        .or_else(|| named("REDIS_URL"))
        .ok_or_else(|| {
            Failure::new(
                "replicas need a store that they share. Use one of these:\n  \
                 scripts/services run cargo run --example cluster\n  \
                 docker compose up --wait, and then --store redis://127.0.0.1:6379\n  \
                 --store postgres://user:password@host/database",
            )
        })
}

/// A key for this run. In earnest it comes from where secrets are kept, and stays.
fn seal_key() -> String {
    let random = |_| format!("{:016x}", RandomState::new().hash_one(0));
    (0..4).map(random).collect()
}

fn flag(args: &mut Vec<String>, name: &str) -> bool {
    let before = args.len();
    args.retain(|arg| arg != name);
    args.len() < before
}

fn option(args: &mut Vec<String>, name: &str) -> Result<Option<String>> {
    let Some(index) = args.iter().position(|arg| arg == name) else {
        return Ok(None);
    };
    if index + 1 == args.len() {
        return Err(Failure::new(format!("`{name}` needs a value")));
    }
    Ok(args.drain(index..=index + 1).nth(1))
}
