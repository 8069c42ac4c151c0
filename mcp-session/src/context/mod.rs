//! What a handler sees of the request it answers.
//!
//! The layers above hang their own things on [`Context`]: `ctx.session()` and `ctx.server()` are
//! defined where sessions and servers are.

mod ask;
mod call;
mod cancel;
mod connection;
mod deps;
mod elicit;
mod extract;
mod input;
mod progress;

use std::{any::Any, fmt, sync::Arc};

use serde::Serialize;

use crate::auth::Principal;
use crate::protocol::{Frame, LogLevel, LogParams, RequestId, RequestMeta, method};
use crate::session::{Client, Core, Kind, Opening};

pub use connection::{Cancellation, Connection};
pub use deps::Dep;
pub use elicit::{Asked, Elicit};
pub use extract::{FromContext, Needs};
pub use input::InputResponses;
pub use progress::Progress;

pub(crate) use call::{Call, CallParts, Subject};
pub(crate) use cancel::Cancel;
pub(crate) use deps::Deps;

/// What holds a conversation: the layers above give their live session here.
pub(crate) trait Host: Any + Send + Sync {
    fn core(&self) -> &Core;
    fn deps(&self) -> &Deps;
    /// Log messages go to clients at all: the template declares them.
    fn logs(&self) -> bool;
}

/// One request, as its handler sees it.
///
/// Cheap to clone, and safe to keep: after the request is answered its progress and log messages
/// go nowhere. Take it as a parameter of any handler.
///
/// What a client says of itself is here and not on the session, because in the stateless era
/// (2026-07-28) it says so with every request and nothing may be inferred from earlier ones.
///
/// # Examples
///
/// ```
/// use mcp_session::{Context, LogLevel, tool};
///
/// /// Counts to three.
/// #[tool]
/// async fn count(ctx: Context) -> &'static str {
///     for step in 1..=3 {
///         ctx.progress(f64::from(step)).total(3.0).message("counting").send();
///     }
///     ctx.log(LogLevel::Info, "done counting");
///     "three"
/// }
/// ```
#[derive(Clone)]
pub struct Context {
    call: Arc<Call>,
}

impl Context {
    pub(crate) fn new(parts: CallParts) -> Self {
        Self {
            call: Arc::new(Call::new(parts)),
        }
    }

    /// The client's id of this request.
    pub fn request_id(&self) -> &RequestId {
        &self.now().parts.id
    }

    /// The request's method, such as `tools/call`.
    pub fn method(&self) -> &str {
        &self.now().parts.method
    }

    /// What the client says of itself: identity, revision, capabilities. Not verified.
    pub fn client(&self) -> &Client {
        &self.now().parts.client
    }

    /// The verified caller; `None` for an anonymous one.
    pub fn principal(&self) -> Option<&Principal> {
        self.core().principal()
    }

    /// URL and headers of the request, as far as there are any: in the stateless era of this one,
    /// in the handshake era of the one that opened the session.
    pub fn opening(&self) -> &Opening {
        let own = self.now().parts.opening.as_ref();
        own.unwrap_or_else(|| self.core().opening())
    }

    /// True when the caller's credential allows this. The local user, on a byte stream, is allowed
    /// everything; an anonymous caller over HTTP nothing.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.now().parts.granted.has(scope)
    }

    /// The request's `_meta`: trace context and whatever else the client sent along.
    pub fn meta(&self) -> &RequestMeta {
        self.now().meta()
    }

    /// Says how far the work is. Nothing is sent unless the client asked for progress.
    ///
    /// Values must rise: one that does not is left out, as the specification demands (2025-03-26
    /// and later, "Progress"). More than 50 reports in a second are thinned out; the one that
    /// reaches the total always goes.
    pub fn progress(&self, progress: f64) -> Progress<'_> {
        Progress::new(self.now(), progress)
    }

    /// Sends a log message to the client, if it wants messages of this level.
    ///
    /// In the handshake era the client sets a level for the session, and `info` is assumed until
    /// it does. In the stateless era each request says which level it wants, and gets nothing
    /// unless it does. Logging to clients is deprecated in 2026-07-28; prefer `tracing`.
    pub fn log(&self, level: LogLevel, data: impl Serialize) {
        self.write_log(level, None, data);
    }

    /// Like [`log`](Self::log), under the name of a logger.
    pub fn log_as(&self, logger: &str, level: LogLevel, data: impl Serialize) {
        self.write_log(level, Some(logger), data);
    }

    fn write_log(&self, level: LogLevel, logger: Option<&str>, data: impl Serialize) {
        if !self.now().wants_log(level) {
            return;
        }
        match serde_json::to_value(data) {
            Ok(data) => {
                let mut params = LogParams::new(level, data);
                params.logger = logger.map(str::to_owned);
                self.now()
                    .say(Kind::Notice, Frame::notification(method::MESSAGE, &params));
            }
            Err(error) => tracing::warn!(%error, "a log message has no JSON form"),
        }
    }

    /// True when the client no longer wants an answer.
    ///
    /// A handler need not look: it is dropped at its next `.await`. This is for loops that do not
    /// await, and for tasks the handler spawned.
    pub fn is_cancelled(&self) -> bool {
        self.now().parts.cancel.is_cancelled()
    }

    /// Completes when the client no longer wants an answer, or the session ends. Cancel safe.
    pub async fn cancelled(&self) {
        self.now().parts.cancel.token().cancelled().await;
    }

    /// The request it was made for.
    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// The request that is being answered now.
    pub(crate) fn now(&self) -> &Call {
        self.call.now()
    }

    pub(crate) fn core(&self) -> &Core {
        self.now().parts.host.core()
    }

    /// The live session as the layer above knows it.
    pub(crate) fn host<T: Host>(&self) -> Option<Arc<T>> {
        let host: Arc<dyn Any + Send + Sync> = self.now().parts.host.clone();
        host.downcast().ok()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("method", &self.method())
            .field("id", self.request_id())
            .finish_non_exhaustive()
    }
}
