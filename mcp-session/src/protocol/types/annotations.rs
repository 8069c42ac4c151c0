//! Who something is for, and how much it matters.

use serde::{Deserialize, Serialize};

use crate::protocol::types::macros::setters;

/// A side of a conversation with a model.
#[expect(clippy::exhaustive_enums, reason = "a conversation has two sides")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// Hints for a client on how to use content or a resource.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Whom it is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<Role>>,
    /// How important it is, from 0 (optional) to 1 (required).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<f64>,
    /// When it was last changed, as ISO 8601 (since 2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Annotations {
    /// Makes annotations that say nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

setters!(Annotations {
    /// Sets whom it is meant for.
    audience: Vec<Role>,
    /// Sets the importance, from 0 to 1.
    priority: f64,
    /// Sets the time of the last change, as ISO 8601.
    last_modified: String,
});
