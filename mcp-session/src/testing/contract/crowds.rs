//! Promises to those who come at the same time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::store::{Bound, Draft, Quota, Store, StoreError};
use crate::testing::contract::trial::{Trial, done};

const CROWD: usize = 16;
const ROUNDS: usize = 20;

/// Runs one task for each number, at the same time.
pub(super) async fn at_once<F: Future<Output: Send + 'static> + Send + 'static>(
    many: usize,
    task: impl Fn(usize) -> F,
) -> Vec<F::Output> {
    let tasks: Vec<_> = (0..many).map(|at| tokio::spawn(task(at))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.expect("a task of the trial does not panic"));
    }
    outcomes
}

/// How many did it, how many found something else than they expected, and how many were told that
/// there is no room; nothing else may be.
#[track_caller]
fn counted<T>(outcomes: Vec<Result<T, StoreError>>, bound: Bound) -> (usize, usize, usize) {
    let (mut made, mut conflicts, mut full) = (0, 0, 0);
    for outcome in outcomes {
        match outcome {
            Ok(_) => made += 1,
            Err(StoreError::Conflict) => conflicts += 1,
            Err(StoreError::Full(found)) if found == bound => full += 1,
            Err(StoreError::Full(found)) => panic!("the wrong bound was reached: {found}"),
            other => drop(done(other)),
        }
    }
    (made, conflicts, full)
}

/// Of many who create one record at once, one does, and the others find a conflict.
pub async fn of_many_who_create_at_once_one_succeeds(store: impl Store) {
    let trial = Trial::of(store);
    for round in 0..ROUNDS {
        let outcomes = at_once(CROWD, |at| {
            let trial = trial.clone();
            let quota = if at % 2 == 0 {
                Quota::NONE
            } else {
                Quota::records(ROUNDS)
            };
            async move {
                let name = round.to_string();
                trial
                    .try_create(&name, Draft::new(at.to_string()), quota)
                    .await
            }
        });
        let outcomes = counted(outcomes.await, Bound::Records);
        assert_eq!(outcomes, (1, CROWD - 1, 0));
    }
}

/// Of many who delete one record at once, one removes it.
pub async fn of_many_who_delete_at_once_one_removes(store: impl Store) {
    let trial = Trial::of(store);
    for _ in 0..ROUNDS {
        let revision = trial.create("one", Draft::new("x")).await;
        let outcomes = at_once(CROWD, |at| {
            let trial = trial.clone();
            let expected = (at % 2 == 0).then_some(revision);
            async move { done(trial.store.delete(&trial.key("one"), expected).await) }
        });
        let removed = outcomes
            .await
            .into_iter()
            .filter(|removed| *removed)
            .count();
        assert_eq!(removed, 1);
    }
}

/// Of many who save at one revision, one does; and no save that was acknowledged is lost.
pub async fn concurrent_saves_lose_nothing(store: impl Store) {
    let trial = Trial::of(store);
    let mut revision = trial.create("one", Draft::new("0")).await;
    let quotas = [Quota::NONE, Quota::records(1).bytes(100)];
    for round in 0..ROUNDS {
        // Sometimes larger than before, so that quotas are looked at.
        let value = "x".repeat(round % 4);
        let outcomes = at_once(CROWD, |at| {
            let (trial, draft) = (trial.clone(), Draft::new(value.clone()));
            async move { trial.try_save("one", revision, draft, quotas[at % 2]).await }
        });
        let outcomes = outcomes.await;
        let saved = outcomes.iter().find_map(|outcome| outcome.as_ref().ok());
        revision = *saved.expect("one of them saves");
        assert_eq!(counted(outcomes, Bound::Bytes), (1, CROWD - 1, 0));
    }

    trial.create("count", Draft::new("0")).await;
    at_once(CROWD, |_| count(trial.clone())).await;
    let all = (CROWD * ROUNDS).to_string();
    assert_eq!(trial.value("count").await, Some(Bytes::from(all)));
}

