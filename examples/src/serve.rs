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
    // From here on, before anybody is told that there is something to stop.
    let stop = StopSignals::new()?;
    match listen {
        Listen::Stdio => until_stopped(&server, server.serve_stdio(), stop).await,
        Listen::Http(addr) => {
            let bound = server.bind_http(addr).await;
            let http = bound.map_err(|error| explained(error, addr.port()))?;
            ready(&http.url());
            until_stopped(&server, http.serve(), stop).await
        }
    }
}

/// Runs `serving` to its end, which is brought about when the process is asked to stop.
async fn until_stopped(
    server: &Server,
    serving: impl Future<Output = mcp_session::Result<()>>,
    mut stop: StopSignals,
) -> Result {
    let mut serving = pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        asked = stop.received() => asked?,
    }
    let (ended, ()) = tokio::join!(serving, server.shutdown());
    Ok(ended?)
}

/// What asks the process to stop: Ctrl-C, or the signal of a supervisor.
struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Listens from now on.
    fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Completes when one of them has come.
    async fn received(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            Ok(())
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    }
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
