//! The client itself: requests, notifications, and what comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::{sync::mpsc, task::JoinSet};

use crate::auth::Principal;
use crate::clock;
use crate::protocol::{Era, Frame, Raw, Request, RequestId, Root, RpcError, meta, method};
use crate::server::{Server, Session};
use crate::testing::mailbox::Mailbox;
use crate::testing::pump::Pump;
use crate::testing::script::{self, Script};
use crate::testing::{ClientBuilder, Notification, Pending, Question};

/// A client in memory. Dropping it cuts its stream.
///
/// One client is one byte stream, and so one handshake session; make several to see that they do
/// not see each other. All methods take `&self`, so that several requests can be in flight.
///
/// See the [module](crate::testing) for an example.
#[derive(Debug)]
pub struct Client {
    pump: Arc<Pump>,
    pub(super) mailbox: Arc<Mailbox>,
    script: Arc<Script>,
    speech: Speech,
    /// The result of `initialize`.
    initialized: Option<Value>,
    next_id: AtomicI64,
    pub(super) patience: Duration,
    /// Held by whoever reads raw text: one at a time.
    pub(super) recording: tokio::sync::Mutex<()>,
    /// Answers the server's questions; stopped when the client is dropped.
    answering: JoinSet<()>,
}

/// What a client says of itself.
#[derive(Debug)]
pub(super) struct Speech {
    pub(super) version: String,
    pub(super) era: Era,
    pub(super) capabilities: Value,
    pub(super) info: Value,
}

/// Connects a client that has said nothing yet.
pub(super) fn attach(
    server: &Server,
    principal: Option<Principal>,
    speech: Speech,
    script: Script,
    patience: Duration,
) -> Client {
    let (mailbox, asked) = Mailbox::new();
    let pump = Arc::new(Pump::new(server, principal, &mailbox));
    let script = Arc::new(script);
    let mut answering = JoinSet::new();
    answering.spawn(answer(asked, Arc::clone(&script), Arc::downgrade(&pump)));
    Client {
        pump,
        mailbox,
        script,
        speech,
        initialized: None,
        next_id: AtomicI64::new(1),
        patience,
        recording: tokio::sync::Mutex::default(),
        answering,
    }
}

/// Answers the server's questions, each in its own time.
async fn answer(
    mut asked: mpsc::Receiver<Request>,
    script: Arc<Script>,
    pump: std::sync::Weak<Pump>,
) {
    let mut answers = JoinSet::new();
    while let Some(request) = asked.recv().await {
        let answer = script.answer(request.method.as_str(), request.params.as_ref());
        let pump = pump.clone();
        answers.spawn(async move {
            if let Some(line) = script::line(request, answer).await
                && let Some(pump) = pump.upgrade()
            {
                pump.send(line).await;
            }
        });
        while answers.try_join_next().is_some() {}
    }
}

