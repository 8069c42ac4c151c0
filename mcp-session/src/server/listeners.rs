//! Open `subscriptions/listen` streams (2026-07-28, "Subscriptions").

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use serde::Serialize;

use crate::auth::Principal;
use crate::catalog::{Catalog, Families, Family, Overlay};
use crate::protocol::wire::{Shape, Shaped};
use crate::protocol::{
    EmptyResult, Frame, Meta, Payload, RequestId, SubscriptionFilter, meta, method,
};
use crate::server::offer::{list_changed, served};
use crate::server::{Farewell, Limits, Live, ServerInner};
use crate::session::{About, Kind, NoticeKey, Outbox};

/// The open streams of one server.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    // Held for map operations only, never across an await; streams are told outside.
    table: Mutex<Table>,
    opened: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u64, Arc<Listener>>,
    /// How many of them each principal has.
    by_principal: HashMap<Principal, usize>,
}

impl Table {
    /// Enters a stream; false where there are too many.
    fn enter(&mut self, number: u64, listener: &Arc<Listener>, limits: &Limits) -> bool {
        if self.open.len() >= limits.listens {
            return false;
        }
        if let Some(principal) = listener.live.core().principal() {
            let own = self.by_principal.entry(principal.clone()).or_default();
            if *own >= limits.listens_per_principal {
                return false;
            }
            *own += 1;
        }
        self.open.insert(number, Arc::clone(listener));
        true
    }

    fn leave(&mut self, number: u64) -> Option<Arc<Listener>> {
        let listener = self.open.remove(&number)?;
        if let Some(principal) = listener.live.core().principal()
            && let Entry::Occupied(mut own) = self.by_principal.entry(principal.clone())
        {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
        Some(listener)
    }
}

/// What a stream was granted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subscription {
    families: Families,
    resources: BTreeSet<Arc<str>>,
}

/// One open stream.
pub(crate) struct Listener {
    id: RequestId,
    live: Arc<Live>,
    /// What its client was told of last.
    // Held to compare and replace it, never across an await.
    seen: Mutex<(Catalog, Overlay)>,
    granted: Subscription,
    outlet: Arc<Outbox>,
    shape: Shape,
    over: Over,
    // Held to queue one notice, never across an await: nothing follows the closing result.
    closed: Mutex<bool>,
}

/// What a stream goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Http,
    ByteStream,
}

/// Keeps a stream registered; dropping it ends the subscription.
pub(crate) struct Listening {
    number: u64,
    server: Weak<ServerInner>,
    listener: Arc<Listener>,
}

impl Subscription {
    /// What of a wish can be honoured: lists of declared families, and resources if any are
    /// declared.
    pub(crate) fn grant(wish: &SubscriptionFilter, declared: Families) -> Self {
        let lists = [
            (Family::Tools, wish.tools_list_changed),
            (Family::Prompts, wish.prompts_list_changed),
            (Family::Resources, wish.resources_list_changed),
        ];
        let granted = lists
            .into_iter()
            .filter(|(family, wished)| *wished && declared.has(*family));
        let families = granted.fold(Families::default(), |all, (family, _)| all.with(family));
        let resources = if declared.has(Family::Resources) {
            wish.resource_subscriptions
                .iter()
                .map(|uri| uri.as_str().into())
                .collect()
        } else {
            BTreeSet::new()
        };
        Self {
            families,
            resources,
        }
    }

    /// True when there is nothing to wait for.
    pub(crate) fn is_empty(&self) -> bool {
        self.families.is_empty() && self.resources.is_empty()
    }

    fn acknowledged(&self) -> SubscriptionFilter {
        SubscriptionFilter {
            tools_list_changed: self.families.has(Family::Tools),
            prompts_list_changed: self.families.has(Family::Prompts),
            resources_list_changed: self.families.has(Family::Resources),
            resource_subscriptions: self.resources.iter().map(|uri| (&**uri).into()).collect(),
        }
    }
}

