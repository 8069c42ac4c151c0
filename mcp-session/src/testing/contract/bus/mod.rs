//! What every [`Bus`] promises, as functions that find out whether one does.
//!
//! Each promise is a function of a bus, which nobody else publishes on meanwhile, and panics where
//! the promise is broken. [`bus_contract!`](crate::bus_contract) makes a test of each; [`check`] runs
//! all of them in turn. [`gives_up_in_time`] stands apart, for it needs an engine that does not
//! answer, and so does [`hears_again`], for it needs one that went away and came back.
//!
//! # Examples
//!
//! ```
//! use mcp_session::{bus::MemoryBus, testing::contract};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! contract::bus::check(|| async { MemoryBus::new() }).await;
//! # }
//! ```

mod crowds;
mod hearing;
mod outage;
mod trial;

use crate::store::bus::Bus;
use crate::testing::contract::Broken;

pub use crowds::{
    a_reader_that_falls_behind_is_told, a_subscription_misses_nothing_from_its_beginning,
    what_many_publish_at_once_is_heard,
};
pub use hearing::{
    a_subscription_that_is_dropped_disturbs_nobody, all_who_subscribed_hear_what_is_published,
    events_arrive_as_they_are_fitted, whoever_gives_up_waiting_has_lost_nothing,
};
pub use outage::{gives_up_in_time, hears_again};

/// Hands the names of all promises to a macro, behind what else that is given.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_bus_promises {
    ($macro:path { $($given:tt)* }) => {
        $macro! { $($given)*
            all_who_subscribed_hear_what_is_published
            events_arrive_as_they_are_fitted
            whoever_gives_up_waiting_has_lost_nothing
            a_subscription_that_is_dropped_disturbs_nobody
            a_subscription_misses_nothing_from_its_beginning
            what_many_publish_at_once_is_heard
            a_reader_that_falls_behind_is_told
        }
    };
}

/// Makes a test of every promise of a [`Bus`](crate::bus::Bus): the attributes that each test is to
/// have, and an expression for a bus of its own, which may await.
///
/// # Examples
///
/// ```
/// # fn main() {}
/// mcp_session::bus_contract! {
///     #[tokio::test(start_paused = true)]
///     => mcp_session::bus::MemoryBus::new()
/// }
/// ```
#[macro_export]
macro_rules! bus_contract {
    ($(#[$attribute:meta])* => $bus:expr) => {
        $crate::testing::contract::bus::with_promises! {
            $crate::testing::contract::make_tests {
                { $crate::testing::contract::bus } { $(#[$attribute])* } { $bus }
            }
        }
    };
}

#[doc(hidden)]
pub use __with_bus_promises as with_promises;

/// Holds buses to every promise, one after the other, each with a bus of its own.
///
/// # Panics
///
/// Where promises are broken, with the names of all of them, behind what each had to say.
pub async fn check<B: Bus, F: Future<Output = B>>(make: impl Fn() -> F) {
    let mut trial = Broken::default();
    macro_rules! run {
        ($($promise:ident)*) => {$(
            trial.run(stringify!($promise), $promise(make().await)).await;
        )*};
    }
    __with_bus_promises! { run {} }
    trial.assert_none();
}
