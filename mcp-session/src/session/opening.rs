//! What is known of a client before anything is offered to it.

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderValue, Uri, header};

use crate::auth::Principal;
use crate::protocol::Era;

/// What is known when a session is opened: the era, the principal and, over HTTP, the URL and
/// headers of the request that opened it.
///
/// `on_open` reads it through [`Session::opening`](crate::Session::opening). The headers that
/// carry credentials (`Authorization`, `Proxy-Authorization`, `Cookie`) are taken out before
/// anybody can look: whom they vouch for is the [`principal`](Self::principal).
///
/// In the stateless era of the protocol a list may depend on the URL and the principal. What
/// depends on a header makes every list private and uncacheable, and nothing may depend on what
/// the client says of itself (2026-07-28, "Tools", "Listing Tools").
#[derive(Debug, Clone)]
pub struct Opening {
    era: Era,
    principal: Option<Principal>,
    request: Option<Arc<HttpRequest>>,
}

struct HttpRequest {
    uri: Uri,
    headers: HeaderMap,
}

/// Says neither headers nor query: either may carry what must not get into a log.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("path", &self.uri.path())
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

    pub(crate) fn over_http(mut self, uri: Uri, mut headers: HeaderMap) -> Self {
        for secret in [
            header::AUTHORIZATION,
            header::PROXY_AUTHORIZATION,
            header::COOKIE,
        ] {
            headers.remove(secret);
        }
        self.request = Some(Arc::new(HttpRequest { uri, headers }));
        self
    }

    /// Lets go of the buffer that the request was read into: for what outlives the request.
    pub(crate) fn detach(mut self) -> Self {
        if let Some(request) = &mut self.request {
            let copied = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).ok();
            let headers = request.headers.iter();
            let headers = headers.filter_map(|(name, value)| Some((name.clone(), copied(value)?)));
            let uri = Uri::try_from(request.uri.to_string());
            let uri = uri.unwrap_or_else(|_| request.uri.clone());
            let headers = headers.collect();
            *request = Arc::new(HttpRequest { uri, headers });
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

    /// The URL's path; `None` where there is no URL, as over stdio.
    pub fn path(&self) -> Option<&str> {
        self.request.as_ref().map(|request| request.uri.path())
    }

    /// The raw text of one query parameter; `None` where it is absent.
    ///
    /// The text is not percent-decoded. A parameter without `=` has the empty text.
    pub fn query(&self, name: &str) -> Option<&str> {
        let query = self.request.as_ref()?.uri.query()?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }

    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        self.request.as_ref().map(|request| &request.headers)
    }

    /// The text of a header of the opening request; `None` where it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.as_ref()?.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_gone_and_the_rest_is_readable() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer secret".parse().unwrap());
        headers.insert("x-tenant", "acme".parse().unwrap());
        headers.insert("mcp-session-id", "telling".parse().unwrap());
        let uri = "/mcp?cohort=beta&plain".parse().unwrap();
        let opening = Opening::new(Era::Stateless, None).over_http(uri, headers);
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
    }
}
