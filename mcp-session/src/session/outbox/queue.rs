//! The queue itself: what was said, who reads it, and how far.

use std::{collections::VecDeque, sync::Arc, task::Waker, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::clock::{self, Instant};
use crate::protocol::Frame;
use crate::session::outbox::reader::Reader;
use crate::session::outbox::readers::Readers;
use crate::session::outbox::window::Windows;
use crate::session::outbox::{Event, Kind, NoticeKey, Outbox, OutboxLimits, Replay};

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) events: VecDeque<Held>,
    /// The number the next event gets.
    pub(super) next: u64,
    /// The first event that nobody has read.
    pub(super) unread: u64,
    /// The first event that nobody has ever read: resuming moves `unread` back.
    pub(super) unheard: u64,
    /// How many unread notices count against the limit, and their bytes.
    pub(super) counted: usize,
    pub(super) counted_bytes: usize,
    pub(super) bytes: usize,
    /// The bytes of what was read and is kept.
    pub(super) kept_bytes: usize,
    pub(super) ended: bool,
    pub(super) readers: Readers,
    pub(super) readers_ever: u64,
    /// Since when nobody reads, if somebody did.
    pub(super) alone_since: Option<Instant>,
    /// When the active reader last took something, or became the active one.
    pub(super) moved: Option<Instant>,
    /// Made with the first list that is announced: most queues never see one.
    pub(super) windows: Option<Box<Windows>>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) seq: u64,
    pub(super) frame: Option<Frame>,
    pub(super) kind: Kind,
    pub(super) at: Instant,
    /// Somebody has read it; it is kept for replay only.
    pub(super) read: bool,
}

/// A reader that is attached. The active one gets the events.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) waker: Option<Waker>,
    /// It is let go of once it has read up to here.
    pub(super) until: Option<u64>,
    /// Cancelled when it goes; made for the first who wants to know.
    pub(super) gone: Option<CancellationToken>,
}

/// A reader that is no longer attached, and who reads now: told outside of the lock.
#[must_use = "somebody waits to be told"]
pub(super) struct Left {
    gone: Option<CancellationToken>,
    wakers: [Option<Waker>; 2],
}

