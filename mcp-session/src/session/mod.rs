//! One conversation: its identity, its client, what it still has to say, what is running in it.
//!
//! Nothing here knows what is offered: tools, prompts and resources live further up. A `Core`
//! is everything of a live session that is about the *conversation*.

mod calls;
mod client;
mod core;
mod ended;
mod id;
mod lifecycle;
#[cfg_attr(
    not(any(feature = "http", test)),
    expect(dead_code, reason = "only HTTP has URLs and headers")
)]
mod opening;
mod outbox;
mod questions;
mod roots;
#[cfg_attr(
    not(any(feature = "http", test)),
    expect(
        dead_code,
        reason = "only sessions over HTTP have more than one stream"
    )
)]
mod streams;
mod traffic;

pub use client::{Capability, Client};
pub use ended::EndReason;
pub use id::SessionId;
pub use lifecycle::SessionState;
pub use opening::{Opening, RequestUrl};
pub use traffic::Traffic;

pub(crate) use self::core::Core;
pub(crate) use calls::{CallGuard, Calling, Calls};
pub(crate) use id::random_text;
pub(crate) use lifecycle::{Change, Deadlines, LifeEvent, Lifecycle};
#[cfg(feature = "http")]
pub(crate) use outbox::Event;
pub(crate) use outbox::{About, Kind, NoticeKey, Outbox, OutboxLimits, Reader, Replay};
pub(crate) use questions::Question;
pub(crate) use roots::Roots;
#[cfg(feature = "http")]
pub(crate) use streams::{EventId, Resume, STANDING};
pub(crate) use traffic::Counters;
