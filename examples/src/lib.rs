//! What the examples share: the command line, a graceful end, and a request to try.
//!
//! Nothing here is needed to write a server. `server.serve_http("127.0.0.1:8000").await` and
//! `server.serve_stdio().await` are complete programs; this adds `--http ADDR` and `--stdio`, a
//! clear message where the port is taken, and an orderly end on Ctrl-C.

mod failure;
mod hints;
mod listen;
mod replica;
mod serve;

pub use failure::{Failure, Result};
pub use hints::{client_config, curl, curl_as, curl_in_session, curl_open};
pub use listen::Listen;
pub use replica::Replica;
pub use serve::serve;
