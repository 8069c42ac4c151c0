//! What a tool said, for a test to look at.

use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::protocol::{CallToolResult, ContentBlock};

/// The result of a tool call: the [`CallToolResult`] it dereferences to, with shortcuts for what
/// tests look at.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolOutcome {
    result: CallToolResult,
    value: Value,
}

impl ToolOutcome {
    /// Reads a result.
    pub(super) fn new(value: Value) -> Self {
        let result = serde_json::from_value(value.clone())
            .unwrap_or_else(|error| panic!("not a result of tools/call: {error}: {value}"));
        Self { result, value }
    }

    /// All its text blocks, joined with line breaks.
    pub fn text(&self) -> String {
        let texts = self.result.content.iter().filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The structured content, as `T`.
    ///
    /// # Panics
    ///
    /// When there is none, or it does not fit.
    pub fn structured<T: DeserializeOwned>(&self) -> T {
        let content = self.result.structured_content.clone();
        let content = content.unwrap_or_else(|| panic!("no structured content: {}", self.value));
        serde_json::from_value(content)
            .unwrap_or_else(|error| panic!("structured content: {error}: {}", self.value))
    }

    /// The text of a failure.
    ///
    /// # Panics
    ///
    /// When the tool did not fail.
    pub fn error(&self) -> String {
        assert!(
            self.result.is_error,
            "the tool did not fail: {}",
            self.value
        );
        self.text()
    }

    /// The whole result as it came, with what the revision adds to it.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl Deref for ToolOutcome {
    type Target = CallToolResult;

    fn deref(&self) -> &CallToolResult {
        &self.result
    }
}
