//! The `_meta` object that may accompany anything.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Additional members under `_meta`.
///
/// Dereferences to [`serde_json::Map`]. Keys have a syntax, checked by
/// [`meta::check_key`](crate::protocol::meta::check_key).
///
/// ```
/// use mcp_session::protocol::Meta;
///
/// let meta = Meta::new().with("com.example/trace", "abc");
/// assert_eq!(meta["com.example/trace"], "abc");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Meta(Map<String, Value>);

impl Meta {
    /// Makes an empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member, replacing one of the same name.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// Returns the map.
    pub fn into_inner(self) -> Map<String, Value> {
        self.0
    }
}

impl Deref for Meta {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl DerefMut for Meta {
    fn deref_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }
}

impl From<Map<String, Value>> for Meta {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl FromIterator<(String, Value)> for Meta {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}
