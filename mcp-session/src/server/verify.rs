//! Who sends an HTTP request.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::auth::{Caller, Challenge, Credentials};
use crate::error::Result;
use crate::server::Server;

impl Server {
    /// Says who sends an HTTP request: nobody, where nothing verifies it.
    pub(crate) async fn authenticate(
        &self,
        request: &Credentials<'_>,
    ) -> Result<Option<Caller>, Challenge> {
        let Some(authenticator) = &self.inner.authenticator else {
            return Ok(None);
        };
        let verdict = AssertUnwindSafe(authenticator.authenticate(request)).catch_unwind();
        match verdict.await {
            Ok(Ok(caller)) if caller.has_expired() => {
                Err(Challenge::invalid_token("the credential has expired"))
            }
            Ok(verdict) => verdict.map(Some),
            Err(_) => {
                tracing::error!("the authenticator panicked, so nobody was let in");
                Err(Challenge::unavailable())
            }
        }
    }
}
