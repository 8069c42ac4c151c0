//! A reverse proxy that gives every request to the next replica, whoever it is from.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http_body_util::{Either, Full};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{self, HeaderName},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{Failure, Result};

/// A proxy that takes turns: the first request goes to the first replica, the next one to the
/// second, and so on, whatever session it belongs to.
///
/// It decides nothing else. Bodies pass as they come, in both directions; a replica that cannot be
/// reached is answered with 502 and is tried again in its turn. When this is dropped, everything
/// that passes ends.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

/// What all its connections share.
#[derive(Debug)]
struct Replicas {
    addresses: Vec<SocketAddr>,
    turn: AtomicUsize,
    client: Client<HttpConnector, Incoming>,
}

type Answer = Response<Either<Incoming, Full<Bytes>>>;

impl Proxy {
    /// Listens on any free port of this machine, in front of these replicas.
    ///
    /// # Errors
    ///
    /// There are no replicas, or there is no port.
    pub async fn start(replicas: impl IntoIterator<Item = SocketAddr>) -> Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), replicas).await
    }

    /// The same, on this address.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), or the address cannot be used.
    pub async fn start_at(
        address: SocketAddr,
        replicas: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Self> {
        let addresses: Vec<_> = replicas.into_iter().collect();
        if addresses.is_empty() {
            return Err(Failure::new("a proxy needs replicas"));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let replicas = Arc::new(Replicas {
            addresses,
            turn: AtomicUsize::new(0),
            client: Client::builder(TokioExecutor::new()).build(connector),
        });
        let listener = TcpListener::bind(address).await?;
        Ok(Self {
            address: listener.local_addr()?,
            serving: tokio::spawn(accept(listener, replicas)),
        })
    }

    /// The URL of the one server that the replicas are.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Waits for the proxy to end, which it does when it is dropped and not before.
    pub async fn serve(mut self) {
        (&mut self.serving).await.ok();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, replicas: Arc<Replicas>) {
    // Dropped with this future, and with it all connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((connection, _)) => {
                    connections.spawn(pass(connection, Arc::clone(&replicas)));
                }
                // Out of descriptors, most likely: those who are connected go first.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pass(connection: TcpStream, replicas: Arc<Replicas>) {
    connection.set_nodelay(true).ok();
    let forward = service_fn(move |request| {
        let replicas = Arc::clone(&replicas);
        async move { Ok::<_, Infallible>(replicas.forward(request).await) }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(connection), forward);
    // Whoever went away in the middle needs to hear nothing.
    served.await.ok();
}

impl Replicas {
    async fn forward(&self, mut request: Request<Incoming>) -> Answer {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let address = self.addresses[turn % self.addresses.len()];
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        let Ok(uri) = Uri::try_from(format!("http://{address}{path}")) else {
            return refused(StatusCode::BAD_REQUEST, "no such path");
        };
        *request.uri_mut() = uri;
        drop_own(request.headers_mut());
        match self.client.request(request).await {
            Ok(mut answer) => {
                drop_own(answer.headers_mut());
                answer.map(Either::Left)
            }
            Err(_) => refused(StatusCode::BAD_GATEWAY, "this replica is away; try again"),
        }
    }
}

/// Drops what is about one connection only (RFC 9110, section 7.6.1).
fn drop_own(headers: &mut HeaderMap) {
    let mut named = Vec::<HeaderName>::new();
    for value in headers.get_all(header::CONNECTION) {
        let names = value.to_str().unwrap_or_default().split(',');
        named.extend(names.filter_map(|name| name.trim().parse().ok()));
    }
    let always = [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    for name in named.into_iter().chain(always) {
        headers.remove(name);
    }
}

fn refused(status: StatusCode, why: &'static str) -> Answer {
    let mut answer = Response::new(Either::Right(Full::new(Bytes::from_static(why.as_bytes()))));
    *answer.status_mut() = status;
    answer
}
