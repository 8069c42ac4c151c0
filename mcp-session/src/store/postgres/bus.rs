//! The bus in PostgreSQL: one channel of notifications, and one connection that listens.

use std::{fmt, pin::pin};

use async_trait::async_trait;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tokio_postgres::{AsyncMessage, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::clock;
use crate::random;
use crate::store::{
    StoreError,
    bus::{self, Bus, Engine, Event, Inbox, QUIET, Subscription},
    postgres::line::{Line, failed, refused},
};

const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// Notifications on one channel, which has the name of the schema.
#[derive(Debug, Clone)]
pub(super) struct PostgresBus {
    pub(super) line: Line,
    pub(super) listener: Listener,
}

/// How to connect in order to listen.
#[derive(Clone)]
pub(super) struct Listener {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) channel: String,
}

#[async_trait]
impl Bus for PostgresBus {
    async fn publish(&self, event: &Event) -> Result<(), StoreError> {
        self.notify(&event.encode()).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        bus::subscribe(self.clone()).await
    }
}

/// A connection that listens.
pub(super) struct Ears {
    client: Client,
    messages: BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>,
}

#[async_trait]
impl Engine for PostgresBus {
    type Ears = Ears;

    async fn connect(&self) -> Result<Ears, StoreError> {
        let timeout = self.line.timeout;
        let connected = clock::within(timeout, self.listener.connect()).await;
        let mut ears = connected.unwrap_or_else(|| {
            let text = format!("no connection within {timeout:?}");
            Err(failed(text.into()))
        })?;
        let heard = clock::within(timeout, self.hear_oneself(&mut ears)).await;
        heard.unwrap_or_else(|| {
            Err(failed(
                "a notification did not arrive; where connections go through a pooler, name the \
                 database itself with `listen_at`"
                    .into(),
            ))
        })?;
        Ok(ears)
    }

    async fn hear(&self, ears: Ears, inbox: &Inbox) -> StoreError {
        let Ears {
            client,
            mut messages,
        } = ears;
        let mut alive = pin!(self.alive(&client));
        loop {
            tokio::select! {
                biased;
                message = messages.next() => match message {
                    Some(Ok(message)) => {
                        if let Some(event) = payload(&message).and_then(Event::decode) {
                            inbox.put(event);
                        }
                    }
                    Some(Err(error)) => return refused(error),
                    None => return failed("the connection ended".into()),
                },
                answer = &mut alive => match answer {
                    Ok(()) => alive.set(self.alive(&client)),
                    Err(error) => return error,
                },
            }
        }
    }
}

impl PostgresBus {
    async fn notify(&self, text: &str) -> Result<(), StoreError> {
        let channel = &self.listener.channel;
        self.line.ask(NOTIFY, &[channel, &text]).await.map(drop)
    }

    /// Makes sure that what is published arrives here: a pooler may take the wish to listen and
    /// pass nothing on.
    async fn hear_oneself(&self, ears: &mut Ears) -> Result<(), StoreError> {
        let said = u64::from_be_bytes(random::bytes());
        let said = format!("hello {said:016x}");
        let heard = async {
            while let Some(message) = ears.messages.next().await {
                if payload(&message.map_err(refused)?) == Some(&said) {
                    return Ok(());
                }
            }
            Err(failed("the connection ended".into()))
        };
        let ((), ()) = futures_util::try_join!(self.notify(&said), heard)?;
        Ok(())
    }

    /// Asks, after a while, whether the database is still there.
    async fn alive(&self, client: &Client) -> Result<(), StoreError> {
        clock::sleep(QUIET).await;
        let asked = clock::within(self.line.timeout, client.batch_execute("SELECT 1")).await;
        let answered = asked.ok_or_else(|| failed("the database fell silent".into()))?;
        answered.map_err(refused)
    }
}

impl Listener {
    async fn connect(&self) -> Result<Ears, StoreError> {
        let connecting = self.config.connect(self.tls.clone());
        let (client, mut connection) = connecting.await.map_err(refused)?;
        let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx)).boxed();
        {
            let listen = format!("LISTEN \"{}\"", self.channel);
            let mut listening = pin!(client.batch_execute(&listen));
            loop {
                tokio::select! {
                    biased;
                    listening = &mut listening => break listening.map_err(refused)?,
                    message = messages.next() => match message {
                        // Nothing needs to be heard yet.
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(refused(error)),
                        None => return Err(failed("the connection ended".into())),
                    },
                }
            }
        }
        Ok(Ears { client, messages })
    }
}

fn payload(message: &AsyncMessage) -> Option<&str> {
    match message {
        AsyncMessage::Notification(notification) => Some(notification.payload()),
        _ => None,
    }
}

/// Shows nothing of how to connect, which has a password in it.
impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
