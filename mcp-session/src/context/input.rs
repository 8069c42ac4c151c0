//! Answers that a client of the stateless era brings along when it calls again.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::Context;
use crate::protocol::Raw;

/// The answers that came with a repeated request (2026-07-28, "Multi Round-Trip Requests").
///
/// This is the low-level form, for handlers that return an
/// [`InputRequiredResult`](crate::protocol::InputRequiredResult) themselves. The answers are the
/// client's word: unknown keys are ignored, and whether an answer fits is for the handler to see.
#[derive(Debug, Clone, Copy)]
pub struct InputResponses<'a> {
    raw: Option<&'a Raw>,
}

impl InputResponses<'_> {
    /// The answer under this key; `None` when it is absent or does not fit `T`.
    pub fn find<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let mut answers: Value = self.raw?.decode().ok()?;
        serde_json::from_value(answers.get_mut(key)?.take()).ok()
    }

    /// True when no answers came: this is the first round.
    pub fn is_empty(&self) -> bool {
        self.raw.is_none()
    }
}

impl Context {
    /// The answers that came with this request.
    pub fn input_responses(&self) -> InputResponses<'_> {
        InputResponses {
            raw: self.now().parts.input_responses.as_ref(),
        }
    }

    /// The request state the client echoed, as it came. It is the client's word: check it before
    /// relying on it.
    pub fn request_state(&self) -> Option<&str> {
        self.now().parts.request_state.as_deref()
    }
}
