//! Promises about time.

use std::time::Duration;

use crate::store::{Keep, Outbox};
use crate::testing::contract::{
    outbox::trial::{Trial, all},
    trial::{done, timed},
};

const SHORT: Duration = Duration::from_millis(300);

/// What is older than it may be goes when another one is appended.
pub async fn old_events_go_when_another_one_comes(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let (first, appended) = timed(trial.append("one", &["1", "2"], all())).await;
    appended.expired(SHORT).await;
    let (_, young) = timed(trial.append("one", &["3"], all())).await;
    let read = trial.read("one", 0).await;
    assert_eq!(read.expect("they are young enough"), ["1", "2", "3"]);
    trial.append("one", &["4"], Keep::new(SHORT)).await;
    let third_is_young = young.lives(SHORT);
    assert_eq!(trial.read("one", first - 1).await, None);
    let read = trial.read("one", first + 1).await;
    assert_eq!(read.expect("the newest stays"), ["4"]);
    if third_is_young {
        let read = trial.read("one", first).await;
        assert_eq!(read.expect("the third is young"), ["3", "4"]);
    }
}

/// A log is there as long after its last append as that said, and then it is absent.
pub async fn an_append_prolongs_a_log(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let keep = Keep::new(SHORT);
    let (first, mut appended) = timed(trial.append("one", &["1"], keep)).await;
    for round in 1..=3 {
        appended.passed(SHORT / 3).await;
        let was_there = appended.lives(SHORT);
        let (last, again) = timed(trial.append("one", &["x"], keep)).await;
        if !was_there {
            // The machine is too slow for this.
            return;
        }
        assert_eq!(last, first + round, "it was there, and went on");
        appended = again;
    }
    appended.expired(SHORT).await;
    assert_eq!(trial.last("one").await, 0);
    assert_eq!(trial.read("one", 0).await, Some(vec![]));
    assert_eq!(trial.read("one", first + 3).await, None);
    // A longer time counts from now on, and a shorter one as well.
    trial.append("one", &["a"], Keep::new(SHORT)).await;
    let (_, appended) = timed(trial.append("one", &["b"], all())).await;
    appended.expired(SHORT).await;
    assert!(trial.last("one").await > 0);
    let (_, appended) = timed(trial.append("one", &["c"], Keep::new(SHORT))).await;
    appended.expired(SHORT).await;
    assert_eq!(trial.last("one").await, 0);
}

/// After a log has expired, one that begins under the same key has nothing to say to those who
/// remember a number of the one before.
pub async fn a_log_that_begins_again_answers_nobody_who_knew_the_one_before(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let keep = Keep::new(SHORT);
    let (last, appended) = timed(trial.append("one", &["1", "2", "3"], keep)).await;
    appended.expired(SHORT).await;
    for known in last - 2..=last {
        assert_eq!(trial.read("one", known).await, None);
    }
    let again = trial.append("one", &["4", "5", "6", "7", "8"], all()).await;
    let read = trial.read("one", 0).await.expect("a log begins");
    assert_eq!(read, ["4", "5", "6", "7", "8"]);
    for known in last - 2..=last + 2 {
        assert_eq!(trial.read("one", known).await, None, "{known} of {again}");
    }
}

/// A sweep removes logs whose time is over, and no others.
pub async fn a_sweep_removes_only_logs_whose_time_is_over(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let kept = trial.append("kept", &["1"], all()).await;
    let prolonged = Keep::new(SHORT);
    trial.append("prolonged", &["1"], prolonged).await;
    let (_, appended) = timed(trial.append("gone", &["1"], Keep::new(SHORT))).await;
    let last = trial.append("prolonged", &["2"], all()).await;
    done(trial.outbox.sweep(100).await);
    appended.expired(SHORT).await;
    done(trial.outbox.sweep(100).await);
    assert_eq!(done(trial.outbox.sweep(100).await), 0);
    assert_eq!(trial.last("kept").await, kept);
    assert_eq!(trial.last("prolonged").await, last);
    assert_eq!(trial.last("gone").await, 0);
    assert_eq!(
        trial.read("prolonged", 0).await.map(|read| read.len()),
        Some(2)
    );
}
