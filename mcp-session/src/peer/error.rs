//! Why a question has no answer.

use crate::protocol::RpcError;
use crate::session::Capability;
use crate::store::StoreError;

/// Why a question to the client has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The client did not declare that it can answer this.
    ///
    /// Returned from a handler it becomes error -32021 in the stateless era, which tells the
    /// client what to declare, and a failed tool result in the handshake era.
    #[error("the client does not support {}", .0.name())]
    MissingCapability(Capability),
    /// Nothing can carry this question in this era; the text says what can.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The client answered with an error.
    #[error("the client refused: {}", .0.message)]
    Refused(RpcError),
    /// The client answered with something else than was asked for.
    #[error("the client's answer does not fit: {0}")]
    Misfit(String),
    /// What was to be asked cannot be asked in the client's revision.
    #[error("the question cannot be put to this client: {0}")]
    Unaskable(String),
    /// No answer came in time.
    #[error("the client did not answer in time")]
    TimedOut,
    /// Another question with this key is open. Each question of a request needs a key of its own.
    #[error("the key `{0}` is taken by another question that is open")]
    AskedTwice(String),
    /// The handler was put aside until its client answers, and this task of its own outlived it:
    /// stop, for the handler will run again (stateless era only).
    #[error("the handler was put aside until its client answers")]
    Suspended,
    /// What was asked could not be recorded, so it was not asked.
    #[error("the question could not be recorded: {0}")]
    Unkept(#[source] StoreError),
    /// The session ended before the answer came, or the request was answered or cancelled.
    #[error("the client is gone")]
    Gone,
}
