//! The three kinds of JSON-RPC message.

use crate::protocol::error::RpcError;
use crate::protocol::id::RequestId;
use crate::protocol::text::{ByteStr, Raw};

/// One JSON-RPC message.
#[expect(
    clippy::exhaustive_enums,
    reason = "JSON-RPC 2.0 has these three kinds"
)]
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Expects a response.
    Request(Request),
    /// Expects nothing.
    Notification(Notification),
    /// Answers a request of ours.
    Response(Response),
}

/// A message that expects a response.
#[expect(clippy::exhaustive_structs, reason = "JSON-RPC 2.0 has these members")]
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Ties the response to this request.
    pub id: RequestId,
    /// What is wanted; see [`method`](crate::protocol::method).
    pub method: ByteStr,
    /// An object, not decoded yet.
    pub params: Option<Raw>,
}

/// A message that expects nothing.
#[expect(clippy::exhaustive_structs, reason = "JSON-RPC 2.0 has these members")]
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// What happened; see [`method`](crate::protocol::method).
    pub method: ByteStr,
    /// An object, not decoded yet.
    pub params: Option<Raw>,
}

/// The answer to a request.
#[expect(clippy::exhaustive_structs, reason = "JSON-RPC 2.0 has these members")]
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The id of the request; `None` only for an error about a request whose id was unreadable.
    pub id: Option<RequestId>,
    /// A result object, not decoded yet, or what went wrong.
    pub outcome: Result<Raw, RpcError>,
}
