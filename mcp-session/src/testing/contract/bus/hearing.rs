//! Promises to those who listen.

use std::{future::poll_fn, pin::pin, task::Poll};

use crate::clock;
use crate::store::bus::{Bus, Delivery, Event, one_of_each};
use crate::testing::contract::bus::trial::{PATIENCE, Trial};

/// Whoever subscribed hears every event, of every kind, also the one who published it.
pub async fn all_who_subscribed_hear_what_is_published(bus: impl Bus) {
    let trial = Trial::of(bus);
    let mut readers = Vec::new();
    for _ in 0..3 {
        readers.push(trial.subscribe().await);
    }
    for round in 0..3 {
        let mut events = one_of_each("a-name");
        events.push(trial.event(round));
        for event in &events {
            trial.publish(event).await;
        }
        for reader in &mut readers {
            reader.hears(events.clone()).await;
        }
    }
}

/// An event arrives whatever the texts in it are and however long: as [`Event::fitted`] makes it.
pub async fn events_arrive_as_they_are_fitted(bus: impl Bus) {
    let trial = Trial::of(bus);
    let mut reader = trial.subscribe().await;
    let texts = [
        "",
        "\0",
        "\n\r\"\\'$$;--",
        "\u{fffd}",
        "\u{10ffff}",
        "{}",
        &"x".repeat(1_000),
        &"\u{1}".repeat(1_000),
        &"\"".repeat(5_000),
        &"\u{e4}".repeat(100_000),
    ];
    for text in texts {
        let events = one_of_each(text);
        for event in &events {
            trial.publish(event).await;
        }
        reader.hears(events.iter().map(Event::fitted)).await;
    }
}

/// Polls a future so many times at most, whether or not it wakes, and drops it.
async fn glimpsed<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// A wait that is dropped has taken nothing.
pub async fn whoever_gives_up_waiting_has_lost_nothing(bus: impl Bus) {
    const MANY: usize = 100;
    let trial = Trial::of(bus);
    let mut reader = trial.subscribe().await;
    let mut heard = Vec::new();
    for number in 0..MANY {
        let waited = glimpsed(number % 3, reader.subscription.next()).await;
        heard.extend(waited);
        trial.publish(&trial.event(number)).await;
        let waited = glimpsed(number % 4, reader.subscription.next()).await;
        heard.extend(waited);
    }
    let missing = |heard: &[Delivery]| {
        let event = |number| Delivery::Event(trial.event(number));
        (0..MANY).find(|number| !heard.contains(&event(*number)))
    };
    while let Some(number) = missing(&heard) {
        let next = clock::within(PATIENCE, reader.subscription.next()).await;
        heard.push(next.unwrap_or_else(|| panic!("{number} was taken and not told")));
    }
}

/// When a subscription is dropped, all others go on, and there can be another one.
pub async fn a_subscription_that_is_dropped_disturbs_nobody(bus: impl Bus) {
    let trial = Trial::of(bus);
    let mut first = trial.subscribe().await;
    for round in 0..5 {
        let mut second = trial.subscribe().await;
        trial.publish(&trial.event(2 * round)).await;
        second.hears([trial.event(2 * round)]).await;
        drop(second);
        trial.publish(&trial.event(2 * round + 1)).await;
        let events = [trial.event(2 * round), trial.event(2 * round + 1)];
        first.hears(events).await;
    }
}
