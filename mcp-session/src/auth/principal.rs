//! The verified caller's identity.

use std::{fmt, sync::Arc};

/// The verified identity of a caller: issuer, subject and client.
///
/// Two requests with the same principal come from the same user through the same client, however
/// often its token was refreshed. It never holds the token. Scopes belong to the request, not to
/// the principal.
///
/// Cheap to clone. A handler that takes a `Principal` fails for anonymous callers; take
/// `Option<Principal>` where both are fine.
///
/// # Examples
///
/// ```
/// use mcp_session::Principal;
///
/// let ann = Principal::new("https://issuer.example", "ann").client("editor");
/// assert_eq!(ann.subject(), "ann");
/// assert_ne!(ann, Principal::new("https://issuer.example", "ann"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    identity: Arc<Identity>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Identity {
    issuer: String,
    subject: String,
    client: Option<String>,
}

impl Principal {
    /// A principal that `issuer` vouches for.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        let (issuer, subject) = (issuer.into(), subject.into());
        Self {
            identity: Arc::new(Identity {
                issuer,
                subject,
                client: None,
            }),
        }
    }

    /// The user on whose behalf the operating system started this process; who is calling over
    /// stdio.
    ///
    /// The subject is the account's name as the environment gives it, or `local`.
    pub fn local() -> Self {
        let named = |key| std::env::var(key).ok().filter(|name| !name.is_empty());
        let user = named("USER")
            .or_else(|| named("LOGNAME"))
            .or_else(|| named("USERNAME"));
        Self::new("local", user.unwrap_or_else(|| "local".to_owned()))
    }

    /// The same principal, calling through the client with this id.
    #[must_use]
    pub fn client(mut self, client: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.identity).client = Some(client.into());
        self
    }

    /// Who vouches for the subject.
    pub fn issuer(&self) -> &str {
        &self.identity.issuer
    }

    /// The user, in the issuer's terms.
    pub fn subject(&self) -> &str {
        &self.identity.subject
    }

    /// The client the user calls through, where the issuer names it.
    pub fn client_id(&self) -> Option<&str> {
        self.identity.client.as_deref()
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("issuer", &self.issuer())
            .field("subject", &self.subject())
            .field("client", &self.client_id())
            .finish()
    }
}
