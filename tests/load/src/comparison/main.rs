//! Compares servers under load: this project's, one that is nothing but axum and serde, and one
//! made with rmcp.
//!
//! ```text
//! cargo run --release -p mcp-session-load
//! cargo run --release -p mcp-session-load -- --quick
//! cargo run --release -p mcp-session-load -- --seconds 5 --rounds 5 --out target/load
//! ```
//!
//! The servers are child processes of this program, and the program itself: `serve` is its other
//! command. Each measurement has a fresh server, and all servers have their turn before the next
//! scenario and again in the next round, so that what else the machine does hits all alike. What
//! is shown is the median of the rounds.
//!
//! Trust the processor's time per operation first: it is the server's own, and hardly moves when
//! the machine is busy. Operations per second and latencies are those of a server and a client
//! that share the machine, in a closed loop. On systems without `/proc` there is no such time, nor
//! memory.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program with a command line"
)]

mod chart;
mod figures;
mod http;
mod options;
mod process;
mod scenarios;
mod servers;
mod stdio;

use mcp_session_load::Result;

use crate::figures::Figures;
use crate::options::{Command, Options};
use crate::process::load_average;
use crate::scenarios::Scenario;
use crate::servers::Who;

fn main() -> Result<()> {
    match Command::parse(std::env::args().skip(1))? {
        Command::Serve(serve) => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime
                .enable_all()
                .build()?
                .block_on(servers::serve(serve))
        }
        Command::Compare(options) => {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build()?.block_on(compare(&options))
        }
    }
}

async fn compare(options: &Options) -> Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build: run it with --release for figures that mean something.");
    }
    let mut figures = Figures::default();
    figures.load_average[0] = load_average();
    for round in 1..=options.rounds {
        for scenario in Scenario::ALL {
            for who in Who::ALL {
                let sample = scenario.measure(who, options).await;
                let sample = sample
                    .map_err(|error| format!("{}, {}: {error}", scenario.title(), who.title()))?;
                eprintln!(
                    "round {round} of {}: {}, {}:{sample}",
                    options.rounds,
                    scenario.title(),
                    who.title()
                );
                figures.add(scenario, who, sample);
            }
        }
    }
    figures.load_average[1] = load_average();
    print!("{}", figures.table(options)?);
    std::fs::create_dir_all(&options.out)?;
    let (json, svg) = (options.out.join("load.json"), options.out.join("load.svg"));
    std::fs::write(&json, serde_json::to_string_pretty(&figures.json(options))?)?;
    std::fs::write(&svg, chart::svg(&figures)?)?;
    println!("\nwritten: {} and {}", json.display(), svg.display());
    Ok(())
}
