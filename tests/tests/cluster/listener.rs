//! The standing stream of a session, which its client leaves and comes back to.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mcp_session_examples::Messages;
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use mcp_session_tests::cluster::NOTE;

use crate::session::{Lost, Session, checked, requested};

/// How long a notice may take to a stream at another replica.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long somebody waits for what may have been lost.
const SOON: Duration = Duration::from_secs(3);

/// How often a client comes back by itself to a stream that ends, without hearing anything.
const RETURNS: usize = 1_000;

/// Listens to a session where it is told to.
#[derive(Debug)]
pub(crate) struct Listener {
    session: Arc<Session>,
    heard: Arc<watch::Sender<Heard>>,
    /// It begins anew where a stream cannot be resumed.
    forgives: bool,
    reading: Option<JoinHandle<()>>,
}

/// What was heard so far.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// How often each note was said to have changed.
    pub(crate) notes: BTreeMap<u64, usize>,
    /// How often the list of tools was.
    pub(crate) lists: usize,
    /// How often a stream could not be resumed.
    pub(crate) anew: usize,
    /// What a stream must not do.
    pub(crate) wrong: Option<String>,
    last_event: Option<String>,
}

impl Listener {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self {
            session,
            heard: Arc::new(watch::Sender::new(Heard::default())),
            forgives: false,
            reading: None,
        }
    }

    /// One that begins anew where a stream cannot be resumed, which [`Heard::anew`] counts.
    pub(crate) fn forgiving(session: Arc<Session>) -> Self {
        let mut listener = Self::new(session);
        listener.forgives = true;
        listener
    }

    pub(crate) fn is_open(&self) -> bool {
        self.reading.is_some()
    }

    /// What was heard, looked at by this.
    pub(crate) fn heard<R>(&self, look: impl FnOnce(&Heard) -> R) -> R {
        look(&self.heard.borrow())
    }

    /// Opens the stream, or comes back to it: from then on nothing is missed.
    pub(crate) async fn open(&mut self) -> Result<(), Lost> {
        self.close();
        let messages = attach(&self.session, &self.heard).await?;
        let (session, heard) = (Arc::clone(&self.session), Arc::clone(&self.heard));
        let forgives = self.forgives;
        self.reading = Some(tokio::spawn(async move {
            listen(&session, &heard, messages, forgives).await;
        }));
        Ok(())
    }

    /// Goes away without a word.
    pub(crate) fn close(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.abort();
        }
    }

    /// Waits a while for this.
    pub(crate) async fn hears_soon(&self, what: impl Fn(&Heard) -> bool) {
        let mut hearing = self.heard.subscribe();
        let heard = hearing.wait_for(|heard| what(heard) || heard.wrong.is_some());
        timeout(SOON, heard).await.ok();
    }

    /// Waits until this was heard.
    pub(crate) async fn hears(&self, what: impl Fn(&Heard) -> bool) -> Result<(), String> {
        let mut hearing = self.heard.subscribe();
        let heard = hearing.wait_for(|heard| what(heard) || heard.wrong.is_some());
        let outcome = match timeout(PATIENCE, heard).await {
            Ok(heard) => heard.ok().and_then(|heard| heard.wrong.clone()),
            Err(_) => Some("something was not told in time".to_owned()),
        };
        outcome.map_or(Ok(()), |wrong| {
            Err(self.heard(|heard| format!("{wrong}; heard {heard:?}")))
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens the stream where it was left, and reads up to its first event.
async fn attach(session: &Session, heard: &watch::Sender<Heard>) -> Result<Messages, Lost> {
    let last = heard.borrow().last_event.clone();
    let mut headers = session.headers();
    if let Some(last) = &last {
        headers.push(("Last-Event-ID", last));
    }
    requested();
    let reply = session.wire.get(&headers).await;
    let reply = reply.map_err(|error| Lost::Away(format!("{error:?}")))?;
    let mut messages = checked(reply).await?.messages;
    if last.is_none() {
        // Before it has an id, a client that goes away could not come back to what it missed.
        let first = messages.event().await;
        let first = first.map_err(|error| Lost::Away(format!("{error:?}")))?;
        note(heard, &messages, &first.unwrap_or_default());
    }
    Ok(messages)
}

async fn listen(
    session: &Session,
    heard: &watch::Sender<Heard>,
    mut messages: Messages,
    forgives: bool,
) {
    for _ in 0..RETURNS {
        while let Ok(Some(event)) = messages.event().await {
            note(heard, &messages, &event);
        }
        // The server may end a stream whenever it likes; the client comes back.
        match attach(session, heard).await {
            Ok(again) => messages = again,
            Err(Lost::Unknown) => return,
            Err(Lost::Away(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(Lost::Wrong(why)) if forgives && why.contains("400") => {
                heard.send_modify(|heard| {
                    heard.anew += 1;
                    heard.last_event = None;
                });
            }
            Err(Lost::Wrong(why)) => {
                heard.send_modify(|heard| heard.wrong = Some(format!("the stream is gone: {why}")));
                return;
            }
        }
    }
    heard.send_modify(|heard| heard.wrong = Some("the stream ends again and again".to_owned()));
}

/// Takes down an event and its id in one.
fn note(heard: &watch::Sender<Heard>, messages: &Messages, event: &[u8]) {
    heard.send_modify(|heard| {
        heard.last_event = messages.last_event().map(str::to_owned);
        if event.is_empty() {
            return;
        }
        let message: Value = serde_json::from_slice(event).unwrap_or_default();
        let uri = message["params"]["uri"].as_str();
        let number = uri.and_then(|uri| uri.strip_prefix(NOTE)?.parse().ok());
        match (message["method"].as_str(), number) {
            (Some("notifications/tools/list_changed"), None) => heard.lists += 1,
            (Some("notifications/resources/updated"), Some(number)) => {
                *heard.notes.entry(number).or_default() += 1;
            }
            _ => {
                let said = String::from_utf8_lossy(event).into_owned();
                heard.wrong = Some(format!("nobody expects {said}"));
            }
        }
    });
}
