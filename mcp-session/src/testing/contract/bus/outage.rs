//! Promises about engines that do not answer.

use std::time::Duration;

use crate::clock;
use crate::store::StoreError;
use crate::store::bus::{Bus, Delivery, Event, Subscription};
use crate::testing::contract::outage::ended;

/// Every operation of a bus whose engine does not answer ends with
/// [`Unavailable`](StoreError::Unavailable), each within this time.
///
/// It is for the test to make the engine silent: to stop its process, or to let nothing through.
///
/// # Panics
///
/// Where one takes longer, or ends otherwise.
pub async fn gives_up_in_time(bus: &dyn Bus, bound: Duration) {
    let event = Event::ErrandDone { id: "none".into() };
    let outcomes = [
        ended(bound, "publish", bus.publish(&event)).await,
        ended(bound, "subscribe", bus.subscribe()).await,
    ];
    for (operation, outcome) in outcomes {
        assert!(
            matches!(outcome, Err(StoreError::Unavailable(_))),
            "a {operation} was answered: {outcome:?}"
        );
    }
}

/// A subscription whose engine went away and is there again tells [`Delivery::Lagged`] within this
/// time, and then hears what is published.
///
/// It is for the test to break the connection. What was heard before it broke may come first.
///
/// # Panics
///
/// Where it takes longer.
pub async fn hears_again(bus: &dyn Bus, subscription: &mut dyn Subscription, bound: Duration) {
    let lagged = async { while subscription.next().await != Delivery::Lagged {} };
    let lagged = clock::within(bound, lagged).await;
    assert!(lagged.is_some(), "nothing is heard again within {bound:?}");
    let event = Event::ErrandDone {
        id: "heard again".into(),
    };
    let publish = async { while bus.publish(&event).await.is_err() {} };
    let published = clock::within(bound, publish).await;
    assert!(published.is_some(), "nothing is published within {bound:?}");
    let expected = Delivery::Event(event);
    let heard = async { while subscription.next().await != expected {} };
    let heard = clock::within(bound, heard).await;
    assert!(heard.is_some(), "an event was not heard within {bound:?}");
}
