//! A live session: one conversation, and the template through its own overlay.

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
use crate::catalog::{
    Catalog, CheckedResource, CheckedTemplate, Edit, Families, Family, Overlay, Patch, Rebase,
    UriVariables, View,
};
use crate::context::{Call, Context, Deps, FromContext, Host};
use crate::error::{Error, Result, ToolError};
use crate::protocol::{Era, Frame, RequestId, Root, method};
use crate::server::hooks::{Hooks, Waiting};
use crate::server::hub::Hub;
use crate::server::principal::Shared;
use crate::server::template::{Blueprint, Revision};
use crate::server::variant::Member;
use crate::server::{Limits, Server, ServerInner, Totals};
use crate::session::{
    About, CallGuard, Calling, Calls, Client, Core, EndReason, Kind, Lifecycle, NoticeKey, Opening,
    SessionId, SessionState,
};

/// What a scope that ends with its request cannot keep, and what can.
const REQUEST_SCOPE: &str = "a stateless request's session ends with the request; edit in `on_open`, \
     publish a new revision of the template, authenticate callers and edit what is the principal's, \
     or let the client use a handshake session";

/// What nobody may change as if in passing, and how to change it on purpose.
const PRINCIPAL_SCOPE: &str = "in the stateless era a principal's session is edited in `on_open` only; \
     `ctx.principal_scope()?.edit(..)` changes durably what this principal is offered";

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
    offer: RwLock<Offer>,
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
    server: Weak<ServerInner>,
    /// It is found by its id, and outlives connections.
    over_http: bool,
}

/// What a session offers.
struct Offer {
    revision: Arc<Revision>,
    overlay: Overlay,
    /// What the overlay of a principal's session is made of.
    layers: Option<Box<Layers>>,
}

/// Laid over each other, these are the overlay of a principal's session, over any revision.
struct Layers {
    durable: Arc<Patch>,
    opened: Patch,
}

