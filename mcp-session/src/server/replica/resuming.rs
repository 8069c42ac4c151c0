//! Going on with the stream of an answer at another replica than the one that answers.
//!
//! Whoever has the stream lays what follows into a log that was made for this one reader, so that
//! streams which nobody comes back to cost nothing.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::clock;
use crate::protocol::{Frame, Raw};
use crate::server::replica::standing::Unread;
use crate::server::replica::stored::Stored;
use crate::server::{Live, Server};
use crate::session::{Event, EventId, Kind, Outbox, Reader, Resume, random_text};
use crate::store::bus;
use crate::store::{self, Keep, Key, Logged, StoreError};

/// How long it takes at most until whoever has a stream says so.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a log is looked into though nobody says that it grew.
const LOOK: Duration = Duration::from_millis(500);

/// How long such a log is kept behind what was laid down last: calls may be silent for long.
const KEPT: Duration = Duration::from_secs(6 * 60 * 60);

/// How many streams of one session are asked for at the same time.
const ASKED: usize = 4;

/// How many events are laid down or read at one go.
const BATCH: usize = 100;

/// What lies in such a log.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// This replica has the stream.
    By(Arc<str>),
    /// A message.
    Said(Raw),
    /// An event without one.
    Primed,
    /// Nothing follows.
    End,
}

impl Stored {
    /// The log that a stream is laid into for one who reads it.
    fn resumed_log(&self, stream: u32, reader: &str) -> Key {
        self.owner().key(format!("stream/{stream}/{reader}"))
    }
}

impl Server {
    /// The stream of an answer that another replica gives or gave, behind this event.
    pub(crate) async fn resume_elsewhere(
        &self,
        live: &Arc<Live>,
        event: EventId,
    ) -> Result<Reader, Unread> {
        let (Some(stored), Some(log), Some(replica)) =
            (live.stored(), self.outbox(), &self.inner().replica)
        else {
            return Err(Unread::Gone);
        };
        let Some(_asking) = stored.asks(ASKED) else {
            return Err(Unread::Gone);
        };
        let own = self.own_id();
        let reader: Arc<str> = format!("{own}.{}", &random_text()[..8]).into();
        let key = stored.resumed_log(event.stream, &reader);
        let grown = replica.hearing.expect(&stored.session(), event.stream);
        self.say(bus::Event::StreamWanted {
            session: stored.session(),
            stream: event.stream,
            seen: event.seen,
            from: reader,
        });
        let first = async {
            loop {
                let mut more = pin!(grown.notified());
                // Registered before the look, so that nothing in between is missed.
                more.as_mut().enable();
                let read = log.read(&key, 0, 1).await?;
                if let Some(first) = read.into_iter().next() {
                    return Ok::<_, store::ReadError>(first);
                }
                clock::within(LOOK / 5, more).await;
            }
        };
        let Some(first) = clock::within(PATIENCE, first).await else {
            return Err(Unread::Gone);
        };
        let first = first?;
        let Ok(Entry::By(by)) = serde_json::from_slice(&first.value) else {
            return Err(Unread::Gone);
        };
        let outbox = Outbox::going_on(self.limits().resumable(), event.seen);
        let reading = outbox.reader();
        live.core().streams.adopt(event.stream, Arc::clone(&outbox));
        let following = Following {
            server: self.clone(),
            outbox,
            log: key,
            read: first.number,
            by,
            grown,
        };
        self.inner().tasks.spawn(following.run());
        Ok(reading)
    }

    /// Lays down a stream that somebody wants to read elsewhere, if it is here.
    pub(super) fn lay_down(&self, live: &Arc<Live>, stream: u32, seen: u64, reader: &str) {
        let tag = live.core().tag();
        let event = EventId { tag, stream, seen };
        let Resume::Reader(_, reading) = live.core().streams.resume(event) else {
            return;
        };
        let (server, live, reader) = (self.clone(), Arc::clone(live), Arc::<str>::from(reader));
        self.inner().tasks.spawn(async move {
            if let Err(error) = server.lay_stream(&live, stream, &reader, reading).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a stream is not gone on with elsewhere");
            }
        });
    }

    async fn lay_stream(
        &self,
        live: &Live,
        stream: u32,
        reader: &str,
        mut reading: Reader,
    ) -> Result<(), StoreError> {
        let (Some(stored), Some(log)) = (live.stored(), self.outbox()) else {
            return Ok(());
        };
        let key = stored.resumed_log(stream, reader);
        let mut batch = vec![encoded(&Entry::By(self.own_id()))];
        loop {
            let mut over = false;
            while let Some(event) = reading.try_next() {
                batch.push(encoded(&entry(event)));
            }
            if batch.is_empty() {
                match reading.next().await {
                    Some(event) => batch.push(encoded(&entry(event))),
                    None => over = true,
                }
            }
            if over {
                batch.push(encoded(&Entry::End));
            }
            // It holds one stream for one reader, who needs all of it.
            let keep = Keep::new(self.limits().replay_age.max(KEPT));
            log.append(&key, std::mem::take(&mut batch), keep).await?;
            self.say(bus::Event::OutboxGrew {
                session: stored.session(),
                stream,
            });
            if over {
                return Ok(());
            }
        }
    }
}

fn entry(event: Event) -> Entry {
    let said = event.frame.map(Frame::into_bytes);
    let said = said.and_then(|said| serde_json::from_slice(&said).ok());
    said.map_or(Entry::Primed, Entry::Said)
}

fn encoded(entry: &Entry) -> Bytes {
    // Texts always encode.
    serde_json::to_vec(entry).unwrap_or_default().into()
}

/// Takes what another replica lays down, for a client that reads it here.
struct Following {
    server: Server,
    outbox: Arc<Outbox>,
    log: Key,
    read: u64,
    by: Arc<str>,
    grown: Arc<Notify>,
}

impl Following {
    async fn run(mut self) {
        let drained = self.server.inner().drained.clone();
        let follow = async {
            loop {
                let grown = Arc::clone(&self.grown);
                let mut more = pin!(grown.notified());
                // Registered before the look, so that nothing in between is missed.
                more.as_mut().enable();
                match self.take().await {
                    Ok(true) => {}
                    Ok(false) | Err(store::ReadError::Purged) => return,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "what follows on a stream comes later");
                    }
                }
                if self.server.is_gone(&self.by) {
                    tracing::info!("the replica that answers a call is gone");
                    return;
                }
                clock::within(LOOK, more).await;
            }
        };
        tokio::select! {
            biased;
            () = drained.cancelled() => {}
            () = follow => {}
        }
        self.outbox.end();
    }

    /// Takes what there is; false when nothing follows.
    async fn take(&mut self) -> Result<bool, store::ReadError> {
        loop {
            let Some(log) = self.server.outbox() else {
                return Ok(false);
            };
            let follows = log.read(&self.log, self.read, BATCH).await?;
            let all = follows.len() < BATCH;
            for Logged { number, value, .. } in follows {
                self.read = number;
                match serde_json::from_slice(&value) {
                    Ok(Entry::Said(said)) => {
                        let frame = Frame::One(said.into_bytes());
                        self.outbox.push(Kind::Response(None), frame);
                    }
                    Ok(Entry::Primed) => self.outbox.push_priming(),
                    Ok(Entry::By(_)) => {}
                    Ok(Entry::End) | Err(_) => return Ok(false),
                }
            }
            if all {
                return Ok(true);
            }
        }
    }
}
