//! One request in flight: what it said, where its messages go, whether it is still wanted.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;

use crate::auth::Granted;
use crate::context::progress::Steps;
use crate::context::{Cancel, Host};
use crate::peer::exchange::Exchange;
use crate::protocol::{ByteStr, Era, Frame, LogLevel, Preamble, Raw, RequestId, RequestMeta};
use crate::session::{Client, Kind, Opening, Outbox};
use crate::store::Scratch;

/// What a request brings.
pub(crate) struct CallParts {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) id: RequestId,
    pub(crate) method: ByteStr,
    pub(crate) client: Arc<Client>,
    pub(crate) meta: Preamble,
    /// Where messages about this request go.
    pub(crate) outlet: Arc<Outbox>,
    pub(crate) cancel: Cancel,
    /// What it is about, where its result may ask (2026-07-28, "Multi Round-Trip Requests").
    pub(crate) subject: Option<Subject>,
    /// Answers to questions an earlier round asked.
    pub(crate) input_responses: Option<Raw>,
    /// What the handler itself gave along with its questions.
    pub(crate) request_state: Option<String>,
    /// What the caller may do.
    pub(crate) granted: Granted,
    /// What is known of this request, where its session serves others as well.
    pub(crate) opening: Option<Opening>,
    /// How long a question to the client may take.
    pub(crate) patience: Duration,
}

/// What a request is about whose result may ask: a retry is of the same.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// The tool, the prompt, the URI.
    pub(crate) name: ByteStr,
    pub(crate) arguments: Option<Raw>,
    /// Answers are good without the state that went along with their questions.
    pub(crate) without_state: bool,
}

/// One request, shared by its handler and by whoever drives it.
pub(crate) struct Call {
    pub(crate) parts: CallParts,
    /// Its questions, from the first one on.
    exchange: OnceLock<Arc<Exchange>>,
    /// The handler is gone.
    over: AtomicBool,
    /// The retry that goes on with what this one began.
    next: OnceLock<Arc<Self>>,
    // Held to decide and to queue what was decided, never across an await: two reports cannot
    // overtake each other, and nothing follows the answer.
    talk: Mutex<Talk>,
    /// What its `_meta` says, from when the handler first asks.
    meta: OnceLock<Box<RequestMeta>>,
}

/// What was said about a request so far.
#[derive(Debug, Default)]
struct Talk {
    steps: Steps,
    answered: bool,
}

impl Call {
    pub(crate) fn new(parts: CallParts) -> Self {
        Self {
            parts,
            exchange: OnceLock::new(),
            over: false.into(),
            next: OnceLock::new(),
            talk: Mutex::default(),
            meta: OnceLock::new(),
        }
    }

    /// What its `_meta` says.
    pub(crate) fn meta(&self) -> &RequestMeta {
        let meta = &self.parts.meta;
        self.meta.get_or_init(|| Box::new(meta.to_meta()))
    }

    pub(crate) fn scratch(&self) -> &Arc<Scratch> {
        self.exchange().scratch()
    }

    /// The exchange of this request, which begins now if there is none.
    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        let exchange = self.exchange.get_or_init(|| Arc::new(Exchange::new()));
        if self.over.load(Ordering::SeqCst) {
            exchange.end();
        }
        exchange
    }

    /// The exchange, if the handler asked, or this is a retry.
    pub(crate) fn begun_exchange(&self) -> Option<&Arc<Exchange>> {
        self.exchange.get()
    }

    /// Goes on with an exchange that an earlier request began.
    pub(crate) fn join(&self, exchange: Arc<Exchange>) {
        // Nobody asked before the handler runs.
        self.exchange.set(exchange).ok();
    }

    /// The handler is gone: tasks that it left behind have nobody to ask for any more.
    pub(crate) fn over(&self) {
        // Before the look: whoever begins an exchange after it looks here.
        self.over.store(true, Ordering::SeqCst);
        if let Some(exchange) = self.exchange.get() {
            exchange.end();
        }
    }

    /// The request that is being answered now: this one, or the retry that took over.
    pub(crate) fn now(&self) -> &Self {
        let mut call = self;
        while let Some(next) = call.next.get() {
            call = next;
        }
        call
    }

    /// Another request goes on with what this one began.
    pub(crate) fn succeed(&self, next: Arc<Self>) {
        self.now().next.set(next).ok();
    }

    /// Queues a message about this request, unless it is answered already.
    pub(crate) fn say(&self, kind: Kind, frame: Frame) {
        let talk = self.talk.lock();
        if !talk.answered {
            self.parts.outlet.push(kind, frame);
        }
    }

    /// Queues a message on the request's own stream if its client is there and it is not answered
    /// yet; false otherwise.
    pub(crate) fn try_say(&self, kind: Kind, frame: &Frame) -> bool {
        let talk = self.talk.lock();
        let heard = !talk.answered && self.parts.outlet.is_connected();
        if heard {
            self.parts.outlet.push(kind, frame.clone());
        }
        heard
    }

    /// Queues a progress report that `report` makes, if it is one to tell.
    pub(crate) fn report(
        &self,
        progress: f64,
        total: Option<f64>,
        report: impl FnOnce() -> (Kind, Frame),
    ) {
        let mut talk = self.talk.lock();
        if !talk.answered && talk.steps.admit(progress, total) {
            let (kind, frame) = report();
            self.parts.outlet.push(kind, frame);
        }
    }

    /// The request is answered: nothing more may be said about it.
    pub(crate) fn answered(&self) {
        self.talk.lock().answered = true;
    }

    pub(crate) fn wants_log(&self, level: LogLevel) -> bool {
        let core = self.parts.host.core();
        if !self.parts.host.logs() {
            return false;
        }
        match core.era() {
            Era::Handshake => level >= core.log_level(),
            Era::Stateless => self
                .parts
                .meta
                .log_level
                .level()
                .is_some_and(|wanted| level >= wanted),
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("id", &self.parts.id)
            .finish_non_exhaustive()
    }
}
