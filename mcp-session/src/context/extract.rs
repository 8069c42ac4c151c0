//! How a handler is given what does not come from the client's arguments.

use std::{
    any::{TypeId, type_name},
    time::Duration,
};

use crate::auth::{Principal, Scopes};
use crate::context::Context;
use crate::error::ToolError;
use crate::session::Capability;

/// Something a handler can take as a parameter besides its arguments.
///
/// Implement it for types of your own, such as a tenant or a database transaction: injection is
/// by type, so the client's arguments can never reach such a parameter, whatever its name.
///
/// # Examples
///
/// ```
/// use mcp_session::{Context, FromContext, ToolError, tool};
///
/// struct Tenant(String);
///
/// impl FromContext for Tenant {
///     async fn from_context(ctx: &Context) -> Result<Self, ToolError> {
///         let principal = ctx.principal().ok_or_else(|| ToolError::new("sign in first"))?;
///         Ok(Self(principal.subject().to_owned()))
///     }
/// }
///
/// /// Who owns what you see.
/// #[tool]
/// async fn owner(tenant: Tenant) -> String {
///     tenant.0
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something a handler can be given",
    note = "implement `FromContext` for it, or take it as an argument by deriving `serde::Deserialize` and `schemars::JsonSchema`"
)]
pub trait FromContext: Sized + Send + 'static {
    /// Makes the value for one request.
    ///
    /// # Errors
    ///
    /// The handler then does not run, and the request fails with this error.
    fn from_context(ctx: &Context) -> impl Future<Output = Result<Self, ToolError>> + Send;

    /// Says what must be there for this to work at all, so that `Template::build` can refuse a
    /// handler that could never run and the server can refuse a client that cannot help.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }
}

/// What a handler needs before it can run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    dependencies: Vec<(TypeId, &'static str)>,
    capabilities: Vec<Capability>,
    scopes: Scopes,
    time: Option<Duration>,
    park: Option<Duration>,
    without_state: bool,
    pace: Option<u32>,
}

impl Needs {
    /// A dependency of this type must be provided by the template.
    pub fn dependency<T: 'static>(&mut self) {
        self.dependencies
            .push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// The client must have declared this. One that has not gets error -32021 in the stateless
    /// era, and a failed tool result in the handshake era; the handler does not run.
    pub fn capability(&mut self, capability: Capability) {
        if !self.capabilities.contains(&capability) {
            self.capabilities.push(capability);
        }
    }

    /// The caller's credential must allow this. One that does not gets 403 and the scopes to ask
    /// for; the handler does not run. On a byte stream, where the caller is the local user, this
    /// asks for nothing.
    pub fn scope(&mut self, scope: impl Into<String>) {
        let scopes = self.scopes.iter().map(str::to_owned);
        self.scopes = scopes.chain([scope.into()]).collect();
    }

    /// The function may take so long, whatever the server's limit; one that takes longer is
    /// stopped, and has failed.
    pub fn timeout(&mut self, timeout: Duration) {
        self.time = Some(timeout);
    }

    /// The function may be called so many times per second, by all callers together and whatever
    /// the server's limit; at least once. A call beyond it is refused.
    pub fn calls_per_second(&mut self, calls: u32) {
        self.pace = Some(calls.max(1));
    }

    pub(crate) fn pace(&self) -> Option<u32> {
        self.pace
    }

    pub(crate) fn time(&self) -> Option<Duration> {
        self.time
    }

    /// While its client answers a question (stateless era), the function is kept alive for so long
    /// and goes on where it was, instead of being run again from its beginning.
    pub fn park(&mut self, time: Duration) {
        self.park = Some(time);
    }

    pub(crate) fn parks(&self) -> Option<Duration> {
        self.park
    }

    /// Answers are taken even if the state that went along with their questions does not come back
    /// (stateless era). They are the client's word in any case; without the state it is not known
    /// whether they were asked for.
    pub fn answers_without_state(&mut self) {
        self.without_state = true;
    }

    pub(crate) fn takes_answers_without_state(&self) -> bool {
        self.without_state
    }

    pub(crate) fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    pub(crate) fn dependencies(&self) -> &[(TypeId, &'static str)] {
        &self.dependencies
    }

    pub(crate) fn capabilities(&self) -> &[Capability] {
        &self.capabilities
    }
}

impl FromContext for Context {
    async fn from_context(ctx: &Context) -> Result<Self, ToolError> {
        Ok(ctx.clone())
    }
}

impl FromContext for Principal {
    async fn from_context(ctx: &Context) -> Result<Self, ToolError> {
        ctx.principal()
            .cloned()
            .ok_or_else(|| ToolError::new("this needs an authenticated caller"))
    }
}

/// `None` where it cannot be had.
impl<T: FromContext> FromContext for Option<T> {
    async fn from_context(ctx: &Context) -> Result<Self, ToolError> {
        Ok(T::from_context(ctx).await.ok())
    }
}
