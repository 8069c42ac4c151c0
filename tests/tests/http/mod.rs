//! Proves what Streamable HTTP does, with the service called directly and over real sockets.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod answers;
mod auth;
mod browsers;
mod capacity;
mod coalescing;
mod connections;
mod draining;
mod lifecycles;
mod listening;
mod losses;
mod notifying;
mod observing;
mod places;
mod principals;
mod proxies;
mod refusals;
mod roots;
mod scopes;
mod sessions;
pub(crate) mod sockets;
mod stalling;
#[cfg(unix)]
mod stopping;
pub(crate) mod support;
