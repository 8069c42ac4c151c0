//! What is still to be told to one reader: an ordered, bounded queue.
//!
//! A queue belongs to one stream: the byte stream of stdio, the answer to one HTTP POST, the
//! standing GET stream of a session, one `subscriptions/listen`. Who writes never waits and never
//! depends on who reads:
//!
//! - responses and requests are never dropped; how many there can be is bounded by how many
//!   requests may be in flight;
//! - notices with a [key](NoticeKey) coalesce: at most one unread per key;
//! - what lists look like is announced at once, and then not again before a window has passed;
//! - other notices (log messages) are dropped when too many are unread.
//!
//! Where [replay](Replay) is on, what was read is kept for a while, so that a client that lost its
//! connection can go on from the last event it saw. There a reader that takes nothing while the
//! queue is full of notices is left behind: its stream ends, and what is queued waits for the
//! client to come back. A burst leaves nobody behind who reads.

mod event;
mod queue;
mod reader;
mod readers;
#[cfg_attr(
    not(any(feature = "http", test)),
    expect(dead_code, reason = "only streams over HTTP are resumed")
)]
mod resuming;
mod window;

use std::{sync::Arc, task::Waker, time::Duration};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::protocol::{Frame, RequestId};

pub(crate) use event::{About, Event, Kind, NoticeKey};
pub(crate) use reader::Reader;

use queue::{Held, Left, Queue};

/// How much a queue may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxLimits {
    /// Unread notices that do not replace one another.
    pub(crate) notices: usize,
    /// Their bytes. The one that reaches this is still taken, however large.
    pub(crate) notice_bytes: usize,
    /// How long it takes before the same list is announced again.
    pub(crate) window: Duration,
    /// What is kept after it was read, if anything.
    pub(crate) replay: Option<Replay>,
}

/// How much of what was read is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replay {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    pub(crate) age: Duration,
    /// How long a reader may take nothing while the queue is full.
    pub(crate) stall: Duration,
}

/// The queue of one stream.
#[derive(Debug)]
pub(crate) struct Outbox {
    limits: OutboxLimits,
    // Held for queue operations only, never across an await; wakers are woken after it.
    queue: Mutex<Queue>,
}

impl Outbox {
    pub(crate) fn new(limits: OutboxLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            queue: Mutex::default(),
        })
    }

    /// A queue that goes on from so many events, which its reader has seen elsewhere.
    #[cfg(feature = "http")]
    pub(crate) fn going_on(limits: OutboxLimits, seen: u64) -> Arc<Self> {
        let queue = Queue {
            next: seen,
            unread: seen,
            unheard: seen,
            ..Queue::default()
        };
        Arc::new(Self {
            limits,
            queue: Mutex::new(queue),
        })
    }

    /// Goes on behind so many events; false while something waits to be read.
    #[cfg(feature = "http")]
    pub(crate) fn jump(&self, seen: u64) -> bool {
        let mut queue = self.queue.lock();
        if !queue.events.is_empty() {
            return false;
        }
        (queue.next, queue.unread, queue.unheard) = (seen, seen, seen);
        true
    }

    /// How many events the next one follows.
    #[cfg(feature = "http")]
    pub(crate) fn said(&self) -> u64 {
        self.queue.lock().next
    }

    /// Appends a message.
    pub(crate) fn push(&self, kind: Kind, frame: Frame) {
        self.append(kind, Some(frame));
    }

    fn append(&self, kind: Kind, frame: Option<Frame>) {
        let mut queue = self.queue.lock();
        if queue.ended {
            return;
        }
        let full = kind.is_counted() && queue.is_full(&self.limits);
        let left = match self.limits.replay {
            Some(replay) if full => queue.leave_behind(replay.stall),
            _ => None,
        };
        let frame = match &kind {
            Kind::Notice if full => None,
            Kind::Keyed(key) if full || !key.is_gradual() => queue.replace(key, frame),
            _ => frame,
        };
        if frame.is_none() && !matches!(kind, Kind::Priming) {
            drop(queue);
            left.into_iter().for_each(Left::tell);
            return;
        }
        let now = clock::now();
        let window = self.limits.window;
        let frame = match (&kind, frame) {
            (Kind::Keyed(key), Some(frame)) if key.is_list() && !window.is_zero() => {
                let windows = queue.windows.get_or_insert_default();
                windows.admit(key, frame, now, window)
            }
            (_, frame) => frame,
        };
        if frame.is_some() || matches!(kind, Kind::Priming) {
            queue.enqueue(kind, frame, now);
        }
        // Whoever reads looks at what is there, or at when what waits is due.
        let waker = queue.active_waker();
        drop(queue);
        left.into_iter().for_each(Left::tell);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Queues now what waits for its window to end.
    pub(crate) fn release(&self) {
        let mut queue = self.queue.lock();
        queue.release_all();
        let waker = queue.active_waker();
        drop(queue);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Lets go of what waits on behalf of a subscription that has ended.
    pub(crate) fn forget(&self, subscription: &RequestId) {
        if let Some(windows) = &mut self.queue.lock().windows {
            windows.forget(subscription);
        }
    }

    /// Nothing follows what is queued: readers end once they have read it.
    pub(crate) fn end(&self) {
        let mut queue = self.queue.lock();
        if !queue.ended {
            queue.release_all();
        }
        queue.ended = true;
        let wakers = queue.all_wakers();
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// True when nothing follows what is queued.
    pub(crate) fn is_ended(&self) -> bool {
        self.queue.lock().ended
    }

    /// Attaches a reader at the first unread event. It takes over from readers already there.
    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        self.queue.lock().attach(self)
    }

    /// Cancelled when whoever reads now goes; at once where nobody does.
    pub(crate) fn gone(&self) -> CancellationToken {
        let mut queue = self.queue.lock();
        let Some(active) = queue.readers.active_mut() else {
            let gone = CancellationToken::new();
            gone.cancel();
            return gone;
        };
        active.gone.get_or_insert_default().clone()
    }

    /// True while somebody reads.
    pub(crate) fn is_connected(&self) -> bool {
        !self.queue.lock().readers.is_empty()
    }

    /// True when what is counted of the queue is what is in it.
    pub(crate) fn is_sound(&self) -> bool {
        let queue = self.queue.lock();
        let bytes: usize = queue.events.iter().map(Held::len).sum();
        let unread = |held: &&Held| !held.read && held.kind.is_counted();
        let unread = || queue.events.iter().filter(unread);
        let counted = unread().count() == queue.counted
            && unread().map(Held::len).sum::<usize>() == queue.counted_bytes;
        let behind = queue
            .events
            .back()
            .is_none_or(|last| last.seq + 1 == queue.next);
        bytes == queue.bytes && counted && behind && queue.unread <= queue.next
    }

    /// How many events wait to be read.
    pub(crate) fn unread(&self) -> usize {
        let queue = self.queue.lock();
        usize::try_from(queue.next - queue.unread).unwrap_or(usize::MAX)
    }

    /// True when something waits to be read.
    pub(crate) fn has_unread(&self) -> bool {
        let queue = self.queue.lock();
        queue.unread < queue.next
    }
}

#[cfg(test)]
mod tests;
