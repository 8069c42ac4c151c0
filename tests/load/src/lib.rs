//! What the programs that measure share: a server to measure, what its clients send, and the whole
//! way of a message within one process.

pub mod inside;
pub mod messages;
pub mod template;

/// Any error, to be shown.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a program that measures ends with.
pub type Result<T, E = Error> = std::result::Result<T, E>;
