//! Promises about single records: their values and revisions, and how they go.

use crate::store::{Draft, Quota, Revision, Store};
use crate::testing::contract::trial::{Trial, assert_conflict, done};

/// A record is created where there is none, and saved at the revision it is at.
pub async fn a_record_is_created_once_and_saved_at_its_revision(store: impl Store) {
    let trial = Trial::of(store);
    assert_eq!(trial.load("one").await, None);
    let none = Revision::new(0);
    assert_conflict(
        trial
            .try_save("one", none, Draft::new("x"), Quota::NONE)
            .await,
    );
    let first = trial.create("one", Draft::new("first")).await;
    assert_conflict(
        trial
            .try_create("one", Draft::new("again"), Quota::NONE)
            .await,
    );
    let second = trial.save("one", first, Draft::new("second")).await;
    assert_ne!(first, second);
    for late in [first, Revision::new(u64::MAX), Revision::new(0)] {
        assert_conflict(
            trial
                .try_save("one", late, Draft::new("late"), Quota::NONE)
                .await,
        );
    }
    let record = trial.load("one").await.expect("it was saved");
    assert_eq!(record.value, "second");
    assert_eq!((record.revision, record.ttl), (second, None));
}

/// No key has the same revision twice, deleted and created again or not.
pub async fn a_revision_is_never_used_again(store: impl Store) {
    let trial = Trial::of(store);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let first = trial.create("one", Draft::new("x")).await;
        let second = trial.save("one", first, Draft::new("x")).await;
        seen.extend([first, second]);
        assert!(trial.delete("one").await);
        // Not even where nothing of the owner is left.
        let third = trial.create("one", Draft::new("x")).await;
        seen.push(third);
        trial.clear().await;
    }
    for (at, one) in seen.iter().enumerate() {
        assert!(!seen[at + 1..].contains(one), "{one:?} was used twice");
    }
}

/// A delete spares what has moved on, where it expects a revision.
pub async fn a_delete_can_expect_a_revision(store: impl Store) {
    let trial = Trial::of(store);
    let key = trial.key("one");
    assert!(!trial.delete("one").await);
    let first = trial.create("one", Draft::new("x")).await;
    let second = trial.save("one", first, Draft::new("y")).await;
    assert_conflict(trial.store.delete(&key, Some(first)).await);
    assert_eq!(trial.value("one").await.as_deref(), Some(&b"y"[..]));
    assert!(done(trial.store.delete(&key, Some(second)).await));
    assert!(!done(trial.store.delete(&key, Some(second)).await));
    assert_eq!(trial.load("one").await, None);
}

/// A clear removes everything of one owner, and nothing else.
pub async fn a_clear_removes_all_that_one_owner_has(store: impl Store) {
    const MANY: usize = 300;
    let trial = Trial::of(store);
    let other = trial.another();
    other.create("one", Draft::new("x")).await;
    trial.clear().await;
    for at in 0..MANY {
        trial.create(&at.to_string(), Draft::new("x")).await;
    }
    assert_eq!(trial.names().await.len(), MANY);
    trial.clear().await;
    assert!(trial.names().await.is_empty());
    assert_eq!(trial.load("7").await, None);
    let only = trial.try_create("7", Draft::new("y"), Quota::records(1).bytes(2));
    done(only.await);
    assert_eq!(other.names().await, ["one"]);
}

/// A value is any bytes, from none to a mebibyte.
pub async fn values_are_any_bytes(store: impl Store) {
    let trial = Trial::of(store);
    let every: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = every.iter().copied().cycle().take(1 << 20).collect();
    let values = [vec![], vec![0], b"\r\n$-1\r\n".to_vec(), every, large];
    for (at, value) in values.iter().enumerate() {
        let name = at.to_string();
        let first = trial.create(&name, Draft::new(value.clone())).await;
        assert!(trial.value(&name).await.is_some_and(|kept| kept == *value));
        let reversed: Vec<u8> = value.iter().rev().copied().collect();
        trial.save(&name, first, Draft::new(reversed.clone())).await;
        assert!(
            trial
                .value(&name)
                .await
                .is_some_and(|kept| kept == reversed)
        );
    }
    let listed = done(trial.store.list(&trial.owner, None, 10).await);
    let sizes: Vec<_> = listed
        .iter()
        .map(|listed| listed.record.value.len())
        .collect();
    assert_eq!(sizes, values.map(|value| value.len()));
}
