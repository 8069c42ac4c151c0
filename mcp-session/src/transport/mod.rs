//! Moving bytes: what a client sends to the dispatcher, and what it is told back.
//!
//! A transport knows how messages are delimited, how much of them can be on its way, and how a
//! client comes and goes. It knows no methods.

mod duplex;
mod stdio;

#[cfg(feature = "http")]
pub mod http;

pub use duplex::Run;
pub use stdio::StdioRun;
