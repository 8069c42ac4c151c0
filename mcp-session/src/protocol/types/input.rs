//! Results that ask before they are complete (since 2026-07-28).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::text::Raw;
use crate::protocol::types::macros::setters;
use crate::protocol::types::meta::Meta;

/// A result that says which answers the server needs before it can go on.
///
/// The client repeats the request with `inputResponses` under the same keys.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputRequiredResult {
    /// The questions, by the keys under which their answers come back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input_requests: BTreeMap<String, InputRequest>,
    /// What the client sends back unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl InputRequiredResult {
    /// Makes a result that asks nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a question, replacing one under the same key.
    #[must_use]
    pub fn ask(mut self, key: impl Into<String>, request: InputRequest) -> Self {
        self.input_requests.insert(key.into(), request);
        self
    }
}

setters!(InputRequiredResult {
    /// Sets what the client sends back unread.
    request_state: String,
    /// Sets the additional members.
    meta: Meta,
});

/// A question to the client: a method with its parameters, without an id.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRequest {
    /// `elicitation/create`, `sampling/createMessage` or `roots/list`.
    pub method: Cow<'static, str>,
    /// An object in the shape of 2026-07-28; see [`wire`](crate::protocol::wire).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Raw>,
}

impl InputRequest {
    /// Makes a question.
    pub fn new(method: impl Into<Cow<'static, str>>, params: Option<Raw>) -> Self {
        Self {
            method: method.into(),
            params,
        }
    }
}
