//! The tower service: what is about HTTP alone, in the order in which it is checked.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use tokio::net::{TcpListener, ToSocketAddrs};

use crate::auth::{Caller, Credentials};
use crate::dispatch::http::{self as dispatch, Decision};
use crate::dispatch::{Reaction, Running};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::transport::http::cors;
use crate::transport::http::guard::Guard;
use crate::transport::http::headers::{self, Media};
use crate::transport::http::listen::LISTENING;
use crate::transport::http::{HttpBody, HttpServer, body, drive, reply, stream};

/// A [`Server`] over Streamable HTTP, as a tower service.
///
/// Made by [`Server::http`]. It serves one endpoint and does not look at the path, so mount it
/// where the endpoint shall be. Cheap to clone.
///
/// Web pages can send requests to servers on the same machine or network, so a request is refused
/// with 403 unless its `Host` and, if present, its `Origin` name this machine (`localhost`,
/// `127.0.0.1`, `[::1]`, with any port) or were allowed here.
///
/// # Examples
///
/// ```
/// use mcp_session::{Server, Template};
///
/// let template = Template::builder("calculator", "1.0.0").build()?;
/// let service = Server::new(template)
///     .http()
///     .allow_host("mcp.example.com")
///     .allow_origin("https://app.example.com")
///     .cors();
/// let app: axum::Router = axum::Router::new().nest_service("/mcp", service);
/// # let _ = app;
/// # Ok::<(), mcp_session::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a service does nothing unless it is mounted"]
pub struct HttpService {
    server: Server,
    rules: Arc<Rules>,
}

/// What the operator decided.
#[derive(Debug, Clone, Default)]
struct Rules {
    guard: Guard,
    cors: bool,
}

impl HttpService {
    pub(super) fn new(server: Server) -> Self {
        let rules = Arc::default();
        Self { server, rules }
    }

    /// Lets in requests to this host, besides those to this machine: the name under which clients
    /// reach the server, such as `mcp.example.com`, with any port, or `mcp.example.com:8443`, with
    /// this one.
    ///
    /// Pages served from the same host may then send requests, too.
    pub fn allow_host(mut self, host: impl AsRef<str>) -> Self {
        self.rules_mut().guard.allow_host(host.as_ref());
        self
    }

    /// Does not look at `Host`: for servers behind a proxy that checks or rewrites it.
    ///
    /// Never do this for a server without authentication that a browser on the same network can
    /// reach: any web page could use it, by DNS rebinding.
    pub fn allow_any_host(mut self) -> Self {
        self.rules_mut().guard.allow_any_host();
        self
    }

    /// Lets in requests that a browser sends for pages of this origin, such as
    /// `https://app.example.com`. `null` allows pages without an origin.
    ///
    /// To let those pages read the answers as well, switch on [`cors`](Self::cors).
    pub fn allow_origin(mut self, origin: impl AsRef<str>) -> Self {
        self.rules_mut().guard.allow_origin(origin.as_ref());
        self
    }

    /// Lets in requests for pages of any origin: for public servers that a browser may use from
    /// anywhere.
    pub fn allow_any_origin(mut self) -> Self {
        self.rules_mut().guard.allow_any_origin();
        self
    }

    /// Lets pages of the allowed origins read what is answered (CORS). Off unless set.
    pub fn cors(mut self) -> Self {
        self.rules_mut().cors = true;
        self
    }

    /// Listens on an address, for this service at `/mcp`.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn bind(self, addr: impl ToSocketAddrs) -> Result<HttpServer> {
        let listener = TcpListener::bind(addr).await;
        let listener = listener.map_err(|error| Error::io(LISTENING, error))?;
        HttpServer::new(self, listener)
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn serves_this_machine_only(&self) -> bool {
        self.rules.guard.is_closed()
    }

    fn rules_mut(&mut self) -> &mut Rules {
        Arc::make_mut(&mut self.rules)
    }

    /// Answers a request. Its parts are apart, for each step keeps room for what it is given, and
    /// shared with what keeps them as long as the request lasts.
    async fn answer<B: Body>(self, parts: Arc<Parts>, body: B) -> Response<HttpBody> {
        let method = parts.method.clone();
        let cors = self.rules.cors;
        let origin = parts.headers.get(header::ORIGIN).filter(|_| cors).cloned();
        let known = self.rules.guard.check(&parts.uri, &parts.headers);
        if let Err(refusal) = known {
            let refusal = reply::refusal(StatusCode::FORBIDDEN, refusal);
            return reply::observed(&method, refusal);
        }
        if cors && method == Method::OPTIONS {
            return reply::observed(&method, cors::preflight(&parts.headers));
        }
        let mut response = self.admitted(parts, body).await;
        if cors {
            cors::expose(&mut response, origin);
        }
        reply::observed(&method, response)
    }

