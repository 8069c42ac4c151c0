//! Log levels and log messages.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::error::RpcError;
use crate::protocol::text::Raw;
use crate::protocol::types::decode_params;
use crate::protocol::types::macros::{from_params, setters};

/// How severe a log message is, by RFC 5424; ordered from chatter to disaster.
#[expect(clippy::exhaustive_enums, reason = "RFC 5424 has these eight")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For those who write the program.
    Debug,
    /// In the normal course.
    Info,
    /// Normal but worth a look.
    Notice,
    /// May become a problem.
    Warning,
    /// Something failed.
    Error,
    /// A part is out of order.
    Critical,
    /// Somebody must act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LogLevel {
    /// Every level, from chatter to disaster.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// Reads a level as it is written on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// Returns the level as it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The parameters of `notifications/message`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogParams {
    /// How severe it is.
    pub level: LogLevel,
    /// Who says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logger: Option<String>,
    /// What is said.
    pub data: Value,
}

impl LogParams {
    /// Makes a message.
    pub fn new(level: LogLevel, data: impl Into<Value>) -> Self {
        Self {
            level,
            logger: None,
            data: data.into(),
        }
    }
}

setters!(LogParams {
    /// Sets who says it.
    logger: String,
});

/// The parameters of `logging/setLevel`.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLevelParams {
    /// The least level that the client wants to hear of.
    pub level: LogLevel,
}

impl SetLevelParams {
    /// Asks for messages of at least a level.
    pub const fn new(level: LogLevel) -> Self {
        Self { level }
    }
}

from_params!(SetLevelParams, LogParams);
