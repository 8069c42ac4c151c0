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
//! connection can go on from the last event it saw.

mod window;

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Instant, Sleep};
use crate::protocol::{Frame, ProgressToken, RequestId};
use crate::session::outbox::window::Windows;

/// What kind of message an event carries, which decides whether it can be dropped.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The answer to a request; carries the request's in-flight permit until somebody reads it.
    Response(Option<OwnedSemaphorePermit>),
    /// A request to the client.
    Request,
    /// A notice that replaces an unread one with the same key.
    Keyed(NoticeKey),
    /// A notice of its own; dropped when too many are unread.
    Notice,
    /// An event without a message: it gives the reader an id to resume from.
    Priming,
}

impl Kind {
    /// True for what counts against the limit of unread notices.
    fn is_counted(&self) -> bool {
        match self {
            Self::Notice => true,
            Self::Keyed(key) => key.is_gradual(),
            Self::Response(_) | Self::Request | Self::Priming => false,
        }
    }
}

/// Notices with equal keys say the same thing; the newest says it best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoticeKey {
    pub(crate) about: About,
    /// The `subscriptions/listen` request it answers: over a byte stream several share one queue.
    pub(crate) subscription: Option<RequestId>,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    Tools,
    Prompts,
    Resources,
    Resource(Arc<str>),
    Progress(ProgressToken),
}

impl NoticeKey {
    /// True where every step is worth telling while there is room, and only a full queue
    /// coalesces.
    fn is_gradual(&self) -> bool {
        matches!(self.about, About::Progress(_))
    }

    /// True where one notice says all that many would.
    fn is_list(&self) -> bool {
        matches!(self.about, About::Tools | About::Prompts | About::Resources)
    }
}

impl From<About> for NoticeKey {
    fn from(about: About) -> Self {
        Self {
            about,
            subscription: None,
        }
    }
}

/// One message on its way, with its place in the stream.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    /// `None` for a priming event.
    pub(crate) frame: Option<Frame>,
    /// It is the answer to a request, which somebody waits for.
    pub(crate) is_answer: bool,
}

/// How much a queue may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxLimits {
    /// Unread notices without a key.
    pub(crate) notices: usize,
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
}

/// The queue of one stream.
#[derive(Debug)]
pub(crate) struct Outbox {
    limits: OutboxLimits,
    // Held for queue operations only, never across an await; wakers are woken after it.
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Held>,
    /// The number the next event gets.
    next: u64,
    /// The first event that nobody has read.
    unread: u64,
    /// The first event that nobody has ever read: resuming moves `unread` back.
    unheard: u64,
    unkeyed: usize,
    bytes: usize,
    ended: bool,
    readers: Vec<Waiting>,
    readers_ever: u64,
    /// Since when nobody reads, if somebody did.
    alone_since: Option<Instant>,
    /// Made with the first list that is announced: most queues never see one.
    windows: Option<Box<Windows>>,
}

#[derive(Debug)]
struct Held {
    seq: u64,
    frame: Option<Frame>,
    kind: Kind,
    at: Instant,
    /// Somebody has read it; it is kept for replay only.
    read: bool,
}

/// A reader that is attached. The newest one gets the events; when it goes, the one before it.
#[derive(Debug)]
struct Waiting {
    id: u64,
    waker: Option<Waker>,
    /// It is let go of once it has read up to here.
    until: Option<u64>,
    /// Cancelled when it goes; made for the first who wants to know.
    gone: Option<CancellationToken>,
}

