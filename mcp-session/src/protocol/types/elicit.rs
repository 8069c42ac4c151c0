//! Asking the user: by form, or by sending them to a URL.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::types::macros::setters;
use crate::protocol::types::meta::Meta;

/// The parameters of `elicitation/create` for a form (since 2025-06-18).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ElicitFormParams {
    /// What the user is asked.
    pub message: String,
    /// JSON Schema of the form: an object with primitive properties.
    pub requested_schema: Value,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ElicitFormParams {
    /// Makes a form.
    pub fn new(message: impl Into<String>, requested_schema: Value) -> Self {
        Self {
            message: message.into(),
            requested_schema,
            meta: None,
        }
    }
}

/// The parameters of `elicitation/create` for a URL (since 2025-11-25).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ElicitUrlParams {
    /// Why the user should go there.
    pub message: String,
    /// Where.
    pub url: String,
    /// A name for the errand, needed by 2025-11-25 and by no other revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation_id: Option<String>,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ElicitUrlParams {
    /// Makes a request to visit a URL.
    pub fn new(message: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            url: url.into(),
            elicitation_id: None,
            meta: None,
        }
    }
}

setters!(ElicitUrlParams {
    /// Sets the name of the errand.
    elicitation_id: String,
});

/// The client's answer to `elicitation/create`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElicitResult {
    /// What the user did.
    pub action: ElicitAction,
    /// What the user filled in, on acceptance of a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Map<String, Value>>,
    /// Additional members.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ElicitResult {
    /// Makes an answer without content.
    pub fn new(action: ElicitAction) -> Self {
        Self {
            action,
            content: None,
            meta: None,
        }
    }
}

setters!(ElicitResult {
    /// Sets what the user filled in.
    content: Map<String, Value>,
});

/// What a user did when asked.
#[expect(clippy::exhaustive_enums, reason = "every revision has these three")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElicitAction {
    /// Answered.
    Accept,
    /// Refused.
    Decline,
    /// Closed the question without choosing.
    Cancel,
}