impl Left {
    pub(super) fn tell(self) {
        self.gone.iter().for_each(CancellationToken::cancel);
        self.wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Queue {
    pub(super) fn attach(&mut self, outbox: &Arc<Outbox>) -> Reader {
        self.readers_ever += 1;
        let id = self.readers_ever;
        self.alone_since = None;
        self.moved = Some(clock::now());
        self.readers.attach(Waiting {
            id,
            waker: None,
            until: None,
            gone: None,
        });
        Reader::new(Arc::clone(outbox), id)
    }

    pub(super) fn enqueue(&mut self, kind: Kind, frame: Option<Frame>, at: Instant) {
        let len = frame.as_ref().map_or(0, Frame::len);
        if kind.is_counted() {
            self.counted += 1;
            self.counted_bytes += len;
        }
        self.bytes += len;
        let seq = self.next;
        self.next += 1;
        self.events.push_back(Held {
            seq,
            frame,
            kind,
            at,
            read: false,
        });
    }

    /// Queues what is due by then.
    pub(super) fn release(&mut self, by: Instant) {
        if let Some(windows) = &mut self.windows {
            for (key, frame) in windows.release(by) {
                self.enqueue(Kind::Keyed(key), Some(frame), by);
            }
        }
    }

    pub(super) fn release_all(&mut self) {
        if let Some(windows) = &mut self.windows {
            let now = clock::now();
            for (key, frame) in windows.release_all(now) {
                self.enqueue(Kind::Keyed(key), Some(frame), now);
            }
        }
    }

    /// When something is due that waits for its window to end.
    pub(super) fn due(&self) -> Option<Instant> {
        self.windows.as_ref().and_then(|windows| windows.due())
    }

    /// Puts a notice in the place of an unread one with the same key; gives it back where there is
    /// none.
    pub(super) fn replace(&mut self, key: &NoticeKey, frame: Option<Frame>) -> Option<Frame> {
        let new = frame.as_ref().map_or(0, Frame::len);
        let Some(held) = self.unread_with(key) else {
            return frame;
        };
        let old = held.len();
        let counts = !held.read && held.kind.is_counted();
        held.frame = frame;
        self.bytes = self.bytes + new - old;
        if counts {
            self.counted_bytes = self.counted_bytes + new - old;
        }
        None
    }

    /// True when no further notice is taken that does not replace another.
    pub(super) fn is_full(&self, limits: &OutboxLimits) -> bool {
        self.counted >= limits.notices || self.counted_bytes >= limits.notice_bytes
    }

    /// Detaches the active reader if it has taken nothing for so long, though there was something;
    /// who read before it takes over.
    pub(super) fn leave_behind(&mut self, stall: Duration) -> Option<Left> {
        let waiting = self.events.get(self.first_unread()?)?.at;
        let since = self.moved.map_or(waiting, |moved| moved.max(waiting));
        if clock::now().duration_since(since) < stall {
            return None;
        }
        let id = self.readers.active()?.id;
        self.detach(id)
    }

    /// Removes a reader; `None` where it was removed before.
    pub(super) fn detach(&mut self, id: u64) -> Option<Left> {
        let (own, was_active) = self.readers.detach(id)?;
        if was_active {
            let now = clock::now();
            self.moved = Some(now);
            self.alone_since = self.readers.is_empty().then_some(now);
        }
        // Whoever read before takes over, and must look at what is there.
        let next = self.active_waker();
        Some(Left {
            gone: own.gone,
            wakers: [own.waker, next],
        })
    }

    /// Where the first unread event is.
    fn first_unread(&self) -> Option<usize> {
        let first = self.events.front()?.seq;
        usize::try_from(self.unread.checked_sub(first)?).ok()
    }

    fn unread_with(&mut self, key: &NoticeKey) -> Option<&mut Held> {
        let unread = self.unread;
        let same = |held: &&mut Held| matches!(&held.kind, Kind::Keyed(other) if other == key);
        self.events
            .iter_mut()
            .rev()
            .take_while(|held| held.seq >= unread)
            .find(same)
    }

    pub(super) fn active_waker(&mut self) -> Option<Waker> {
        self.readers
            .active_mut()
            .and_then(|reader| reader.waker.take())
    }

    pub(super) fn all_wakers(&mut self) -> Vec<Waker> {
        self.readers
            .iter_mut()
            .filter_map(|reader| reader.waker.take())
            .collect()
    }

    pub(super) fn has_let_go(&self, id: u64) -> bool {
        let reader = self.readers.find(id);
        // One that is not there was left behind.
        reader.is_none_or(|reader| reader.until.is_some_and(|until| self.unread >= until))
    }

    /// The next event for the active reader.
    pub(super) fn take(&mut self, replay: Option<Replay>) -> Option<Event> {
        if self.due().is_some() {
            self.release(clock::now());
        }
        let index = self.first_unread()?;
        let held = self.events.get_mut(index)?;
        let event = Event {
            seq: held.seq,
            frame: held.frame.clone(),
            is_answer: matches!(held.kind, Kind::Response(_)),
        };
        if let Kind::Response(permit) = &mut held.kind {
            // The request is answered as far as the server can tell: its place is free.
            drop(permit.take());
        }
        if !std::mem::replace(&mut held.read, true) && held.kind.is_counted() {
            self.counted -= 1;
            self.counted_bytes -= held.len();
        }
        self.kept_bytes += held.len();
        self.unread += 1;
        self.unheard = self.unheard.max(self.unread);
        if replay.is_some() {
            self.moved = Some(clock::now());
        }
        self.trim(replay);
        Some(event)
    }

    /// Lets go of what was read and need not be kept.
    pub(super) fn trim(&mut self, replay: Option<Replay>) {
        while let Some(front) = self.events.front()
            && front.seq < self.unread
        {
            let keep = replay.is_some_and(|replay| {
                self.unread - front.seq <= replay.events as u64
                    && self.kept_bytes <= replay.bytes
                    && clock::now().duration_since(front.at) <= replay.age
            });
            if keep {
                break;
            }
            let len = front.len();
            self.bytes -= len;
            self.kept_bytes -= len;
            self.events.pop_front();
        }
    }

    /// Goes on from an event that is still there.
    pub(super) fn rewind(&mut self, seen: u64) {
        self.unread = seen;
        let kept = self.events.iter().take_while(|held| held.seq < seen);
        self.kept_bytes = kept.map(Held::len).sum();
    }
}

impl Held {
    pub(super) fn len(&self) -> usize {
        self.frame.as_ref().map_or(0, Frame::len)
    }
}