impl Listener {
    pub(crate) fn new(
        id: RequestId,
        live: Arc<Live>,
        granted: Subscription,
        outlet: Arc<Outbox>,
        shape: Shape,
    ) -> Self {
        let seen = live.with_view(|catalog, overlay| (catalog.clone(), overlay.clone()));
        Self {
            id,
            live,
            seen: Mutex::new(seen),
            granted,
            outlet,
            shape,
            over: Over::ByteStream,
            closed: Mutex::new(false),
        }
    }

    /// Says what it goes over, where that is no byte stream.
    pub(crate) fn over(self, over: Over) -> Self {
        Self { over, ..self }
    }

    /// Sends what comes before everything else.
    fn acknowledge(&self) {
        #[derive(Serialize)]
        struct Params {
            #[serde(rename = "_meta")]
            meta: Tag,
            notifications: SubscriptionFilter,
        }
        let params = Params {
            meta: self.tag(),
            notifications: self.granted.acknowledged(),
        };
        let frame = Frame::notification(method::SUBSCRIPTIONS_ACKNOWLEDGED, &params);
        // Not a notice: it must never be dropped, and nothing replaces it.
        self.outlet.push(Kind::Request, frame);
    }

    fn closing(&self) -> Payload {
        let mut tag = Meta::default();
        let id = serde_json::to_value(&self.id).unwrap_or_default();
        tag.insert(meta::SUBSCRIPTION_ID.to_owned(), id);
        EmptyResult::new().meta(tag).shape(&self.shape)
    }

    fn list_changed(&self, family: Family) {
        #[derive(Serialize)]
        struct Params {
            #[serde(rename = "_meta")]
            meta: Tag,
        }
        if let Some((about, method)) = list_changed(family)
            && self.granted.families.has(family)
        {
            self.notice(
                about,
                Frame::notification(method, &Params { meta: self.tag() }),
            );
        }
    }

    fn resource_updated(&self, uri: &str) {
        #[derive(Serialize)]
        struct Params<'a> {
            #[serde(rename = "_meta")]
            meta: Tag,
            uri: &'a str,
        }
        if let Some(uri) = self.granted.resources.get(uri)
            && self.serves(uri)
        {
            let params = Params {
                meta: self.tag(),
                uri,
            };
            let frame = Frame::notification(method::RESOURCES_UPDATED, &params);
            self.notice(About::Resource(Arc::clone(uri)), frame);
        }
    }

    /// True when its client could read the resource: nothing is told of what is hidden. By the
    /// newest revision, since that is what the client's next request sees.
    fn serves(&self, uri: &str) -> bool {
        let (catalog, overlay) = &*self.seen.lock();
        served(catalog, overlay, uri).is_some()
    }

    fn notice(&self, about: About, frame: Frame) {
        let key = NoticeKey {
            about,
            subscription: Some(self.id.clone()),
        };
        let closed = self.closed.lock();
        if !*closed {
            self.outlet.push(Kind::Keyed(key), frame);
        }
    }

    /// From here on nothing is said; what waits to be said goes out now, or never if nobody wants
    /// to hear it any more.
    fn close(&self, wanted: bool) {
        let mut closed = self.closed.lock();
        if !std::mem::replace(&mut *closed, true) {
            if wanted {
                self.outlet.release();
            } else {
                self.outlet.forget(&self.id);
            }
        }
    }

    fn tag(&self) -> Tag {
        Tag {
            subscription: self.id.clone(),
        }
    }

    /// Tells of what looks different to its client since it was told last.
    fn refresh(&self) {
        if self.live.core().end_reason().is_some() {
            return;
        }
        let mut seen = self.seen.lock();
        // Under the lock, so that of two who refresh the later sees no older state.
        let (catalog, overlay) = self.live.upcoming();
        let changed = seen.0.changed_families(&seen.1, &catalog, &overlay);
        let replaced = std::mem::replace(&mut *seen, (catalog, overlay));
        drop(seen);
        drop(replaced);
        changed
            .into_iter()
            .for_each(|family| self.list_changed(family));
    }
}

