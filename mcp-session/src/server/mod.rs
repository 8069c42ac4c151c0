//! The running service: opens, finds and ends live sessions.

mod contain;
mod extension;
mod limits;
mod listeners;
pub(crate) mod live;
mod notifier;
mod open;
mod publish;
mod registry;
mod roots;
mod template;
mod variant;

use std::{fmt, sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::clock::{self, Instant};
use crate::error::Result;
use crate::protocol::{CacheHint, CacheScope};
use crate::session::{EndReason, Opening};

pub use limits::Limits;
pub use live::Session;
pub use notifier::Notifier;
pub use registry::Sessions;
pub use roots::RootsChange;
pub use template::{Template, TemplateBuilder};
pub use variant::Variant;

pub(crate) use contain::{Contained, contained};
pub(crate) use listeners::{Listener, Subscription};
pub(crate) use live::Live;
pub(crate) use open::OpenError;
pub(crate) use registry::Registry;
pub(crate) use template::{Blueprint, Revision};

use listeners::Listeners;
use variant::Variants;

/// A running service: it opens live sessions from a template, for every client that comes over
/// any transport, in both eras of the protocol.
///
/// Cheap to clone; all clones are the same server.
///
/// # Examples
///
/// ```no_run
/// use mcp_session::{Server, Template, tool};
///
/// /// Add two numbers.
/// #[tool]
/// async fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// #[tokio::main]
/// async fn main() -> mcp_session::Result<()> {
///     let template = Template::builder("calculator", "1.0.0").tool(add).build()?;
///     Server::new(template).serve_stdio().await
/// }
/// ```
#[derive(Clone)]
pub struct Server {
    inner: Arc<ServerInner>,
}

pub(crate) struct ServerInner {
    pub(crate) limits: Limits,
    pub(crate) variants: Variants,
    pub(crate) sessions: Registry,
    pub(crate) listeners: Listeners,
    /// Results of the stateless era carry the server's name and version.
    pub(crate) identify: bool,
    cache_ttl: Option<Duration>,
    narrow: bool,
    started: Instant,
    /// Everything that runs: calls, hooks, questions about roots. Waited for at shutdown.
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
}

impl Server {
    /// A server with one template and default limits.
    pub fn new(template: Template) -> Self {
        Self::from_parts(ServerBuilder::new(template))
    }

    /// Begins a server with settings of its own.
    pub fn builder(template: Template) -> ServerBuilder {
        ServerBuilder::new(template)
    }

    pub(crate) fn from_inner(inner: Arc<ServerInner>) -> Self {
        Self { inner }
    }

    fn from_parts(builder: ServerBuilder) -> Self {
        let inner = ServerInner {
            limits: builder.limits,
            variants: builder.variants,
            sessions: Registry::default(),
            listeners: Listeners::default(),
            identify: builder.identify,
            cache_ttl: builder.cache_ttl,
            narrow: builder.narrow,
            started: clock::now(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn inner(&self) -> &Arc<ServerInner> {
        &self.inner
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The live handshake sessions, over HTTP and over byte streams: to find one, to end one.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::new(&self.inner)
    }

    /// A handle that tells clients of changes, for use anywhere and for as long as it takes.
    pub fn notifier(&self) -> Notifier {
        Notifier::new(&self.inner)
    }

    /// Ends every session and every open stream, and waits for what still runs.
    ///
    /// New requests are refused from here on. Calls in flight get
    /// [`Limits::drain`] to finish; what is left then is dropped. Every `subscriptions/listen`
    /// gets its closing result.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropped halfway, the server stops admitting but may leave sessions to
    /// their own end.
    pub async fn shutdown(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        if clock::within(self.inner.limits.drain, self.inner.tasks.wait())
            .await
            .is_none()
        {
            tracing::warn!("calls were still running at the end of the drain, and are cancelled");
        }
        self.inner.sessions.end_all(EndReason::Shutdown);
        if clock::within(self.inner.limits.drain, self.inner.tasks.wait())
            .await
            .is_none()
        {
            tracing::warn!("tasks are still running after they were cancelled");
        }
    }
}

impl ServerInner {
    /// Milliseconds since the server was made.
    pub(crate) fn uptime_ms(&self) -> u64 {
        let uptime = clock::now().duration_since(self.started);
        u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX)
    }

    /// How lists and `server/discover` of a view may be cached. A property of the configuration,
    /// so that all pages carry one scope: public only where no two callers of one URL can see
    /// different bytes.
    pub(crate) fn list_cache(&self, blueprint: &Blueprint) -> CacheHint {
        let varies = blueprint.on_open.is_some() || self.variants.varies();
        let public = !varies && !self.narrow;
        let (scope, ttl) = if public {
            (CacheScope::Public, Duration::from_secs(60))
        } else {
            (CacheScope::Private, Duration::ZERO)
        };
        let ttl = self.cache_ttl.unwrap_or(ttl);
        CacheHint {
            ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
            scope,
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("sessions", &self.inner.sessions.len())
            .finish_non_exhaustive()
    }
}

/// A server in the making.
#[must_use = "a builder does nothing before `build`"]
pub struct ServerBuilder {
    limits: Limits,
    variants: Variants,
    identify: bool,
    cache_ttl: Option<Duration>,
    narrow: bool,
}

impl ServerBuilder {
    fn new(template: Template) -> Self {
        Self {
            limits: Limits::default(),
            variants: Variants::new(template),
            identify: true,
            cache_ttl: None,
            narrow: false,
        }
    }

    /// How much it takes on, and how long it waits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a member to the family of templates; [`select`](Self::select) chooses among them.
    pub fn variant(mut self, name: impl Into<String>, template: Template) -> Self {
        self.variants.add(name.into(), template);
        self
    }

    /// Chooses the variant of each client, before it is told anything.
    ///
    /// In the handshake era this is asked once per session. In the stateless era it is asked for
    /// every request, and must give the same answer to the same URL and principal: 2026-07-28 lets
    /// lists depend on nothing else ("Tools", "Listing Tools"). A name that is not registered
    /// means the default.
    pub fn select<V: AsRef<str>>(
        mut self,
        select: impl Fn(&Opening) -> V + Send + Sync + 'static,
    ) -> Self {
        self.variants
            .select(move |opening| select(opening).as_ref().to_owned());
        self
    }

    /// How long clients of the stateless era may keep lists (`ttlMs`). Unless set: one minute
    /// where everybody sees the same, not at all where they may not.
    pub fn cache_ttl(mut self, ttl: Duration) -> Self {
        self.cache_ttl = Some(ttl);
        self
    }

    /// Marks every list private to its caller, even where everybody sees the same.
    pub fn private_lists(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// Leaves the server's name and version out of the results of the stateless era.
    pub fn anonymous(mut self) -> Self {
        self.identify = false;
        self
    }

    /// Finishes the server.
    ///
    /// # Errors
    ///
    /// When the configuration can only fail: variants nobody selects, or a variant given twice.
    pub fn build(self) -> Result<Server> {
        self.variants.check()?;
        Ok(Server::from_parts(self))
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
