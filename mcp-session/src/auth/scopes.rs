//! What a credential allows.

use std::{collections::BTreeSet, fmt, sync::Arc};

/// A set of scopes: what a request's credential allows, or what an entry asks for.
///
/// Cheap to clone. Its text is the scopes in order with spaces between them, as
/// `WWW-Authenticate` has it.
///
/// # Examples
///
/// ```
/// use mcp_session::auth::Scopes;
///
/// let granted: Scopes = ["files:read", "files:write"].into_iter().collect();
/// let asked: Scopes = ["files:write"].into_iter().collect();
/// assert!(granted.covers(&asked) && !asked.covers(&granted));
/// assert_eq!(granted.to_string(), "files:read files:write");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Scopes(Option<Arc<BTreeSet<String>>>);

impl Scopes {
    /// True when this scope is among them.
    pub fn has(&self, scope: &str) -> bool {
        self.0.as_ref().is_some_and(|scopes| scopes.contains(scope))
    }

    /// True when every scope of the other set is among them.
    pub fn covers(&self, asked: &Self) -> bool {
        asked.iter().all(|scope| self.has(scope))
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|scopes| scopes.iter())
            .map(String::as_str)
    }

    /// True when each can stand in a header: visible ASCII without quotes and backslashes
    /// (RFC 6749 section 3.3).
    pub(crate) fn are_tokens(&self) -> bool {
        let fits = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        self.iter()
            .all(|scope| !scope.is_empty() && scope.bytes().all(fits))
    }
}

impl<S: Into<String>> FromIterator<S> for Scopes {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let scopes: BTreeSet<String> = scopes.into_iter().map(Into::into).collect();
        Self((!scopes.is_empty()).then(|| Arc::new(scopes)))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{scope}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

/// What the caller of one request may do.
#[derive(Debug, Clone)]
pub(crate) enum Granted {
    /// Everything: the local user, on a byte stream.
    Everything,
    /// What the credential allows; nothing, where none was asked for.
    #[cfg_attr(
        not(any(feature = "http", test)),
        expect(dead_code, reason = "only HTTP has credentials")
    )]
    Scopes(Scopes),
}

impl Granted {
    /// True when all of these are allowed.
    pub(crate) fn covers(&self, asked: &Scopes) -> bool {
        match self {
            Self::Everything => true,
            Self::Scopes(scopes) => scopes.covers(asked),
        }
    }

    /// True when this one is allowed.
    pub(crate) fn has(&self, scope: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Scopes(scopes) => scopes.has(scope),
        }
    }
}
