//! A listener of its own, for programs that need no router.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{ServiceExt, body::Body, serve::ListenerExt};
use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tower_service::Service;

use crate::dispatch::observe;
use crate::error::{Error, Result};
use crate::transport::http::{HttpFuture, HttpService};

/// Where the endpoint is.
const PATH: &str = "/mcp";

/// What fails when the address is not to be had.
pub(super) const LISTENING: &str = "cannot listen for HTTP";

/// A server that listens for Streamable HTTP at `/mcp`, not yet serving.
///
/// Made by [`Server::bind_http`](crate::Server::bind_http) or, with settings,
/// [`HttpService::bind`].
#[derive(Debug)]
#[must_use = "nothing is served before `serve`"]
pub struct HttpServer {
    service: HttpService,
    listener: TcpListener,
    address: SocketAddr,
}

impl HttpServer {
    pub(super) fn new(service: HttpService, listener: TcpListener) -> Result<Self> {
        let address = listener.local_addr();
        let address = address.map_err(|error| Error::io(LISTENING, error))?;
        if !address.ip().is_loopback() && service.serves_this_machine_only() {
            tracing::warn!(
                %address,
                "requests under any name but `localhost` are refused: name the host that clients \
                 use with `HttpService::allow_host`",
            );
        }
        Ok(Self {
            service,
            listener,
            address,
        })
    }

    /// The address it listens on, with the port that was chosen if 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the endpoint, as a client on this machine can use it.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}{PATH}")
    }

    /// Serves until [`Server::shutdown`](crate::Server::shutdown), and then until that is over and
    /// the connections are done, or its time is up: what clients did not take by then is lost.
    ///
    /// # Errors
    ///
    /// When the operating system takes the listener away.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops accepting connections; those that are open go on.
    pub async fn serve(self) -> Result<()> {
        let server = self.service.server().clone();
        let listener = self.listener.tap_io(|connection| {
            // Answers and events are written whole: holding them back only delays them.
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
        });
        let stopped = server.inner().stopping.clone().cancelled_owned();
        let serving = axum::serve(listener, Endpoint(self.service).into_make_service())
            .with_graceful_shutdown(stopped)
            .into_future();
        tokio::select! {
            served = serving => {
                served.map_err(|error| Error::io("HTTP cannot be served any longer", error))?;
            }
            () = server.inner().given_up() => {
                tracing::warn!("connections are still open, and nobody waits for them any more");
            }
        }
        server.inner().settled().await;
        Ok(())
    }
}

/// What a listener serves: the endpoint at its path and below, and nothing elsewhere. One path
/// needs no router.
#[derive(Debug, Clone)]
struct Endpoint(HttpService);

impl Service<Request<Body>> for Endpoint {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let below = request.uri().path().strip_prefix(PATH);
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Answer(Some(self.0.call(request)));
        }
        let reason = "the endpoint is elsewhere";
        observe::refused(request.method(), StatusCode::NOT_FOUND, None, reason);
        Answer(None)
    }
}

/// The endpoint's answer; `None` where there is no endpoint.
#[derive(Debug)]
struct Answer(Option<HttpFuture>);

impl Future for Answer {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(answer) = &mut self.0 {
            let polled = Pin::new(answer).poll(cx);
            return polled.map_ok(|response| response.map(Body::new));
        }
        let mut nowhere = Response::new(Body::empty());
        *nowhere.status_mut() = StatusCode::NOT_FOUND;
        Poll::Ready(Ok(nowhere))
    }
}
