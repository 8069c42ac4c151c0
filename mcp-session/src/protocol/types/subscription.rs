//! What a listen stream carries (since 2026-07-28).

use serde::{Deserialize, Serialize};

use crate::protocol::error::RpcError;
use crate::protocol::text::Raw;
use crate::protocol::types::macros::from_params;
use crate::protocol::types::meta::Meta;
use crate::protocol::types::{decode_params, is_false, object};

/// The notifications that a client wants to hear of.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionFilter {
    /// Changes of the list of tools.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tools_list_changed: bool,
    /// Changes of the list of prompts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub prompts_list_changed: bool,
    /// Changes of the list of resources.
    #[serde(default, skip_serializing_if = "is_false")]
    pub resources_list_changed: bool,
    /// Changes of these resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_subscriptions: Vec<String>,
}

impl SubscriptionFilter {
    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The parameters of `subscriptions/listen`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenParams {
    /// What the client wants to hear of.
    #[serde(deserialize_with = "object")]
    pub notifications: SubscriptionFilter,
}

impl ListenParams {
    /// Asks for notifications.
    pub fn new(notifications: SubscriptionFilter) -> Self {
        Self { notifications }
    }
}

/// The parameters of `notifications/subscriptions/acknowledged`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgedParams {
    /// What the stream will carry.
    pub notifications: SubscriptionFilter,
    /// Additional members, the subscription's id among them.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl AcknowledgedParams {
    /// Makes an acknowledgement.
    pub fn new(notifications: SubscriptionFilter, meta: Meta) -> Self {
        Self {
            notifications,
            meta: Some(meta),
        }
    }
}

from_params!(ListenParams, AcknowledgedParams);
