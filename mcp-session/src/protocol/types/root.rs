//! The places a client lets a server work in.

use serde::{Deserialize, Serialize};

use crate::protocol::types::macros::setters;
use crate::protocol::types::meta::Meta;

/// A place that the client lets the server work in.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// The address, so far always `file://`.
    pub uri: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Additional members (since 2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl Root {
    /// Makes a root of an address.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: None,
            meta: None,
        }
    }
}

setters!(Root {
    /// Sets the name for people.
    name: String,
    /// Sets the additional members.
    meta: Meta,
});

/// The client's answer to `roots/list`.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRootsResult {
    /// The places.
    pub roots: Vec<Root>,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ListRootsResult {
    /// Makes an answer.
    pub fn new(roots: Vec<Root>) -> Self {
        Self { roots, meta: None }
    }
}