impl Offer {
    /// Makes the overlay anew from its layers, over another revision.
    fn relay(&mut self, revision: Arc<Revision>) -> Option<Overlay> {
        let layers = self.layers.as_ref()?;
        let mut overlay = Overlay::default();
        layers.durable.lay(&mut overlay, &revision.catalog);
        layers.opened.lay(&mut overlay, &revision.catalog);
        self.revision = revision;
        Some(std::mem::replace(&mut self.overlay, overlay))
    }
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
    ) -> Arc<Self> {
        let opened = Patch::default();
        let layers = Box::new(Layers { durable, opened });
        let shared = Some(Box::default());
        let live = Self::with(opening, variant, server, Some(layers), shared);
        live.renew(None);
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
        let offer = Offer {
            revision: variant.newest(),
            overlay: Overlay::default(),
            layers,
        };
        Self {
            over_http: opening.path().is_some(),
            core: Core::new(opening),
            variant: Arc::clone(variant),
            offer: RwLock::new(offer),
            shared,
            opening: AtomicBool::new(true),
            begun: AtomicBool::new(false),
            life: Mutex::new(Lifecycle::new(now_ms)),
            waiting: Waiting::default(),
            hub: Arc::clone(&server.hub),
            opened_ms: now_ms,
            heard_ms: AtomicU64::new(now_ms),
            server: Arc::downgrade(server),
        }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
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

    /// Looks at what the session offers.
    pub(crate) fn with_view<R>(&self, look: impl FnOnce(&Catalog, &Overlay) -> R) -> R {
        let offer = self.offer.read();
        look(&offer.revision.catalog, &offer.overlay)
    }

    /// What makes it a principal's session; `None` for others.
    pub(crate) fn principals(&self) -> Option<&Shared> {
        self.shared.as_deref()
    }

    /// What the next stateless request of this client will be offered: the newest revision under
    /// the same changes.
    pub(crate) fn upcoming(&self) -> (Catalog, Overlay) {
        let offer = self.offer.read();
        let newest = self.variant.newest();
        if Arc::ptr_eq(&newest, &offer.revision) {
            return (newest.catalog.clone(), offer.overlay.clone());
        }
        let old = &offer.revision.catalog;
        let overlay = offer.overlay.onto(old, &newest.catalog, Rebase::KeepOwn);
        (newest.catalog.clone(), overlay)
    }

    /// True when the newest revision is the one it offers.
    pub(crate) fn is_current(&self) -> bool {
        Arc::ptr_eq(&self.offer.read().revision, &self.variant.newest())
    }

    /// Brings a principal's session to the newest revision, and to the durable changes as they
    /// are now.
    pub(crate) fn renew(&self, durable: Option<Arc<Patch>>) {
        let mut offer = self.offer.write();
        if self.core.end_reason().is_some() {
            return;
        }
        if let (Some(layers), Some(durable)) = (&mut offer.layers, durable) {
            layers.durable = durable;
        }
        // Under the lock, so that of two who renew none brings back what was older.
        let newest = self.variant.newest();
        let replaced = offer.relay(newest);
        drop(offer);
        // Outside the lock: what goes with it is the user's.
        drop(replaced);
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

    /// True once `on_open` is over and has not refused.
    pub(crate) fn is_open(&self) -> bool {
        !self.opening.load(Ordering::Acquire)
    }

    /// Moves to the newest revision with what was changed, and tells the client if that looks
    /// different. False when it is there already, or has ended.
    pub(crate) fn rebase(&self, policy: Rebase) -> bool {
        let mut offer = self.offer.write();
        let newest = self.variant.newest();
        if self.core.end_reason().is_some() || Arc::ptr_eq(&newest, &offer.revision) {
            return false;
        }
        let (old, new) = (&offer.revision.catalog, &newest.catalog);
        let overlay = offer.overlay.onto(old, new, policy);
        let families = old.changed_families(&offer.overlay, new, &overlay);
        let replaced = std::mem::replace(&mut offer.overlay, overlay);
        let left = std::mem::replace(&mut offer.revision, newest);
        drop(offer);
        // Outside the lock: what goes with them is the user's.
        drop((replaced, left));
        self.announce(None, &families);
        true
    }

    fn edit<R>(
        &self,
        request: Option<&Call>,
        edit: impl FnOnce(&mut Edit<'_>) -> Result<R>,
    ) -> Result<R> {
        if self.core.era() == Era::Stateless && !self.opening.load(Ordering::Acquire) {
            let remedy = match self.shared {
                Some(_) => PRINCIPAL_SCOPE,
                None => REQUEST_SCOPE,
            };
            return Err(Error::unkept("this edit", remedy));
        }
        let mut offer = self.offer.write();
        // Under the lock, so that nothing is added behind the end.
        if self.core.end_reason().is_some() {
            return Err(Error::ended());
        }
        let catalog = &offer.revision.catalog;
        let mut editing = Edit::new(catalog, &self.blueprint().deps, offer.overlay.clone());
        let done = edit(&mut editing)?;
        let (changed, patch) = editing.into_parts();
        let families = catalog.changed_families(&changed, catalog, &offer.overlay);
        let replaced = std::mem::replace(&mut offer.overlay, changed);
        if let Some(layers) = &mut offer.layers {
            layers.opened.extend(patch);
        }
        drop(offer);
        // Outside the lock: what goes with it is the user's, and may look at the session.
        drop(replaced);
        self.announce(request, &families);
        Ok(done)
    }

    /// True when a client of this session could read a resource of this URI.
    pub(crate) fn serves(&self, uri: &str) -> bool {
        self.with_view(|catalog, overlay| served(catalog, overlay, uri).is_some())
    }

    /// Lets go of what the session changed: a tool of its own may hold the session it belongs to.
    pub(crate) fn forget_changes(&self) {
        let mut offer = self.offer.write();
        let changed = (std::mem::take(&mut offer.overlay), offer.layers.take());
        drop(offer);
        drop(changed);
    }

    /// Tells the client that lists changed, once per family, if it can have seen any.
    ///
    /// Over HTTP, a client that listens to no stream of the session's hears it on the stream of
    /// the request that made the change.
    fn announce(&self, request: Option<&Call>, families: &[Family]) {
        // An edit in `on_open` comes before the first list, however early the client is known.
        if self.core.client().is_none() || self.opening.load(Ordering::Acquire) {
            return;
        }
        for family in families {
            let Some((about, method)) = list_changed(*family) else {
                continue;
            };
            let frame = Frame::bare_notification(method);
            let own = request.filter(|_| self.over_http && !self.is_listened_to());
            let key = || Kind::Keyed(about.clone().into());
            if !own.is_some_and(|call| call.now().try_say(key(), &frame)) {
                self.tell(about.into(), frame);
            }
        }
    }

    /// True while somebody reads the standing stream.
    fn is_listened_to(&self) -> bool {
        let standing = self.core.streams.standing_if_open();
        standing.is_some_and(|standing| standing.is_connected())
    }

    /// Lets go of what its streams keep for too long, or too much of.
    pub(crate) fn trim(&self, limits: &Limits) {
        self.core
            .streams
            .trim(limits.session_replay_events, limits.session_replay_bytes);
    }

    /// Queues a notice on the session's standing stream.
    pub(crate) fn tell(&self, key: NoticeKey, frame: Frame) {
        if let Some(server) = self.server.upgrade() {
            let standing = self.core.streams.standing(server.limits.resumable());
            standing.push(Kind::Keyed(key), frame);
        }
    }
}

/// What serves a URI.
pub(crate) enum Served<'a> {
    Resource(&'a CheckedResource),
    Template(&'a CheckedTemplate, UriVariables),
}

/// A resource of this URI, or the first resource template that matches it; nothing when the
/// session hid the resource.
pub(crate) fn served<'a>(
    catalog: &'a Catalog,
    overlay: &'a Overlay,
    uri: &str,
) -> Option<Served<'a>> {
    let resources = View::new(&*catalog.resources, &overlay.resources);
    if let Some(resource) = resources.find(uri) {
        return Some(Served::Resource(resource));
    }
    if resources.hides(uri) {
        return None;
    }
    View::new(&*catalog.templates, &overlay.templates)
        .iter()
        .find_map(|template| {
            let variables = template.uris().matches(uri)?;
            Some(Served::Template(template, variables))
        })
}

/// How a change of a family is announced; `None` for completions, which are not listed.
pub(crate) fn list_changed(family: Family) -> Option<(About, &'static str)> {
    match family {
        Family::Tools => Some((About::Tools, method::TOOLS_LIST_CHANGED)),
        Family::Prompts => Some((About::Prompts, method::PROMPTS_LIST_CHANGED)),
        Family::Resources => Some((About::Resources, method::RESOURCES_LIST_CHANGED)),
        Family::Completions => None,
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
    /// What the closure returns; [`Error::is_ended`] after the end of the session;
    /// [`Error::is_unkept`] where nothing could keep the edit.
    pub fn edit<R>(&self, edit: impl FnOnce(&mut Edit<'_>) -> Result<R>) -> Result<R> {
        let request = self.request.as_ref().and_then(Weak::upgrade);
        self.live.edit(request.as_deref(), edit)
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
