//! How the replicas of a service tell each other what changed.
//!
//! A [`Bus`] carries small [events](Event) to whoever [subscribed](Bus::subscribe). What is true
//! lies in the [`Store`](crate::store::Store); an event only says where to look. Every store here has
//! a bus of its own engine ([`Store::bus`](crate::store::Store::bus)), so that there is nothing more
//! to set up; [`MemoryBus`] is that of one process.

mod event;
mod inbox;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod listening;
mod memory;
#[cfg(any(test, feature = "testing"))]
mod samples;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::store::StoreError;

pub use event::{Event, short};
pub use memory::MemoryBus;

#[cfg(any(test, feature = "testing"))]
pub(crate) use samples::one_of_each;

pub(super) use inbox::{Inbox, Reader};
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(super) use listening::{Engine, QUIET, subscribe};

/// Carries events to all replicas of a service.
///
/// # Obligations
///
/// - Whoever subscribed before an event was published is told of it, on whatever replica, or is told
///   [`Delivery::Lagged`] instead. That includes the replica that published it.
/// - An event arrives as [`Event::fitted`] makes it, whatever is in it.
/// - A subscription holds a bounded number of events. One that is read too slowly loses them, and is
///   told so.
/// - Whoever publishes never waits for who reads.
/// - No operation takes for ever. An engine that is slow or absent is an error
///   ([`StoreError::Unavailable`]) after a bounded time.
///
/// # Allowed losses
///
/// - An event may arrive more than once, and events in any order.
/// - After `Unavailable` the event was published or was not. Whoever published it may do so again.
/// - Nothing is kept for those who subscribe later, nor while an engine is away: its return is
///   [`Delivery::Lagged`].
/// - An event that is lost costs time and never truth: whoever listens looks for itself now and then.
///
/// # Examples
///
/// ```
/// use mcp_session::bus::{Bus, Delivery, Event, MemoryBus};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_session::store::StoreError> {
/// let bus = MemoryBus::new();
/// let mut subscription = bus.subscribe().await?;
/// let done = Event::ErrandDone { id: "e1".into() };
/// bus.publish(&done).await?;
/// assert_eq!(subscription.next().await, Delivery::Event(done));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Bus: fmt::Debug + Send + Sync + 'static {
    /// Tells everybody who subscribed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn publish(&self, event: &Event) -> Result<(), StoreError>;

    /// Listens from now on: whatever is published after this returns is heard. Ends when the
    /// subscription is dropped.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError>;
}

/// Hears what is published on a [`Bus`], until it is dropped.
#[async_trait]
pub trait Subscription: fmt::Debug + Send {
    /// What is heard next. Never ends by itself: where the engine goes away, it is connected to
    /// again, as often as it takes.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has taken nothing.
    async fn next(&mut self) -> Delivery;
}

/// What a [`Subscription`] hears.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// An event.
    Event(Event),
    /// Something may have been missed: the reader fell behind, or was cut off and hears again now.
    /// Whoever is told this looks at everything again.
    Lagged,
    /// The engine is out of reach, and nothing is heard until [`Lagged`](Self::Lagged) says that it is
    /// again. Until then nothing that is remembered can be trusted without a look at the store.
    CutOff,
}

#[async_trait]
impl<B: Bus + ?Sized> Bus for Arc<B> {
    async fn publish(&self, event: &Event) -> Result<(), StoreError> {
        (**self).publish(event).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        (**self).subscribe().await
    }
}
