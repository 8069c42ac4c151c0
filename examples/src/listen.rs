//! Where a server is told to listen.

use std::net::SocketAddr;

use crate::{Failure, Result};

/// Where a server listens: what `--http ADDR` and `--stdio` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else to choose")]
pub enum Listen {
    /// Streamable HTTP at this address. Port 0 stands for any free port.
    Http(SocketAddr),
    /// Standard input and output.
    Stdio,
}

impl Listen {
    /// Reads the command line: `--http ADDR`, `--stdio`, or nothing for port 8000 of this machine.
    ///
    /// # Errors
    ///
    /// Anything else, with a text on how to do it.
    pub fn from_args() -> Result<Self> {
        Self::parse(std::env::args().skip(1))
    }

    /// Reads what is left of a command line that has options of its own.
    ///
    /// # Errors
    ///
    /// As [`from_args`](Self::from_args).
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut args = args.into_iter();
        let listen = match args.next().as_deref() {
            None => Self::Http(SocketAddr::from(([127, 0, 0, 1], 8000))),
            Some("--stdio") => Self::Stdio,
            Some("--http") => {
                let addr = args.next().unwrap_or_default();
                let parsed = addr.parse().map_err(|_| {
                    Failure::new(format!("`{addr}` is no address such as `127.0.0.1:8000`"))
                });
                Self::Http(parsed?)
            }
            Some(_) => return Err(usage()),
        };
        match args.next() {
            None => Ok(listen),
            Some(_) => Err(usage()),
        }
    }
}

fn usage() -> Failure {
    Failure::new("usage: [--http ADDR | --stdio], by default --http 127.0.0.1:8000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_chooses_the_transport() {
        let parse = |line: &str| Listen::parse(line.split_whitespace().map(str::to_owned)).ok();
        let http = |addr: &str| Some(Listen::Http(addr.parse().unwrap()));
        assert_eq!(parse(""), http("127.0.0.1:8000"));
        assert_eq!(parse("--http 127.0.0.1:0"), http("127.0.0.1:0"));
        assert_eq!(parse("--http [::1]:9"), http("[::1]:9"));
        assert_eq!(parse("--stdio"), Some(Listen::Stdio));
        for wrong in ["--http", "--http here", "--stdio --http", "mcp", "--help"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
