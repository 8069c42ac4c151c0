//! The running service: opens, finds and ends live sessions.

mod contain;
mod elicitations;
mod events;
mod extension;
mod factories;
mod farewell;
mod hooks;
mod hub;
pub(crate) mod janitor;
mod keeper;
mod life;
mod limits;
mod listeners;
pub(crate) mod live;
mod load;
pub(crate) mod metrics;
mod notifier;
pub(crate) mod offer;
mod once;
mod open;
mod pace;
mod parked;
mod places;
mod principal;
mod publish;
mod registry;
#[cfg(feature = "http")]
mod replica;
mod roots;
mod seals;
mod sessions;
mod shutdown;
mod signals;
mod state;
mod stats;
mod template;
mod variant;
#[cfg(feature = "http")]
mod verify;
mod watching;

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::auth::{Authenticate, Challenge, Principal, Scopes};
use crate::error::Result;
use crate::peer::SealKeys;
use crate::protocol::{CacheHint, CacheScope};
use crate::session::{EndReason, Opening, RequestUrl};
use crate::store::bus::Bus;
use crate::store::{MemoryStore, Outbox, Store};

pub use elicitations::Elicitations;
pub use events::{Events, Refusal, SessionEvent};
pub use farewell::Farewell;
pub use hooks::Fault;
pub use limits::{AtCapacity, Limits};
pub use live::Session;
pub use notifier::Notifier;
pub use once::OnceError;
pub use principal::PrincipalScope;
#[cfg(feature = "http")]
pub use replica::Consistency;
pub use roots::RootsChange;
pub use sessions::{Sessions, Unhealthy};
pub use stats::{ServerStats, SessionStats};
pub use template::{Template, TemplateBuilder};
pub use variant::Variant;

pub(crate) use contain::{Contained, contained};
pub(crate) use hooks::Fact;
pub(crate) use keeper::{Hold, Keeper};
pub(crate) use listeners::{Listener, Over, Subscription};
pub(crate) use live::Live;
pub(crate) use load::AtWork;
pub(crate) use open::{OpenError, Scope};
pub(crate) use parked::{Abandoned, Asking, Kept, Parked, Run};
pub(crate) use places::{Full, Place};
#[cfg(feature = "http")]
pub(crate) use replica::{Unfetched, Unread};
pub(crate) use shutdown::Phase;
pub(crate) use stats::Totals;
pub(crate) use template::Blueprint;

