//! What verifies callers.

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, Uri, header};

use crate::auth::{Caller, Challenge, Scopes};

/// Verifies who sends an HTTP request.
///
/// A server with one asks it about *every* request, before the body is read: a token that was
/// revoked is refused from then on, in sessions that are open, too. Two forms come with this
/// crate: [`BearerTokens`](crate::auth::BearerTokens) for a fixed set, and
/// [`from_fn`](crate::auth::from_fn) for a closure.
///
/// # Obligations
///
/// - The same user through the same client gives an equal [`Principal`](crate::Principal) each
///   time, however often the token is refreshed: sessions are bound to it.
/// - What the request says is untrusted. Compare secrets in constant time.
/// - Keep the token to yourself: nothing behind this sees it, and it must not be logged.
///
/// Errors of the environment, such as a key server that cannot be reached, are a
/// [`Challenge::unavailable`].
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// Says who sends this request, or what the client must do to be let in.
    ///
    /// # Errors
    ///
    /// The challenge is sent to the client: 401 with `WWW-Authenticate`, unless it says otherwise.
    async fn authenticate(&self, request: &Credentials<'_>) -> Result<Caller, Challenge>;

    /// What a caller is told whose credential lacks scopes that an entry is guarded by. Override it
    /// to add a realm or the place of the resource's metadata.
    fn insufficient_scope(&self, scopes: Scopes) -> Challenge {
        Challenge::insufficient_scope(scopes)
    }
}

/// The parts of an HTTP request that can say who sends it.
///
/// Its `Debug` shows no header: they hold secrets.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl<'a> Credentials<'a> {
    /// The parts of a request, for testing an [`Authenticate`] of your own.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{HeaderMap, Uri, header::AUTHORIZATION};
    /// use mcp_session::auth::Credentials;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert(AUTHORIZATION, "Bearer letmein".parse()?);
    /// let uri = Uri::from_static("/mcp");
    /// assert_eq!(Credentials::new(&uri, &headers).bearer(), Some("letmein"));
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    pub fn new(uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Self { uri, headers }
    }

    /// The token of an `Authorization: Bearer …` header (RFC 6750 section 2.1); `None` where there
    /// is no such header, or more than one.
    ///
    /// Tokens in the URL are not read: 2025-03-26 and later forbid them ("Authorization", "Token
    /// Requirements").
    pub fn bearer(&self) -> Option<&'a str> {
        let mut sent = self.headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (sent.next(), sent.next()) else {
            return None;
        };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// The text of a header; `None` where it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The URL as the client wrote it.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.uri.path();
        f.debug_struct("Credentials")
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_token_is_read_and_nothing_else() {
        let uri = Uri::from_static("/mcp?access_token=no");
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            Credentials::new(&uri, &headers).bearer().map(str::to_owned)
        };
        assert_eq!(read(&["Bearer a.b"]).as_deref(), Some("a.b"));
        assert_eq!(read(&["bEARER  a.b "]).as_deref(), Some("a.b"));
        for none in [
            &[][..],
            &["Basic a.b"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a", "Bearer b"],
        ] {
            assert_eq!(read(none), None, "{none:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, "Bearer secret".parse().unwrap());
        assert!(!format!("{:?}", Credentials::new(&uri, &headers)).contains("secret"));
    }
}
