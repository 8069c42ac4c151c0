//! What is said on the standing stream of a stored session, on its way into the store: its client
//! may read it at another replica.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use crate::clock;
use crate::server::replica::stored::Stored;
use crate::server::{Live, Server};
use crate::session::{Outbox, Reader, STANDING};
use crate::store::bus::Event;
use crate::store::{self, Keep, Key, StoreError};

/// How many messages are laid into the log at one go.
const BATCH: usize = 100;

/// How long it waits for more to be said before it stops.
const IDLE: Duration = Duration::from_secs(1);

/// How often it is tried to lay down what was said.
const ATTEMPTS: u32 = 6;

/// How long it waits after the first failure; twice as long after each other one.
const PAUSE: Duration = Duration::from_millis(100);

impl Stored {
    /// The log of the standing stream.
    pub(super) fn standing_log(&self) -> Key {
        self.owner().key("stream")
    }
}

impl Server {
    /// Where streams are stored.
    pub(super) fn outbox(&self) -> Option<&Arc<dyn store::Outbox>> {
        self.inner().replica.as_ref()?.outbox.as_ref()
    }

    /// How much of a standing stream is kept for a client that comes back: for as long as the
    /// session may rest, for what is said to it is little.
    fn keep(&self) -> Keep {
        let limits = self.limits();
        let events = limits.replay_events.max(BATCH);
        let age = self.inner().record_ttl();
        Keep::new(age).events(events).bytes(limits.replay_bytes)
    }
}

impl Live {
    /// Something was said on the standing stream. Of a stored session it is laid into the log,
    /// where whoever reads it finds it.
    pub(crate) fn said(self: &Arc<Self>) {
        let Some((stored, server)) = self.stored().zip(self.server()) else {
            return;
        };
        if server.outbox().is_none() || stored.begins_to_lay() {
            return;
        }
        let live = Arc::clone(self);
        let laying = Laying { live, over: false };
        self.hub().spawn(async move { laying.run(&server).await });
    }
}

/// A task that lays down what is said. However it ends, another can begin.
struct Laying {
    live: Arc<Live>,
    /// It has said itself that it is not at it any more.
    over: bool,
}

impl Laying {
    async fn run(mut self, server: &Server) {
        let live = Arc::clone(&self.live);
        let Some(stored) = live.stored() else { return };
        let standing = live.core().streams.standing(server.limits().resumable());
        let mut reader = standing.reader();
        loop {
            while let Some(batch) = next(&mut reader, IDLE).await {
                self.lay(server, stored, batch).await;
            }
            stored.stops_laying();
            // Whoever said something just before believes that this goes on.
            if !standing.has_unread() || stored.begins_to_lay() {
                self.over = true;
                return;
            }
        }
    }

    async fn lay(&self, server: &Server, stored: &Stored, batch: Vec<Bytes>) {
        let mut pause = PAUSE;
        for _ in 0..ATTEMPTS {
            let Some(outbox) = server.outbox() else {
                return;
            };
            let log = stored.standing_log();
            match outbox.append(&log, batch.clone(), server.keep()).await {
                Ok(_) => {
                    server.say(Event::OutboxGrew {
                        session: stored.session(),
                        stream: STANDING,
                    });
                    return self.live.feed(server).await;
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "what was said on a stream is not stored yet");
                }
            }
            clock::sleep(pause).await;
            pause *= 2;
        }
        tracing::error!("what was said on a stream is lost: it could not be stored");
    }
}

/// The next messages of a stream, and all that follow at once; `None` when nothing is said for so
/// long.
async fn next(reader: &mut Reader, idle: Duration) -> Option<Vec<Bytes>> {
    let first = clock::within(idle, reader.next()).await??;
    let mut batch = Vec::new();
    let mut event = Some(first);
    while let Some(said) = event {
        batch.extend(said.frame.map(crate::protocol::Frame::into_bytes));
        if batch.len() >= BATCH {
            break;
        }
        event = reader.try_next();
    }
    Some(batch)
}

impl Drop for Laying {
    fn drop(&mut self) {
        if !self.over
            && let Some(stored) = self.live.stored()
        {
            stored.stops_laying();
        }
    }
}

/// A client's end of a standing stream that is in the store.
pub(super) struct Feed {
    pub(super) outbox: Arc<Outbox>,
    /// One at a time takes what follows.
    turn: tokio::sync::Mutex<()>,
    /// When it was looked for what follows, and nothing did, in milliseconds of the server's life; 0
    /// while something may.
    ended_ms: AtomicU64,
}

/// How many messages wait for a client at most, before it is its turn to read.
const AHEAD: usize = 256;

impl Feed {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        Self {
            outbox,
            turn: tokio::sync::Mutex::default(),
            ended_ms: AtomicU64::new(0),
        }
    }

    /// True when a client that was given so many events was given all there were at some time since
    /// then.
    pub(super) fn gave_all(&self, seen: u64, since_ms: u64) -> bool {
        self.ended_ms.load(Ordering::SeqCst) > since_ms && self.outbox.said() == seen
    }

    /// Takes what follows in the log. False when something of it is gone.
    async fn go_on(&self, server: &Server, stored: &Stored) -> Result<bool, StoreError> {
        let Some(outbox) = server.outbox() else {
            return Ok(true);
        };
        let _turn = self.turn.lock().await;
        let now_ms = server.inner().hub.now_ms().max(1);
        self.ended_ms.store(0, Ordering::SeqCst);
        let log = stored.standing_log();
        while self.outbox.unread() < AHEAD && !self.outbox.is_ended() {
            let read = match outbox.read(&log, self.outbox.said(), BATCH).await {
                // The log began anew: nothing was said for long, or ever.
                Err(store::ReadError::Purged) => outbox.read(&log, 0, BATCH).await,
                read => read,
            };
            let follows = match read {
                Ok(follows) => follows,
                Err(store::ReadError::Purged) => return Ok(false),
                Err(store::ReadError::Store(error)) => return Err(error),
            };
            let first = follows.first().map(|first| first.number);
            if let Some(first) = first.filter(|first| *first != self.outbox.said() + 1)
                && !self.outbox.jump(first - 1)
            {
                // What is here is read first.
                return Ok(true);
            }
            let all = follows.len() < BATCH;
            for said in follows {
                if self.outbox.said() + 1 != said.number {
                    return Ok(false);
                }
                let frame = crate::protocol::Frame::One(said.value);
                self.outbox
                    .push(crate::session::Kind::Response(None), frame);
            }
            if all {
                self.ended_ms.store(now_ms, Ordering::SeqCst);
                break;
            }
        }
        Ok(true)
    }
}

impl Live {
    /// Takes what follows in the log of its standing stream, if its client reads that here.
    pub(super) async fn feed(&self, server: &Server) {
        let Some(stored) = self.stored() else { return };
        let Some(feed) = stored.feed() else { return };
        match feed.go_on(server, stored).await {
            Ok(true) => {}
            // Its client comes back, and learns that something is missing.
            Ok(false) => feed.outbox.end(),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what follows on a stream comes later");
            }
        }
    }
}
