//! A live session: whose it is, what it is part of, and since when.

#[cfg(feature = "http")]
use std::sync::OnceLock;
use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::catalog::{Edit, Families, Patch};
use crate::context::{Call, Context, Deps, FromContext, Host};
use crate::error::{Result, ToolError};
use crate::protocol::{Era, Frame, RequestId, Root, method};
#[cfg(feature = "http")]
use crate::random;
use crate::server::hooks::{Hooks, Waiting};
use crate::server::hub::Hub;
use crate::server::offer::{Layers, Offer};
use crate::server::principal::Shared;
#[cfg(feature = "http")]
use crate::server::replica::Stored;
use crate::server::template::Blueprint;
use crate::server::variant::Member;
use crate::server::{Limits, Server, ServerInner, Totals};
use crate::session::{
    About, CallGuard, Calling, Calls, Client, Core, EndReason, Kind, Lifecycle, NoticeKey, Opening,
    SessionId, SessionState,
};

/// A live session, cheap to clone: for handlers, for background tasks, and for the program around
/// the server.
///
/// It is one client's conversation. What is changed here no other session notices. It stays valid
/// after the session has ended: edits then fail, and [`done`](Self::done) is complete.
///
/// # Examples
///
/// ```
/// use mcp_session::{Session, Tool, ToolError, tool};
///
/// /// Unlocks the expert tools, for this session only.
/// #[tool]
/// async fn unlock(session: Session) -> Result<&'static str, ToolError> {
///     let expert = Tool::new("expert").description("For experts.").handler(async || "done");
///     session.edit(|edit| edit.add_tool(expert))?;
///     Ok("unlocked")
/// }
/// ```
#[derive(Clone)]
pub struct Session {
    live: Arc<Live>,
    /// The request it was handed to, whose stream may carry what comes of it.
    request: Option<Weak<Call>>,
}

/// One live session: an allocation of its own, and nothing else until it is used.
pub(crate) struct Live {
    core: Core,
    variant: Arc<Member>,
    // Read for every lookup, written by edits; never held across an await.
    pub(super) offer: RwLock<Offer>,
    /// What makes it a principal's session, which serves many requests.
    shared: Option<Box<Shared>>,
    /// `on_open` is running: edits build the view.
    opening: AtomicBool,
    /// `on_open` has begun, or there is none: its end is told.
    begun: AtomicBool,
    // Held for a step only: never across an await, and nothing of the user's runs under it.
    life: Mutex<Lifecycle>,
    waiting: Waiting,
    hub: Arc<Hub>,
    /// When it was opened, in milliseconds of its server's life.
    opened_ms: u64,
    /// When it was last heard of, in milliseconds of its server's life. Being busy, which keeps
    /// its life from resting, does not count here.
    heard_ms: AtomicU64,
    /// Before this moment of its server's life nobody finds anything to do for it. Written where
    /// it is looked after, and by whatever brings that forward.
    look_ms: AtomicU64,
    server: Weak<ServerInner>,
    /// It is found by its id, and outlives connections.
    over_http: bool,
    /// What is known of its record, where it has one: sessions of a durable store do.
    #[cfg(feature = "http")]
    stored: OnceLock<Box<Stored>>,
}

impl Live {
    /// A session from the newest revision.
    pub(crate) fn new(
        opening: Opening,
        variant: &Arc<Member>,
        server: &Arc<ServerInner>,
    ) -> Arc<Self> {
        Arc::new(Self::with(opening, variant, server, None, None))
    }

    /// A principal's session, whose view is the newest revision under these changes.
    pub(crate) fn shared(
        opening: Opening,
        variant: &Arc<Member>,
        server: &Arc<ServerInner>,
        durable: Arc<Patch>,
        shared: Shared,
    ) -> Arc<Self> {
        let shared = Some(Box::new(shared));
        let layers = Some(Layers::over(durable));
        let live = Self::with(opening, variant, server, layers, shared);
        live.renew(None);
        Arc::new(live)
    }

    /// A session that goes on in this process, before what it changed.
    #[cfg(feature = "http")]
    pub(crate) fn restored(
        opening: Opening,
        variant: &Arc<Member>,
        server: &Arc<ServerInner>,
        id: SessionId,
    ) -> Arc<Self> {
        let live = Self::with(opening, variant, server, None, None);
        live.core.name(id);
        Arc::new(live)
    }

