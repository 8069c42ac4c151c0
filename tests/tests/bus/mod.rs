//! What a bus promises, held against the memory bus; and what only that one promises.

mod faulty;

use std::sync::Arc;

use mcp_session::bus::{Bus, Delivery, Event, MemoryBus};
use mcp_session::store::{MemoryStore, Store};

mod on_a_paused_clock {
    mcp_session::bus_contract! {
        #[tokio::test(start_paused = true)]
        => mcp_session::bus::MemoryBus::new()
    }
}

mod on_many_threads {
    mcp_session::bus_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        => mcp_session::bus::MemoryBus::new()
    }
}

fn event(number: usize) -> Event {
    Event::ErrandDone {
        id: number.to_string().into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_memory_bus_holds_so_many_events_and_no_more() {
    let bus = MemoryBus::with_capacity(3);
    let mut subscription = bus.subscribe().await.unwrap();
    for number in 0..3 {
        bus.publish(&event(number)).await.unwrap();
    }
    for number in 0..3 {
        assert_eq!(subscription.next().await, Delivery::Event(event(number)));
    }
    for number in 0..5 {
        bus.publish(&event(number)).await.unwrap();
    }
    // What was held is lost with what did not fit: everything is looked at again anyway.
    assert_eq!(subscription.next().await, Delivery::Lagged);
    assert_eq!(subscription.next().await, Delivery::Event(event(4)));
}

#[tokio::test(start_paused = true)]
async fn servers_that_share_a_memory_store_share_its_bus() {
    let store = Arc::new(MemoryStore::new());
    let mut subscription = Arc::clone(&store).bus().unwrap().subscribe().await.unwrap();
    store.bus().unwrap().publish(&event(1)).await.unwrap();
    assert_eq!(subscription.next().await, Delivery::Event(event(1)));
}
