//! Proves that the bus for tests fails as it is told to, and that the contract finds buses that do
//! not keep it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_session::bus::{Bus, Delivery, Event, MemoryBus, Subscription};
use mcp_session::store::{MemoryStore, Store, StoreError};
use mcp_session::testing::{Fault, FaultyBus, FaultyStore, Operation, contract};
use tokio::time::timeout;

use crate::bus::event;

const SECOND: Duration = Duration::from_secs(1);

/// What a subscription hears until nothing comes any more.
async fn heard(subscription: &mut dyn Subscription) -> Vec<Delivery> {
    let mut heard = Vec::new();
    while let Ok(delivery) = timeout(10 * SECOND, subscription.next()).await {
        heard.push(delivery);
    }
    heard
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_delivery_is_what_it_says() {
    let one = || Delivery::Event(event(1));
    let cases = [
        (Fault::Refused, vec![]),
        (Fault::Never, vec![]),
        (Fault::Lost, vec![Delivery::Lagged]),
        (Fault::Repeated, vec![one(), one()]),
        (Fault::Late(SECOND), vec![one()]),
    ];
    for (fault, expected) in cases {
        let bus = FaultyBus::over(MemoryBus::new());
        let mut subscription = bus.subscribe().await.unwrap();
        bus.next(Operation::Deliver, fault);
        for number in [1, 2] {
            bus.publish(&event(number)).await.unwrap();
        }
        let early = timeout(SECOND / 2, subscription.next()).await;
        let is_late = fault == Fault::Late(SECOND);
        assert_eq!(early.is_err(), is_late, "{fault:?}");
        let expected = [expected, vec![Delivery::Event(event(2))]].concat();
        assert!(early.is_err() || early == Ok(expected[0].clone()));
        for expected in expected.iter().skip(usize::from(!is_late)) {
            assert_eq!(subscription.next().await, *expected, "{fault:?}");
        }
        assert_eq!(bus.asked(Operation::Deliver), 2);
        assert_eq!(bus.asked(Operation::Publish), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_publishing_is_what_it_says() {
    let cases = [
        (Fault::Refused, false, 0),
        (Fault::Lost, false, 1),
        (Fault::Repeated, true, 2),
        (Fault::Late(SECOND), true, 1),
    ];
    for (fault, done, times) in cases {
        let bus = FaultyBus::over(MemoryBus::new());
        let mut subscription = bus.subscribe().await.unwrap();
        bus.next(Operation::Publish, fault);
        assert_eq!(bus.publish(&event(1)).await.is_ok(), done, "{fault:?}");
        assert_eq!(heard(&mut *subscription).await.len(), times, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_cut_off_misses_what_is_published_and_is_told() {
    let bus = Arc::new(FaultyBus::over(MemoryBus::new()));
    let store = FaultyStore::over(MemoryStore::new()).with_bus(Arc::clone(&bus));
    let mut subscription = store.bus().unwrap().subscribe().await.unwrap();
    bus.cut_off();
    bus.publish(&event(1)).await.unwrap();
    assert_eq!(heard(&mut *subscription).await, [Delivery::CutOff]);
    let mut late = bus.subscribe().await.unwrap();
    bus.restore();
    bus.publish(&event(2)).await.unwrap();
    let again = [Delivery::Lagged, Delivery::Event(event(2))];
    assert_eq!(heard(&mut *subscription).await, again);
    assert_eq!(heard(&mut *late).await, again);
    bus.lag();
    assert_eq!(heard(&mut *subscription).await, [Delivery::Lagged]);
    assert!(store.alone().bus().is_none());
}

/// Buses that break one promise each.
#[derive(Debug)]
struct Broken(MemoryBus, &'static str);

#[derive(Debug)]
struct BrokenSubscription(Box<dyn Subscription>, &'static str);

#[async_trait]
impl Bus for Broken {
    async fn publish(&self, event: &Event) -> Result<(), StoreError> {
        match (self.1, event) {
            ("loses ends", Event::SessionEnded { .. }) => Ok(()),
            ("long texts", Event::ResourceUpdated { uri, .. }) if uri.len() > 8_000 => {
                Err(StoreError::unavailable("too long"))
            }
            _ => self.0.publish(event).await,
        }
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        let inner = self.0.subscribe().await?;
        Ok(Box::new(BrokenSubscription(inner, self.1)))
    }
}

#[async_trait]
impl Subscription for BrokenSubscription {
    async fn next(&mut self) -> Delivery {
        loop {
            let delivery = self.0.next().await;
            match self.1 {
                "takes before it gives" => tokio::task::yield_now().await,
                "says nothing of a lag" if delivery == Delivery::Lagged => continue,
                _ => {}
            }
            return delivery;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_contract_finds_buses_that_do_not_keep_it() {
    let cases = [
        ("loses ends", "all_who_subscribed_hear_what_is_published"),
        ("long texts", "events_arrive_as_they_are_fitted"),
        (
            "takes before it gives",
            "whoever_gives_up_waiting_has_lost_nothing",
        ),
        (
            "says nothing of a lag",
            "a_reader_that_falls_behind_is_told",
        ),
    ];
    for (fault, promise) in cases {
        let checked = tokio::spawn(contract::bus::check(move || async move {
            Broken(MemoryBus::new(), fault)
        }));
        let broken = checked.await.unwrap_err().into_panic();
        let broken = broken.downcast_ref::<String>().unwrap();
        assert!(broken.contains(promise), "{fault}: {broken}");
    }
}
