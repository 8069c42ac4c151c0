//! Everything of a session that is about the conversation and not about what is offered.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use parking_lot::Mutex;

use crate::auth::Principal;
use crate::protocol::{Era, LogLevel};
use crate::session::ended::Ended;
use crate::session::questions::Questions;
use crate::session::streams::Streams;
use crate::session::{Calls, Client, Counters, EndReason, Opening, Roots, SessionId};
use crate::store::Kept;

/// One conversation.
#[derive(Debug)]
pub(crate) struct Core {
    /// Made when first asked for: the session of one stateless request rarely needs a name.
    id: OnceLock<SessionId>,
    opening: Opening,
    /// Set once: by `initialize`, or by the request itself in the stateless era.
    client: OnceLock<Arc<Client>>,
    /// The handshake is complete: the client has sent `notifications/initialized`.
    initialized: AtomicBool,
    /// The handshake era's minimum level, as [`LogLevel`]'s number.
    log_level: AtomicU8,
    pub(crate) calls: Calls,
    pub(crate) questions: Questions,
    pub(crate) streams: Streams,
    pub(crate) roots: Roots,
    pub(crate) traffic: Counters,
    /// What is kept of it in the store: set by the first use, or as nothing by its end.
    pub(crate) kept: OnceLock<Option<Arc<Kept>>>,
    /// Made with the first one: most clients subscribe to nothing.
    // Held for a set operation only, never across an await.
    subscriptions: OnceLock<Box<Mutex<BTreeSet<Arc<str>>>>>,
    pub(crate) ended: Ended,
}

impl Core {
    pub(crate) fn new(opening: Opening) -> Self {
        Self {
            id: OnceLock::new(),
            opening,
            client: OnceLock::new(),
            initialized: AtomicBool::new(false),
            log_level: AtomicU8::new(LogLevel::Info as u8),
            calls: Calls::default(),
            questions: Questions::default(),
            streams: Streams::default(),
            roots: Roots::default(),
            traffic: Counters::default(),
            kept: OnceLock::new(),
            subscriptions: OnceLock::new(),
            ended: Ended::default(),
        }
    }

    /// Gives it the name it had elsewhere. Call it before anybody asks for its name.
    #[cfg(feature = "http")]
    pub(crate) fn name(&self, id: SessionId) {
        self.id.set(id).ok();
    }

    pub(crate) fn id(&self) -> &SessionId {
        self.id.get_or_init(SessionId::random)
    }

    pub(crate) fn era(&self) -> Era {
        self.opening.era()
    }

    pub(crate) fn opening(&self) -> &Opening {
        &self.opening
    }

    pub(crate) fn principal(&self) -> Option<&Principal> {
        self.opening.principal()
    }

    /// What the client said of itself, once it has.
    pub(crate) fn client(&self) -> Option<&Arc<Client>> {
        self.client.get()
    }

    /// Takes what the client says of itself; false when it had said so before.
    pub(crate) fn introduce(&self, client: Arc<Client>) -> bool {
        self.client.set(client).is_ok()
    }

    /// Marks the handshake complete; false when it was already.
    pub(crate) fn initialized(&self) -> bool {
        !self.initialized.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn log_level(&self) -> LogLevel {
        LogLevel::ALL[usize::from(self.log_level.load(Ordering::Relaxed)) % LogLevel::ALL.len()]
    }

    pub(crate) fn set_log_level(&self, level: LogLevel) {
        self.log_level.store(level as u8, Ordering::Relaxed);
    }

    /// Takes what a client told another process, unless it has told this one something else since
    /// `before`.
    #[cfg(feature = "http")]
    pub(crate) fn learn_log_level(&self, before: LogLevel, level: LogLevel) {
        let order = Ordering::Relaxed;
        let known = &self.log_level;
        // Where it fails, what was said here counts.
        known
            .compare_exchange(before as u8, level as u8, order, order)
            .ok();
    }

    /// Remembers that the client wants to hear of this resource; false when it did already.
    pub(crate) fn subscribe(&self, uri: &str) -> bool {
        let subscriptions = self.subscriptions.get_or_init(Box::default);
        subscriptions.lock().insert(uri.into())
    }

    pub(crate) fn unsubscribe(&self, uri: &str) -> bool {
        let subscriptions = self.subscriptions.get();
        subscriptions.is_some_and(|uris| uris.lock().remove(uri))
    }

    pub(crate) fn subscription_count(&self) -> usize {
        let subscriptions = self.subscriptions.get();
        subscriptions.map_or(0, |uris| uris.lock().len())
    }

    /// The resources that the client wants to hear of.
    #[cfg(feature = "http")]
    pub(crate) fn subscriptions(&self) -> BTreeSet<Arc<str>> {
        let subscriptions = self.subscriptions.get();
        subscriptions.map_or_else(BTreeSet::new, |uris| uris.lock().clone())
    }

    /// The shared name of the resource, if the client wants to hear of it.
    pub(crate) fn subscribed(&self, uri: &str) -> Option<Arc<str>> {
        self.subscriptions.get()?.lock().get(uri).cloned()
    }

    /// Marks this session's event ids, without giving its id away.
    #[cfg(feature = "http")]
    pub(crate) fn tag(&self) -> u64 {
        self.id().tag().0
    }

    /// Ends the conversation: what runs is cancelled, questions fail, streams end, whoever waits
    /// for the end is woken. False when it had ended already.
    pub(crate) fn end(&self, reason: EndReason) -> bool {
        if !self.ended.set(reason) {
            return false;
        }
        self.calls.cancel_all();
        self.questions.close();
        self.streams.end();
        true
    }

    pub(crate) fn end_reason(&self) -> Option<EndReason> {
        self.ended.reason()
    }

    /// Waits for the end. Cancel safe.
    pub(crate) async fn done(&self) -> EndReason {
        self.ended.wait().await
    }
}
