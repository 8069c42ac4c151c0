//! The parameters of small notifications and subscriptions.

use serde::{Deserialize, Serialize};

use crate::protocol::error::RpcError;
use crate::protocol::id::{ProgressToken, RequestId};
use crate::protocol::text::Raw;
use crate::protocol::types::decode_params;
use crate::protocol::types::macros::{from_params, setters};
use crate::protocol::types::meta::Meta;

/// The parameters of `notifications/cancelled`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelledParams {
    /// The request that is taken back; optional in 2025-11-25, where tasks are cancelled
    /// otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Why, for logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl CancelledParams {
    /// Takes a request back.
    pub fn new(request_id: RequestId) -> Self {
        Self {
            request_id: Some(request_id),
            reason: None,
        }
    }
}

setters!(CancelledParams {
    /// Sets why.
    reason: String,
});

/// The parameters of `notifications/progress`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressParams {
    /// The token that the request came with.
    pub progress_token: ProgressToken,
    /// How far it is; rises with every notification.
    pub progress: f64,
    /// How far it goes, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// What is going on (since 2025-03-26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ProgressParams {
    /// Makes a report.
    pub fn new(progress_token: ProgressToken, progress: f64) -> Self {
        Self {
            progress_token,
            progress,
            total: None,
            message: None,
        }
    }
}

setters!(ProgressParams {
    /// Sets how far it goes.
    total: f64,
    /// Sets what is going on.
    message: String,
});

/// The parameters of `resources/subscribe` and `resources/unsubscribe`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscribeParams {
    /// The resource.
    pub uri: String,
}

impl SubscribeParams {
    /// Names a resource.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into() }
    }
}

/// The parameters of `notifications/resources/updated`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceUpdatedParams {
    /// The resource that changed.
    pub uri: String,
    /// Additional members, such as the subscription's id (since 2026-07-28).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ResourceUpdatedParams {
    /// Makes a notice of a resource.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            meta: None,
        }
    }
}

setters!(ResourceUpdatedParams {
    /// Sets the additional members.
    meta: Meta,
});

from_params!(
    CancelledParams,
    ProgressParams,
    SubscribeParams,
    ResourceUpdatedParams
);