use elicitations::Errands;
use hub::Hub;
use listeners::Listeners;
use load::Load;
use pace::Paces;
pub(crate) use principal::Known;
use principal::Records;
use registry::Registry;
#[cfg(feature = "http")]
use replica::Replica;
use seals::Seals;
use shutdown::Shutdown;
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
    pub(crate) totals: Totals,
    pub(crate) load: Load,
    pub(crate) paces: Paces,
    /// What is kept of principals.
    pub(crate) records: Records,
    /// The places of notifications of extensions that are at work.
    pub(crate) hearing: Arc<Semaphore>,
    store: Arc<dyn Store>,
    pub(crate) keeper: Arc<Keeper>,
    /// Set where sessions live in the store.
    #[cfg(feature = "http")]
    replica: Option<Replica>,
    authenticator: Option<Arc<dyn Authenticate>>,
    /// Results of the stateless era carry the server's name and version.
    pub(crate) identify: bool,
    pub(crate) farewell: Farewell,
    cache_ttl: Option<Duration>,
    narrow: bool,
    pub(crate) seals: Seals,
    pub(crate) parked: Parked,
    errands: Errands,
    pub(crate) hub: Arc<Hub>,
    /// Everything that runs: calls, hooks, questions about roots. Waited for at shutdown.
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
    /// The drain is over: what still runs is dropped.
    pub(crate) drained: CancellationToken,
    pub(crate) shutdown: Shutdown,
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
        let hub = Arc::new(Hub::new(&builder.limits));
        let name = || {
            Arc::from(
                builder
                    .variants
                    .default_member()
                    .blueprint()
                    .info
                    .name
                    .as_str(),
            )
        };
        let audience = builder.audience.unwrap_or_else(name);
        let seals = Seals::new(builder.seal_keys, audience);
        #[cfg(feature = "http")]
        let replica = builder.store.is_durable().then(|| {
            let bus = builder.bus.or_else(|| builder.store.bus());
            let outbox = builder.outbox.or_else(|| builder.store.outbox());
            Replica::new(builder.consistency, bus, outbox)
        });
        let inner = ServerInner {
            hearing: Arc::new(Semaphore::new(builder.limits.notifications)),
            limits: builder.limits,
            variants: builder.variants,
            sessions: Registry::default(),
            listeners: Listeners::default(),
            totals: Totals::default(),
            load: Load::default(),
            paces: Paces::default(),
            records: Records::default(),
            store: builder.store,
            keeper: Arc::default(),
            #[cfg(feature = "http")]
            replica,
            authenticator: builder.authenticator,
            identify: builder.identify,
            farewell: builder.farewell,
            cache_ttl: builder.cache_ttl,
            narrow: builder.narrow,
            seals,
            parked: Parked::default(),
            errands: Errands::default(),
            hub,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            drained: CancellationToken::new(),
            shutdown: Shutdown::default(),
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

    /// The live sessions, of handshakes and of principals: to find one, to end one.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::new(&self.inner)
    }

    /// Where state, handles and durable changes are kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        self.inner.store()
    }

    /// A handle that tells clients of changes, for use anywhere and for as long as it takes.
    pub fn notifier(&self) -> Notifier {
        Notifier::new(&self.inner)
    }

    /// Replaces the keys that seal what clients carry, without interrupting anything: see
    /// [`SealKeys`] for how to rotate them.
    pub fn set_seal_keys(&self, keys: SealKeys) {
        self.inner.seals.set(keys);
    }

    /// What a caller is told whose credential lacks scopes.
    pub(crate) fn insufficient_scope(&self, asked: Scopes) -> Challenge {
        match &self.inner.authenticator {
            Some(authenticator) => authenticator.insufficient_scope(asked),
            None => Challenge::insufficient_scope(asked),
        }
    }
}

impl ServerInner {
    /// Tells whoever watches that a client was refused a session.
    pub(crate) fn refused(&self, principal: Option<&Principal>, reason: Refusal) {
        self.hub.events.publish(|| SessionEvent::Refused {
            principal: principal.cloned(),
            reason,
        });
    }

