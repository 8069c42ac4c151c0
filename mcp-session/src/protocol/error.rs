//! JSON-RPC errors and the codes that the protocol gives a meaning.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::protocol::version::ProtocolVersion;

/// The error codes that JSON-RPC and the Model Context Protocol define.
pub mod code {
    /// The text is not JSON.
    pub const PARSE_ERROR: i64 = -32700;
    /// The JSON is not a message.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The method is unknown, or not offered.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The parameters are wrong.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The server failed.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// The resource does not exist (before 2026-07-28).
    pub const RESOURCE_NOT_FOUND: i64 = -32002;
    /// An HTTP header contradicts the body (since 2026-07-28).
    pub const HEADER_MISMATCH: i64 = -32020;
    /// The request needs a capability that the client did not declare (since 2026-07-28).
    pub const MISSING_CAPABILITY: i64 = -32021;
    /// The server does not speak the revision that the request names (since 2026-07-28).
    pub const UNSUPPORTED_VERSION: i64 = -32022;
    /// The request needs the user to visit a URL first (2025-11-25 only).
    pub const URL_ELICITATION_REQUIRED: i64 = -32042;
}

/// The error member of a JSON-RPC response.
///
/// Only errors of the protocol are said this way. A tool that fails answers with a result
/// marked `isError`, which the model can read.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RpcError {
    /// What kind of error it is; see [`code`].
    pub code: i64,
    /// One sentence for a person.
    pub message: Cow<'static, str>,
    /// More about it, for a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<Value>>,
}

impl RpcError {
    /// Makes an error without data.
    pub fn new(code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// Says that the text is not JSON (-32700).
    pub fn parse_error(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::PARSE_ERROR, message)
    }

    /// Says that the JSON is not a message (-32600).
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INVALID_REQUEST, message)
    }

    /// Says that the method is unknown or not offered (-32601).
    pub fn method_not_found(method: &str) -> Self {
        Self::new(
            code::METHOD_NOT_FOUND,
            format!("method not found: {}", Excerpt(method)),
        )
    }

    /// Says that the parameters are wrong (-32602).
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INVALID_PARAMS, message)
    }

    /// Says that the server failed (-32603).
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INTERNAL_ERROR, message)
    }

    /// Says that a header contradicts the body (-32020).
    pub fn header_mismatch(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::HEADER_MISMATCH, message)
    }

    /// Says which capabilities the client would have to declare (-32021), for example
    /// `{"sampling": {}}`.
    pub fn missing_capability(required: Value) -> Self {
        Self::new(
            code::MISSING_CAPABILITY,
            "the request needs a capability that the client did not declare",
        )
        .with_data(Value::from_iter([("requiredCapabilities", required)]))
    }

    /// Says that the revision is not served, and which are (-32022).
    pub fn unsupported_version(requested: &str) -> Self {
        let supported = ProtocolVersion::ALL.map(ProtocolVersion::as_str);
        Self::new(
            code::UNSUPPORTED_VERSION,
            format!("unsupported protocol version: {}", Excerpt(requested)),
        )
        .with_data(json!({ "supported": supported, "requested": requested }))
    }

    /// Says that a resource does not exist, with the code that the revision has for it.
    pub fn resource_not_found(uri: &str, version: ProtocolVersion) -> Self {
        Self::new(version.resource_not_found_code(), "resource not found")
            .with_data(json!({ "uri": uri }))
    }

    /// Sets the data.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(Box::new(data));
        self
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}

/// The beginning of a text that a stranger chose the length of.
struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LIMIT: usize = 100;
        match self.0.char_indices().nth(LIMIT) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_left_out_when_there_is_none() {
        let error = RpcError::method_not_found("x/y");
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"code":-32601,"message":"method not found: x/y"}"#
        );
        assert_eq!(error.to_string(), "method not found: x/y (-32601)");
    }

    #[test]
    fn an_unsupported_version_lists_the_served_ones_newest_first() {
        let error = RpcError::unsupported_version("v999.0.0");
        let data = error.data.unwrap();
        assert_eq!(data["requested"], "v999.0.0");
        assert_eq!(data["supported"][0], "2026-07-28");
        assert_eq!(data["supported"][4], "2024-11-05");
    }

    #[test]
    fn an_unknown_resource_has_the_code_of_the_revision() {
        let old = RpcError::resource_not_found("a:b", ProtocolVersion::V2025_11_25);
        let new = RpcError::resource_not_found("a:b", ProtocolVersion::V2026_07_28);
        assert_eq!((old.code, new.code), (-32002, -32602));
        assert_eq!(new.data.unwrap()["uri"], "a:b");
    }

    #[test]
    fn a_long_method_is_cut_in_the_message() {
        let error = RpcError::method_not_found(&"ä".repeat(5000));
        assert!(error.message.chars().count() < 130);
    }
}
