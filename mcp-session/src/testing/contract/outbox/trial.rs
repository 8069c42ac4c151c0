//! An outbox under trial: short ways to use it, which panic with what went wrong.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::store::{Keep, Key, Logged, Outbox, Owner, ReadError};
use crate::testing::contract::trial::{done, somebody};

/// Longer than any trial takes.
pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);

/// As much as there is.
pub(super) fn all() -> Keep {
    Keep::new(HOUR)
}

/// An outbox, and an owner that nobody else has.
#[derive(Clone)]
pub(super) struct Trial {
    pub(super) outbox: Arc<dyn Outbox>,
    pub(super) owner: Owner,
}

impl Trial {
    pub(super) fn of(outbox: impl Outbox) -> Self {
        Self {
            outbox: Arc::new(outbox),
            owner: somebody(),
        }
    }

    /// The same outbox, and somebody else.
    pub(super) fn another(&self) -> Self {
        Self {
            outbox: Arc::clone(&self.outbox),
            owner: somebody(),
        }
    }

    pub(super) fn key(&self, name: &str) -> Key {
        self.owner.key(name)
    }

    pub(super) async fn append(&self, name: &str, events: &[&str], keep: Keep) -> u64 {
        let events = events.iter().map(|event| Bytes::from((*event).to_owned()));
        let events = events.collect();
        done(self.outbox.append(&self.key(name), events, keep).await)
    }

    pub(super) async fn last(&self, name: &str) -> u64 {
        done(self.outbox.last(&self.key(name)).await)
    }

    pub(super) async fn clear(&self) {
        done(self.outbox.clear(&self.owner).await);
    }

    /// What follows, with its numbers; `None` where a part of it is gone.
    pub(super) async fn logged(&self, name: &str, after: u64, limit: usize) -> Option<Vec<Logged>> {
        match self.outbox.read(&self.key(name), after, limit).await {
            Ok(logged) => Some(logged),
            Err(ReadError::Purged) => None,
            Err(ReadError::Store(error)) => done(Err(error)),
        }
    }

    /// What follows, as text; `None` where a part of it is gone.
    pub(super) async fn read(&self, name: &str, after: u64) -> Option<Vec<String>> {
        let logged = self.logged(name, after, usize::MAX).await?;
        Some(logged.iter().map(text).collect())
    }
}

/// Checks that no number is missing behind this one.
#[track_caller]
pub(super) fn assert_follows(logged: &[Logged], after: u64) {
    for (at, logged) in (1..).zip(logged) {
        assert_eq!(logged.number, after + at, "a number is missing");
    }
}

pub(super) fn text(logged: &Logged) -> String {
    String::from_utf8_lossy(&logged.value).into_owned()
}
