//! A bus under trial: short ways to use it, which panic with what went wrong.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::clock;
use crate::random;
use crate::store::bus::{Bus, Delivery, Event, Subscription};
use crate::testing::contract::trial::done;

/// How long an event may take to arrive.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A bus, and a name for events that nobody else has.
#[derive(Clone)]
pub(super) struct Trial {
    pub(super) bus: Arc<dyn Bus>,
    name: String,
}

impl Trial {
    pub(super) fn of(bus: impl Bus) -> Self {
        Self {
            bus: Arc::new(bus),
            name: format!("{:016x}", u64::from_be_bytes(random::bytes())),
        }
    }

    pub(super) async fn subscribe(&self) -> Hearing {
        Hearing {
            subscription: done(self.bus.subscribe().await),
        }
    }

    pub(super) async fn publish(&self, event: &Event) {
        done(self.bus.publish(event).await);
    }

    /// An event that is told apart from those with other numbers.
    pub(super) fn event(&self, number: usize) -> Event {
        Event::ErrandDone {
            id: format!("{}-{number}", self.name).into(),
        }
    }
}

/// A subscription.
pub(super) struct Hearing {
    pub(super) subscription: Box<dyn Subscription>,
}

impl Hearing {
    pub(super) async fn next(&mut self) -> Delivery {
        let next = clock::within(PATIENCE, self.subscription.next()).await;
        next.unwrap_or_else(|| panic!("nothing was heard for {PATIENCE:?}"))
    }

    /// Hears until it has heard all of these, in any order and as often as it likes; nothing else
    /// may be heard.
    pub(super) async fn hears(&mut self, events: impl IntoIterator<Item = Event>) {
        let mut missing: HashSet<Event> = events.into_iter().collect();
        let expected = missing.clone();
        while !missing.is_empty() {
            match self.next().await {
                Delivery::Event(event) => {
                    assert!(
                        expected.contains(&event),
                        "what nobody published was heard: {event:?}"
                    );
                    missing.remove(&event);
                }
                disturbed => panic!("{disturbed:?}, where nothing happened to the bus"),
            }
        }
    }

    /// Hears until it has heard this, or was told that something may have been missed. True where it
    /// has heard it.
    pub(super) async fn hears_or_is_told(&mut self, event: &Event) -> bool {
        let heard = async {
            loop {
                match self.subscription.next().await {
                    Delivery::Event(heard) if heard == *event => return true,
                    Delivery::Event(_) => {}
                    Delivery::Lagged | Delivery::CutOff => return false,
                }
            }
        };
        let heard = clock::within(PATIENCE, heard).await;
        heard.unwrap_or_else(|| panic!("an event was not heard for {PATIENCE:?}"))
    }
}
