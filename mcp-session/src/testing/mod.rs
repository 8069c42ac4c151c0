//! A client in memory, for tests of your own server.
//!
//! A [`Client`] is at the other end of a byte stream that never leaves the process: what it sends
//! is encoded, read, decoded and answered exactly as over stdio, in either era of the protocol,
//! without a port or a child process. It answers the server's own questions from a
//! [script](ClientBuilder::on_elicit).
//!
//! It is a tool for tests: where a test can only fail, it panics with a message that says why.
//! With tokio's clock paused, a server that never answers fails the test at once instead of
//! hanging it.
//!
//! Those who write a [`Store`](crate::store::Store), a [`Bus`](crate::bus::Bus) or an
//! [`Outbox`](crate::store::Outbox) hold it to its [`contract`]; those who depend on one try what they
//! do when it fails with a [`FaultyStore`], a [`FaultyBus`] or a [`FaultyOutbox`].
//!
//! # Examples
//!
//! ```
//! use mcp_session::{Server, Template, Tool, testing::Client};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> mcp_session::Result<()> {
//! let hello = Tool::new("hello").description("Says hello.").handler(async || "Hello!");
//! let server = Server::new(Template::builder("greeter", "1.0.0").tool(hello).build()?);
//!
//! // The same tool, from both eras.
//! for client in [Client::handshake(&server).await, Client::stateless(&server)] {
//!     assert_eq!(client.list_tools().await[0].name, "hello");
//!     assert_eq!(client.call_tool("hello", json!({})).await.text(), "Hello!");
//! }
//! # Ok(())
//! # }
//! ```

mod builder;
mod client;
pub mod contract;
mod faulty;
mod listening;
mod mailbox;
mod offers;
mod outcome;
mod pending;
mod pump;
mod raw;
mod rounds;
mod script;

pub use builder::ClientBuilder;
pub use client::Client;
pub use faulty::{Fault, FaultyBus, FaultyOutbox, FaultyStore, Operation};
pub use listening::Listening;
pub use mailbox::Notification;
pub use outcome::ToolOutcome;
pub use pending::Pending;
pub use script::{Answer, Question};
