//! The body of an event stream: it reads an outbox, and does nothing else.
//!
//! One exception: what only waits (`subscriptions/listen`) is polled from here and needs no task.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use tokio::task::AbortHandle;

use crate::clock::{self, Instant, Sleep};
use crate::dispatch::{Answer, http::Attached};
use crate::server::{Live, Server};
use crate::session::{EventId, Kind, Outbox, Reader};
use crate::transport::http::sse::EventWriter;
use crate::transport::http::{HttpBody, reply};

/// A future that yields the answer to a request, or nothing when it was cancelled.
pub(super) type Call = Pin<Box<dyn Future<Output = Option<Answer>> + Send>>;

/// An event stream on its way out.
pub(super) struct EventStream {
    /// `None` once everything was read.
    reader: Option<Reader>,
    /// Whose stream it is, and which: where clients can come back to it.
    ids: Option<Ids>,
    /// The first event of a stream, where the revision has one: behind how many others it stands.
    primes: Option<u64>,
    /// How many events of it the client was given.
    seen: u64,
    /// What waits while the stream is open; dropped with it.
    waiting: Option<Call>,
    /// The task that is pointless without this stream.
    owned: Option<AbortOnDrop>,
    live: Arc<Live>,
    writer: EventWriter,
    begun: bool,
    /// Set for a standing stream that is read from the store.
    standing: Option<Arc<Outbox>>,
    keep_alive: KeepAlive,
    /// When the credential expires that it was opened with.
    expiry: Option<Pin<Box<Sleep>>>,
}

/// What the ids of a stream's events have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    pub(super) tag: u64,
    pub(super) stream: u32,
}

impl Ids {
    fn after(self, seen: u64) -> EventId {
        EventId {
            tag: self.tag,
            stream: self.stream,
            seen,
        }
    }
}

/// Stops a task when nobody can see what it does any more.
#[derive(Debug)]
pub(super) struct AbortOnDrop(AbortHandle);

impl EventStream {
    pub(super) fn new(server: &Server, live: Arc<Live>, reader: Reader) -> Self {
        server.inner().totals.stream_opened();
        Self {
            reader: Some(reader),
            ids: None,
            primes: None,
            seen: 0,
            waiting: None,
            owned: None,
            live,
            writer: EventWriter::default(),
            begun: false,
            standing: None,
            keep_alive: KeepAlive {
                interval: server.limits().keep_alive,
                timer: None,
            },
            expiry: None,
        }
    }

    /// Gives the events ids, so that a client can come back to the stream.
    pub(super) fn with_ids(mut self, ids: Ids) -> Self {
        self.ids = Some(ids);
        self
    }

    /// Ends the stream, unfinished, when the credential expires that it was opened with.
    pub(super) fn until(mut self, expires: Option<Instant>) -> Self {
        self.expiry = expires.map(|expires| Box::pin(clock::timer_until(expires)));
        self
    }

    /// Begins with an event that says nothing but its id, behind so many others.
    pub(super) fn primed(mut self, seen: u64) -> Self {
        self.primes = Some(seen);
        self
    }

    /// Polls what waits for as long as the stream is open.
    pub(super) fn with_waiting(mut self, waiting: Call) -> Self {
        self.waiting = Some(waiting);
        self
    }

    /// Stops a task when the stream is dropped.
    pub(super) fn owning(mut self, task: AbortHandle) -> Self {
        self.owned = Some(AbortOnDrop(task));
        self
    }

    /// What it reads, until it has read everything.
    fn outbox(&self) -> Option<Arc<Outbox>> {
        self.reader
            .as_ref()
            .map(|reader| Arc::clone(reader.outbox()))
    }

    /// True when there is nothing more to come.
    pub(super) fn is_over(&self) -> bool {
        self.reader.is_none() && self.writer.is_empty()
    }

