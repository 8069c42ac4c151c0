//! The callbacks that watch a session's life, and how they are run: one after the other, each for
//! a bounded time, outside of whatever caused them.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use parking_lot::{Mutex, MutexGuard};

use crate::clock;
use crate::error::BoxError;
use crate::server::{Live, Session, contained};
use crate::session::{Change, EndReason, SessionState};

type HookFuture = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
type OnClose = Arc<dyn Fn(Session, EndReason) -> HookFuture + Send + Sync>;
type OnStateChanged = Arc<dyn Fn(Session, SessionState, SessionState) -> HookFuture + Send + Sync>;
type OnMoment = Arc<dyn Fn(Session) -> HookFuture + Send + Sync>;
type OnError = Arc<dyn Fn(Session, Fault) -> HookFuture + Send + Sync>;

/// What waits for a session's hooks at most; what comes on top of it is dropped, the end excepted.
const WAITING: usize = 32;

/// Something of the program's own that went wrong in a session, told to `on_error`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Fault {
    place: String,
    error: Option<Arc<BoxError>>,
}

impl Fault {
    /// A panic in this place.
    pub(crate) fn panic(place: impl Into<String>) -> Self {
        let place = place.into();
        Self { place, error: None }
    }

    /// An error that this place returned.
    pub(crate) fn error_in(place: impl Into<String>, error: BoxError) -> Self {
        let (place, error) = (place.into(), Some(Arc::new(error)));
        Self { place, error }
    }

    /// Where it went wrong: the method of the request, or the name of the hook.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What was returned; `None` for a panic, whose message went to the panic hook.
    pub fn error(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.error.as_deref().map(|error| &**error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => write!(f, "{}: {error}", self.place),
            None => write!(f, "{}: panicked", self.place),
        }
    }
}

/// The hooks of a template that watch its sessions.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) on_close: Option<OnClose>,
    pub(crate) on_state_changed: Option<OnStateChanged>,
    pub(crate) on_park: Option<OnMoment>,
    pub(crate) on_resume: Option<OnMoment>,
    pub(crate) on_error: Option<OnError>,
}

/// Something a session's hooks are told.
#[derive(Debug)]
pub(crate) enum Fact {
    Changed(SessionState, SessionState),
    Parked,
    Resumed,
    Failed(Fault),
    Closed(EndReason),
}

/// What a session's hooks are still to be told, in order.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Made with the first fact that a hook wants to hear.
    // Held for a queue operation only, never across an await.
    queue: OnceLock<Box<Mutex<Queue>>>,
}

impl Waiting {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.get_or_init(Box::default).lock()
    }
}

#[derive(Debug, Default)]
struct Queue {
    facts: VecDeque<Fact>,
    /// A task is telling them.
    told: bool,
    /// The end is among them, or was told.
    over: bool,
}

impl Hooks {
    fn hear(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Changed(..) => self.on_state_changed.is_some(),
            Fact::Parked => self.on_park.is_some(),
            Fact::Resumed => self.on_resume.is_some(),
            Fact::Failed(_) => self.on_error.is_some(),
            Fact::Closed(_) => self.on_close.is_some(),
        }
    }

    fn start(&self, session: Session, fact: Fact) -> Option<HookFuture> {
        match fact {
            Fact::Changed(from, to) => {
                let hook = self.on_state_changed.as_ref();
                hook.map(|hook| hook(session, from, to))
            }
            Fact::Parked => self.on_park.as_ref().map(|hook| hook(session)),
            Fact::Resumed => self.on_resume.as_ref().map(|hook| hook(session)),
            Fact::Failed(fault) => self.on_error.as_ref().map(|hook| hook(session, fault)),
            Fact::Closed(reason) => self.on_close.as_ref().map(|hook| hook(session, reason)),
        }
    }
}

impl Fact {
    fn hook(&self) -> &'static str {
        match self {
            Self::Changed(..) => "on_state_changed",
            Self::Parked => "on_park",
            Self::Resumed => "on_resume",
            Self::Failed(_) => "on_error",
            Self::Closed(_) => "on_close",
        }
    }

    /// What a change of state means beyond itself.
    pub(crate) fn of(change: Change) -> impl Iterator<Item = Self> {
        let more = match (change.from, change.to) {
            (_, SessionState::Parked) => Some(Self::Parked),
            (SessionState::Parked, SessionState::Active) => Some(Self::Resumed),
            _ => None,
        };
        std::iter::once(Self::Changed(change.from, change.to)).chain(more)
    }
}

