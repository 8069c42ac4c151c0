//! Completing what a user types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::error::RpcError;
use crate::protocol::text::Raw;
use crate::protocol::types::macros::from_params;
use crate::protocol::types::meta::Meta;
use crate::protocol::types::{decode_params, object};

/// The parameters of `completion/complete`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteParams {
    /// Whose argument is being typed.
    #[serde(rename = "ref")]
    pub reference: CompleteRef,
    /// The argument.
    #[serde(deserialize_with = "object")]
    pub argument: CompleteArgument,
    /// What has been filled in already (since 2025-06-18).
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "CompleteContext::is_empty"
    )]
    pub context: CompleteContext,
}

/// The argument that is being typed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteArgument {
    /// Its name.
    pub name: String,
    /// What has been typed of it.
    pub value: String,
}

/// What has been filled in already.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteContext {
    /// The other arguments, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, String>,
}

impl CompleteContext {
    fn is_empty(&self) -> bool {
        self.arguments.is_empty()
    }
}

/// What a completion is for.
#[expect(clippy::exhaustive_enums, reason = "every revision has these two")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum CompleteRef {
    /// A prompt's argument.
    #[serde(rename = "ref/prompt")]
    Prompt {
        /// The prompt.
        name: String,
    },
    /// A resource template's variable.
    #[serde(rename = "ref/resource")]
    Resource {
        /// The template, as listed.
        uri: String,
    },
}

impl CompleteParams {
    /// Asks for completions of what has been typed of an argument.
    pub fn new(reference: CompleteRef, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            reference,
            argument: CompleteArgument {
                name: name.into(),
                value: value.into(),
            },
            context: CompleteContext::default(),
        }
    }
}

from_params!(CompleteParams);

/// The answer to `completion/complete`: at most 100 values.
///
/// ```
/// use mcp_session::protocol::Completion;
///
/// let all: Vec<String> = (0..250).map(|n| n.to_string()).collect();
/// let completion = Completion::new(all);
/// assert_eq!(completion.values.len(), 100);
/// assert_eq!(completion.total, Some(250));
/// assert_eq!(completion.has_more, Some(true));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// The values, best first.
    pub values: Vec<String>,
    /// How many there are altogether.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_more: Option<bool>,
    /// Additional members of the result.
    #[serde(skip)]
    pub meta: Option<Meta>,
}

impl Completion {
    /// The most values that one answer may hold.
    pub const MAX_VALUES: usize = 100;

    /// Makes a completion; of more than 100 values the first 100 are kept and the rest counted.
    pub fn new(mut values: Vec<String>) -> Self {
        if values.len() <= Self::MAX_VALUES {
            return Self {
                values,
                ..Self::default()
            };
        }
        let total = u64::try_from(values.len()).ok();
        values.truncate(Self::MAX_VALUES);
        Self {
            values,
            total,
            has_more: Some(true),
            meta: None,
        }
    }
}
