//! What the examples share: the command line, a graceful end, and a request to try.
//!
//! Nothing here is needed to write a server. `server.serve_http("127.0.0.1:8000").await` and
//! `server.serve_stdio().await` are complete programs; this adds `--http ADDR` and `--stdio`, a
//! clear message where the port is taken, and an orderly end on Ctrl-C. What runs several processes
//! as one server, a fleet behind a proxy and a client for it, is for the example `cluster` and for
//! tests.

mod failure;
mod fleet;
mod hints;
mod listen;
mod messages;
mod proxy;
mod replica;
mod serve;
mod wire;

pub use failure::{Failure, Result};
pub use fleet::{Member, Plan};
pub use hints::{client_config, curl, curl_as, curl_in_session, curl_open};
pub use listen::Listen;
pub use messages::Messages;
pub use proxy::Proxy;
pub use replica::{REPLICA_HEADER, Replica};
pub use serve::{serve, serve_as};
pub use wire::{Reply, Wire};
