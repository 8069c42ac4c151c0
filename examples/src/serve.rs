//! Serving until somebody stops it.

use std::{error::Error as _, io, pin::pin};

use mcp_session::Server;

use crate::{Failure, Listen, Result};

/// Serves until the client goes (stdio) or somebody presses Ctrl-C, and then ends in order: calls
/// in flight are answered, streams are closed.
///
/// `ready` is told the URL once the server can be reached. It is not called with `--stdio`, where
/// standard output belongs to the protocol.
///
/// # Errors
///
/// The address cannot be used, or the transport failed.
pub async fn serve(server: Server, listen: Listen, ready: impl FnOnce(&str)) -> Result {
    match listen {
        Listen::Stdio => until_stopped(&server, server.serve_stdio()).await,
        Listen::Http(addr) => {
            let bound = server.bind_http(addr).await;
            let http = bound.map_err(|error| explained(error, addr.port()))?;
            ready(&http.url());
            until_stopped(&server, http.serve()).await
        }
    }
}

/// Runs `serving` to its end, which is brought about when the process is asked to stop.
async fn until_stopped(
    server: &Server,
    serving: impl Future<Output = mcp_session::Result<()>>,
) -> Result {
    let mut serving = pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        asked = asked_to_stop() => asked?,
    }
    let (ended, ()) = tokio::join!(serving, server.shutdown());
    Ok(ended?)
}

/// Completes when the process is asked to stop: Ctrl-C, or the signal of a supervisor.
async fn asked_to_stop() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            asked = tokio::signal::ctrl_c() => asked,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
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