    fn with(
        opening: Opening,
        variant: &Arc<Member>,
        server: &Arc<ServerInner>,
        layers: Option<Box<Layers>>,
        shared: Option<Box<Shared>>,
    ) -> Self {
        let now_ms = server.hub.now_ms();
        Self {
            over_http: opening.path().is_some(),
            core: Core::new(opening),
            variant: Arc::clone(variant),
            offer: RwLock::new(Offer::new(variant.newest(), layers)),
            shared,
            opening: AtomicBool::new(true),
            begun: AtomicBool::new(false),
            life: Mutex::new(Lifecycle::new(now_ms)),
            waiting: Waiting::default(),
            hub: Arc::clone(&server.hub),
            opened_ms: now_ms,
            heard_ms: AtomicU64::new(now_ms),
            look_ms: AtomicU64::new(0),
            server: Arc::downgrade(server),
            #[cfg(feature = "http")]
            stored: OnceLock::new(),
        }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// What is known of its record; `None` where it has none.
    #[cfg(feature = "http")]
    pub(crate) fn stored(&self) -> Option<&Stored> {
        self.stored.get().map(|stored| &**stored)
    }

    /// True when its record is, or will be, in the store.
    #[cfg(feature = "http")]
    pub(super) fn is_to_be_stored(&self) -> bool {
        let of_replica = || {
            self.server
                .upgrade()
                .is_some_and(|server| server.replica.is_some())
        };
        self.over_http && self.core.era() == Era::Handshake && of_replica()
    }

    /// From here on it is one copy of what its record says.
    #[cfg(feature = "http")]
    pub(crate) fn set_stored(&self, stored: Stored) {
        // What it numbers from here on, other processes number otherwise.
        let random = u64::from_be_bytes(random::bytes());
        let [questions, streams] = [random >> 12 & !0xf_ffff, random & 0x3fff_ffff];
        self.core
            .questions
            .begin_at(questions.try_into().unwrap_or(0));
        self.core.streams.begin_at(streams.try_into().unwrap_or(0));
        self.stored.set(Box::new(stored)).ok();
    }

    pub(crate) fn variant(&self) -> &Arc<Member> {
        &self.variant
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.blueprint().hooks
    }

    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    pub(crate) fn life(&self) -> &Mutex<Lifecycle> {
        &self.life
    }

    /// Takes a request's id while it runs; `None` while another one has it.
    pub(crate) fn begin(self: &Arc<Self>, id: &RequestId) -> Option<CallGuard> {
        self.begin_within(id, CancellationToken::new())
    }

    /// As [`begin`](Self::begin), for a request that this token cancels.
    pub(crate) fn begin_within(
        self: &Arc<Self>,
        id: &RequestId,
        token: CancellationToken,
    ) -> Option<CallGuard> {
        CallGuard::begin(Arc::clone(self) as _, id, token)
    }

    /// `on_open` begins, or there is none: from here on the end is told.
    pub(crate) fn begin_telling(&self) {
        self.begun.store(true, Ordering::Release);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// `on_open` is over: from here on the scope decides what can be edited.
    pub(crate) fn stop_opening(&self) {
        self.opening.store(false, Ordering::Release);
    }

    pub(crate) fn blueprint(&self) -> &Blueprint {
        self.variant.blueprint()
    }

    pub(crate) fn families(&self) -> Families {
        self.variant.families()
    }

    /// What makes it a principal's session; `None` for others.
    pub(crate) fn principals(&self) -> Option<&Shared> {
        self.shared.as_deref()
    }

    pub(crate) fn server(&self) -> Option<Server> {
        self.server.upgrade().map(Server::from_inner)
    }

    /// Counts messages of its client, on a byte stream.
    pub(crate) fn heard_messages(&self, messages: usize, bytes: usize) {
        self.core.traffic.heard(messages, bytes);
        self.heard();
        self.totals(|totals| totals.traffic.heard(messages, bytes));
    }

    /// Counts a message on its way to its client.
    pub(crate) fn told(&self, bytes: usize) {
        self.core.traffic.told(bytes);
        self.totals(|totals| totals.traffic.told(bytes));
    }

    /// Counts requests that are answered with errors.
    pub(crate) fn failed(&self, errors: usize) {
        if errors > 0 {
            self.core.traffic.failed(errors);
            self.totals(|totals| totals.traffic.failed(errors));
        }
    }

    /// Counts something for the whole server, while that is there.
    pub(crate) fn totals(&self, count: impl FnOnce(&Totals)) {
        if let Some(server) = self.server.upgrade() {
            count(&server.totals);
        }
    }

    pub(crate) fn is_over_http(&self) -> bool {
        self.over_http
    }

    /// It takes one of the server's places, and is looked after: it does not end with a byte
    /// stream or a request.
    pub(crate) fn has_place(&self) -> bool {
        self.over_http || self.shared.is_some()
    }

    /// Cancelled when a request of the stateless era is to stop because its session ends.
    pub(crate) fn cancellation(&self) -> CancellationToken {
        self.shared
            .as_ref()
            .map_or_else(CancellationToken::new, |shared| shared.cancellation())
    }

    /// Notes that something was heard of its client.
    pub(crate) fn heard(&self) {
        self.heard_ms.store(self.hub.now_ms(), Ordering::Relaxed);
    }

    /// For how long it lives, and since when nothing was heard of its client, in milliseconds.
    pub(crate) fn times(&self) -> (u64, u64) {
        let now_ms = self.hub.now_ms();
        let heard_ms = self.heard_ms.load(Ordering::Relaxed);
        (
            now_ms.saturating_sub(self.opened_ms),
            now_ms.saturating_sub(heard_ms),
        )
    }

    /// True when there may be something to do for it. All that is read of a session at rest.
    pub(crate) fn is_due(&self, now_ms: u64) -> bool {
        self.look_ms.load(Ordering::Relaxed) <= now_ms
    }

    /// Nobody need look after it before then, unless it is [stirred](Self::stir).
    pub(super) fn leave_until(&self, ms: u64) {
        self.look_ms.store(ms, Ordering::Relaxed);
    }

    /// Whoever looks after it next does not pass it by. Call it after what there is to find.
    pub(crate) fn stir(&self) {
        self.leave_until(0);
    }

    /// Nothing has to happen before it serves: there is no `on_open`, and no store to ask.
    pub(crate) fn opens_at_once(&self) -> bool {
        let recalls = self.principals().and_then(Shared::recalled).is_some();
        self.blueprint().on_open.is_none() && !recalls
    }

    /// True once `on_open` is over and has not refused.
    pub(crate) fn is_open(&self) -> bool {
        !self.opening.load(Ordering::Acquire)
    }

    /// Lets go of what its streams keep for too long, or too much of.
    pub(crate) fn trim(&self, limits: &Limits) {
        self.core
            .streams
            .trim(limits.session_replay_events, limits.session_replay_bytes);
    }

    /// Queues a notice on the session's standing stream.
    pub(crate) fn tell(self: &Arc<Self>, key: NoticeKey, frame: Frame) {
        if let Some(server) = self.server.upgrade() {
            let standing = self.core.streams.standing(server.limits.resumable());
            standing.push(Kind::Keyed(key), frame);
            self.stir();
            #[cfg(feature = "http")]
            self.said();
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("core", &self.core)
            .finish_non_exhaustive()
    }
}

impl Calling for Live {
    fn calls(&self) -> &Calls {
        &self.core.calls
    }
}

impl Host for Live {
    fn core(&self) -> &Core {
        &self.core
    }

    fn deps(&self) -> &Deps {
        &self.blueprint().deps
    }

    fn logs(&self) -> bool {
        self.blueprint().logging
    }
}

impl Session {
    pub(crate) fn new(live: Arc<Live>) -> Self {
        Self {
            live,
            request: None,
        }
    }

    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Announces now what waits for the end of a window.
    #[cfg(feature = "testing")]
    pub(crate) fn release_notices(&self) {
        if let Some(standing) = self.live.core.streams.standing_if_open() {
            standing.release();
        }
    }

    /// Its name. Treat it as a secret over HTTP, where it is the `Mcp-Session-Id`.
    pub fn id(&self) -> &SessionId {
        self.live.core.id()
    }

    /// The verified caller it belongs to; `None` for an anonymous one.
    pub fn principal(&self) -> Option<&Principal> {
        self.live.core.principal()
    }

    /// The variant of the template it was opened from.
    pub fn variant(&self) -> &str {
        self.live.variant.name()
    }

    /// What was known when it was opened: era, principal, URL, headers.
    ///
    /// A principal's session in the stateless era serves many requests and is the same for all of
    /// them, so it knows neither URL nor headers; look at [`Context::opening`].
    pub fn opening(&self) -> &Opening {
        self.live.core.opening()
    }

    /// What the client said of itself when it opened the session. In the stateless era that
    /// belongs to each request, so this is `None`; look at [`Context::client`].
    pub fn client(&self) -> Option<&Client> {
        match self.live.core.era() {
            Era::Handshake => self.live.core.client().map(|client| &**client),
            Era::Stateless => None,
        }
    }

    /// The roots the client named last; `None` before it did. Handshake sessions only.
    pub fn known_roots(&self) -> Option<Arc<[Root]>> {
        self.live.core.roots.known()
    }

    /// Changes what this session offers, and nothing else.
    ///
    /// All changes of the closure take effect together when it returns `Ok`, with one
    /// notification to this client per family that looks different; none when nothing does; and
    /// none of the changes are made when it returns an error. Do not edit the same session from
    /// within the closure: that would wait for itself.
    ///
    /// In the handshake era it works as long as the session lives. In the stateless era only
    /// `on_open` may edit, and later edits fail with an error that names the remedy: 2026-07-28
    /// does not let a list depend on earlier requests. What is the principal's is edited through
    /// [`Context::principal_scope`].
    ///
    /// # Errors
    ///
    /// What the closure returns; [`Error::is_ended`](crate::Error::is_ended) after the end of the
    /// session; [`Error::is_unkept`](crate::Error::is_unkept) where nothing could keep the edit.
    pub fn edit<R>(&self, edit: impl FnOnce(&mut Edit<'_>) -> Result<R>) -> Result<R> {
        let request = self.request.as_ref().and_then(Weak::upgrade);
        self.live.edit(request.as_ref(), edit)
    }

    /// Waits until all that was changed of this session so far is in the store, and no other process
    /// goes by what was before.
    ///
    /// A request that changes its session waits for this before it is answered; call it for changes
    /// that are made outside of requests. Without a [durable](crate::store::Store::is_durable) store
    /// there is nothing to wait for.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`](crate::Error::is_unavailable) when it could not be saved. The change
    /// is made here all the same, and saved with the next one, or when this is called again.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it is saved all the same.
    #[cfg(feature = "http")]
    pub async fn saved(&self) -> Result<()> {
        let saved = self.live.saved().await;
        saved.map_err(crate::error::Error::unavailable)
    }

    /// Tells this session's client that a resource has changed, if it subscribed to it.
    ///
    /// Handshake sessions only; [`Notifier::resource_updated`](crate::Notifier::resource_updated)
    /// reaches everybody, in both eras.
    pub fn resource_updated(&self, uri: &str) {
        if let Some(uri) = self.live.core.subscribed(uri)
            && self.live.serves(&uri)
        {
            let frame = resource_updated(&uri);
            self.live.tell(About::Resource(uri).into(), frame);
        }
    }

    /// Waits until the session has ended, and says why. Resolves once and stays resolved.
    ///
    /// This is about the session, not about a connection: a client that reconnects is in the same
    /// session.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn done(&self) -> EndReason {
        self.live.core.done().await
    }

    /// Where it is in its life.
    pub fn lifecycle(&self) -> SessionState {
        self.live.life().lock().state()
    }

    /// Why the session ended; `None` while it lives.
    pub fn end_reason(&self) -> Option<EndReason> {
        self.live.core.end_reason()
    }
}

/// The notification that a resource has changed.
pub(crate) fn resource_updated(uri: &str) -> Frame {
    #[derive(serde::Serialize)]
    struct Params<'a> {
        uri: &'a str,
    }
    Frame::notification(method::RESOURCES_UPDATED, &Params { uri })
}

impl PartialEq for Session {
    /// Two handles are equal when they are of the same live session.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.live, &other.live)
    }
}

impl Eq for Session {}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("era", &self.live.core.era())
            .field("principal", &self.principal())
            .finish_non_exhaustive()
    }
}

impl FromContext for Session {
    async fn from_context(ctx: &Context) -> Result<Self, ToolError> {
        Ok(ctx.session())
    }
}

impl Context {
    /// The live session that serves this request.
    #[expect(
        clippy::missing_panics_doc,
        reason = "no context is made without a session"
    )]
    pub fn session(&self) -> Session {
        let live = self.host::<Live>();
        Session {
            live: live.expect("every context is made for a live session"),
            request: Some(Arc::downgrade(self.call())),
        }
    }

    /// The server this request came to: to publish a revision, to notify others, to find other
    /// sessions. `None` while it is being dropped.
    pub fn server(&self) -> Option<Server> {
        self.session().live.server()
    }
}
