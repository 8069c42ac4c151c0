//! The bus that needs nothing installed and ends with its process.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::store::StoreError;
use crate::store::bus::{Bus, Event, Inbox, Reader, Subscription, inbox};

/// Carries events within a process: what servers share that share a
/// [`MemoryStore`](crate::store::MemoryStore).
///
/// 1,024 events wait for each subscription, or [as many as it is told](Self::with_capacity).
#[derive(Debug)]
pub struct MemoryBus {
    // Held to look through it, never across an await.
    inboxes: Mutex<Vec<Weak<Inbox>>>,
    capacity: usize,
}

impl MemoryBus {
    /// A bus that nobody listens to yet.
    pub fn new() -> Self {
        Self::with_capacity(inbox::CAPACITY)
    }

    /// The same, where so many events wait for each subscription, at least one.
    pub fn with_capacity(events: usize) -> Self {
        Self {
            inboxes: Mutex::default(),
            capacity: events,
        }
    }
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, event: &Event) -> Result<(), StoreError> {
        let event = event.fitted();
        self.inboxes.lock().retain(|inbox| {
            let Some(inbox) = inbox.upgrade() else {
                return false;
            };
            inbox.put(event.clone());
            true
        });
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        let inbox = Inbox::new(self.capacity);
        let mut inboxes = self.inboxes.lock();
        inboxes.retain(|inbox| inbox.strong_count() > 0);
        inboxes.push(Arc::downgrade(&inbox));
        Ok(Box::new(Reader {
            inbox,
            _filled_by: (),
        }))
    }
}
