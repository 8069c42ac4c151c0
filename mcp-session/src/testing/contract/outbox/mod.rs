//! What every [`Outbox`] promises, as functions that find out whether one does.
//!
//! Each promise is a function of an outbox, and panics where the promise is broken.
//! [`outbox_contract!`](crate::outbox_contract) makes a test of each; [`check`] runs all of them in
//! turn. [`gives_up_in_time`] stands apart, for it needs an engine that does not answer.
//!
//! # Examples
//!
//! ```
//! use mcp_session::{store::MemoryOutbox, testing::contract};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! contract::outbox::check(|| async { MemoryOutbox::new() }).await;
//! # }
//! ```

mod bounds;
mod crowds;
mod logs;
mod outage;
mod time;
mod trial;

use crate::store::Outbox;
use crate::testing::contract::Broken;

pub use bounds::{
    bytes_are_bounded_and_the_oldest_go_first, events_are_bounded_and_the_oldest_go_first,
    the_newest_event_is_kept_whatever_it_is, to_read_what_is_gone_is_an_error,
};
pub use crowds::{
    clears_and_appends_at_once_leave_whole_logs, of_many_who_append_at_once_each_gets_its_numbers,
    what_is_appended_halfway_is_there_or_not_there, whoever_reads_meanwhile_sees_no_gap,
};
pub use logs::{
    a_clear_removes_all_logs_of_one_owner, a_log_with_too_long_a_name_is_refused_or_kept,
    an_append_of_nothing_changes_nothing, events_are_any_bytes, events_follow_each_other_in_order,
    logs_are_apart,
};
pub use outage::gives_up_in_time;
pub use time::{
    a_log_that_begins_again_answers_nobody_who_knew_the_one_before,
    a_sweep_removes_only_logs_whose_time_is_over, an_append_prolongs_a_log,
    old_events_go_when_another_one_comes,
};

/// Hands the names of all promises to a macro, behind what else that is given.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_outbox_promises {
    ($macro:path { $($given:tt)* }) => {
        $macro! { $($given)*
            events_follow_each_other_in_order
            events_are_any_bytes
            an_append_of_nothing_changes_nothing
            logs_are_apart
            a_log_with_too_long_a_name_is_refused_or_kept
            a_clear_removes_all_logs_of_one_owner
            events_are_bounded_and_the_oldest_go_first
            bytes_are_bounded_and_the_oldest_go_first
            the_newest_event_is_kept_whatever_it_is
            to_read_what_is_gone_is_an_error
            old_events_go_when_another_one_comes
            an_append_prolongs_a_log
            a_log_that_begins_again_answers_nobody_who_knew_the_one_before
            a_sweep_removes_only_logs_whose_time_is_over
            of_many_who_append_at_once_each_gets_its_numbers
            whoever_reads_meanwhile_sees_no_gap
            clears_and_appends_at_once_leave_whole_logs
            what_is_appended_halfway_is_there_or_not_there
        }
    };
}

/// Makes a test of every promise of an [`Outbox`](crate::store::Outbox): the attributes that each
/// test is to have, and an expression for an outbox of its own, which may await.
///
/// # Examples
///
/// ```
/// # fn main() {}
/// mcp_session::outbox_contract! {
///     #[tokio::test(start_paused = true)]
///     => mcp_session::store::MemoryOutbox::new()
/// }
/// ```
#[macro_export]
macro_rules! outbox_contract {
    ($(#[$attribute:meta])* => $outbox:expr) => {
        $crate::testing::contract::outbox::with_promises! {
            $crate::testing::contract::make_tests {
                { $crate::testing::contract::outbox } { $(#[$attribute])* } { $outbox }
            }
        }
    };
}

#[doc(hidden)]
pub use __with_outbox_promises as with_promises;

/// Holds outboxes to every promise, one after the other, each with an outbox of its own.
///
/// # Panics
///
/// Where promises are broken, with the names of all of them, behind what each had to say.
pub async fn check<O: Outbox, F: Future<Output = O>>(make: impl Fn() -> F) {
    let mut trial = Broken::default();
    macro_rules! run {
        ($($promise:ident)*) => {$(
            trial.run(stringify!($promise), $promise(make().await)).await;
        )*};
    }
    __with_outbox_promises! { run {} }
    trial.assert_none();
}
