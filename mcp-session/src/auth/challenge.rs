//! What a client is told that was not let in.

use std::fmt;

use crate::auth::Scopes;

/// Why a request is not let in, and what the client can do about it: the `WWW-Authenticate` header
/// (RFC 6750 section 3) and the status.
///
/// # Examples
///
/// ```
/// use mcp_session::auth::Challenge;
///
/// let challenge = Challenge::invalid_token("the token has expired")
///     .resource_metadata("https://mcp.example/.well-known/oauth-protected-resource");
/// assert_eq!(
///     challenge.to_string(),
///     "Bearer error=\"invalid_token\", error_description=\"the token has expired\", \
///      resource_metadata=\"https://mcp.example/.well-known/oauth-protected-resource\"",
/// );
/// ```
#[derive(Debug, Clone)]
pub struct Challenge {
    status: u16,
    error: Option<&'static str>,
    description: Option<String>,
    realm: Option<String>,
    scopes: Scopes,
    resource_metadata: Option<String>,
}

impl Challenge {
    /// No credential was sent: 401 without an error, as RFC 6750 section 3.1 wants.
    pub fn missing_token() -> Self {
        Self::new(401, None, None)
    }

    /// The credential is wrong, expired or revoked: 401. The description reaches the client.
    pub fn invalid_token(description: impl Into<String>) -> Self {
        Self::new(401, Some("invalid_token"), Some(description.into()))
    }

    /// The credential is good, and does not allow this: 403 with the scopes to ask for.
    pub fn insufficient_scope(scopes: Scopes) -> Self {
        let challenge = Self::new(403, Some("insufficient_scope"), None);
        Self {
            scopes,
            ..challenge
        }
    }

    /// Nobody can say now whether the credential is good: 503, and the client may try again.
    pub fn unavailable() -> Self {
        Self::new(503, None, None)
    }

    fn new(status: u16, error: Option<&'static str>, description: Option<String>) -> Self {
        Self {
            status,
            error,
            description,
            realm: None,
            scopes: Scopes::default(),
            resource_metadata: None,
        }
    }

    /// The name of what is protected.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// The scopes a credential should have.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().collect();
        self
    }

    /// Where the metadata of this resource is (RFC 9728), which tells a client where to get a
    /// token (2025-06-18 and later, "Authorization").
    #[must_use]
    pub fn resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What the body of the answer says.
    #[cfg(feature = "http")]
    pub(crate) fn message(&self) -> &'static str {
        match self.status {
            401 => "this server wants to know who is calling: see `WWW-Authenticate`",
            403 => "the credential does not allow this: see `WWW-Authenticate`",
            _ => "who is calling cannot be verified now: try again later",
        }
    }

    /// The header's text; `None` where the status has no such header.
    pub(crate) fn header(&self) -> Option<String> {
        matches!(self.status, 401 | 403).then(|| self.to_string())
    }
}

/// The text of the `WWW-Authenticate` header.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")?;
        let scopes = (!self.scopes.is_empty()).then(|| self.scopes.to_string());
        let parameters = [
            ("realm", self.realm.as_deref()),
            ("error", self.error),
            ("error_description", self.description.as_deref()),
            ("scope", scopes.as_deref()),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ];
        let mut gap = " ";
        for (name, value) in parameters {
            let Some(value) = value else { continue };
            write!(f, "{gap}{name}=\"{}\"", quotable(value))?;
            gap = ", ";
        }
        Ok(())
    }
}

/// The text without what cannot stand in a quoted string of a header (RFC 6750 section 3).
fn quotable(text: &str) -> String {
    let fits = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    text.chars()
        .map(|c| if fits(c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_challenge_can_break_out_of_its_header() {
        let challenge = Challenge::invalid_token("a\"b\\c\r\nSet-Cookie: d\u{e9}").realm("r\"");
        assert_eq!(
            challenge.to_string(),
            "Bearer realm=\"r?\", error=\"invalid_token\", error_description=\"a?b?c??Set-Cookie: d?\"",
        );
    }

    #[test]
    fn each_challenge_has_the_status_of_rfc_6750() {
        let scopes: Scopes = ["b", "a"].into_iter().collect();
        let insufficient = Challenge::insufficient_scope(scopes);
        let expected = "Bearer error=\"insufficient_scope\", scope=\"a b\"";
        assert_eq!(
            (insufficient.status(), insufficient.header().as_deref()),
            (403, Some(expected))
        );
        assert_eq!(
            Challenge::missing_token().header().as_deref(),
            Some("Bearer")
        );
        assert_eq!(
            (
                Challenge::unavailable().status(),
                Challenge::unavailable().header()
            ),
            (503, None)
        );
    }
}