impl Live {
    /// Has the template's hooks told of something, after what they are still to be told. False
    /// where nobody wants to hear of it, or nothing can run.
    pub(crate) fn tell_hooks(self: &Arc<Self>, fact: Fact) -> bool {
        self.queue_fact(fact) && self.tell_queued()
    }

    /// Queues something that hooks are told by [`tell_queued`](Self::tell_queued). False where
    /// nobody wants to hear of it.
    pub(crate) fn queue_fact(&self, fact: Fact) -> bool {
        if !self.hooks().hear(&fact) {
            return false;
        }
        let mut queue = self.waiting().queue();
        let last = matches!(fact, Fact::Closed(_));
        // Nothing is told behind the end.
        if queue.over || (queue.facts.len() >= WAITING && !last) {
            drop(queue);
            tracing::warn!(hook = fact.hook(), "a hook is left out");
            return true;
        }
        queue.over = last;
        queue.facts.push_back(fact);
        true
    }

    /// Tells what is queued, unless that is being done; false where nothing can run.
    pub(crate) fn tell_queued(self: &Arc<Self>) -> bool {
        let Some(queue) = self.waiting().queue.get() else {
            return true;
        };
        let mut queue = queue.lock();
        if queue.told || queue.facts.is_empty() {
            return true;
        }
        queue.told = true;
        drop(queue);
        let telling = Telling {
            live: Arc::clone(self),
            closing: false,
        };
        let spawned = self.hub().spawn(async move { telling.run().await });
        if !spawned {
            tracing::error!("there is no runtime to run hooks in");
        }
        spawned
    }
}

/// A task that tells hooks; should it be dropped with its runtime, the session is cleared away
/// all the same.
struct Telling {
    live: Arc<Live>,
    /// The end is being told.
    closing: bool,
}

impl Telling {
    async fn run(mut self) {
        let live = Arc::clone(&self.live);
        loop {
            let next = {
                let mut queue = live.waiting().queue();
                let next = queue.facts.pop_front();
                queue.told = next.is_some();
                next
            };
            match next {
                None => return,
                Some(fact @ Fact::Closed(_)) => {
                    self.closing = true;
                    // Cancelled calls are gone before the end is told, if they go in time.
                    clock::within(live.hub().patience, live.left_alone()).await;
                    run(&live, fact).await;
                    live.cleared();
                }
                Some(fact) => run(&live, fact).await,
            }
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let left = {
            let mut queue = self.live.waiting().queue();
            queue.told = false;
            std::mem::take(&mut queue.facts)
        };
        let untold = left.iter().any(|fact| matches!(fact, Fact::Closed(_)));
        if untold {
            tracing::error!("the runtime is gone: `on_close` was not run");
        }
        if untold || self.closing {
            self.live.cleared();
        }
    }
}

/// Runs one hook for as long as it may.
pub(super) async fn run(live: &Arc<Live>, fact: Fact) {
    let (session, name) = (Session::new(Arc::clone(live)), fact.hook());
    let of_fault = matches!(fact, Fact::Failed(_));
    let blueprint = Arc::clone(live.variant().blueprint());
    let hook = contained(async move {
        match blueprint.hooks.start(session, fact) {
            Some(hook) => hook.await,
            None => Ok(()),
        }
    });
    let fault = match clock::within(live.hub().patience, hook).await {
        Some(Some(Ok(()))) => return,
        Some(Some(Err(error))) => {
            tracing::warn!(hook = name, error = &*error, "a hook failed");
            Fault::error_in(name, error)
        }
        Some(None) => {
            tracing::error!(hook = name, "a hook panicked");
            Fault::panic(name)
        }
        None => {
            tracing::error!(hook = name, "a hook took too long, and was dropped");
            return;
        }
    };
    // `on_error` is not told of its own faults, nor of any behind the end.
    if !of_fault && live.core().end_reason().is_none() {
        live.tell_hooks(Fact::Failed(fault));
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("on_close", &self.on_close.is_some())
            .finish_non_exhaustive()
    }
}