/// Adds as many as there are rounds to what the others add.
async fn count(trial: Trial) {
    for _ in 0..ROUNDS {
        loop {
            let record = trial.load("count").await.expect("it is there");
            let draft = Draft::new((number(&record.value) + 1).to_string());
            match trial
                .try_save("count", record.revision, draft, Quota::NONE)
                .await
            {
                Ok(_) => break,
                Err(StoreError::Conflict) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn number(value: &[u8]) -> u64 {
    let text = std::str::from_utf8(value).unwrap_or_default();
    text.parse().expect("a number was written")
}

/// Whoever reads while others write sees a value that was written as a whole, with the revision of
/// that write.
pub async fn readers_see_what_was_written_as_a_whole(store: impl Store) {
    const LENGTH: usize = 10_000;
    let trial = Trial::of(store);
    let value = |at: usize| Bytes::from(at.to_string().repeat(LENGTH));
    let first = trial.create("one", Draft::new(value(0))).await;
    let written = Arc::new(Mutex::new(HashMap::from([(first, value(0))])));
    let seen = at_once(4, |at| {
        let (trial, written) = (trial.clone(), Arc::clone(&written));
        async move {
            let mut seen = Vec::new();
            for round in 1..=ROUNDS {
                let record = trial.load("one").await.expect("it is there");
                let (revision, draft) = (record.revision, Draft::new(value(at + 4 * round)));
                seen.push((revision, record.value));
                let saved = trial
                    .try_save("one", revision, draft.clone(), Quota::NONE)
                    .await;
                match saved {
                    Ok(saved) => drop(written.lock().insert(saved, draft.value().clone())),
                    Err(StoreError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            seen
        }
    });
    let seen: Vec<_> = seen.await.into_iter().flatten().collect();
    let written = written.lock();
    for (revision, value) in &seen {
        assert!(written.get(revision) == Some(value), "{revision:?} is torn");
    }
}

/// A quota of records holds for all who create at once.
pub async fn a_quota_holds_for_all_who_come_at_once(store: impl Store) {
    const ROOM: usize = 5;
    let trial = Trial::of(store);
    for _ in 0..ROUNDS {
        let trial = trial.another();
        let quota = Quota::records(ROOM).bytes(1_000);
        let outcomes = at_once(2 * CROWD, |at| {
            let trial = trial.clone();
            async move {
                trial
                    .try_create(&at.to_string(), Draft::new("x"), quota)
                    .await
            }
        });
        let outcomes = counted(outcomes.await, Bound::Records);
        assert_eq!(outcomes, (ROOM, 0, 2 * CROWD - ROOM));
        assert_eq!(trial.names().await.len(), ROOM);
    }
}

/// A quota of bytes holds for all who create and save at once, together.
pub async fn a_quota_of_bytes_holds_for_all_who_come_at_once(store: impl Store) {
    let trial = Trial::of(store);
    for _ in 0..ROUNDS {
        let trial = trial.another();
        // Eight records of one byte with a name of one, and room for ten bytes more three times.
        let quota = Quota::NONE.bytes(16 + 3 * 10 + 9);
        let mut revisions = Vec::new();
        for at in 0..8_u8 {
            let name = char::from(b'a' + at).to_string();
            revisions.push((trial.create(&name, Draft::new("x")).await, name));
        }
        let revisions = Arc::new(revisions);
        let outcomes = at_once(CROWD, |at| {
            let (trial, revisions) = (trial.clone(), Arc::clone(&revisions));
            async move {
                if at % 2 == 0 {
                    let (revision, name) = &revisions[at / 2];
                    let draft = Draft::new("x".repeat(11));
                    return trial.try_save(name, *revision, draft, quota).await;
                }
                let draft = Draft::new("x".repeat(9));
                trial.try_create(&format!("{at:X}"), draft, quota).await
            }
        });
        let outcomes = counted(outcomes.await, Bound::Bytes);
        assert_eq!(outcomes, (3, 0, CROWD - 3));
    }
}

/// Records that are made while their owner is cleared are there or not; what they counted for
/// quotas goes with them.
pub async fn clears_and_creates_at_once_leave_no_trace(store: impl Store) {
    let trial = Trial::of(store);
    let roomy = Quota::records(1_000).bytes(100_000);
    for round in 0..ROUNDS {
        let made = at_once(CROWD, |at| {
            let (trial, name) = (trial.clone(), format!("{round}-{at}"));
            async move {
                if at % 4 == 0 {
                    trial.clear().await;
                    return None;
                }
                done(trial.try_create(&name, Draft::new("x"), roomy).await);
                Some(name)
            }
        });
        let made: HashSet<_> = made.await.into_iter().flatten().collect();
        let left = trial.names().await;
        let known = |name: &String| made.contains(name) || !name.starts_with(&format!("{round}-"));
        assert!(left.iter().all(known));
        // The same count as there are records.
        let exact = Quota::records(left.len() + 1);
        done(trial.try_create("exact", Draft::new("x"), exact).await);
        assert!(trial.delete("exact").await);
    }
    trial.clear().await;
    done(
        trial
            .try_create("x", Draft::new("x"), Quota::records(1).bytes(2))
            .await,
    );
}
