//! Keeping the panics of users' code inside.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

/// A user's future whose panics, in `poll` and in `drop`, stay inside: it then yields `None`.
///
/// The panic's message has reached the panic hook by then; nothing of it goes to the client.
pub(crate) struct Contained<T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
}

impl<T> Contained<T> {
    pub(crate) fn new(future: Pin<Box<dyn Future<Output = T> + Send>>) -> Self {
        Self {
            future: Some(future),
        }
    }

    /// A future that is over before it began: another takes its place.
    pub(crate) fn over() -> Self {
        Self { future: None }
    }

    /// Calls what makes the future, and contains that, too.
    pub(crate) fn starting(
        start: impl FnOnce() -> Pin<Box<dyn Future<Output = T> + Send>>,
    ) -> Self {
        Self {
            future: catch_unwind(AssertUnwindSafe(start)).ok(),
        }
    }

    /// Drops the future now, and swallows what that throws.
    fn bury(&mut self) {
        let future = self.future.take();
        if catch_unwind(AssertUnwindSafe(|| drop(future))).is_err() {
            tracing::error!("a handler panicked while it was being dropped");
        }
    }
}

impl<T> Future for Contained<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(future) = self.future.as_mut() else {
            return Poll::Ready(None);
        };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => {
                self.bury();
                Poll::Ready(Some(output))
            }
            Err(_) => {
                self.bury();
                Poll::Ready(None)
            }
        }
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        self.bury();
    }
}

/// Runs a user's future to its end; `None` when it panicked.
pub(crate) fn contained<T>(future: impl Future<Output = T> + Send + 'static) -> Contained<T> {
    Contained::new(Box::pin(future))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }

    #[tokio::test]
    async fn a_panic_stays_inside_wherever_it_happens() {
        assert_eq!(contained(async { 1 }).await, Some(1));
        assert_eq!(contained(async { panic!("in poll") }).await, None::<()>);
        let early = || panic!("before there is a future");
        assert_eq!(Contained::<()>::starting(early).await, None);
        let bomb = Bomb;
        let waits = contained(async move {
            let _bomb = bomb;
            std::future::pending::<()>().await;
        });
        let mut waits = Box::pin(waits);
        assert!(futures_util::FutureExt::now_or_never(&mut waits).is_none());
        drop(waits);
    }
}
