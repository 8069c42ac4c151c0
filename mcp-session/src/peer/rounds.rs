//! The stateless era's way to ask: a handler runs until it cannot move without an answer.
//!
//! A round ends when a handler waits while a question is open, no effect is under way and no
//! wake-up is due. The questions then go out together, in a result; the client's retry begins the
//! next round (2026-07-28, "Multi Round-Trip Requests").

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::peer::exchange::Exchange;

/// How far a handler has come.
pub(crate) enum Progress<T> {
    Waits,
    /// It cannot move without an answer.
    Asks,
    Done(T),
}

/// Drives a handler that may ask.
#[derive(Default)]
pub(crate) struct Driver {
    /// A handler that seems to wait for answers only is watched for a moment.
    watch: Option<Arc<Watch>>,
}

impl Driver {
    /// Polls the handler. `exchange` is called for one that is not done at once.
    pub(crate) fn poll<'a, F: Future + Unpin>(
        &mut self,
        handler: &mut F,
        exchange: impl FnOnce() -> &'a Exchange,
        cx: &mut Context<'_>,
    ) -> Progress<F::Output> {
        let watched = self.watch.take();
        if watched.is_none() {
            // With the waker it came with: most handlers never ask, and pay for nothing.
            if let Poll::Ready(output) = Pin::new(&mut *handler).poll(cx) {
                return Progress::Done(output);
            }
        }
        let exchange = exchange();
        exchange.driven_by(cx.waker());
        if !exchange.is_stuck() && watched.is_none() {
            return Progress::Waits;
        }
        if exchange.is_stuck() && watched.is_some_and(|watch| watch.saw_nothing()) {
            return Progress::Asks;
        }
        let watch = Arc::new(Watch::new(cx.waker()));
        watch.mark();
        let waker = Waker::from(Arc::clone(&watch));
        if let Poll::Ready(output) = Pin::new(handler).poll(&mut Context::from_waker(&waker)) {
            return Progress::Done(output);
        }
        watch.mark();
        if exchange.is_stuck() {
            self.watch = Some(watch);
        }
        Progress::Waits
    }
}

/// How many marks are made around a poll.
const MARKS: usize = 2;

/// Passes the wake-ups of a handler on, and remembers that there was one.
///
/// One that comes from a yield, or from a budget that is used up, is put off by the runtime until
/// others had their turn. Marks that are put off in the same way, one before and one after the
/// handler was polled, tell when it must have come, in whichever order they do.
struct Watch {
    driver: Waker,
    woken: AtomicBool,
    passed: AtomicUsize,
}

impl Watch {
    fn new(driver: &Waker) -> Self {
        Self {
            driver: driver.clone(),
            woken: AtomicBool::new(false),
            passed: AtomicUsize::new(0),
        }
    }

    /// Makes a mark that is passed when what was put off until now has happened.
    fn mark(self: &Arc<Self>) {
        let mark = Waker::from(Arc::new(Mark(Arc::clone(self))));
        // Its waker is taken by the first poll; there is no second one.
        let put_off = pin!(tokio::task::yield_now());
        let _ = put_off.poll(&mut Context::from_waker(&mark));
    }

    /// True when both marks were passed and the handler was not woken.
    fn saw_nothing(&self) -> bool {
        self.passed.load(Ordering::Acquire) == MARKS && !self.woken.load(Ordering::Acquire)
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.driver.wake_by_ref();
    }
}

/// Tells a watch that it was passed.
struct Mark(Arc<Watch>);

impl Wake for Mark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.0.passed.fetch_add(1, Ordering::AcqRel) + 1 == MARKS {
            self.0.driver.wake_by_ref();
        }
    }
}
