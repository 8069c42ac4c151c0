//! Shaping replies for the revision a client speaks.
//!
//! Types and definitions are kept in the shape of the newest revision. What an older one does
//! not know is left out or turned into something it does know, never sent; what the stateless
//! era adds to every result (`resultType`, the server's identity, cache hints) is added here.

mod capabilities;
mod content;
mod definition;
mod form;
mod list;
mod notice;
mod question;
mod result;
mod writer;

pub use definition::{DefinitionKind, definition};
pub use list::list;
pub use notice::progress;
pub use question::{Unshapeable, create_message, elicit_form, elicit_url};
pub use result::Shaped;

use crate::protocol::text::Raw;
use crate::protocol::types::Implementation;
use crate::protocol::version::{Era, ProtocolVersion};

#[cfg(test)]
mod tests;

/// For whom a result is shaped.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The revision that the client speaks.
    pub version: ProtocolVersion,
    /// The server's identity, serialised once, for the `_meta` of every result in the stateless
    /// era; `None` when it is switched off, and without effect in the handshake era.
    pub server_info: Option<Raw>,
}

impl Shape {
    /// Makes a shape.
    pub const fn new(version: ProtocolVersion, server_info: Option<Raw>) -> Self {
        Self {
            version,
            server_info,
        }
    }

    /// Makes a shape that names the server.
    pub fn with_server(version: ProtocolVersion, server: &Implementation) -> Self {
        let server_info = match version.era() {
            Era::Stateless => Raw::from_value(server).ok(),
            Era::Handshake => None,
        };
        Self::new(version, server_info)
    }
}