impl Outbox {
    pub(crate) fn new(limits: OutboxLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            queue: Mutex::default(),
        })
    }

    /// Appends a message.
    pub(crate) fn push(&self, kind: Kind, frame: Frame) {
        self.append(kind, Some(frame));
    }

    /// Appends an event without a message, so that the reader has an id to resume from; not
    /// where something is unread, which gives it one.
    pub(crate) fn prime(&self) {
        if !self.has_unread() {
            self.append(Kind::Priming, None);
        }
    }

    fn append(&self, kind: Kind, frame: Option<Frame>) {
        let mut queue = self.queue.lock();
        let full = queue.unkeyed >= self.limits.notices;
        if queue.ended || (matches!(kind, Kind::Notice) && full) {
            return;
        }
        if let Kind::Keyed(key) = &kind
            && (full || !key.is_gradual())
            && let Some(held) = queue.unread_with(key)
        {
            let (old, new) = (held.len(), frame.as_ref().map_or(0, Frame::len));
            held.frame = frame;
            queue.bytes = queue.bytes + new - old;
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

    /// Attaches a reader that has seen so many events, all of them given to a reader before;
    /// `None` when that cannot be, or one that follows is gone.
    pub(crate) fn reader_after(self: &Arc<Self>, seen: u64) -> Option<Reader> {
        let mut queue = self.queue.lock();
        queue.trim(self.limits.replay);
        let first = queue.events.front().map_or(queue.next, |held| held.seq);
        if !(first..=queue.unheard).contains(&seen) {
            return None;
        }
        queue.unread = seen;
        Some(queue.attach(self))
    }

    /// Lets go of whoever reads now, after what is queued now; the stream itself goes on, and its
    /// client can come back to it. Does nothing where nobody could come back.
    pub(crate) fn let_go(&self) {
        if self.limits.replay.is_none() {
            return;
        }
        let mut queue = self.queue.lock();
        let next = queue.next;
        for reader in &mut queue.readers {
            reader.until.get_or_insert(next);
        }
        let wakers = queue.all_wakers();
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets go of what was read and is too old to keep.
    pub(crate) fn trim(&self) {
        self.queue.lock().trim(self.limits.replay);
    }

    /// Lets go of everything that was read: nobody can come back for it any more.
    pub(crate) fn shed(&self) {
        self.queue.lock().trim(None);
    }

    /// How many events it holds, read or not, and of how many bytes.
    pub(crate) fn held(&self) -> (usize, usize) {
        let queue = self.queue.lock();
        (queue.events.len(), queue.bytes)
    }

    /// How many read it, or wait for the one that does to go.
    pub(crate) fn readers(&self) -> usize {
        let queue = self.queue.lock();
        let staying = queue.readers.iter().filter(|own| own.until.is_none());
        staying.count()
    }

    /// Lets go of readers that another one took over from.
    pub(crate) fn let_go_of_ghosts(&self) {
        let mut queue = self.queue.lock();
        let mut wakers = Vec::new();
        if let Some((_, ghosts)) = queue.readers.split_last_mut() {
            for ghost in ghosts {
                ghost.until = Some(0);
                wakers.extend(ghost.waker.take());
            }
        }
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Since when nobody reads; `None` while somebody does, and before anybody did.
    pub(crate) fn alone_since(&self) -> Option<Instant> {
        self.queue.lock().alone_since
    }

    /// Cancelled when whoever reads now goes; at once where nobody does.
    pub(crate) fn gone(&self) -> CancellationToken {
        let mut queue = self.queue.lock();
        let Some(active) = queue.readers.last_mut() else {
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
        let unkeyed = |held: &&Held| !held.read && held.kind.is_counted();
        let unkeyed = queue.events.iter().filter(unkeyed).count();
        let behind = queue
            .events
            .back()
            .is_none_or(|last| last.seq + 1 == queue.next);
        bytes == queue.bytes && unkeyed == queue.unkeyed && behind && queue.unread <= queue.next
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

    /// Lets go of room that is not needed.
    pub(crate) fn shrink(&self) {
        self.queue.lock().events.shrink_to_fit();
    }

    /// True when nothing follows and nobody can, or will, come back for what was said.
    pub(crate) fn is_spent(&self) -> bool {
        let mut queue = self.queue.lock();
        queue.trim(self.limits.replay);
        let age = self.limits.replay.map(|replay| replay.age);
        let given_up = queue.alone_since.zip(age).is_some_and(|(since, age)| {
            // Whoever read left the rest behind, and did not come back in time.
            clock::now().duration_since(since) > age
        });
        queue.ended && queue.readers.is_empty() && (given_up || queue.events.is_empty())
    }
}

impl Queue {
    fn attach(&mut self, outbox: &Arc<Outbox>) -> Reader {
        self.readers_ever += 1;
        let id = self.readers_ever;
        self.alone_since = None;
        self.readers.push(Waiting {
            id,
            waker: None,
            until: None,
            gone: None,
        });
        Reader {
            outbox: Arc::clone(outbox),
            id,
            timer: None,
        }
    }

    fn enqueue(&mut self, kind: Kind, frame: Option<Frame>, at: Instant) {
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
    fn release(&mut self, by: Instant) {
        if let Some(windows) = &mut self.windows {
            for (key, frame) in windows.release(by) {
                self.enqueue(Kind::Keyed(key), Some(frame), by);
            }
        }
    }

    fn release_all(&mut self) {
        if let Some(windows) = &mut self.windows {
            let now = clock::now();
            for (key, frame) in windows.release_all(now) {
                self.enqueue(Kind::Keyed(key), Some(frame), now);
            }
        }
    }

    /// When something is due that waits for its window to end.
    fn due(&self) -> Option<Instant> {
        self.windows.as_ref().and_then(|windows| windows.due())
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

    fn active_waker(&mut self) -> Option<Waker> {
        self.readers
            .last_mut()
            .and_then(|reader| reader.waker.take())
    }

    fn all_wakers(&mut self) -> Vec<Waker> {
        self.readers
            .iter_mut()
            .filter_map(|reader| reader.waker.take())
            .collect()
    }

    fn has_let_go(&self, id: u64) -> bool {
        let reader = self.readers.iter().find(|reader| reader.id == id);
        let until = reader.and_then(|reader| reader.until);
        until.is_some_and(|until| self.unread >= until)
    }

    /// The next event for the active reader.
    fn take(&mut self, replay: Option<Replay>) -> Option<Event> {
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
    fn trim(&mut self, replay: Option<Replay>) {
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
    fn len(&self) -> usize {
        self.frame.as_ref().map_or(0, Frame::len)
    }
}

/// The reading end of an [`Outbox`]; detaches when dropped.
#[derive(Debug)]
pub(crate) struct Reader {
    outbox: Arc<Outbox>,
    id: u64,
    /// Made when something first waits for its window to end.
    timer: Option<Pin<Box<Sleep>>>,
}

#[expect(
    clippy::needless_pass_by_ref_mut,
    reason = "reading moves the stream on, so only one may do it at a time"
)]
impl Reader {
    /// The next event; `None` when the stream has ended and everything was read, or the reader
    /// was let go of.
    ///
    /// A reader that was taken over by a newer one stays pending until that one goes.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            let due = match self.poll_queue(cx) {
                Ok(event) => return Poll::Ready(event),
                Err(due) => due,
            };
            let Some(due) = due else {
                return Poll::Pending;
            };
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(clock::timer_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
            self.outbox.queue.lock().release(due);
        }
    }

    /// What [`poll_next`](Self::poll_next) gives, or when to look again even if nothing is said.
    fn poll_queue(&self, cx: &mut Context<'_>) -> Result<Option<Event>, Option<Instant>> {
        let mut queue = self.outbox.queue.lock();
        if queue.has_let_go(self.id) {
            return Ok(None);
        }
        let active = queue.readers.last();
        let is_active = active.is_some_and(|active| active.id == self.id);
        if is_active {
            if let Some(event) = queue.take(self.outbox.limits.replay) {
                return Ok(Some(event));
            }
            if queue.ended {
                return Ok(None);
            }
        } else if queue.ended && queue.unread >= queue.next {
            return Ok(None);
        }
        if let Some(own) = queue.readers.iter_mut().find(|reader| reader.id == self.id) {
            match &mut own.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        Err(queue.due().filter(|_| is_active))
    }

    /// The next event. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next event if there is one now.
    pub(crate) fn try_next(&mut self) -> Option<Event> {
        let mut queue = self.outbox.queue.lock();
        let active = queue
            .readers
            .last()
            .is_some_and(|active| active.id == self.id);
        if active {
            queue.take(self.outbox.limits.replay)
        } else {
            None
        }
    }

    /// True when something waits to be read, or the reader was let go of; if not, the task is
    /// woken when that changes.
    pub(crate) fn poll_unread(&mut self, cx: &mut Context<'_>) -> bool {
        let mut queue = self.outbox.queue.lock();
        if queue.unread < queue.next || queue.has_let_go(self.id) {
            return true;
        }
        if let Some(own) = queue.readers.iter_mut().find(|reader| reader.id == self.id)
            && !own
                .waker
                .as_ref()
                .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            own.waker = Some(cx.waker().clone());
        }
        false
    }

    /// The queue it reads.
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut queue = self.outbox.queue.lock();
        let own = queue.readers.iter().position(|own| own.id == self.id);
        let gone = own.and_then(|own| queue.readers.remove(own).gone);
        if queue.readers.is_empty() {
            queue.alone_since = Some(clock::now());
        }
        // Whoever read before takes over, and must look at what is there.
        let waker = queue.active_waker();
        drop(queue);
        gone.iter().for_each(CancellationToken::cancel);
        waker.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests;
