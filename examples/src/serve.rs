//! Serving until somebody stops it.

use std::{error::Error as _, io, time::Duration};

use mcp_session::Server;

use crate::{Failure, Listen, Result};

/// How long it may take to end.
const DEADLINE: Duration = Duration::from_secs(10);

/// Serves until the client goes (stdio) or somebody stops the process, by Ctrl-C or the signal of
/// a supervisor, and then ends in order: calls in flight are answered, streams are closed.
///
/// `ready` is told the URL once the server can be reached. It is not called with `--stdio`, where
/// standard output belongs to the protocol.
///
/// # Errors
///
/// The address cannot be used, or the transport failed.
pub async fn serve(server: Server, listen: Listen, ready: impl FnOnce(&str)) -> Result {
    // From here on signals are heard, before anybody is told that there is something to stop.
    let stopping = tokio::spawn(server.shutdown_on_signal(DEADLINE)?);
    let served = match listen {
        Listen::Stdio => server.serve_stdio().await,
        Listen::Http(addr) => {
            let bound = server.bind_http(addr).await;
            let http = bound.map_err(|error| explained(error, addr.port()))?;
            ready(&http.url());
            http.serve().await
        }
    };
    stopping.abort();
    Ok(served?)
}

/// The error, or what to do about it where that is clear.
fn explained(error: mcp_session::Error, port: u16) -> Failure {
    let io = error.source().and_then(|source| source.downcast_ref());
    if io.is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::AddrInUse) {
        return Failure::new(format!(
            "port {port} is taken; use any free one with `--http 127.0.0.1:0`"
        ));
    }
    error.into()
}
