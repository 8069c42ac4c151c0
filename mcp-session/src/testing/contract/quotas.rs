//! Promises about quotas, to those who come one after the other.

use std::time::Duration;

use crate::store::{Bound, Draft, Quota, Store, StoreError};
use crate::testing::contract::trial::{Trial, assert_conflict, done, timed};

const SHORT: Duration = Duration::from_millis(400);

#[track_caller]
pub(super) fn assert_full<T>(outcome: Result<T, StoreError>, expected: Bound) {
    match outcome {
        Err(StoreError::Full(bound)) => assert_eq!(bound, expected),
        Ok(_) => panic!("a quota was exceeded"),
        Err(error) => panic!("a quota was reported as: {error}"),
    }
}

/// A quota counts the records that live, with their names.
pub async fn quotas_count_what_is_alive_only(store: impl Store) {
    let trial = Trial::of(store);
    let two = Quota::records(2);
    let making = async {
        for name in ["a", "b"] {
            let draft = Draft::new("x").ttl(SHORT);
            done(trial.try_create(name, draft, two).await);
        }
    };
    let ((), made) = timed(making).await;
    let third = trial.try_create("c", Draft::new("x"), two).await;
    if made.lives(SHORT) {
        assert_full(third, Bound::Records);
        // What is there already conflicts, however full it is.
        assert_conflict(trial.try_create("a", Draft::new("x"), two).await);
    }
    made.expired(SHORT).await;
    trial.delete("c").await;
    done(trial.try_create("c", Draft::new("1234"), two).await);

    // Names count as well: `c` and `1234` are five bytes.
    let bytes = Quota::NONE.bytes(10);
    assert_full(
        trial.try_create("d", Draft::new("12345"), bytes).await,
        Bound::Bytes,
    );
    done(trial.try_create("d", Draft::new("1234"), bytes).await);
    let none = Quota::records(0);
    assert_full(
        trial.try_create("e", Draft::new(""), none).await,
        Bound::Records,
    );
}

/// What one owner has counts for no other.
pub async fn quotas_are_of_one_owner(store: impl Store) {
    let trial = Trial::of(store);
    let one = Quota::records(1).bytes(4);
    for owner in [trial.clone(), trial.another(), trial.another()] {
        done(owner.try_create("one", Draft::new("x"), one).await);
        assert_full(
            owner.try_create("two", Draft::new("x"), one).await,
            Bound::Records,
        );
    }
}

/// A record that is deleted, or saved with less in it, leaves room for others.
pub async fn what_was_removed_makes_room(store: impl Store) {
    let trial = Trial::of(store);
    let quota = Quota::records(2).bytes(10);
    let first = done(trial.try_create("a", Draft::new("12345"), quota).await);
    assert_full(
        trial.try_create("b", Draft::new("1234"), quota).await,
        Bound::Bytes,
    );
    let second = trial.save("a", first, Draft::new("1234")).await;
    done(trial.try_create("b", Draft::new("1234"), quota).await);
    assert_full(
        trial
            .try_save("a", second, Draft::new("12345"), quota)
            .await,
        Bound::Bytes,
    );
    assert!(trial.delete("b").await);
    done(
        trial
            .try_save("a", second, Draft::new("123456789"), quota)
            .await,
    );
    assert_full(
        trial.try_create("", Draft::new("x"), quota).await,
        Bound::Bytes,
    );
    done(trial.try_create("", Draft::new(""), quota).await);
}

/// A save that makes a record no larger is within every quota.
pub async fn a_save_that_does_not_grow_is_within_every_quota(store: impl Store) {
    let trial = Trial::of(store);
    let first = trial.create("one", Draft::new("1234")).await;
    let tight = Quota::records(0).bytes(1);
    let second = done(
        trial
            .try_save("one", first, Draft::new("4321"), tight)
            .await,
    );
    assert_full(
        trial
            .try_save("one", second, Draft::new("12345"), tight)
            .await,
        Bound::Bytes,
    );
    // Who has seen an old revision learns that first.
    assert_conflict(
        trial
            .try_save("one", first, Draft::new("12345"), tight)
            .await,
    );
    assert_eq!(trial.value("one").await.as_deref(), Some(&b"4321"[..]));
    let roomy = Quota::records(0).bytes(8);
    done(
        trial
            .try_save("one", second, Draft::new("12345"), roomy)
            .await,
    );
}
