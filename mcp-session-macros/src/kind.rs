//! The kinds of entries that a function can be.

use proc_macro2::TokenStream;

use crate::code::code;

/// What an attribute makes of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tool,
    Prompt,
    Resource,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Tool, Self::Prompt, Self::Resource];

    /// Its name, which is also its attribute's.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
        }
    }

    /// The type of the entries.
    pub(crate) fn entry(self) -> TokenStream {
        match self {
            Self::Tool => code!(::mcp_session::Tool),
            Self::Prompt => code!(::mcp_session::Prompt),
            Self::Resource => code!(::mcp_session::catalog::ResourceEntry),
        }
    }
}
