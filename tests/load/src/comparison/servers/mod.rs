//! The servers that are compared, each as its documentation shows a small one.

mod floor;
mod ours;
mod rmcp;

use mcp_session_load::Result;
use tokio::net::TcpListener;

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Ours,
    /// Not a framework: the least that answers the same requests.
    Floor,
    Rmcp,
}

/// What a child process is asked to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Serve {
    pub(crate) who: Who,
    /// Over standard input and output, and not over HTTP.
    pub(crate) stdio: bool,
    /// How many tools there are beside `add`.
    pub(crate) tools: usize,
    /// All clients are those of the stateless era, so that whoever has settings for that may
    /// use them.
    pub(crate) stateless: bool,
}

impl Who {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Rmcp, Self::Floor];

    /// On the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Floor => "floor",
            Self::Rmcp => "rmcp",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Ours => "mcp-session",
            Self::Floor => "axum and serde",
            Self::Rmcp => "rmcp",
        }
    }
}

/// Serves until the parent ends the process.
pub(crate) async fn serve(serve: Serve) -> Result<()> {
    match serve.who {
        Who::Ours => ours::serve(serve).await,
        Who::Floor => floor::serve(serve).await,
        Who::Rmcp => rmcp::serve(serve).await,
    }
}

/// Any free port of this machine, of which the parent is told.
async fn listener() -> Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(listener)
}
