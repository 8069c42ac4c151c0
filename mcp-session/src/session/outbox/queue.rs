//! The queue itself: what was said, who reads it, and how far.

use std::{collections::VecDeque, sync::Arc, task::Waker};

use tokio_util::sync::CancellationToken;

use crate::clock::{self, Instant};
use crate::protocol::Frame;
use crate::session::outbox::reader::Reader;
use crate::session::outbox::window::Windows;
use crate::session::outbox::{Event, Kind, NoticeKey, Outbox, Replay};

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) events: VecDeque<Held>,
    /// The number the next event gets.
    pub(super) next: u64,
    /// The first event that nobody has read.
    pub(super) unread: u64,
    /// The first event that nobody has ever read: resuming moves `unread` back.
    pub(super) unheard: u64,
    pub(super) unkeyed: usize,
    pub(super) bytes: usize,
    pub(super) ended: bool,
    pub(super) readers: Vec<Waiting>,
    pub(super) readers_ever: u64,
    /// Since when nobody reads, if somebody did.
    pub(super) alone_since: Option<Instant>,
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

/// A reader that is attached. The newest one gets the events; when it goes, the one before it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) waker: Option<Waker>,
    /// It is let go of once it has read up to here.
    pub(super) until: Option<u64>,
    /// Cancelled when it goes; made for the first who wants to know.
    pub(super) gone: Option<CancellationToken>,
}

impl Queue {
    pub(super) fn attach(&mut self, outbox: &Arc<Outbox>) -> Reader {
        self.readers_ever += 1;
        let id = self.readers_ever;
        self.alone_since = None;
        self.readers.push(Waiting {
            id,
            waker: None,
            until: None,
            gone: None,
        });
        Reader::new(Arc::clone(outbox), id)
    }

    pub(super) fn enqueue(&mut self, kind: Kind, frame: Option<Frame>, at: Instant) {
        self.unkeyed += usize::from(kind.is_counted());
        self.bytes += frame.as_ref().map_or(0, Frame::len);
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

    pub(super) fn unread_with(&mut self, key: &NoticeKey) -> Option<&mut Held> {
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
            .last_mut()
            .and_then(|reader| reader.waker.take())
    }

    pub(super) fn all_wakers(&mut self) -> Vec<Waker> {
        self.readers
            .iter_mut()
            .filter_map(|reader| reader.waker.take())
            .collect()
    }

    pub(super) fn has_let_go(&self, id: u64) -> bool {
        let reader = self.readers.iter().find(|reader| reader.id == id);
        let until = reader.and_then(|reader| reader.until);
        until.is_some_and(|until| self.unread >= until)
    }

    /// The next event for the active reader.
    pub(super) fn take(&mut self, replay: Option<Replay>) -> Option<Event> {
        if self.due().is_some() {
            self.release(clock::now());
        }
        let first = self.events.front()?.seq;
        let index = usize::try_from(self.unread.checked_sub(first)?).ok()?;
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
            self.unkeyed -= 1;
        }
        self.unread += 1;
        self.unheard = self.unheard.max(self.unread);
        self.trim(replay);
        Some(event)
    }

    /// Lets go of what was read and need not be kept.
    pub(super) fn trim(&mut self, replay: Option<Replay>) {
        while let Some(front) = self.events.front() {
            let keep = replay.is_some_and(|replay| {
                self.events.len() <= replay.events
                    && self.bytes <= replay.bytes
                    && clock::now().duration_since(front.at) <= replay.age
            });
            if keep || front.seq >= self.unread {
                break;
            }
            self.bytes -= front.len();
            self.events.pop_front();
        }
    }
}

impl Held {
    pub(super) fn len(&self) -> usize {
        self.frame.as_ref().map_or(0, Frame::len)
    }
}
