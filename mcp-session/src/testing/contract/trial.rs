//! A store under trial: short ways to use it, which panic with what went wrong.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::clock::{self, Instant};
use crate::random;
use crate::store::{Draft, Key, Owner, Quota, Record, Revision, Store, StoreError};

/// How far a clock that ticks in milliseconds may be off.
pub(super) const TICK: Duration = Duration::from_millis(3);

/// A store, and an owner that nobody else has.
#[derive(Clone)]
pub(super) struct Trial {
    pub(super) store: Arc<dyn Store>,
    pub(super) owner: Owner,
}

/// When something happened: between these two moments.
#[derive(Clone, Copy)]
pub(super) struct Span {
    began: Instant,
    ended: Instant,
}

impl Trial {
    pub(super) fn of(store: impl Store) -> Self {
        Self {
            store: Arc::new(store),
            owner: somebody(),
        }
    }

    /// The same store, and somebody else.
    pub(super) fn another(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            owner: somebody(),
        }
    }

    pub(super) fn key(&self, name: &str) -> Key {
        self.owner.key(name)
    }

    pub(super) async fn create(&self, name: &str, draft: Draft) -> Revision {
        done(self.try_create(name, draft, Quota::NONE).await)
    }

    pub(super) async fn try_create(
        &self,
        name: &str,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        self.store.create(&self.key(name), draft, quota).await
    }

    pub(super) async fn save(&self, name: &str, expected: Revision, draft: Draft) -> Revision {
        done(self.try_save(name, expected, draft, Quota::NONE).await)
    }

    pub(super) async fn try_save(
        &self,
        name: &str,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        let key = self.key(name);
        self.store.save(&key, expected, draft, quota).await
    }

    pub(super) async fn load(&self, name: &str) -> Option<Record> {
        done(self.store.load(&self.key(name)).await)
    }

    pub(super) async fn value(&self, name: &str) -> Option<Bytes> {
        self.load(name).await.map(|record| record.value)
    }

    pub(super) async fn touch(&self, name: &str, ttl: Duration) -> Option<Record> {
        done(self.store.touch(&self.key(name), ttl).await)
    }

    pub(super) async fn delete(&self, name: &str) -> bool {
        done(self.store.delete(&self.key(name), None).await)
    }

    pub(super) async fn clear(&self) {
        done(self.store.clear(&self.owner).await);
    }

    /// The names of a page.
    pub(super) async fn page(&self, after: Option<&str>, limit: usize) -> Vec<String> {
        let listed = done(self.store.list(&self.owner, after, limit).await);
        listed.into_iter().map(|listed| listed.name).collect()
    }

    /// All names.
    pub(super) async fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let page = self.page(names.last().map(String::as_str), 100).await;
            if page.is_empty() {
                return names;
            }
            names.extend(page);
        }
    }
}

/// An owner that nobody else has.
pub(super) fn somebody() -> Owner {
    let id = u64::from_be_bytes(random::bytes());
    Owner::new("contract", format!("{id:016x}"))
}

/// What a store did.
#[track_caller]
pub(super) fn done<T>(outcome: Result<T, StoreError>) -> T {
    match outcome {
        Ok(done) => done,
        Err(StoreError::Unavailable(source)) => panic!("the store is not available: {source}"),
        Err(error) => panic!("the store refused what it must do: {error}"),
    }
}

#[track_caller]
pub(super) fn assert_conflict<T>(outcome: Result<T, StoreError>) {
    match outcome {
        Err(StoreError::Conflict) => {}
        Ok(_) => panic!("what conflicts was done"),
        Err(error) => panic!("a conflict was reported as: {error}"),
    }
}

/// Runs this, and says when.
pub(super) async fn timed<F: Future>(future: F) -> (F::Output, Span) {
    let began = clock::now();
    let output = future.await;
    let ended = clock::now();
    (output, Span { began, ended })
}

impl Span {
    /// True where what was given this long to live then must still be there now.
    pub(super) fn lives(self, ttl: Duration) -> bool {
        clock::now() + TICK < self.began + ttl
    }

    /// Waits until what was given this long to live then must be gone.
    pub(super) async fn expired(self, ttl: Duration) {
        clock::timer_until(self.ended + ttl + TICK).await;
    }

    /// Waits until this long after it.
    pub(super) async fn passed(self, time: Duration) {
        clock::timer_until(self.ended + time).await;
    }
}

/// Checks what was left of a time to live, given in one span and seen in another.
#[track_caller]
pub(super) fn assert_left(left: Option<Duration>, ttl: Duration, given: Span, seen: Span) {
    let left = left.expect("what expires says when");
    let most = ttl - (seen.began - given.ended).min(ttl) + TICK;
    let least = ttl.saturating_sub(seen.ended - given.began + TICK);
    assert!(
        (least..=most).contains(&left),
        "{left:?} are left, which should be between {least:?} and {most:?}"
    );
}
