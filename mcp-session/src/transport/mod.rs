//! Moving bytes: what a client sends to the dispatcher, and what it is told back.
//!
//! A transport knows how messages are delimited, how much of them can be on its way, and how a
//! client comes and goes. It knows no methods.
//!
//! # Stopping
//!
//! A transport serves until its clients are gone, or the server is shut down. No signal is heard
//! unless a program asks for that:
//!
//! ```no_run
//! # use std::time::Duration;
//! # use mcp_session::{Server, Template};
//! # #[tokio::main]
//! # async fn main() -> mcp_session::Result<()> {
//! # let server = Server::new(Template::builder("calculator", "1.0.0").build()?);
//! tokio::spawn(server.shutdown_on_signal(Duration::from_secs(10))?);
//! server.serve_stdio().await // or .serve_http("127.0.0.1:8000")
//! # }
//! ```
//!
//! On Ctrl-C or SIGTERM no request is admitted any more, every `subscriptions/listen` gets its
//! closing result, calls finish or are cancelled, sessions end with
//! [`EndReason::Shutdown`](crate::EndReason::Shutdown), and the process is over before the deadline:
//! see [`Server::shutdown_on_signal`](crate::Server::shutdown_on_signal).

mod duplex;
mod stdio;

#[cfg(feature = "http")]
pub mod http;

pub use duplex::Run;
pub use stdio::StdioRun;