/// The `_meta` that says which stream a message belongs to.
#[derive(Serialize)]
struct Tag {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: RequestId,
}

impl Listeners {
    /// Opens a stream: acknowledges first, then registers, so that nothing comes before the
    /// acknowledgement and nothing in between is lost. `None` where too many are open.
    pub(crate) fn open(&self, server: &Arc<ServerInner>, listener: Listener) -> Option<Listening> {
        let listener = Arc::new(listener);
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let mut table = self.table.lock();
        if !table.enter(number, &listener, &server.limits) {
            return None;
        }
        // Under the lock: whoever tells finds the stream only once it is acknowledged.
        listener.acknowledge();
        drop(table);
        // What has changed between the opening of the session and now.
        listener.refresh();
        Some(Listening {
            number,
            server: Arc::downgrade(server),
            listener,
        })
    }

    /// Tells the streams of these sessions of what looks different to their clients.
    pub(crate) fn refresh(&self, of: impl Fn(&Arc<Live>) -> bool) {
        self.each(|listener| of(&listener.live), Listener::refresh);
    }

    /// Tells everybody, or one principal only, that a resource has changed.
    pub(crate) fn resource_updated(&self, uri: &str, only: Option<&Principal>) {
        self.each(
            |listener| {
                listener.granted.resources.contains(uri)
                    && (only.is_none() || listener.live.core().principal() == only)
            },
            |listener| listener.resource_updated(uri),
        );
    }

    /// Tells whoever it concerns of a resource that another process saw change: those whose URIs
    /// and principals are the ones that are meant.
    #[cfg(feature = "http")]
    pub(crate) fn resource_updated_elsewhere(
        &self,
        is_it: impl Fn(&str) -> bool,
        concerns: impl Fn(Option<&Principal>) -> bool,
    ) {
        let meant = |listener: &Listener| {
            let uris = listener.granted.resources.iter();
            uris.filter(|uri| is_it(uri)).cloned().collect::<Vec<_>>()
        };
        self.each(
            |listener| concerns(listener.live.core().principal()),
            |listener| {
                for uri in meant(listener) {
                    listener.resource_updated(&uri);
                }
            },
        );
    }

    /// How many streams are open.
    pub(crate) fn len(&self) -> usize {
        self.table.lock().open.len()
    }

    fn each(&self, of: impl Fn(&Listener) -> bool, tell: impl Fn(&Listener)) {
        let table = self.table.lock();
        let concerned: Vec<_> = table.open.values().filter(|one| of(one)).cloned().collect();
        drop(table);
        concerned.iter().for_each(|listener| tell(listener));
    }
}

impl Listening {
    /// The subscription ends from this side. Announces it over a byte stream: "a server MUST send
    /// `notifications/cancelled`" (2026-07-28, "Cancellation"); over HTTP its stream closes. False
    /// where no result shall follow.
    pub(crate) fn tear_down(&self, farewell: Farewell) -> bool {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Params<'a> {
            request_id: &'a RequestId,
            reason: &'static str,
        }
        let listener = &self.listener;
        listener.close(true);
        if listener.over == Over::Http {
            return true;
        }
        if farewell.cancels() {
            let params = Params {
                request_id: &listener.id,
                reason: "the server is closing",
            };
            let frame = Frame::notification(method::CANCELLED, &params);
            // Not a notice: it must never be dropped.
            listener.outlet.push(Kind::Request, frame);
        }
        farewell.answers()
    }

    /// The result that ends the stream from this side.
    pub(crate) fn closing(&self) -> Payload {
        self.listener.closing()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.listener.close(false);
        if let Some(server) = self.server.upgrade() {
            let left = server.listeners.table.lock().leave(self.number);
            drop(left);
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listener.fmt(f)
    }
}