    /// How lists and `server/discover` of a view may be cached. A property of the configuration,
    /// so that all pages carry one scope: public only where no two callers of one URL can see
    /// different bytes.
    pub(crate) fn list_cache(&self, live: &Live) -> CacheHint {
        let varies = live.blueprint().on_open.is_some()
            || live.core().principal().is_some()
            || self.variants.varies()
            || self.authenticator.is_some();
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

impl Drop for ServerInner {
    fn drop(&mut self) {
        // The janitor stops, and nobody stays behind who would never be told of the end.
        self.stopping.cancel();
        self.sessions.end_all(EndReason::Shutdown);
        // Whoever still hears other processes stops.
        self.drained.cancel();
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
    store: Arc<dyn Store>,
    authenticator: Option<Arc<dyn Authenticate>>,
    identify: bool,
    farewell: Farewell,
    cache_ttl: Option<Duration>,
    narrow: bool,
    seal_keys: Option<SealKeys>,
    audience: Option<Arc<str>>,
    #[cfg(feature = "http")]
    consistency: Consistency,
    bus: Option<Arc<dyn Bus>>,
    outbox: Option<Arc<dyn Outbox>>,
}

impl ServerBuilder {
    fn new(template: Template) -> Self {
        Self {
            limits: Limits::default(),
            variants: Variants::new(template),
            store: Arc::new(MemoryStore::new()),
            authenticator: None,
            identify: true,
            farewell: Farewell::default(),
            cache_ttl: None,
            narrow: false,
            seal_keys: None,
            audience: None,
            #[cfg(feature = "http")]
            consistency: Consistency::default(),
            bus: None,
            outbox: None,
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
    ///
    /// What it looks at nobody knows, so lists are private to their caller; where the URL alone
    /// decides, [`select_by_url`](Self::select_by_url) leaves them public.
    pub fn select<V: AsRef<str>>(
        mut self,
        select: impl Fn(&Opening) -> V + Send + Sync + 'static,
    ) -> Self {
        self.variants
            .select(move |opening| select(opening).as_ref().to_owned());
        self
    }

    /// Like [`select`](Self::select), by nothing but the URL: all callers of one URL get the same
    /// variant, so lists stay public.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Server, Template, Variant};
    ///
    /// let plain = Template::builder("shop", "1.0.0").build()?;
    /// let beta = Template::builder("shop", "1.1.0").build()?;
    /// let server = Server::builder(plain)
    ///     .variant("beta", beta)
    ///     .select_by_url(|url| match url.path() {
    ///         Some("/mcp/beta") => "beta",
    ///         _ => Variant::DEFAULT,
    ///     })
    ///     .build()?;
    /// # let _ = server;
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn select_by_url<V: AsRef<str>>(
        mut self,
        select: impl Fn(RequestUrl<'_>) -> V + Send + Sync + 'static,
    ) -> Self {
        self.variants
            .select_by_url(move |url| select(url).as_ref().to_owned());
        self
    }

    /// Verifies who sends each HTTP request, before its body is read. What it does not let in gets
    /// its challenge (401).
    ///
    /// A session belongs to the principal that opened it: to everybody else it does not exist, nor
    /// do its streams and events. Byte streams are not asked about: whoever serves one knows whose
    /// it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Principal, Server, Template, auth::{BearerTokens, Caller}};
    ///
    /// let template = Template::builder("files", "1.0.0").build()?;
    /// let ann = Caller::new(Principal::new("example", "ann"));
    /// let server = Server::builder(template)
    ///     .authenticate(BearerTokens::new().token("correct horse", ann))
    ///     .build()?;
    /// # let _ = server;
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn authenticate(mut self, authenticator: impl Authenticate) -> Self {
        self.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Where state and handles are kept, and, where it is durable, sessions and what principals are
    /// offered for good; a [`MemoryStore`] unless set.
    ///
    /// In a [durable](Store::is_durable) store every handshake session over HTTP has a record: any
    /// process with the same store goes on with it, after a restart or beside this one. A principal
    /// of the stateless era costs one look when its session opens. With other stores, a request that
    /// asks for nothing that is kept never reaches the store.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Server, Template, store::MemoryStore};
    ///
    /// let template = Template::builder("notes", "1.0.0").build()?;
    /// let server = Server::builder(template).store(MemoryStore::with_bytes(16 << 20)).build()?;
    /// # let _ = server;
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// How the processes that share a store hear of each other's changes; what the store itself
    /// brings along unless set ([`Store::bus`]).
    pub fn bus(mut self, bus: impl Bus) -> Self {
        self.bus = Some(Arc::new(bus));
        self
    }

    /// Where the streams of sessions are kept that a client may read at another process; what the
    /// store itself brings along unless set ([`Store::outbox`]).
    pub fn outbox(mut self, outbox: impl Outbox) -> Self {
        self.outbox = Some(Arc::new(outbox));
        self
    }

    /// How a session's copies in several processes are kept alike, where the store is durable.
    #[cfg(feature = "http")]
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
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

    /// What clients are sent over byte streams when the server ends their `subscriptions/listen`;
    /// both messages of the specification unless set.
    pub fn farewell(mut self, farewell: Farewell) -> Self {
        self.farewell = farewell;
        self
    }

    /// Sets the keys that seal what clients carry between the rounds of one exchange
    /// (2026-07-28, "Multi Round-Trip Requests"). Unless set, a random key is made, which says so
    /// in the log when it is first used: a client that was asked then has to come back to this very
    /// process.
    pub fn seal_keys(mut self, keys: SealKeys) -> Self {
        self.seal_keys = Some(keys);
        self
    }

    /// Names the service to which clients bring back what it sealed, such as its URL; the name of
    /// the default template unless set. Another service refuses it even if it has the same keys, so
    /// all replicas must have the same name.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into().into());
        self
    }

    /// Finishes the server.
    ///
    /// # Errors
    ///
    /// When the configuration can only fail: variants nobody selects, a variant given twice or
    /// without a name, limits under which nothing could arrive or last.
    pub fn build(self) -> Result<Server> {
        self.variants.check()?;
        self.limits.check()?;
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
