//! Asking for a page of a list.

use serde::{Deserialize, Serialize};

use crate::protocol::error::RpcError;
use crate::protocol::text::Raw;
use crate::protocol::types::decode_params;
use crate::protocol::types::macros::from_params;

/// The parameters of every method that lists.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListParams {
    /// Where the page before ended; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

from_params!(ListParams);
