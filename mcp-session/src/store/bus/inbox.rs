//! What one subscription has not read yet: a bounded queue.

use std::{collections::VecDeque, fmt, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::store::bus::{Delivery, Event, Subscription};

/// How many events wait for a reader, unless something else is said.
pub(crate) const CAPACITY: usize = 1_024;

/// What waits for one reader. Whoever puts something in never waits; a reader that is behind by more
/// than fits loses everything that waits, and is told so.
#[derive(Debug)]
pub(crate) struct Inbox {
    // Held for a moment only, never across an await.
    waiting: Mutex<Waiting>,
    arrived: Notify,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// What comes before the events.
    first: Option<Delivery>,
    events: VecDeque<Event>,
}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            capacity: capacity.max(1),
        })
    }

    pub(crate) fn put(&self, event: Event) {
        let mut waiting = self.waiting.lock();
        if waiting.events.len() >= self.capacity {
            waiting.begin_with(Delivery::Lagged);
        } else {
            waiting.events.push_back(event);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Something may have been missed. What waits is of no use any more, for everything is looked at
    /// again.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn lagged(&self) {
        self.waiting.lock().begin_with(Delivery::Lagged);
        self.arrived.notify_one();
    }

    /// Nothing is heard until [`lagged`](Self::lagged).
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn cut_off(&self) {
        self.waiting.lock().begin_with(Delivery::CutOff);
        self.arrived.notify_one();
    }
}

impl Waiting {
    fn begin_with(&mut self, first: Delivery) {
        self.events.clear();
        self.first = Some(first);
    }

    fn take(&mut self) -> Option<Delivery> {
        let first = self.first.take();
        first.or_else(|| self.events.pop_front().map(Delivery::Event))
    }
}

/// Reads an inbox, and keeps alive what fills it.
pub(crate) struct Reader<T> {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) _filled_by: T,
}

#[async_trait]
impl<T: Send> Subscription for Reader<T> {
    async fn next(&mut self) -> Delivery {
        loop {
            // What arrives between the look and the wait leaves a permit.
            let taken = self.inbox.waiting.lock().take();
            if let Some(delivery) = taken {
                return delivery;
            }
            self.inbox.arrived.notified().await;
        }
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.inbox.waiting.lock().events.len();
        f.debug_struct("Subscription")
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, any(feature = "postgres", feature = "redis")))]
mod tests {
    use super::*;

    fn event(id: &str) -> Event {
        Event::ErrandDone { id: id.into() }
    }

    #[test]
    fn what_happened_to_the_line_comes_first_and_the_last_of_it_counts() {
        let inbox = Inbox::new(2);
        let take = || inbox.waiting.lock().take();
        inbox.put(event("before"));
        inbox.cut_off();
        assert_eq!(take(), Some(Delivery::CutOff));
        assert_eq!(take(), None);
        inbox.lagged();
        inbox.put(event("after"));
        assert_eq!(take(), Some(Delivery::Lagged));
        assert_eq!(take(), Some(Delivery::Event(event("after"))));
        // Whoever did not look meanwhile hears only how it ended.
        inbox.cut_off();
        inbox.lagged();
        inbox.put(event("1"));
        inbox.put(event("2"));
        assert_eq!(take(), Some(Delivery::Lagged));
        inbox.put(event("3"));
        assert_eq!(take(), Some(Delivery::Lagged));
        assert_eq!(take(), None);
    }
}
