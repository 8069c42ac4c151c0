//! Template-and-live sessions for building Model Context Protocol servers in Rust.
//!
//! A [`Template`] says what a server offers. Each client gets a live [`Session`]: the template
//! plus that session's own changes. One [`Server`], one endpoint and one handler signature serve
//! every revision of the protocol, from the handshake era (2024-11-05 to 2025-11-25) to the
//! stateless one (2026-07-28).

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The macros name this crate from outside, also in its own tests.
#[cfg(test)]
extern crate self as mcp_session;

pub mod protocol;

mod clock;
mod error;

pub mod auth;
pub mod schema;

pub mod session;

pub mod peer;

pub mod context;

pub mod catalog;

pub mod server;

mod dispatch;

pub mod transport;

#[cfg(feature = "testing")]
pub mod testing;

pub use auth::Principal;
#[doc(hidden)]
pub use catalog::macro_support as __private;
pub use catalog::{
    Audio, CompletionRequest, Edit, Family, Image, Json, Prompt, Resource, ResourceRequest,
    ResourceTemplate, Tool,
};
pub use context::{Context, Dep, FromContext};
pub use error::{BoxError, Error, Mistake, Refused, Result, ToolError};
#[cfg(feature = "macros")]
pub use mcp_session_macros::{prompt, resource, tool, tools};
pub use peer::Elicited;
pub use protocol::LogLevel;
pub use schema::JsonSchema;
pub use server::{Limits, Notifier, Server, Session, Template, Variant};
pub use session::{Capability, EndReason};