impl Client {
    /// Connects a client of the handshake era, at its newest revision.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn handshake(server: &Server) -> Self {
        Self::builder(server).connect().await
    }

    /// Connects a client of the stateless era: every request says all there is to know.
    pub fn stateless(server: &Server) -> Self {
        Self::builder(server)
            .version(crate::protocol::ProtocolVersion::LATEST)
            .attach()
    }

    /// Begins a client with settings of its own.
    pub fn builder(server: &Server) -> ClientBuilder {
        ClientBuilder::new(server)
    }

    /// Sends `initialize` and `notifications/initialized`.
    pub(super) async fn initialize(&mut self) -> Result<(), RpcError> {
        let params = json!({
            "protocolVersion": self.speech.version,
            "capabilities": self.speech.capabilities,
            "clientInfo": self.speech.info,
        });
        self.initialized = Some(self.request(method::INITIALIZE, params).await?);
        self.notify(method::INITIALIZED, Value::Null).await;
        Ok(())
    }

    /// The server's result of `initialize`; null where there was none.
    pub fn initialized(&self) -> &Value {
        self.initialized.as_ref().unwrap_or(&Value::Null)
    }

    /// The era it speaks.
    pub fn era(&self) -> Era {
        self.speech.era
    }

    /// The server's handle of this stream's handshake session: to edit it from outside, or to see
    /// it end.
    pub fn session(&self) -> Session {
        self.pump.session()
    }

    /// Sends a request and waits for its result. What the era wants in `_meta` is added.
    ///
    /// # Errors
    ///
    /// The error that the server answered with.
    ///
    /// # Panics
    ///
    /// When the stream ends before the answer, or no answer comes in time.
    pub async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.start(method, params).await.result().await
    }

    /// Sends a request; its answer comes later.
    pub async fn start(&self, method: &str, params: Value) -> Pending {
        let id = RequestId::Number(self.next_id.fetch_add(1, Ordering::Relaxed));
        let reply = self.mailbox.expect(&id);
        let params = raw(&self.with_meta(params));
        self.send(Frame::request(&id, method, &params).into_bytes())
            .await;
        Pending::new(id, method, reply, self.patience)
    }

    /// Sends a notification; null means no parameters.
    pub async fn notify(&self, method: &str, params: Value) {
        let frame = match params {
            Value::Null => Frame::bare_notification(method),
            params => Frame::notification_raw(method, &raw(&params)),
        };
        self.send(frame.into_bytes()).await;
    }

    /// Cancels a request.
    pub async fn cancel(&self, id: &RequestId) {
        self.notify(
            method::CANCELLED,
            json!({"requestId": id, "reason": "the test says so"}),
        )
        .await;
    }

    /// The next notification, in the order of arrival.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub async fn next_notification(&self) -> Notification {
        self.awaited("a notification", self.mailbox.notification(|_| true))
            .await
    }

    /// The next notification with this method; others stay.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub async fn notification(&self, method: &str) -> Notification {
        let wanted = self
            .mailbox
            .notification(|notification| notification.method == method);
        self.awaited(method, wanted).await
    }

    /// Every notification that the server has sent so far, and that nobody took.
    ///
    /// # Panics
    ///
    /// When the server no longer answers.
    pub async fn notifications(&self) -> Vec<Notification> {
        self.settle().await;
        self.mailbox.drain()
    }

    /// Waits until everything the server has said so far is here.
    ///
    /// # Panics
    ///
    /// When the server no longer answers.
    pub async fn settle(&self) {
        // A test need not wait for the end of a window, on whichever clock.
        self.pump.release();
        let id = RequestId::Number(self.next_id.fetch_add(1, Ordering::Relaxed));
        let reply = self.mailbox.expect(&id);
        // Answered at once in every state of a stream, and in order.
        self.send(Frame::bare_request(&id, method::PING).into_bytes())
            .await;
        let ping = Pending::new(id, method::PING, reply, self.patience);
        if let Err(error) = ping.result().await {
            panic!("the server does not answer `ping`: {error}");
        }
    }

    /// Everything that the server has asked so far, and that nobody took.
    pub fn questions(&self) -> Vec<Question> {
        self.script.drain()
    }

    /// The next question of the server, whether it is answered or not.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub async fn next_question(&self) -> Question {
        let asked = clock::within(self.patience, self.script.next()).await;
        asked.unwrap_or_else(|| panic!("the server did not ask anything"))
    }

    /// Changes the directories and files the user works on, and tells the server so.
    pub async fn set_roots(&self, roots: impl IntoIterator<Item = Root>) {
        self.script.set_roots(roots.into_iter().collect());
        self.notify(method::ROOTS_LIST_CHANGED, Value::Null).await;
    }

    /// Sends nothing more, not even answers to the server's questions, and waits until the server
    /// is done with the stream: what is in flight is answered first.
    pub async fn close(mut self) {
        self.answering.shutdown().await;
        self.pump.close(&self.mailbox).await;
        self.mailbox.check();
    }

    pub(super) fn script(&self) -> &Script {
        &self.script
    }

    /// Sends one line as it is.
    pub(super) async fn send(&self, line: Bytes) {
        self.pump.send(line).await;
    }

    /// Waits for something that must come.
    pub(super) async fn awaited<T>(
        &self,
        what: &str,
        arriving: impl Future<Output = Option<T>>,
    ) -> T {
        let arrived = clock::within(self.patience, arriving).await;
        let arrived = arrived.unwrap_or_else(|| panic!("{what} did not come in time"));
        arrived.unwrap_or_else(|| panic!("the stream ended before {what} came"))
    }

    /// Adds to parameters what the era wants in every request, where the test has not said it.
    pub(super) fn with_meta(&self, params: Value) -> Value {
        let mut params = match params {
            Value::Null => Map::new(),
            Value::Object(params) => params,
            other => return other,
        };
        if self.speech.era == Era::Stateless {
            let own = params.entry("_meta").or_insert_with(|| json!({}));
            if let Value::Object(own) = own {
                let says = [
                    (
                        meta::PROTOCOL_VERSION,
                        Value::from(self.speech.version.as_str()),
                    ),
                    (meta::CLIENT_INFO, self.speech.info.clone()),
                    (meta::CLIENT_CAPABILITIES, self.speech.capabilities.clone()),
                ];
                for (key, value) in says {
                    own.entry(key).or_insert(value);
                }
            }
        }
        Value::Object(params)
    }
}

fn raw(value: &Value) -> Raw {
    Raw::from_value(value).expect("a value has a JSON form")
}
