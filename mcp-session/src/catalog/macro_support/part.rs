//! Parameters of resources that are no variables of the URI.

use crate::catalog::handler::ResourceRequest;
use crate::catalog::via::ViaContext;
use crate::catalog::via::ViaRequest;
use crate::context::{Context, FromContext, Needs};
use crate::error::ToolError;

/// A parameter of a function under `#[resource]` that is not named like a variable of the URI.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of this resource",
    label = "the URI has no variable of this name, and this is nothing a handler is given",
    note = "name the parameter after a variable of the URI, take the `ResourceRequest`, or take something that implements `FromContext`"
)]
pub trait Part<M>: Sized + Send + 'static {
    /// Adds what the parameter needs.
    fn needs(needs: &mut Needs);

    /// Makes the value.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    fn resolve(
        request: &ResourceRequest,
        ctx: &Context,
    ) -> impl Future<Output = Result<Self, ToolError>> + Send;
}

#[diagnostic::do_not_recommend]
impl<T: FromContext> Part<ViaContext> for T {
    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }

    fn resolve(
        _request: &ResourceRequest,
        ctx: &Context,
    ) -> impl Future<Output = Result<T, ToolError>> + Send {
        T::from_context(ctx)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Requested> Part<ViaRequest> for T {
    fn needs(_needs: &mut Needs) {}

    async fn resolve(request: &ResourceRequest, _ctx: &Context) -> Result<Self, ToolError> {
        Ok(T::requested(request))
    }
}

/// What can be made of the request itself.
pub trait Requested: Send + 'static {
    /// Makes it.
    fn requested(request: &ResourceRequest) -> Self;
}

impl Requested for ResourceRequest {
    fn requested(request: &ResourceRequest) -> Self {
        request.clone()
    }
}
