//! Stores, buses and outboxes that fail as they are told to.

mod bus;
mod outbox;
mod plan;
mod store;

pub use bus::FaultyBus;
pub use outbox::FaultyOutbox;
pub use plan::{Fault, Operation};
pub use store::FaultyStore;
