//! What the server has said, until the test asks for it.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::protocol::{
    DecodeLimits, Incoming, Message, ProgressToken, Raw, Request, RequestId, RpcError, decode, meta,
};

/// How many of the server's own requests may wait for the task that answers them.
const QUESTIONS: usize = 1_024;

/// What a request of the test's gets: the text of a result, or an error.
pub(super) type Reply = Result<Raw, RpcError>;

/// A notification that the server sent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Notification {
    /// Its method, such as `notifications/tools/list_changed`.
    pub method: String,
    /// Its parameters; null when there are none.
    pub params: Value,
}

/// Everything that arrives from the server, sorted.
#[derive(Debug)]
pub(super) struct Mailbox {
    // Held for table operations only, never across an await.
    table: Mutex<Table>,
    arrived: Notify,
    questions: mpsc::Sender<Request>,
}

#[derive(Debug, Default)]
struct Table {
    waiting: HashMap<RequestId, oneshot::Sender<Reply>>,
    notifications: VecDeque<Notification>,
    /// Every line, while a test wants them verbatim.
    tape: Option<Vec<String>>,
    /// The first thing the server said that is no message.
    violation: Option<String>,
    ended: bool,
}

impl Notification {
    /// The `subscriptions/listen` request it belongs to, if it does.
    pub fn subscription(&self) -> Option<RequestId> {
        let id = self.params.get("_meta")?.get(meta::SUBSCRIPTION_ID)?;
        serde_json::from_value(id.clone()).ok()
    }

    /// The token of the request whose progress it reports, if it does.
    pub fn progress_token(&self) -> Option<ProgressToken> {
        serde_json::from_value(self.params.get("progressToken")?.clone()).ok()
    }
}

impl Mailbox {
    /// An empty mailbox, and what the server asks.
    pub(super) fn new() -> (Arc<Self>, mpsc::Receiver<Request>) {
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let mailbox = Self {
            table: Mutex::default(),
            arrived: Notify::new(),
            questions,
        };
        (Arc::new(mailbox), asked)
    }

    /// Takes one line.
    pub(super) fn arrived(&self, line: &Bytes) {
        let mut limits = DecodeLimits::default();
        (limits.max_bytes, limits.max_batch) = (usize::MAX, usize::MAX);
        let decoded = decode(line, &limits);
        let mut table = self.table.lock();
        let text = String::from_utf8_lossy(line);
        match decoded {
            Ok(Incoming::One(message)) => table.message(message, &self.questions),
            Ok(Incoming::Batch(messages)) => {
                for message in messages {
                    match message {
                        Ok(message) => table.message(message, &self.questions),
                        Err(error) => table.violated(&text, &error.to_string()),
                    }
                }
            }
            Err(error) => table.violated(&text, &error.to_string()),
        }
        if let Some(tape) = &mut table.tape {
            tape.push(text.into_owned());
        }
        drop(table);
        self.arrived.notify_waiters();
    }

    /// Nothing more will come.
    pub(super) fn ended(&self) {
        let mut table = self.table.lock();
        table.ended = true;
        table.waiting.clear();
        drop(table);
        self.arrived.notify_waiters();
    }

    /// Expects a reply to the request with this id.
    pub(super) fn expect(&self, id: &RequestId) -> oneshot::Receiver<Reply> {
        let (sender, receiver) = oneshot::channel();
        let mut table = self.table.lock();
        if !table.ended {
            table.waiting.insert(id.clone(), sender);
        }
        receiver
    }

    /// All notifications so far.
    pub(super) fn drain(&self) -> Vec<Notification> {
        let mut table = self.table.lock();
        table.check();
        table.notifications.drain(..).collect()
    }

    /// The notifications so far that `wanted` accepts; others stay.
    pub(super) fn take(&self, wanted: impl Fn(&Notification) -> bool) -> Vec<Notification> {
        let mut table = self.table.lock();
        table.check();
        let all = std::mem::take(&mut table.notifications);
        let (taken, others): (Vec<_>, Vec<_>) = all.into_iter().partition(wanted);
        table.notifications = others.into();
        taken
    }

    /// The first notification that `wanted` accepts, as soon as it is there; `None` when none can
    /// come any more.
    pub(super) async fn notification(
        &self,
        wanted: impl Fn(&Notification) -> bool,
    ) -> Option<Notification> {
        self.wait(|table| {
            let place = table.notifications.iter().position(&wanted)?;
            table.notifications.remove(place)
        })
        .await
    }

    /// Begins to keep every line.
    pub(super) fn record(&self) {
        self.table.lock().tape = Some(Vec::new());
    }

    /// Waits for a recorded line that `wanted` accepts; false when none can come any more.
    pub(super) async fn recorded(&self, wanted: impl Fn(&str) -> bool) -> bool {
        let found = self.wait(|table| {
            let tape = table.tape.as_ref()?;
            tape.iter().any(|line| wanted(line)).then_some(())
        });
        found.await.is_some()
    }

    /// Stops keeping lines, and gives those that were kept.
    pub(super) fn recording(&self) -> Vec<String> {
        self.table.lock().tape.take().unwrap_or_default()
    }

    /// Waits until `look` finds something; `None` when nothing more can come.
    async fn wait<T>(&self, mut look: impl FnMut(&mut Table) -> Option<T>) -> Option<T> {
        loop {
            let mut arrived = std::pin::pin!(self.arrived.notified());
            // Registered before the look, so that nothing in between is missed.
            arrived.as_mut().enable();
            {
                let mut table = self.table.lock();
                table.check();
                if let Some(found) = look(&mut table) {
                    return Some(found);
                }
                if table.ended {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Waits until nothing more can come.
    pub(super) async fn until_ended(&self) {
        let never: Option<()> = self.wait(|_| None).await;
        debug_assert!(never.is_none(), "nothing was looked for");
    }

    /// Fails the test if the server said something that is no message.
    pub(super) fn check(&self) {
        self.table.lock().check();
    }
}

impl Table {
    fn message(&mut self, message: Message, questions: &mpsc::Sender<Request>) {
        match message {
            Message::Response(response) => {
                let waiting = response.id.and_then(|id| self.waiting.remove(&id));
                // A test may have stopped waiting, or have sent the request as raw text.
                let _ = waiting.map(|waiting| waiting.send(response.outcome));
            }
            Message::Notification(notification) => {
                let params = notification.params.map(|params| params.decode());
                self.notifications.push_back(Notification {
                    method: notification.method.to_string(),
                    params: params.and_then(Result::ok).unwrap_or_default(),
                });
            }
            Message::Request(request) => {
                if questions.try_send(request).is_err() {
                    self.violated("", "the server asked more than a client can bear");
                }
            }
        }
    }

    fn violated(&mut self, line: &str, problem: &str) {
        self.violation
            .get_or_insert_with(|| format!("the server said {line:?}: {problem}"));
    }

    fn check(&self) {
        if let Some(violation) = &self.violation {
            panic!("{violation}");
        }
    }
}
