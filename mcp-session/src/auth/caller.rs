//! Who sends one request.

use std::time::Duration;

use crate::auth::{Principal, Scopes};
use crate::clock::{self, Instant};

/// Who sends one request, as an [`Authenticate`](crate::auth::Authenticate) found out: the
/// principal, and what this request's credential adds to it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mcp_session::{Principal, auth::Caller};
///
/// let ann = Principal::new("https://issuer.example", "ann");
/// let caller = Caller::new(ann).scopes(["files:read"]).expires_in(Duration::from_secs(300));
/// assert!(caller.granted().has("files:read"));
/// ```
#[derive(Debug, Clone)]
pub struct Caller {
    principal: Principal,
    scopes: Scopes,
    expires: Option<Instant>,
}

impl Caller {
    /// A caller without scopes, whose credential does not expire.
    pub fn new(principal: Principal) -> Self {
        Self {
            principal,
            scopes: Scopes::default(),
            expires: None,
        }
    }

    /// What the credential allows.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().collect();
        self
    }

    /// How long the credential is good for. Event streams that were opened with it end then; the
    /// client comes back with a new one.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires = clock::now().checked_add(lifetime);
        self
    }

    /// Who is calling.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the credential allows.
    pub fn granted(&self) -> &Scopes {
        &self.scopes
    }

    /// True when the credential is good for nothing any more.
    pub(crate) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= clock::now())
    }

    #[cfg(feature = "http")]
    pub(crate) fn expires(&self) -> Option<Instant> {
        self.expires
    }
}
