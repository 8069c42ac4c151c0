//! Why a request that was admitted gets no result.

use std::borrow::Cow;

use crate::auth::Scopes;
use crate::protocol::RpcError;

/// An error, and what HTTP must say besides.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: RpcError,
    /// The scopes that the caller's credential would need: 403.
    pub(crate) asked: Option<Scopes>,
    /// It may be granted later: 429.
    pub(crate) busy: bool,
}

impl Failure {
    /// The caller's credential does not allow this.
    pub(crate) fn forbidden(asked: Scopes) -> Self {
        let message = format!("this needs a credential with the scopes: {asked}");
        Self {
            error: RpcError::invalid_request(message),
            asked: Some(asked),
            busy: false,
        }
    }

    /// There is no room for this now.
    pub(crate) fn busy(why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error: RpcError::internal(why),
            asked: None,
            busy: true,
        }
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self {
            error,
            asked: None,
            busy: false,
        }
    }
}
