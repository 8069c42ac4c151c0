//! Promises to those who come at the same time, and to those who lose patience.

use std::collections::HashMap;

use bytes::Bytes;

use crate::store::{Outbox, ReadError};
use crate::testing::contract::{
    crowds::at_once,
    dropping::dropped,
    outbox::trial::{Trial, all, assert_follows, text},
    trial::done,
};

const CROWD: usize = 8;
const EACH: usize = 15;

/// Of many who append to one log at once, each gets numbers of its own; what each appended together
/// is in one piece, and in the order in which it was appended.
pub async fn of_many_who_append_at_once_each_gets_its_numbers(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let lasts = at_once(CROWD, |who| {
        let trial = trial.clone();
        async move {
            let mut lasts = Vec::new();
            for turn in 0..EACH {
                let events = [0, 1, 2].map(|at| format!("{who}/{turn}/{at}"));
                let events = events.each_ref().map(String::as_str);
                lasts.push(trial.append("one", &events, all()).await);
            }
            lasts
        }
    })
    .await;
    let logged = trial.logged("one", 0, usize::MAX).await;
    let logged = logged.expect("nothing is gone");
    assert_eq!(logged.len(), 3 * CROWD * EACH);
    assert_follows(&logged, logged[0].number - 1);
    let texts: HashMap<u64, String> = logged
        .iter()
        .map(|logged| (logged.number, text(logged)))
        .collect();
    for (who, lasts) in lasts.iter().enumerate() {
        assert!(lasts.is_sorted(), "an append is behind the one before it");
        for (turn, last) in lasts.iter().enumerate() {
            for at in 0..3 {
                let expected = format!("{who}/{turn}/{at}");
                assert_eq!(texts[&(last - 2 + at)], expected);
            }
        }
    }
}

/// Whoever reads while others append and old events go sees every event once and in order, or is
/// told that something is gone; and what was appended before a read began is there.
pub async fn whoever_reads_meanwhile_sees_no_gap(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    // Numbers tell how many there must be.
    let first = trial.append("one", &["0"], all()).await;
    let writing = at_once(CROWD, |_| {
        let trial = trial.clone();
        async move {
            for _ in 0..EACH {
                trial.append("one", &["x", "y"], all().events(20)).await;
                tokio::task::yield_now().await;
            }
        }
    });
    let end = first + (2 * CROWD * EACH) as u64;
    let reading = async {
        let mut after = first;
        while after < end {
            let known = trial.last("one").await;
            match trial.logged("one", after, 7).await {
                Some(read) => {
                    assert_follows(&read, after);
                    let must = (known - after.min(known)).min(7);
                    assert!(read.len() as u64 >= must, "what was there is not told");
                    after = read.last().map_or(after, |logged| logged.number);
                }
                // Too slow: on from the last that is kept now.
                None => after = trial.last("one").await,
            }
            tokio::task::yield_now().await;
        }
    };
    futures_util::join!(writing, reading,);
    assert_eq!(trial.last("one").await, end);
}

/// Where an owner is cleared while others append, each log is whole, or not there.
pub async fn clears_and_appends_at_once_leave_whole_logs(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    at_once(CROWD, |who| {
        let trial = trial.clone();
        async move {
            for turn in 0..EACH {
                if who == 0 {
                    trial.clear().await;
                    continue;
                }
                let name = (turn % 2).to_string();
                trial.append(&name, &["a", "b"], all()).await;
                match trial.outbox.read(&trial.key(&name), 0, usize::MAX).await {
                    Ok(read) => {
                        let texts: Vec<_> = read.iter().map(text).collect();
                        assert!(texts.chunks(2).all(|pair| pair == ["a", "b"]), "{texts:?}");
                        if let Some(first) = read.first() {
                            assert_follows(&read, first.number - 1);
                        }
                    }
                    Err(ReadError::Purged) => panic!("a log was there in part"),
                    Err(ReadError::Store(error)) => done(Err(error)),
                }
            }
        }
    })
    .await;
    trial.clear().await;
    for name in ["0", "1"] {
        assert_eq!(trial.last(name).await, 0);
    }
}

/// An append that is dropped halfway is there as a whole, or not at all, and the log goes on.
pub async fn what_is_appended_halfway_is_there_or_not_there(outbox: impl Outbox) {
    const MANY: usize = 40;
    let trial = Trial::of(outbox);
    let key = trial.key("one");
    let first = trial.append("one", &["begin"], all()).await;
    for at in 0..MANY {
        let events = ["1", "2", "3"].map(|part| Bytes::from(format!("{at}/{part}")));
        let appending = trial.outbox.append(&key, events.to_vec(), all());
        dropped(at % 4, appending).await;
        dropped(at % 3, trial.outbox.read(&key, first, 10)).await;
    }
    // What was dropped last may be done only now, and not behind the end.
    let last = trial.append("one", &["end"], all()).await;
    let read = trial.logged("one", first, usize::MAX).await;
    let read = read.expect("nothing is gone");
    assert_follows(&read, first);
    let end = usize::try_from(last - first - 1).expect("it is a small number");
    assert_eq!(text(&read[end]), "end");
    let parts: Vec<_> = read.iter().map(text).filter(|text| text != "end").collect();
    for whole in parts.chunks(3) {
        let (at, _) = whole[0].split_once('/').expect("it was written so");
        let expected = ["1", "2", "3"].map(|part| format!("{at}/{part}"));
        assert_eq!(whole, expected, "an append is there in part");
    }
}
