//! The only module that reads time.
//!
//! Everything above asks here, so that a test which pauses tokio's clock controls every
//! deadline, age and interval of the crate.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;

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

pin_project! {
    /// A future that may take so long.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Within<F> {
        #[pin]
        future: F,
        duration: Duration,
        // Made when the future is first pending: most never are, and carry no room for one.
        timer: Option<Pin<Box<Sleep>>>,
    }
}

/// `future`, or `None` when it takes longer than `duration`.
pub(crate) fn within<F: Future>(duration: Duration, future: F) -> Within<F> {
    Within {
        future,
        duration,
        timer: None,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Some(output));
        }
        let duration = *this.duration;
        let timer = this
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(duration)));
        timer.as_mut().poll(cx).map(|()| None)
    }
}
