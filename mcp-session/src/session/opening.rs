//! What is known of a client before anything is offered to it.

use std::{fmt, sync::Arc};

use http::{Extensions, HeaderMap, HeaderName, Uri, header, request::Parts};

use crate::auth::Principal;
use crate::protocol::Era;

/// What is known when a session is opened: the era, the principal and, over HTTP, the URL and
/// headers of the request that opened it.
///
/// `on_open` reads it through [`Session::opening`](crate::Session::opening). The headers that
/// carry credentials (`Authorization`, `Proxy-Authorization`, `Cookie`) are taken out before
/// anybody can look: whom they vouch for is the [`principal`](Self::principal). A session that
/// outlives the request does not keep those that describe one message alone (`Accept`,
/// `Accept-Encoding`, `Connection`, `Content-Length`, `Content-Type`, `TE`, `Transfer-Encoding`).
///
/// In the stateless era of the protocol a list may depend on the URL and the principal. What
/// depends on a header makes every list private and uncacheable, and nothing may depend on what
/// the client says of itself (2026-07-28, "Tools", "Listing Tools").
#[derive(Debug, Clone)]
pub struct Opening {
    era: Era,
    principal: Option<Principal>,
    request: Option<HttpRequest>,
}

/// The URL of a request, as a selector sees it that may look at nothing else: whatever it
/// decides, all callers of one URL get the same.
#[derive(Clone, Copy)]
pub struct RequestUrl<'a> {
    /// The path and the query; `None` where there is no URL.
    target: Option<(&'a str, Option<&'a str>)>,
}

#[derive(Clone)]
enum HttpRequest {
    /// As it came: for a session that lives as long as its request.
    Whole(Arc<Parts>),
    /// For a session that outlives its request, and must not keep the connection's buffers: the
    /// path and query, then `name:value` of every header that is text, each on a line.
    Kept(Arc<str>),
}

/// Says neither headers nor query: either may carry what must not get into a log.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self {
            Self::Whole(whole) => whole.uri.path(),
            Self::Kept(text) => split_target(text).0,
        };
        f.debug_struct("HttpRequest")
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

impl Opening {
    pub(crate) fn new(era: Era, principal: Option<Principal>) -> Self {
        Self {
            era,
            principal,
            request: None,
        }
    }

    /// Over HTTP, with this request. Nothing is copied where nobody else holds it.
    pub(crate) fn over_http(mut self, mut request: Arc<Parts>) -> Self {
        let parts = Arc::make_mut(&mut request);
        for secret in [
            header::AUTHORIZATION,
            header::PROXY_AUTHORIZATION,
            header::COOKIE,
        ] {
            parts.headers.remove(secret);
        }
        // What servers and routers attach is theirs, and not to be kept.
        parts.extensions = Extensions::new();
        self.request = Some(match self.era {
            Era::Stateless => HttpRequest::Whole(request),
            Era::Handshake => HttpRequest::Kept(kept(&request.uri, &request.headers)),
        });
        self
    }

    /// That of a handshake session which goes on in another process: where it was opened, without
    /// query and headers.
    #[cfg(feature = "http")]
    pub(crate) fn restored(principal: Option<Principal>, path: &str) -> Self {
        let path = path.lines().next().unwrap_or_default();
        Self {
            request: Some(HttpRequest::Kept(path.into())),
            ..Self::new(Era::Handshake, principal)
        }
    }

    /// Lets go of the buffer that the request was read into: for what outlives the request.
    pub(crate) fn detach(mut self) -> Self {
        if let Some(HttpRequest::Whole(whole)) = &self.request {
            self.request = Some(HttpRequest::Kept(kept(&whole.uri, &whole.headers)));
        }
        self
    }

    /// The era of the request that opens the session.
    pub fn era(&self) -> Era {
        self.era
    }

    /// The verified caller, if there is one.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// The URL of the request, of which a selector may see nothing else.
    pub(crate) fn url(&self) -> RequestUrl<'_> {
        RequestUrl {
            target: self.request.as_ref().map(|request| match request {
                HttpRequest::Whole(whole) => (whole.uri.path(), whole.uri.query()),
                HttpRequest::Kept(text) => split_target(text),
            }),
        }
    }

    /// The URL's path; `None` where there is no URL, as over stdio.
    pub fn path(&self) -> Option<&str> {
        self.url().path()
    }

    /// The raw text of one query parameter; `None` where it is absent.
    ///
    /// The text is not percent-decoded. A parameter without `=` has the empty text.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.url().query(name)
    }

    /// All headers, in the stateless era.
    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        match self.request.as_ref()? {
            HttpRequest::Whole(whole) => Some(&whole.headers),
            HttpRequest::Kept(_) => None,
        }
    }

    /// The text of a header of the opening request; `None` where it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.request.as_ref()? {
            HttpRequest::Whole(whole) => whole.headers.get(name)?.to_str().ok(),
            HttpRequest::Kept(text) => {
                let mut headers = text.lines().skip(1).filter_map(|line| line.split_once(':'));
                let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value)
            }
        }
    }
}

/// Headers that say nothing of a client: they describe one message and its connection.
const DESCRIBING: [HeaderName; 7] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TE,
    header::TRANSFER_ENCODING,
];

/// The text of a request that is kept with its session.
fn kept(uri: &Uri, headers: &HeaderMap) -> Arc<str> {
    let mut text = uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let telling = |(name, _): &(&HeaderName, _)| !DESCRIBING.contains(name);
    for (name, value) in headers.iter().filter(telling) {
        // Text has no line breaks: `to_str` takes visible ASCII and tabs.
        if let Ok(value) = value.to_str() {
            text.extend(["\n", name.as_str(), ":", value]);
        }
    }
    text.into()
}

/// The path and the query of a request that is kept.
fn split_target(text: &str) -> (&str, Option<&str>) {
    let target = text.lines().next().unwrap_or_default();
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

impl<'a> RequestUrl<'a> {
    /// The path; `None` where there is no URL, as over stdio.
    pub fn path(&self) -> Option<&'a str> {
        self.target.map(|(path, _)| path)
    }

    /// The raw text of one query parameter, as [`Opening::query`] gives it.
    pub fn query(&self, name: &str) -> Option<&'a str> {
        self.target?.1?.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }
}

/// Says no query, which may carry what must not get into a log.
impl fmt::Debug for RequestUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestUrl")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_gone_and_the_rest_is_readable() {
        let request = http::Request::get("/mcp?cohort=beta&plain")
            .header("authorization", "Bearer secret")
            .header("x-tenant", "acme")
            .header("mcp-session-id", "telling");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let parts = Arc::new(parts);
        for era in [Era::Stateless, Era::Handshake] {
            let opening = Opening::new(era, None).over_http(Arc::clone(&parts));
            let shown = format!("{opening:?}");
            assert!(
                !shown.contains("telling") && !shown.contains("beta"),
                "{shown}"
            );
            assert_eq!(opening.path(), Some("/mcp"));
            assert_eq!(
                (opening.query("cohort"), opening.query("plain")),
                (Some("beta"), Some(""))
            );
            assert_eq!(
                (opening.query("c"), opening.header("authorization")),
                (None, None)
            );
            assert_eq!(opening.header("X-Tenant"), Some("acme"));
            assert_eq!(opening.header("X-Ten"), None);
        }
    }
}
