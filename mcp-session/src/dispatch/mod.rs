//! From a message to what is done about it.
//!
//! A transport hands over what arrived and gets a [`Reaction`]: nothing to say, an answer, or a
//! running request to drive. [`http`] and [`stream`] know what is special about their transport;
//! [`admit`] decides the era and checks what a request must say of itself; [`route`] finds the
//! method; and each family of methods has a file of its own, with functions named after the
//! methods on the wire.

mod admit;
mod arrival;
mod completion;
mod extension;
mod failure;
pub(crate) mod http;
mod lifecycle;
mod lists;
mod logging;
mod mirror;
mod notice;
pub(crate) mod observe;
mod prompts;
mod reaction;
mod resources;
mod rounds;
mod route;
pub(crate) mod stream;
mod subscriptions;
mod tools;

pub(crate) use reaction::{Answer, Reaction, Running, Upgrade};
