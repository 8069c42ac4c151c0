//! Serving until somebody stops it.

use std::{error::Error as _, io, net::SocketAddr, time::Duration};

use axum::{Router, http::HeaderValue, middleware, response::Response, serve::ListenerExt as _};
use mcp_session::Server;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::{Failure, Listen, REPLICA_HEADER, Result};

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

/// As [`serve`]; over HTTP and with a name, as a member of a fleet: it says its name in every
/// answer, and also ends with its standard input, for then whoever started it is gone.
///
/// # Errors
///
/// As [`serve`], or the name is nothing that a header can hold.
pub async fn serve_as(
    name: Option<&str>,
    server: Server,
    listen: Listen,
    ready: impl FnOnce(&str),
) -> Result {
    match (name, listen) {
        (Some(name), Listen::Http(address)) => serve_named(name, server, address, ready).await,
        _ => serve(server, listen, ready).await,
    }
}

async fn serve_named(
    name: &str,
    server: Server,
    address: SocketAddr,
    ready: impl FnOnce(&str),
) -> Result {
    let signalled = server.shutdown_on_signal(DEADLINE)?;
    let name = HeaderValue::from_str(name)?;
    let named = middleware::map_response(move |mut answer: Response| {
        answer.headers_mut().insert(REPLICA_HEADER, name.clone());
        std::future::ready(answer)
    });
    let app = Router::new()
        .nest_service("/mcp", server.http())
        .layer(named);
    let listener = TcpListener::bind(address).await?;
    ready(&format!("http://{}/mcp", listener.local_addr()?));
    let listener = listener.tap_io(|connection| {
        // Answers are written whole: holding them back only delays them.
        connection.set_nodelay(true).ok();
    });
    let stopped = async move {
        tokio::select! {
            _ = signalled => {}
            () = abandoned() => server.shutdown_within(DEADLINE).await,
        }
    };
    let served = axum::serve(listener, app).with_graceful_shutdown(stopped);
    Ok(served.await?)
}

/// Waits for the end of standard input.
async fn abandoned() {
    let mut input = tokio::io::stdin();
    let mut heard = [0; 64];
    while let Ok(1..) = input.read(&mut heard).await {}
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
