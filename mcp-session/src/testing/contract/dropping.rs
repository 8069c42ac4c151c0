//! Promises to those who lose patience.

use std::{future::poll_fn, pin::pin, task::Poll};

use crate::store::{Draft, Quota, Store, StoreError};
use crate::testing::contract::trial::{Trial, done};

/// Polls a future so many times at most, and drops it.
pub(super) async fn dropped<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// An operation that is dropped halfway is done or is not done, and the store goes on.
pub async fn what_is_dropped_halfway_is_done_or_not_done(store: impl Store) {
    const MANY: usize = 30;
    let trial = Trial::of(store);
    let quota = Quota::records(2 * MANY).bytes(100_000);
    for at in 0..MANY {
        let (name, polls) = (at.to_string(), at % 4);
        let key = trial.key(&name);
        let value = |text: &str| text.repeat(500);
        let creating = trial.try_create(&name, Draft::new(value("1")), quota);
        dropped(polls, creating).await;
        let revision = match trial.try_create(&name, Draft::new(value("1")), quota).await {
            Ok(revision) => revision,
            Err(StoreError::Conflict) => trial.load(&name).await.expect("made").revision,
            Err(error) => panic!("{error}"),
        };
        let saving = trial.try_save(&name, revision, Draft::new(value("22")), quota);
        dropped(polls, saving).await;
        dropped(polls, trial.store.load(&key)).await;
        dropped(polls, trial.store.list(&trial.owner, None, 10)).await;
        let record = trial.load(&name).await.expect("it is there");
        let whole = [value("1"), value("22")];
        assert!(
            whole.iter().any(|whole| record.value == *whole),
            "{record:?}"
        );
        if at % 3 == 0 {
            dropped(polls, trial.store.delete(&key, None)).await;
        }
    }
    // The quota counts what is there. What was dropped last may be done only now.
    for _ in 0..10 {
        let exact = Quota::records(trial.names().await.len() + 1);
        match trial.try_create("exact", Draft::new("x"), exact).await {
            Err(StoreError::Full(_)) => {}
            outcome => {
                done(outcome);
                return;
            }
        }
    }
    panic!("the quota counts what is not there");
}
