//! Responses that are complete when they begin, and the body type of all responses.

use std::{
    borrow::Cow,
    collections::VecDeque,
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};

use crate::auth::Challenge;
use crate::dispatch::{Answer, observe};
use crate::protocol::{self, RpcError};
use crate::transport::http::stream::EventStream;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// The body of a response of [`HttpService`](crate::transport::http::HttpService): nothing, one
/// JSON text, or an event stream.
pub struct HttpBody(Kind);

enum Kind {
    /// A text in one piece; empty once it was taken.
    Text(Bytes),
    /// What is left of a text, in the pieces it was made of.
    Pieces(VecDeque<Bytes>),
    Stream(Box<EventStream>),
}

/// Why a response refuses its request, on its way to whoever observes it.
#[derive(Debug, Clone)]
struct Refusal {
    code: i64,
    reason: Cow<'static, str>,
}

/// Tells whoever records what is refused; gives the response as the client gets it.
pub(super) fn observed(method: &Method, mut response: Response<HttpBody>) -> Response<HttpBody> {
    let status = response.status();
    let refusal = response.extensions_mut().remove::<Refusal>();
    if status.is_client_error() || status.is_server_error() {
        let code = refusal.as_ref().map(|refusal| refusal.code);
        let reason = refusal.as_ref().map_or("", |refusal| &*refusal.reason);
        observe::refused(method, status, code, reason);
    }
    response
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response<HttpBody> {
    with_body(status, HttpBody(Kind::Text(Bytes::new())))
}

/// The response that an answer makes.
pub(super) fn answer(answer: Answer) -> Response<HttpBody> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match answer.frame {
        Some(frame) => json(status, frame),
        None => empty(status),
    };
    if let Some(cause) = answer.cause {
        response.extensions_mut().insert(Refusal {
            code: cause.code,
            reason: cause.reason.into(),
        });
    }
    let headers = response.headers_mut();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        // Said to clients of the stateless era, which has no other method.
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if let Some(id) = answer.opened
        && let Ok(mut id) = HeaderValue::from_str(id.as_str())
    {
        id.set_sensitive(true);
        headers.insert(SESSION, id);
    }
    if let Some(challenge) = answer.challenge {
        insert_challenge(headers, &challenge);
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A refusal that concerns HTTP alone, before any message was read: an error without an id.
pub(super) fn refusal(
    status: StatusCode,
    message: impl Into<Cow<'static, str>>,
) -> Response<HttpBody> {
    let error = RpcError::invalid_request(message);
    let mut response = json(status, protocol::Frame::error(None, &error, true));
    response.extensions_mut().insert(Refusal {
        code: error.code,
        reason: error.message,
    });
    response
}

/// The refusal of a caller that was not verified.
pub(super) fn challenge(challenge: &Challenge) -> Response<HttpBody> {
    let status = StatusCode::from_u16(challenge.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = refusal(status, challenge.message());
    let headers = response.headers_mut();
    match challenge.header() {
        Some(text) => insert_challenge(headers, &text),
        None => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
    }
    response
}

fn insert_challenge(headers: &mut HeaderMap, challenge: &str) {
    if let Ok(value) = HeaderValue::from_str(challenge) {
        headers.insert(header::WWW_AUTHENTICATE, value);
    }
}

pub(super) fn method_not_allowed(allowed: &'static str) -> Response<HttpBody> {
    let message = format!("this endpoint has these methods: {allowed}");
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, message);
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

/// A response that goes on for as long as there is something to say.
pub(super) fn stream(stream: EventStream) -> Response<HttpBody> {
    let mut response = with_body(StatusCode::OK, HttpBody(Kind::Stream(Box::new(stream))));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store"),
    );
    // 2026-07-28, "Streamable HTTP", "Receiving Messages": keeps proxies from holding events back.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    headers.insert(unbuffered, HeaderValue::from_static("no"));
    response
}

fn json(status: StatusCode, frame: protocol::Frame) -> Response<HttpBody> {
    let kind = match frame {
        protocol::Frame::One(text) => Kind::Text(text),
        protocol::Frame::Many(pieces) => Kind::Pieces(pieces.into()),
    };
    let mut response = with_body(status, HttpBody(kind));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn with_body(status: StatusCode, body: HttpBody) -> Response<HttpBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut self.get_mut().0 {
            Kind::Text(text) => {
                let text = std::mem::take(text);
                Poll::Ready((!text.is_empty()).then_some(text))
            }
            Kind::Pieces(pieces) => Poll::Ready(pieces.pop_front()),
            Kind::Stream(stream) => stream.poll_chunk(cx),
        };
        next.map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Text(text) => text.is_empty(),
            Kind::Pieces(pieces) => pieces.is_empty(),
            Kind::Stream(stream) => stream.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Text(text) => SizeHint::with_exact(text.len() as u64),
            Kind::Pieces(pieces) => {
                SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum())
            }
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Text(text) if text.is_empty() => "empty",
            Kind::Text(_) | Kind::Pieces(_) => "json",
            Kind::Stream(_) => "event stream",
        };
        f.debug_tuple("HttpBody").field(&kind).finish()
    }
}
