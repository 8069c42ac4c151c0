//! What every [`Store`] promises, as functions that find out whether one does; and the same of every
//! [`bus`] and every [`outbox`].
//!
//! Each promise is a function of a store. It gets a store that is empty and used by nobody else
//! meanwhile, such as one with a prefix or a schema of its own, and panics where the promise is
//! broken. [`store_contract!`](crate::store_contract) makes a test of each; [`check`] runs all of
//! them in turn. [`gives_up_in_time`] stands apart, for it needs an engine that does not answer.
//!
//! Time is that of tokio's clock. A store that keeps time with it is tried with the clock paused;
//! one with an engine waits for real, for three seconds at most in each test. What depends on how
//! fast the machine is, is measured and not assumed.
//!
//! # Examples
//!
//! ```
//! use mcp_session::{store::MemoryStore, testing::contract};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! contract::check(|| async { MemoryStore::new() }).await;
//! # }
//! ```
#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how a promise says that it is broken"
)]

pub mod bus;
mod crowds;
mod dropping;
mod keys;
mod outage;
pub mod outbox;
mod pages;
mod quotas;
mod records;
mod time;
mod trial;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::store::Store;

pub use crowds::{
    a_quota_holds_for_all_who_come_at_once, a_quota_of_bytes_holds_for_all_who_come_at_once,
    clears_and_creates_at_once_leave_no_trace, concurrent_saves_lose_nothing,
    of_many_who_create_at_once_one_succeeds, of_many_who_delete_at_once_one_removes,
    readers_see_what_was_written_as_a_whole,
};
pub use dropping::what_is_dropped_halfway_is_done_or_not_done;
pub use keys::{
    a_key_that_is_too_long_is_refused_or_kept, names_are_any_text, owners_and_spaces_are_apart,
};
pub use outage::gives_up_in_time;
pub use pages::{pages_follow_each_other_in_order, what_comes_and_goes_hides_nothing_from_pages};
pub use quotas::{
    a_save_that_does_not_grow_is_within_every_quota, quotas_are_of_one_owner,
    quotas_count_what_is_alive_only, what_was_removed_makes_room,
};
pub use records::{
    a_clear_removes_all_that_one_owner_has, a_delete_can_expect_a_revision,
    a_record_is_created_once_and_saved_at_its_revision, a_revision_is_never_used_again,
    values_are_any_bytes,
};
pub use time::{
    a_save_extends_where_it_is_asked_to, a_sweep_removes_only_what_has_expired,
    a_touch_only_extends, times_may_be_nothing_or_for_ever, what_has_expired_is_absent,
};

/// Hands the names of all promises to a macro, behind what else that is given.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_store_promises {
    ($macro:path { $($given:tt)* }) => {
        $macro! { $($given)*
            a_record_is_created_once_and_saved_at_its_revision
            a_revision_is_never_used_again
            a_delete_can_expect_a_revision
            a_clear_removes_all_that_one_owner_has
            values_are_any_bytes
            names_are_any_text
            a_key_that_is_too_long_is_refused_or_kept
            owners_and_spaces_are_apart
            what_has_expired_is_absent
            a_touch_only_extends
            a_save_extends_where_it_is_asked_to
            times_may_be_nothing_or_for_ever
            a_sweep_removes_only_what_has_expired
            quotas_count_what_is_alive_only
            quotas_are_of_one_owner
            what_was_removed_makes_room
            a_save_that_does_not_grow_is_within_every_quota
            pages_follow_each_other_in_order
            what_comes_and_goes_hides_nothing_from_pages
            of_many_who_create_at_once_one_succeeds
            of_many_who_delete_at_once_one_removes
            concurrent_saves_lose_nothing
            readers_see_what_was_written_as_a_whole
            a_quota_holds_for_all_who_come_at_once
            a_quota_of_bytes_holds_for_all_who_come_at_once
            clears_and_creates_at_once_leave_no_trace
            what_is_dropped_halfway_is_done_or_not_done
        }
    };
}

/// Makes a test of every promise of a [`Store`](crate::store::Store): the attributes that each test
/// is to have, and an expression for a store of its own, which may await.
///
/// # Examples
///
/// ```
/// # fn main() {}
/// mod on_a_paused_clock {
///     mcp_session::store_contract! {
///         #[tokio::test(start_paused = true)]
///         => mcp_session::store::MemoryStore::new()
///     }
/// }
///
/// mod on_many_threads {
///     mcp_session::store_contract! {
///         #[tokio::test(flavor = "multi_thread")]
///         => mcp_session::store::MemoryStore::new()
///     }
/// }
/// ```
#[macro_export]
macro_rules! store_contract {
    ($(#[$attribute:meta])* => $store:expr) => {
        $crate::testing::contract::with_promises! {
            $crate::testing::contract::make_tests {
                { $crate::testing::contract } { $(#[$attribute])* } { $store }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __contract_tests {
    ($module:tt $attributes:tt $made:tt $($promise:ident)*) => {
        $($crate::testing::contract::make_tests! { @one $module $attributes $made $promise })*
    };
    (@one { $($module:tt)* } { $(#[$attribute:meta])* } { $made:expr } $promise:ident) => {
        $(#[$attribute])*
        async fn $promise() {
            $($module)*::$promise($made).await;
        }
    };
}

// The macros call each other by these names, which lead through this module.
#[doc(hidden)]
pub use __contract_tests as make_tests;
#[doc(hidden)]
pub use __with_store_promises as with_promises;

/// Holds stores to every promise, one after the other, each with a store of its own.
///
/// # Panics
///
/// Where promises are broken, with the names of all of them, behind what each had to say.
pub async fn check<S: Store, F: Future<Output = S>>(make: impl Fn() -> F) {
    let mut trial = Broken::default();
    macro_rules! run {
        ($($promise:ident)*) => {$(
            trial.run(stringify!($promise), $promise(make().await)).await;
        )*};
    }
    __with_store_promises! { run {} }
    trial.assert_none();
}

/// The promises that were broken.
#[derive(Default)]
struct Broken(Vec<&'static str>);

impl Broken {
    async fn run(&mut self, promise: &'static str, trial: impl Future<Output = ()>) {
        if AssertUnwindSafe(trial).catch_unwind().await.is_err() {
            self.0.push(promise);
        }
    }

    fn assert_none(self) {
        assert!(self.0.is_empty(), "broken promises: {}", self.0.join(", "));
    }
}
