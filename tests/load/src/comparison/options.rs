//! The command line.

use std::{path::PathBuf, time::Duration};

use mcp_session_load::Result;

use crate::servers::{Serve, Who};

const USAGE: &str = "usage: mcp-session-load [--quick] [--seconds N] [--rounds N] [--out FOLDER]";

/// What this process is to do.
#[derive(Debug)]
pub(crate) enum Command {
    Compare(Options),
    Serve(Serve),
}

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Options {
    /// How long each measurement takes.
    pub(crate) seconds: Duration,
    pub(crate) rounds: usize,
    /// How many sessions are opened to see what they hold.
    pub(crate) idle: usize,
    /// Where the figures go.
    pub(crate) out: PathBuf,
}

impl Command {
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Self> {
        let mut args = args.peekable();
        if args.next_if(|first| first == "serve").is_some() {
            let serve = Self::serve(args).ok_or(USAGE)?;
            return Ok(Self::Serve(serve));
        }
        let mut options = Options {
            seconds: Duration::from_secs(2),
            rounds: 3,
            idle: 5_000,
            out: PathBuf::from("target/load"),
        };
        while let Some(arg) = args.next() {
            if arg == "--quick" {
                options.seconds = Duration::from_millis(200);
                options.rounds = 1;
                options.idle = 200;
                continue;
            }
            let value = args.next().ok_or(USAGE)?;
            match arg.as_str() {
                "--seconds" => options.seconds = Duration::try_from_secs_f64(value.parse()?)?,
                "--rounds" => options.rounds = value.parse::<usize>()?.max(1),
                "--out" => options.out = value.into(),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(Self::Compare(options))
    }

    fn serve(mut args: impl Iterator<Item = String>) -> Option<Serve> {
        let who = args.next()?;
        let who = Who::ALL.into_iter().find(|known| known.name() == who)?;
        let stdio = args.next()? == "stdio";
        let tools = args.next()?.parse().ok()?;
        let stateless = args.next().is_some();
        Some(Serve {
            who,
            stdio,
            tools,
            stateless,
        })
    }
}
