//! Asking the client: forms, model calls, roots.
//!
//! In the handshake era a question is a request of the server's own, sent on the stream of the
//! call that asks (`inline`). In the stateless era a server may not send requests: what it
//! needs travels in a result, and the client calls again with the answers (`rounds`). What is known
//! so far travels along, sealed (`state`, `seal`).

mod error;
pub(crate) mod exchange;
pub(crate) mod inline;
pub(crate) mod rounds;
pub(crate) mod seal;
pub(crate) mod state;

pub use error::AskError;
pub use seal::SealKeys;

/// What the user did with a question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the specification defines exactly these outcomes"
)]
pub enum Elicited<T> {
    /// The user answered.
    Accept(T),
    /// The user said no.
    Decline,
    /// The user closed the question without deciding.
    Cancel,
}
