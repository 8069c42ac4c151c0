//! A fixed set of bearer tokens.

use std::fmt;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::auth::{Authenticate, Caller, Challenge, Credentials, Scopes};

/// Bearer tokens that are known in advance: for a handful of machines that trust each other, and
/// for tests. For users, verify what an authorization server issues.
///
/// Tokens are kept as digests and compared in constant time, all of them for every request.
///
/// # Examples
///
/// ```
/// use mcp_session::{Principal, auth::{BearerTokens, Caller}};
///
/// let tokens = BearerTokens::new()
///     .token("correct horse", Caller::new(Principal::new("example", "ann")))
///     .token("battery staple", Caller::new(Principal::new("example", "bob")).scopes(["admin"]));
/// # let _ = tokens;
/// ```
#[derive(Default)]
pub struct BearerTokens {
    known: Vec<([u8; 32], Caller)>,
    resource_metadata: Option<String>,
}

impl BearerTokens {
    /// No tokens: nobody is let in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets in whoever sends this token, as this caller. An expiry of the caller counts from now.
    #[must_use]
    pub fn token(mut self, token: impl AsRef<[u8]>, caller: Caller) -> Self {
        self.known.push((digest(token.as_ref()), caller));
        self
    }

    /// Where clients learn how to get a token; see [`Challenge::resource_metadata`].
    #[must_use]
    pub fn resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }

    fn find(&self, token: &str) -> Option<&Caller> {
        let sent = digest(token.as_bytes());
        // Every token is looked at, so that time tells nothing about which of them was nearly it.
        let mut found = None;
        for (known, caller) in &self.known {
            if bool::from(known.ct_eq(&sent)) {
                found = Some(caller);
            }
        }
        found
    }

    fn challenge(&self, challenge: Challenge) -> Challenge {
        match &self.resource_metadata {
            Some(url) => challenge.resource_metadata(url),
            None => challenge,
        }
    }
}

#[async_trait]
impl Authenticate for BearerTokens {
    async fn authenticate(&self, request: &Credentials<'_>) -> Result<Caller, Challenge> {
        let Some(token) = request.bearer() else {
            return Err(self.challenge(Challenge::missing_token()));
        };
        let caller = self.find(token).filter(|caller| !caller.has_expired());
        let invalid = || self.challenge(Challenge::invalid_token("the token is not known here"));
        caller.cloned().ok_or_else(invalid)
    }

    fn insufficient_scope(&self, scopes: Scopes) -> Challenge {
        self.challenge(Challenge::insufficient_scope(scopes))
    }
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl fmt::Debug for BearerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerTokens")
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, Uri, header};

    use super::*;
    use crate::auth::Principal;
    use crate::clock;

    #[tokio::test(start_paused = true)]
    async fn known_tokens_are_let_in_until_they_expire() {
        let caller = |name: &str| Caller::new(Principal::new("test", name));
        let tokens = BearerTokens::new()
            .token("one", caller("ann"))
            .token("two", caller("bob").expires_in(Duration::from_secs(60)));
        let ask = async |token: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::AUTHORIZATION,
                format!("Bearer {token}").parse().unwrap(),
            );
            let uri = Uri::from_static("/mcp");
            let verdict = tokens.authenticate(&Credentials::new(&uri, &headers)).await;
            verdict
                .map(|caller| caller.principal().subject().to_owned())
                .ok()
        };
        assert_eq!(ask("one").await.as_deref(), Some("ann"));
        assert_eq!(ask("two").await.as_deref(), Some("bob"));
        assert_eq!(ask("three").await, None);
        clock::sleep(Duration::from_secs(61)).await;
        assert_eq!(ask("two").await, None);
        assert_eq!(ask("one").await.as_deref(), Some("ann"));
    }
}
