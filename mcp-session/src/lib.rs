//! Servers for the Model Context Protocol, written as a template from which every client gets a live
//! session of its own, for every revision of the protocol from 2024-11-05 to 2026-07-28.
//!
//! ```no_run
//! use mcp_session::{Server, Template, tool};
//!
//! /// Add two numbers.
//! #[tool]
//! async fn add(
//!     a: i64,
//!     /// What to add.
//!     #[default = 1]
//!     b: i64,
//! ) -> i64 {
//!     a + b
//! }
//!
//! #[tokio::main]
//! async fn main() -> mcp_session::Result<()> {
//!     let template = Template::builder("calculator", "1.0.0").tool(add).build()?;
//!     Server::new(template).serve_stdio().await // or .serve_http("127.0.0.1:8000")
//! }
//! ```
//!
//! # Four nouns
//!
//! - A [`Template`] says what a server offers: tools, prompts, resources, dependencies, callbacks.
//!   It is immutable, checked as a whole when it is built, and connected to nobody.
//! - A [`Session`] is the template plus what was changed for one client ([`Session::edit`]). Opening
//!   one copies nothing, and no other session notices what it changes. In the handshake era it
//!   lives as long as the `Mcp-Session-Id` or the stream; in the stateless era (2026-07-28) it is one
//!   principal's, or lives as long as one request. There only `on_open` edits it, and
//!   [`Context::principal_scope`] what a principal is offered for good.
//! - A [`Server`] opens sessions from one template, or from several [variants](Variant), and serves
//!   them over stdio, any byte stream, or HTTP. [`Server::publish`] makes a new revision of a
//!   template.
//! - A [`Context`] is one request as its handler sees it: progress, log, questions to the client,
//!   and the way to the session. Handlers take it, or any other [`FromContext`] type, as a
//!   parameter; what the client sends never reaches such a parameter.
//!
#![doc = include_str!("../docs/cookbook.md")]
//!
//! # Features
//!
//! | feature | on by default | |
//! | --- | --- | --- |
//! | `http` | yes | Streamable HTTP: [`Server::serve_http`], and [`Server::http`] for axum and tower |
//! | `macros` | yes | [`#[tool]`](macro@tool), [`#[prompt]`](macro@prompt), [`#[resource]`](macro@resource), [`#[tools]`](macro@tools) |
//! | `metrics` | no | tells the `metrics` facade what the server does; see [`docs::observing`] |
//! | `postgres` | no | [`store::PostgresStore`]: what is kept is kept in PostgreSQL |
//! | `redis` | no | [`store::RedisStore`]: what is kept is kept in Redis or Valkey |
//! | `testing` | no | [`testing::Client`], a client in memory for tests of your own server; the [contract](testing::contract) of stores, buses and outboxes |
//!
//! Everything works without macros as well: see [`Tool`], [`Prompt`], [`Resource`] and
//! [`ResourceTemplate`].
//!
//! # Where to go on
//!
//! - [`#[tool]`](macro@tool): what a signature means; [`catalog`]: what handlers may answer with.
//! - [`Session::edit`] and [`Edit`]: what can be changed; [`Server::publish`]: for everybody.
//! - [`Context`] and [`FromContext`]: what a handler can be given.
//! - [`docs::scope`]: which session serves a request; [`docs::lifecycle`]: how it rests and ends;
//!   [`docs::migrating`]: a server that was written for sessions, in the stateless era.
//! - [`docs::state`]: what a server remembers, and where; [`Handle`]: state for clients without a
//!   session.
//! - [`docs::scaling`]: sessions in PostgreSQL or Redis, served by any of several processes.
//! - [`Limits`]: every limit, with its default; [`transport`]: how to be reached.
//! - [`testing`]: tests without a port; [`protocol`]: the messages as plain data.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(
        feature = "http",
        feature = "macros",
        feature = "postgres",
        feature = "redis",
        feature = "testing"
    )),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "the documentation is that of all features"
    )
)]

// The macros name this crate from outside, also in its own tests.
#[cfg(test)]
extern crate self as mcp_session;

pub mod protocol;

mod clock;
mod error;
mod random;
mod shards;

pub mod auth;
pub mod schema;

pub mod store;

pub mod session;

pub mod peer;

pub mod context;

pub mod catalog;

pub mod server;

pub mod handle;

mod dispatch;

pub mod transport;

#[cfg(feature = "testing")]
pub mod testing;

pub mod docs {
    //! Pages about what spans several types.

    #[doc = include_str!("docs/scope.md")]
    pub mod scope {}

    #[doc = include_str!("docs/migrating.md")]
    pub mod migrating {}

    #[doc = include_str!("docs/lifecycle.md")]
    pub mod lifecycle {}

    #[cfg(feature = "http")]
    #[doc = include_str!("docs/scaling.md")]
    pub mod scaling {}

    #[doc = include_str!("docs/state.md")]
    pub mod state {}

    #[doc = include_str!("docs/observing.md")]
    pub mod observing {}
}

pub use auth::Principal;
#[doc(hidden)]
pub use catalog::macro_support as __private;
pub use catalog::{
    Audio, CompletionRequest, Edit, Family, Image, Json, Prompt, Resource, ResourceRequest,
    ResourceTemplate, Tool,
};
pub use context::{Context, Dep, Elicit, FromContext};
pub use error::{BoxError, Error, Mistake, Refused, Result, ToolError};
pub use handle::{Handle, HandleKind};
#[cfg(feature = "macros")]
pub use mcp_session_macros::{prompt, resource, tool, tools};
pub use peer::{AskError, Elicited, SealKeys};
pub use protocol::LogLevel;
pub use schema::JsonSchema;
#[doc(no_inline)]
pub use schemars;
pub use server::{Limits, Notifier, OnceError, Server, Session, Template, Variant};
pub use session::{Capability, EndReason};
#[doc(inline)]
pub use store::bus;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
