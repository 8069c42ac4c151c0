//! Promises about time: what expires and when, and what makes it live longer.

use std::{collections::BTreeSet, time::Duration};

use crate::store::{Draft, Owner, Quota, Store};
use crate::testing::contract::trial::{Trial, assert_conflict, assert_left, done, timed};

/// Long enough for a few operations on a busy machine.
const SHORT: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_secs(1_000);

/// What has expired is not there for any operation.
pub async fn what_has_expired_is_absent(store: impl Store) {
    let trial = Trial::of(store);
    let draft = Draft::new("x").ttl(SHORT);
    let (first, made) = timed(trial.create("one", draft)).await;
    let (record, seen) = timed(trial.load("one")).await;
    if made.lives(SHORT) {
        assert_left(record.expect("it lives").ttl, SHORT, made, seen);
    }
    made.expired(SHORT).await;
    assert_eq!(trial.load("one").await, None);
    assert!(trial.names().await.is_empty());
    assert_eq!(trial.touch("one", SHORT).await, None);
    assert!(!done(
        trial.store.delete(&trial.key("one"), Some(first)).await
    ));
    assert!(!trial.delete("one").await);
    assert_conflict(
        trial
            .try_save("one", first, Draft::new("y"), Quota::NONE)
            .await,
    );
    let again = trial.create("one", Draft::new("new")).await;
    assert_ne!(first, again);
    let record = trial.load("one").await.expect("it was created");
    assert_eq!((&*record.value, record.ttl), (&b"new"[..], None));
}

/// A touch makes a record live longer, and never shorter; its value and revision stay.
pub async fn a_touch_only_extends(store: impl Store) {
    let trial = Trial::of(store);
    let (first, made) = timed(trial.create("one", Draft::new("x").ttl(LONG))).await;
    let (touched, seen) = timed(trial.touch("one", SHORT)).await;
    let touched = touched.expect("it lives");
    assert_left(touched.ttl, LONG, made, seen);
    assert_eq!((&*touched.value, touched.revision), (&b"x"[..], first));
    let (touched, longer) = timed(trial.touch("one", 2 * LONG)).await;
    let touched = touched.expect("it lives");
    assert_left(touched.ttl, 2 * LONG, longer, longer);
    assert_eq!((&*touched.value, touched.revision), (&b"x"[..], first));
    let (record, seen) = timed(trial.load("one")).await;
    assert_left(record.expect("it lives").ttl, 2 * LONG, longer, seen);

    // What was to expire does not, and then it does.
    let (_, made) = timed(trial.create("two", Draft::new("x").ttl(SHORT))).await;
    made.passed(SHORT / 2).await;
    let (touched, again) = timed(trial.touch("two", SHORT)).await;
    if touched.is_some() {
        made.expired(SHORT).await;
        let there = trial.load("two").await.is_some();
        assert!(there || !again.lives(SHORT), "a touch did not extend");
    }
    again.expired(SHORT).await;
    assert_eq!(trial.load("two").await, None);

    trial.create("for ever", Draft::new("x")).await;
    let touched = trial.touch("for ever", SHORT).await.expect("it lives");
    assert_eq!(touched.ttl, None);
    assert_eq!(trial.touch("nobody", SHORT).await, None);
}

/// A save makes a record live longer where it is asked to, and leaves its time alone otherwise.
pub async fn a_save_extends_where_it_is_asked_to(store: impl Store) {
    let trial = Trial::of(store);
    let (first, made) = timed(trial.create("one", Draft::new("x").ttl(LONG))).await;
    let second = trial.save("one", first, Draft::new("y")).await;
    let (record, seen) = timed(trial.load("one")).await;
    assert_left(record.expect("it lives").ttl, LONG, made, seen);
    let longer = trial.save("one", second, Draft::new("y").ttl(3 * LONG));
    let (third, longer) = timed(longer).await;
    let (record, seen) = timed(trial.load("one")).await;
    assert_left(record.expect("it lives").ttl, 3 * LONG, longer, seen);
    trial.save("one", third, Draft::new("y").ttl(SHORT)).await;
    let (record, seen) = timed(trial.load("one")).await;
    assert_left(record.expect("it lives").ttl, 3 * LONG, longer, seen);

    let first = trial.create("for ever", Draft::new("x")).await;
    trial
        .save("for ever", first, Draft::new("y").ttl(SHORT))
        .await;
    let record = trial.load("for ever").await.expect("it lives");
    assert_eq!(record.ttl, None);
}

/// A time to live may be nothing, and may be longer than any engine can say.
pub async fn times_may_be_nothing_or_for_ever(store: impl Store) {
    let trial = Trial::of(store);
    let quota = Quota::records(1);
    for ttl in [Duration::ZERO, Duration::from_nanos(1)] {
        let (_, made) = timed(trial.create("gone", Draft::new("x").ttl(ttl))).await;
        made.expired(ttl).await;
        assert_eq!(trial.load("gone").await, None);
    }
    let draft = Draft::new("x").ttl(Duration::MAX);
    let first = done(trial.try_create("one", draft, quota).await);
    let ages = Duration::from_secs(50 * 365 * 24 * 60 * 60);
    let lasting = |ttl: Option<Duration>| ttl.is_none_or(|ttl| ttl > ages);
    assert!(trial.load("one").await.is_some_and(|one| lasting(one.ttl)));
    let saved = Draft::new("y").ttl(Duration::MAX);
    trial.save("one", first, saved).await;
    let touched = trial.touch("one", Duration::MAX).await;
    assert!(touched.is_some_and(|one| lasting(one.ttl)));
    assert!(trial.load("one").await.is_some_and(|one| lasting(one.ttl)));
}

/// A sweep removes at most as many records as it may, and none that lives. A store whose engine
/// removes them by itself finds none.
pub async fn a_sweep_removes_only_what_has_expired(store: impl Store) {
    const OWNERS: usize = 10;
    let trial = Trial::of(store);
    let owner = |at: usize| Owner::new("contract", format!("{}-{at}", trial.owner.id()));
    let draft = |ttl| Draft::new("x").ttl(ttl);
    assert_eq!(done(trial.store.sweep(100).await), 0);
    let making = async {
        for at in 0..OWNERS {
            for (name, ttl) in [("brief", SHORT), ("long", LONG)] {
                let key = owner(at).key(name);
                done(trial.store.create(&key, draft(ttl), Quota::NONE).await);
            }
            let key = owner(at).key("for ever");
            done(trial.store.create(&key, Draft::new("x"), Quota::NONE).await);
        }
    };
    let ((), made) = timed(making).await;
    made.expired(SHORT).await;
    let mut swept = Vec::new();
    while swept.len() < 2 * OWNERS {
        swept.push(done(trial.store.sweep(OWNERS - 3).await));
    }
    let all: usize = swept.iter().sum();
    assert!([0, OWNERS].contains(&all), "{all} records were swept");
    assert!(swept.iter().all(|swept| *swept <= OWNERS - 3));
    let mut left = BTreeSet::new();
    for at in 0..OWNERS {
        let listed = done(trial.store.list(&owner(at), None, 10).await);
        left.extend(listed.into_iter().map(|listed| (at, listed.name)));
    }
    assert_eq!(left.len(), 2 * OWNERS, "{left:?}");
    assert!(left.iter().all(|(_, name)| name != "brief"));
}
