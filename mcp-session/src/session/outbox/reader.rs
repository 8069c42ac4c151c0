//! The reading end of a queue.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use crate::clock::{self, Instant, Sleep};
use crate::session::outbox::queue::Left;
use crate::session::outbox::{Event, Outbox};

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
    pub(super) fn new(outbox: Arc<Outbox>, id: u64) -> Self {
        Self {
            outbox,
            id,
            timer: None,
        }
    }

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
        let active = queue.readers.active();
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
        if let Some(own) = queue.readers.find_mut(self.id) {
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
            .active()
            .is_some_and(|active| active.id == self.id);
        if active {
            queue.take(self.outbox.limits.replay)
        } else {
            None
        }
    }

    /// True when something waits to be read, or the reader was let go of; if not, the task is
    /// woken when that changes.
    #[cfg(feature = "http")]
    pub(crate) fn poll_unread(&mut self, cx: &mut Context<'_>) -> bool {
        let mut queue = self.outbox.queue.lock();
        if queue.unread < queue.next || queue.has_let_go(self.id) {
            return true;
        }
        if let Some(own) = queue.readers.find_mut(self.id)
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
    #[cfg(feature = "http")]
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut queue = self.outbox.queue.lock();
        let left = queue.detach(self.id);
        drop(queue);
        left.into_iter().for_each(Left::tell);
    }
}