    async fn admitted<B: Body>(self, mut parts: Arc<Parts>, body: B) -> Response<HttpBody> {
        // The URL as the client wrote it: a router that nests this service takes the prefix away.
        let own = Arc::make_mut(&mut parts);
        if let Some(axum::extract::OriginalUri(original)) = own.extensions.remove() {
            own.uri = original;
        }
        let credentials = Credentials::new(&parts.uri, &parts.headers);
        let caller = match self.server.authenticate(&credentials).await {
            Ok(caller) => caller,
            Err(challenge) => return reply::challenge(&challenge),
        };
        match parts.method {
            Method::POST => self.post(caller, parts, body).await,
            // Boxed, so that calls need no room for these.
            Method::GET => Box::pin(self.get(caller.as_ref(), &parts)).await,
            Method::DELETE => Box::pin(self.delete(caller.as_ref(), &parts.headers)).await,
            _ => reply::method_not_allowed("GET, POST, DELETE"),
        }
    }

    async fn post<B: Body>(
        self,
        caller: Option<Caller>,
        parts: Arc<Parts>,
        body: B,
    ) -> Response<HttpBody> {
        let limit = self.server.limits().message_bytes;
        if let Some(refusal) = refused(&parts.headers, limit) {
            return refusal;
        }
        let bytes = match body::read(body, limit).await {
            Ok(bytes) => bytes,
            Err(unread) => return unread.into(),
        };
        if let Err(answer) = dispatch::fetch(&self.server, caller.as_ref(), &parts.headers).await {
            return reply::answer(answer);
        }
        let expires = caller.as_ref().and_then(Caller::expires);
        // In steps: what is awaited within a look at a decision keeps room for all of it.
        let running = match dispatch::post(&self.server, caller, parts, &bytes) {
            Decision::Now(reaction) => match self.at_once(reaction) {
                Ok(response) => return response,
                Err(running) => Ok(running),
            },
            Decision::Opens(opening) => Err(opening),
        };
        let running = match running {
            Ok(running) => running,
            Err(opening) => match self.at_once(opening.await) {
                Ok(response) => return response,
                Err(running) => running,
            },
        };
        drive::drive(&self.server, running, expires).await
    }

    /// The response to what is known already; what runs is given back.
    fn at_once(&self, reaction: Reaction) -> Result<Response<HttpBody>, Running> {
        match reaction {
            Reaction::Accepted => Ok(reply::empty(StatusCode::ACCEPTED)),
            Reaction::Answer(answer) => {
                answer.count(&self.server.inner().totals.traffic);
                Ok(reply::answer(answer))
            }
            Reaction::Running(running) => Err(running),
        }
    }

    async fn delete(&self, caller: Option<&Caller>, headers: &HeaderMap) -> Response<HttpBody> {
        if let Err(answer) = dispatch::fetch(&self.server, caller, headers).await {
            return reply::answer(answer);
        }
        reply::answer(dispatch::delete(&self.server, caller, headers).await)
    }

    async fn get(&self, caller: Option<&Caller>, parts: &Parts) -> Response<HttpBody> {
        if !headers::accepts(&parts.headers, Media::EventStream) {
            return reply::refusal(
                StatusCode::NOT_ACCEPTABLE,
                "the answer is an event stream: `Accept: text/event-stream`",
            );
        }
        if let Err(answer) = dispatch::fetch(&self.server, caller, &parts.headers).await {
            return reply::answer(answer);
        }
        match dispatch::get(&self.server, caller, &parts.headers).await {
            Ok(attached) => {
                let expires = caller.and_then(Caller::expires);
                stream::attached(&self.server, attached, expires)
            }
            Err(answer) => reply::answer(answer),
        }
    }
}

/// The refusal of a body that is not worth reading: the checks cost nothing, so they come first.
fn refused(headers: &HeaderMap, limit: usize) -> Option<Response<HttpBody>> {
    if headers::content_length(headers).is_some_and(|length| length > limit as u64) {
        return Some(body::Unread::TooLarge(limit).into());
    }
    if !headers::is_json(headers) {
        return Some(reply::refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be JSON: `Content-Type: application/json`, in UTF-8",
        ));
    }
    if !headers::accepts_answers(headers) {
        return Some(reply::refusal(
            StatusCode::NOT_ACCEPTABLE,
            "the answer is one or the other: `Accept: application/json, text/event-stream`",
        ));
    }
    None
}

impl<B> tower_service::Service<Request<B>> for HttpService
where
    B: Body + Send + 'static,
{
    type Response = Response<HttpBody>;
    type Error = Infallible;
    type Future = HttpFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> HttpFuture {
        let (parts, body) = request.into_parts();
        HttpFuture(Box::pin(self.clone().answer(Arc::new(parts), body)))
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// The answer of an [`HttpService`] to one request, on its way.
///
/// Dropping it is what a lost connection means: a stateless call is cancelled, and one of a
/// handshake session goes on for [`Limits::detached`](crate::server::Limits::detached).
#[must_use = "futures do nothing unless polled"]
pub struct HttpFuture(Pin<Box<dyn Future<Output = Response<HttpBody>> + Send>>);

impl Future for HttpFuture {
    type Output = Result<Response<HttpBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for HttpFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture").finish_non_exhaustive()
    }
}