    /// The next bytes of the stream.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(chunk) = self.writer.take() {
            return Poll::Ready(Some(chunk));
        }
        let expired = self
            .expiry
            .as_mut()
            .is_some_and(|expiry| expiry.as_mut().poll(cx).is_ready());
        if expired {
            // Whoever comes back with a new credential reads on from here.
            self.reader = None;
            self.waiting = None;
            self.owned = None;
            return Poll::Ready(None);
        }
        self.wait(cx);
        self.read(cx);
        if self.writer.is_empty() {
            if self.reader.is_none() {
                return Poll::Ready(None);
            }
            let due = self.keep_alive.poll_due(cx);
            if self.begun && !due {
                return Poll::Pending;
            }
            // The first byte makes proxies pass on the headers.
            self.writer.comment();
        } else {
            self.keep_alive.restart();
        }
        self.begun = true;
        Poll::Ready(self.writer.take())
    }

    /// Lets what waits make progress.
    fn wait(&mut self, cx: &mut Context<'_>) {
        let Some(waiting) = &mut self.waiting else {
            return;
        };
        let Poll::Ready(answer) = waiting.as_mut().poll(cx) else {
            return;
        };
        self.waiting = None;
        if let Some(reader) = &self.reader {
            let outbox = reader.outbox();
            if let Some(frame) = answer.and_then(|answer| answer.frame) {
                // Nothing may follow the answer.
                outbox.release();
                outbox.push(Kind::Response(None), frame);
            }
            outbox.end();
        }
    }

    /// Takes what the outbox holds.
    fn read(&mut self, cx: &mut Context<'_>) {
        let Some(reader) = &mut self.reader else {
            return;
        };
        if let Some(ids) = self.ids
            && let Some(seen) = self.primes.take()
        {
            self.writer.priming(ids.after(seen));
        }
        while !self.writer.is_full() {
            let Poll::Ready(event) = reader.poll_next(cx) else {
                return;
            };
            let Some(event) = event else {
                self.reader = None;
                return;
            };
            self.seen = event.seq + 1;
            let id = self.ids.map(|ids| ids.after(event.seq + 1));
            match (event.frame, id) {
                (Some(frame), id) => {
                    self.live.told(frame.len());
                    self.writer.message(id, &frame);
                }
                (None, Some(id)) => self.writer.priming(id),
                (None, None) => {}
            }
        }
    }
}

/// The response to a GET: the standing stream of a session, or one that is resumed.
pub(super) fn attached(
    server: &Server,
    attached: Attached,
    expires: Option<Instant>,
) -> Response<HttpBody> {
    let Attached {
        live,
        stream,
        seen,
        reader,
        version,
    } = attached;
    let ids = Ids {
        tag: live.core().tag(),
        stream,
    };
    if live.core().end_reason().is_some() {
        // The session ended while the stream was looked up, perhaps before there was one to end.
        reader.outbox().end();
    }
    if seen.is_none() && stream == crate::session::STANDING && version.has_priming_event() {
        // An event of its own, because this stream is opened more than once and no id may repeat.
        reader.outbox().prime();
    }
    let mut stream = EventStream::new(server, live, reader).with_ids(ids);
    if let Some(seen) = seen {
        stream.standing = stream.outbox();
        stream.seen = seen;
        if version.has_priming_event() {
            stream = stream.primed(seen);
        }
    }
    reply::stream(stream.until(expires))
}

impl Drop for EventStream {
    fn drop(&mut self) {
        // The time of silence begins when the stream is gone.
        self.live.touch().ok();
        if let Some(standing) = self.standing.take() {
            self.live.standing_closed(&standing, self.seen);
        }
        if let Some(server) = self.live.server() {
            server.inner().totals.stream_closed();
        }
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Says when nothing was sent for so long that something should be.
struct KeepAlive {
    interval: Duration,
    /// Made when there is first nothing to send.
    timer: Option<Pin<Box<Sleep>>>,
}

impl KeepAlive {
    /// Something was sent.
    fn restart(&mut self) {
        if let Some(timer) = &mut self.timer {
            timer.as_mut().reset(clock::now() + self.interval);
        }
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> bool {
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(clock::timer(self.interval)));
        let due = timer.as_mut().poll(cx).is_ready();
        if due {
            timer.as_mut().reset(clock::now() + self.interval);
        }
        due
    }
}
