//! The only module that reads time.
//!
//! Everything above asks here, so that a test which pauses tokio's clock controls every
//! deadline, age and interval of the crate.

use std::{pin::pin, task::Poll, time::Duration};

pub(crate) use tokio::time::{Instant, Sleep};

/// Now, on the clock that tests may pause.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970, which machines agree on. A paused clock moves it as it moves
/// [`now`].
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub(crate) fn unix_ms() -> u64 {
    let (moment, real) = (now().into_std(), std::time::Instant::now());
    let system = std::time::SystemTime::now();
    let since = system
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let since = since + moment.saturating_duration_since(real);
    let since = since.saturating_sub(real.saturating_duration_since(moment));
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Completes after `duration`.
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// A sleep that can be put off.
#[cfg(feature = "http")]
pub(crate) fn timer(duration: Duration) -> Sleep {
    tokio::time::sleep(duration)
}

/// A sleep that ends at this moment.
pub(crate) fn timer_until(moment: Instant) -> Sleep {
    tokio::time::sleep_until(moment)
}

/// `future`, or `None` when it takes longer than `duration`.
pub(crate) async fn within<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    // Made when the future is first pending: most never are.
    let mut timer = pin!(None);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if timer.is_none() {
            timer.set(Some(tokio::time::sleep(duration)));
        }
        let timer = timer.as_mut().as_pin_mut();
        timer.map_or(Poll::Pending, |timer| timer.poll(cx).map(|()| None))
    })
    .await
}
