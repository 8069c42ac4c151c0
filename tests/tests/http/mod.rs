//! Proves what Streamable HTTP does, with the service called directly and over real sockets.

mod answers;
mod browsers;
mod listening;
mod losses;
mod refusals;
mod sessions;
mod sockets;
mod support;
