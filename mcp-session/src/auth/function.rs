//! An authenticator that is a closure.

use std::{fmt, pin::Pin};

use async_trait::async_trait;

use crate::auth::{Authenticate, Caller, Challenge, Credentials};

/// Makes an [`Authenticate`] of a closure that looks at the request and returns a future.
///
/// The future cannot borrow from the request: take out what it needs first.
///
/// # Examples
///
/// ```
/// use mcp_session::{Principal, auth::{self, Caller, Challenge}};
///
/// let authenticator = auth::from_fn(|request| {
///     let token = request.bearer().map(str::to_owned);
///     async move {
///         let token = token.ok_or_else(Challenge::missing_token)?;
///         // Ask whoever knows.
///         match token.strip_prefix("user:") {
///             Some(user) => Ok(Caller::new(Principal::new("example", user))),
///             None => Err(Challenge::invalid_token("unknown token")),
///         }
///     }
/// });
/// # let _ = authenticator;
/// ```
pub fn from_fn<F, Fut>(verify: F) -> Function<F>
where
    F: Fn(&Credentials<'_>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Caller, Challenge>> + Send + 'static,
{
    Function(verify)
}

/// What [`from_fn`] returns.
pub struct Function<F>(F);

#[async_trait]
impl<F, Fut> Authenticate for Function<F>
where
    F: Fn(&Credentials<'_>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Caller, Challenge>> + Send + 'static,
{
    async fn authenticate(&self, request: &Credentials<'_>) -> Result<Caller, Challenge> {
        let verdict: Pin<Box<Fut>> = Box::pin((self.0)(request));
        verdict.await
    }
}

impl<F> fmt::Debug for Function<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function")
    }
}
