//! The name and version of a program.

use serde::{Deserialize, Serialize};

use crate::protocol::skim;
use crate::protocol::types::icon::Icon;
use crate::protocol::types::macros::setters;

/// What a server or client says it is: for display and logs, never for decisions.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Implementation {
    /// The name for programs.
    pub name: String,
    /// The name for people (since 2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The version.
    pub version: String,
    /// What it does (since 2025-11-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where to read about it (since 2025-11-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website_url: Option<String>,
    /// Pictures of it (since 2025-11-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icons: Option<Vec<Icon>>,
}

impl Implementation {
    /// Makes a name and a version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            version: version.into(),
            description: None,
            website_url: None,
            icons: None,
        }
    }
}

impl Implementation {
    /// True for what almost all say: names and a version, without escapes. It needs no reading to
    /// be known to fit.
    pub(in crate::protocol) fn is_plain(text: &str) -> bool {
        let (mut own, mut title, mut version) = (None, None, None);
        let all = skim::object(text, |skim, name| {
            let place = match name {
                "name" => &mut own,
                "title" => &mut title,
                "version" => &mut version,
                _ => return None,
            };
            skim::once(place, skim.value()?.plain_text()?)
        });
        all.is_some() && own.is_some() && version.is_some()
    }
}

setters!(Implementation {
    /// Sets the name for people.
    title: String,
    /// Sets what it does.
    description: String,
    /// Sets where to read about it.
    website_url: String,
    /// Sets the pictures.
    icons: Vec<Icon>,
});
