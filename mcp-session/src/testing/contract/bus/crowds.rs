//! Promises about much at once.

use std::collections::HashSet;

use crate::store::bus::{Bus, Delivery};
use crate::testing::contract::{bus::trial::Trial, crowds::at_once};

/// What many publish at the same time is heard, all of it.
pub async fn what_many_publish_at_once_is_heard(bus: impl Bus) {
    const CROWD: usize = 8;
    const EACH: usize = 20;
    let trial = Trial::of(bus);
    let mut readers = [trial.subscribe().await, trial.subscribe().await];
    at_once(CROWD, |at| {
        let trial = trial.clone();
        async move {
            for number in 0..EACH {
                trial.publish(&trial.event(at * EACH + number)).await;
            }
        }
    })
    .await;
    for reader in &mut readers {
        reader
            .hears((0..CROWD * EACH).map(|number| trial.event(number)))
            .await;
    }
}

/// Whatever is published after somebody subscribed is heard, also where much is published all the
/// time.
pub async fn a_subscription_misses_nothing_from_its_beginning(bus: impl Bus) {
    const ROUNDS: usize = 20;
    let trial = Trial::of(bus);
    let noise = {
        let trial = trial.clone();
        tokio::spawn(async move {
            for number in 0.. {
                trial.publish(&trial.event(1_000_000 + number)).await;
                tokio::task::yield_now().await;
            }
        })
    };
    for round in 0..ROUNDS {
        let mut reader = trial.subscribe().await;
        let first = trial.event(round);
        trial.publish(&first).await;
        reader.hears_or_is_told(&first).await;
    }
    noise.abort();
}

/// A subscription that is not read holds up nobody. It loses what it cannot hold, and is told so;
/// then it goes on.
pub async fn a_reader_that_falls_behind_is_told(bus: impl Bus) {
    const CROWD: usize = 16;
    const EACH: usize = 200;
    const PATIENT: usize = 100;
    let trial = Trial::of(bus);
    let (mut slow, mut quick) = (trial.subscribe().await, trial.subscribe().await);
    let publishing = at_once(CROWD, |at| {
        let trial = trial.clone();
        async move {
            for number in 0..EACH {
                trial.publish(&trial.event(at * EACH + number)).await;
                tokio::task::yield_now().await;
            }
        }
    });
    let last = trial.event(CROWD * EACH);
    let publishing = async {
        publishing.await;
        trial.publish(&last).await;
    };
    // Somebody who reads is not held up either, however far others are behind.
    let ((), _) = futures_util::join!(publishing, quick.hears_or_is_told(&last));

    let mut heard = HashSet::new();
    let told = loop {
        match slow.next().await {
            Delivery::Event(event) if event == last => break false,
            Delivery::Event(event) => drop(heard.insert(event)),
            Delivery::Lagged | Delivery::CutOff => break true,
        }
    };
    if !told {
        assert_eq!(heard.len(), CROWD * EACH, "some were lost without a word");
    }
    // It may still be behind with what was published before.
    for number in 0..PATIENT {
        let after = trial.event(CROWD * EACH + 1 + number);
        trial.publish(&after).await;
        if slow.hears_or_is_told(&after).await {
            return;
        }
    }
    panic!("whoever fell behind once hears nothing any more");
}
