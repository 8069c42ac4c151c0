//! Streamable HTTP: one endpoint, POST, GET and DELETE, for both eras of the protocol.
//!
//! [`HttpService`] is a tower service that mounts in axum or hyper;
//! [`Server::serve_http`] is a whole program around it.
//!
//! A request goes through here in this order: `guard` (who may knock), `service` (method,
//! size, content type), the dispatcher (everything about the protocol), `drive` (a running
//! handler becomes a plain answer or an event stream), `stream` (the body of an event stream).

mod body;
mod cors;
mod drive;
mod guard;
mod headers;
mod listen;
mod polling;
mod reply;
mod service;
mod sse;
mod stream;

use tokio::net::ToSocketAddrs;

use crate::error::Result;
use crate::server::Server;

pub use listen::HttpServer;
pub use reply::HttpBody;
pub use service::{HttpFuture, HttpService};

impl Server {
    /// This server as a tower service, to mount in axum, hyper or anything that speaks tower.
    ///
    /// The service checks `Host` and `Origin` itself and lets only this machine in unless told
    /// otherwise; see [`HttpService::allow_host`].
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Server, Template};
    ///
    /// let template = Template::builder("calculator", "1.0.0").build()?;
    /// let server = Server::new(template);
    /// let app: axum::Router = axum::Router::new().nest_service("/mcp", server.http());
    /// # let _ = app;
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn http(&self) -> HttpService {
        HttpService::new(self.clone())
    }

    /// Listens on an address and serves Streamable HTTP at `/mcp` until
    /// [`shutdown`](Self::shutdown), which [`shutdown_on_signal`](Self::shutdown_on_signal) brings
    /// about when the process is asked to stop.
    ///
    /// Whatever the address, only requests to this machine by name (`localhost`, `127.0.0.1`,
    /// `[::1]`) are let in. For a server that others reach, allow its name:
    /// `server.http().allow_host("mcp.example.com").bind(addr).await?.serve().await?`.
    ///
    /// Use [`bind_http`](Self::bind_http) to learn the port before serving, and
    /// [`http`](Self::http) for settings or a router of your own.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops accepting connections; those that are open go on.
    pub async fn serve_http(&self, addr: impl ToSocketAddrs) -> Result<()> {
        self.bind_http(addr).await?.serve().await
    }

    /// Listens on an address, for Streamable HTTP at `/mcp`, without serving yet.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn run(server: mcp_session::Server) -> mcp_session::Result<()> {
    /// let http = server.bind_http("127.0.0.1:0").await?;
    /// println!("serving {}", http.url());
    /// http.serve().await
    /// # }
    /// ```
    pub async fn bind_http(&self, addr: impl ToSocketAddrs) -> Result<HttpServer> {
        self.http().bind(addr).await
    }
}
