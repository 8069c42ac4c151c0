//! How a client gets to the server: which era, over which transport.

use mcp_session::protocol::{Era, ProtocolVersion};

/// What carries the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The client in memory that users of the crate have.
    Memory,
    /// A byte stream: what serves standard input and output.
    Stream,
    /// The HTTP service, called directly.
    Http,
}

/// An era over a transport.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) era: Era,
    pub(crate) over: Over,
}

impl Way {
    pub(crate) fn is_stateless(self) -> bool {
        self.era == Era::Stateless
    }

    pub(crate) fn version(self) -> ProtocolVersion {
        match self.era {
            Era::Handshake => ProtocolVersion::LATEST_HANDSHAKE,
            Era::Stateless => ProtocolVersion::LATEST,
        }
    }
}
