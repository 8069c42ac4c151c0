//! Promises about how much is kept.

use crate::store::Keep;
use crate::store::Outbox;
use crate::testing::contract::outbox::trial::{HOUR, Trial, all};

/// No more events are kept than may be, and the oldest go first.
pub async fn events_are_bounded_and_the_oldest_go_first(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let keep = all().events(3);
    let first = trial.append("one", &["1"], keep).await;
    for (at, event) in (1..).zip(["2", "3", "4", "5", "6", "7"]) {
        assert_eq!(trial.append("one", &[event], keep).await, first + at);
    }
    let kept = trial.read("one", first + 3).await;
    assert_eq!(kept.expect("three are kept"), ["5", "6", "7"]);
    assert_eq!(trial.read("one", first + 2).await, None);

    // More at once than is kept.
    let last = trial.append("one", &["a", "b", "c", "d", "e"], keep).await;
    assert_eq!(last, first + 11);
    let kept = trial.read("one", last - 3).await;
    assert_eq!(kept.expect("three are kept"), ["c", "d", "e"]);
    assert_eq!(trial.read("one", last - 4).await, None);

    // The bound is that of the append.
    let last = trial.append("one", &["f"], all()).await;
    let kept = trial.read("one", last - 4).await;
    assert_eq!(kept.expect("four are kept"), ["c", "d", "e", "f"]);
    let last = trial.append("one", &["g"], all().events(1)).await;
    assert_eq!(trial.read("one", last - 2).await, None);
    assert_eq!(trial.read("one", last - 1).await.expect("one is"), ["g"]);
    // A log of its own is not touched.
    trial.append("two", &["1", "2"], all()).await;
    assert_eq!(trial.read("two", 0).await.map(|read| read.len()), Some(2));
}

/// No more bytes are kept than may be, and the oldest go first.
pub async fn bytes_are_bounded_and_the_oldest_go_first(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let keep = all().bytes(10);
    trial.append("one", &["1234", "5678"], keep).await;
    let last = trial.append("one", &["90"], keep).await;
    let kept = trial.read("one", last - 3).await;
    assert_eq!(kept.expect("ten bytes are kept"), ["1234", "5678", "90"]);
    let last = trial.append("one", &["x"], keep).await;
    assert_eq!(trial.read("one", last - 4).await, None);
    let kept = trial.read("one", last - 3).await;
    assert_eq!(kept.expect("seven bytes are kept"), ["5678", "90", "x"]);
    // What is gone counts no more, and empty ones count nothing.
    let last = trial.append("one", &["", "", "123", ""], keep).await;
    let kept = trial.read("one", last - 7).await;
    let all_of_it = ["5678", "90", "x", "", "", "123", ""];
    assert_eq!(kept.expect("ten bytes are kept"), all_of_it);
    let last = trial.append("one", &["123456789"], keep).await;
    let kept = trial.read("one", last - 2).await;
    assert_eq!(kept.expect("nine bytes are kept"), ["", "123456789"]);
    assert_eq!(trial.read("one", last - 3).await, None);
}

/// The newest event is kept, however large it is and however little is kept.
pub async fn the_newest_event_is_kept_whatever_it_is(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let keep = Keep::new(HOUR).events(0).bytes(0);
    for round in 0..3 {
        let large = round.to_string().repeat(10_000);
        let last = trial.append("one", &["small", &large], keep).await;
        assert_eq!(trial.read("one", last - 1).await, Some(vec![large]));
        assert_eq!(trial.read("one", last - 2).await, None);
        assert_eq!(trial.last("one").await, last);
    }
}

/// Whoever reads after a number whose successor is gone, or that no event has, is told so.
pub async fn to_read_what_is_gone_is_an_error(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    for nowhere in [1, 2, 1 << 52, 1 << 53, (1 << 53) + 1, 1 << 63, u64::MAX] {
        assert_eq!(trial.read("none", nowhere).await, None, "{nowhere}");
    }
    let first = trial.append("one", &["1"], all()).await;
    for there in [0, first, first - 1] {
        let read = trial.read("one", there).await;
        assert!(read.is_some(), "{there} of a log at {first}");
    }
    let far = [1 << 53, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, u64::MAX];
    let near = [first + 1, first.saturating_sub(2)];
    let nowhere = near.into_iter().filter(|number| *number > 0).chain(far);
    for nowhere in nowhere {
        let read = trial.read("one", nowhere).await;
        assert_eq!(read, None, "{nowhere} of a log at {first}");
    }
    let last = trial.append("one", &["2", "3"], all().events(2)).await;
    // The beginning is gone.
    assert_eq!(trial.read("one", 0).await, None);
    assert_eq!(trial.read("one", first - 1).await, None);
    // The first one is gone as well, but nothing that follows it.
    assert_eq!(
        trial.read("one", first).await.map(|read| read.len()),
        Some(2)
    );
    assert_eq!(trial.read("one", last).await, Some(vec![]));
    assert_eq!(trial.read("one", last + 1).await, None);
    // Nor does a page of nothing hide that.
    assert_eq!(trial.logged("one", 0, 0).await, None);
}
