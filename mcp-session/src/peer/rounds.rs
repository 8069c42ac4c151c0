//! The stateless era's way to ask: a handler runs until it cannot move without an answer.
//!
//! A round ends when a poll returns pending while a question is open, no effect is under way and no
//! wake-up is due. The questions then go out together, in a result; the client's retry begins the
//! next round (2026-07-28, "Multi Round-Trip Requests").

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::peer::exchange::Exchange;

/// How often a handler that wakes itself is polled at one go, before others have their turn.
const TURNS: usize = 64;

/// How far a handler has come.
pub(crate) enum Progress<T> {
    Waits,
    /// It cannot move without an answer.
    Asks,
    Done(T),
}

/// Polls a handler that may ask. `exchange` is called for one that is not done at once.
pub(crate) fn poll<'a, F: Future + Unpin>(
    handler: &mut F,
    exchange: impl FnOnce() -> &'a Exchange,
    cx: &mut Context<'_>,
) -> Progress<F::Output> {
    // With the waker it came with: most handlers never ask, and pay for nothing.
    if let Poll::Ready(output) = Pin::new(&mut *handler).poll(cx) {
        return Progress::Done(output);
    }
    let exchange = exchange();
    exchange.driven_by(cx.waker());
    if !exchange.is_stuck() {
        return Progress::Waits;
    }
    // Once more, and this time noticing wake-ups: a question behind a yield joins this round.
    let flag = Arc::new(Flag {
        woken: AtomicBool::new(false),
        outer: cx.waker().clone(),
    });
    let waker = Waker::from(Arc::clone(&flag));
    let mut noticing = Context::from_waker(&waker);
    for _ in 0..TURNS {
        flag.woken.store(false, Ordering::Release);
        if let Poll::Ready(output) = Pin::new(&mut *handler).poll(&mut noticing) {
            return Progress::Done(output);
        }
        if !flag.woken.load(Ordering::Acquire) {
            return if exchange.is_stuck() {
                Progress::Asks
            } else {
                Progress::Waits
            };
        }
    }
    cx.waker().wake_by_ref();
    Progress::Waits
}

/// Passes wake-ups on, and remembers that there was one.
struct Flag {
    woken: AtomicBool,
    outer: Waker,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.outer.wake_by_ref();
    }
}
