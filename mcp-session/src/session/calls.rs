//! The requests in flight on one byte stream or in one handshake session.

use std::{
    fmt,
    sync::Arc,
    task::{Poll, Waker},
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::protocol::RequestId;

/// The requests in flight, by the client's ids: what `notifications/cancelled` looks in, and what
/// refuses an id that is already running.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    // Held for a look through it only, never across an await.
    table: Mutex<Table>,
}

/// What calls run in, and keep while they do.
pub(crate) trait Calling: Send + Sync {
    fn calls(&self) -> &Calls;
}

#[derive(Debug, Default)]
struct Table {
    /// In-flight limits keep it short, and when nothing runs it holds no memory: most sessions are
    /// idle most of the time.
    running: Vec<(RequestId, CancellationToken)>,
    /// Everything was cancelled: what still begins is cancelled from the start.
    closed: bool,
    /// Who waits for the last one to be gone, after that.
    waiting: Option<Waker>,
}

impl Calls {
    /// Takes `id` until it is removed; false when a request with this id is running.
    fn begin(&self, id: &RequestId, token: &CancellationToken) -> bool {
        let mut table = self.table.lock();
        if table.running.iter().any(|(known, _)| known == id) {
            return false;
        }
        if table.closed {
            token.cancel();
        }
        table.running.push((id.clone(), token.clone()));
        true
    }

    /// Cancels the request with this id; false when none is running.
    pub(crate) fn cancel(&self, id: &RequestId) -> bool {
        let table = self.table.lock();
        let found = table.running.iter().find(|(known, _)| known == id);
        let token = found.map(|(_, token)| token.clone());
        drop(table);
        token.inspect(CancellationToken::cancel).is_some()
    }

    /// Cancels everything that is running, and whatever begins later: a request may have found
    /// its session just before it ended.
    pub(crate) fn cancel_all(&self) {
        let mut table = self.table.lock();
        table.closed = true;
        let running = table.running.clone();
        drop(table);
        running.iter().for_each(|(_, token)| token.cancel());
    }

    /// Waits until nothing runs any more, after [`cancel_all`](Self::cancel_all). For one who
    /// waits at a time. Cancel safe.
    pub(crate) async fn gone(&self) {
        std::future::poll_fn(|cx| {
            let mut table = self.table.lock();
            if table.running.is_empty() {
                return Poll::Ready(());
            }
            table.waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Lets go of room that is not needed.
    pub(crate) fn shrink(&self) {
        self.table.lock().running.shrink_to_fit();
    }

    /// How many requests are running.
    pub(crate) fn len(&self) -> usize {
        self.table.lock().running.len()
    }
}

/// Keeps a request's id taken while it runs.
pub(crate) struct CallGuard {
    home: Arc<dyn Calling>,
    id: RequestId,
    token: CancellationToken,
}

impl CallGuard {
    /// Takes `id` until the guard is dropped; `None` when a request with this id is running.
    /// The token is cancelled with it.
    pub(crate) fn begin(
        home: Arc<dyn Calling>,
        id: &RequestId,
        token: CancellationToken,
    ) -> Option<Self> {
        home.calls().begin(id, &token).then(|| {
            let id = id.clone();
            Self { home, id, token }
        })
    }

    /// Keeps the id without the message it came in: for a request that stays open for long.
    pub(crate) fn detach(&mut self) {
        let id = self.id.detach();
        let mut table = self.home.calls().table.lock();
        if let Some((known, _)) = table
            .running
            .iter_mut()
            .find(|(known, _)| *known == self.id)
        {
            *known = id.clone();
        }
        drop(table);
        self.id = id;
    }

    /// Cancelled when the client cancels the request.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        let mut table = self.home.calls().table.lock();
        let running = &mut table.running;
        if let Some(index) = running.iter().position(|(known, _)| *known == self.id) {
            running.swap_remove(index);
        }
        if running.is_empty() {
            *running = Vec::new();
        }
        let last = table.running.is_empty();
        let waiting = last.then(|| table.waiting.take()).flatten();
        drop(table);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for CallGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallGuard")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Calling for Calls {
        fn calls(&self) -> &Calls {
            self
        }
    }

    fn begin(calls: &Arc<Calls>, id: &RequestId) -> Option<CallGuard> {
        CallGuard::begin(Arc::clone(calls) as _, id, CancellationToken::new())
    }

    #[test]
    fn an_id_is_taken_until_its_request_ends_and_can_be_cancelled_meanwhile() {
        let calls = Arc::new(Calls::default());
        let id = RequestId::Number(1);
        let guard = begin(&calls, &id).unwrap();
        assert!(begin(&calls, &id).is_none());
        assert!(calls.cancel(&id) && guard.token().is_cancelled());
        drop(guard);
        assert!(!calls.cancel(&id) && calls.len() == 0);
        assert!(begin(&calls, &id).is_some());
    }

    #[test]
    fn what_begins_after_the_end_is_cancelled() {
        let calls = Arc::new(Calls::default());
        calls.cancel_all();
        let guard = begin(&calls, &RequestId::Number(1)).unwrap();
        assert!(guard.token().is_cancelled());
    }
}
