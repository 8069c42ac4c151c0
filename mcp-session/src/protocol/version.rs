//! Protocol revisions and what each of them knows.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A published revision of the Model Context Protocol.
///
/// Revisions are ordered by age. Code outside this module asks what a revision
/// *has* (`version.has_icons()`) and never compares two of them.
///
/// ```
/// use mcp_session::protocol::{Era, ProtocolVersion};
///
/// let version = ProtocolVersion::parse("2025-06-18").expect("a published revision");
/// assert_eq!(version.era(), Era::Handshake);
/// assert!(version.has_structured_content());
/// assert!(!version.has_icons());
/// assert_eq!(ProtocolVersion::parse("2025-06-19"), None);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolVersion {
    /// The first published revision.
    V2024_11_05,
    /// Streamable HTTP, tool annotations, audio and batches.
    V2025_03_26,
    /// Structured output, elicitation, resource links and titles; no batches.
    V2025_06_18,
    /// Icons, URL elicitation and tools in sampling.
    V2025_11_25,
    /// No handshake: every request is complete in itself.
    V2026_07_28,
}

/// The two ways in which a client and a server come to an understanding.
#[expect(
    clippy::exhaustive_enums,
    reason = "a third era would change every user anyway"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// `initialize` first, then a session (2024-11-05 to 2025-11-25).
    Handshake,
    /// Every request names its revision and capabilities itself (from 2026-07-28).
    Stateless,
}

impl ProtocolVersion {
    /// The newest revision.
    pub const LATEST: Self = Self::V2026_07_28;

    /// The newest revision that begins with `initialize`.
    pub const LATEST_HANDSHAKE: Self = Self::V2025_11_25;

    /// Every revision, newest first, the order in which they are offered to clients.
    pub const ALL: [Self; 5] = [
        Self::V2026_07_28,
        Self::V2025_11_25,
        Self::V2025_06_18,
        Self::V2025_03_26,
        Self::V2024_11_05,
    ];

    /// Reads a revision as it is written on the wire; `None` when it is not one of [`Self::ALL`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
    }

    /// Returns the revision as it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Returns the era that the revision belongs to.
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Stateless,
            _ => Era::Handshake,
        }
    }

    /// Returns the position by age, the oldest being 0: an index for per-revision tables.
    pub const fn index(self) -> usize {
        self as usize
    }

    const fn since(self, first: Self) -> bool {
        self.index() >= first.index()
    }

    /// Whether one HTTP body or line may hold several messages in an array (2025-03-26 only).
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::V2025_03_26)
    }

    /// Whether audio content exists (since 2025-03-26).
    pub const fn has_audio(self) -> bool {
        self.since(Self::V2025_03_26)
    }

    /// Whether tools carry annotations (since 2025-03-26).
    pub const fn has_tool_annotations(self) -> bool {
        self.since(Self::V2025_03_26)
    }

    /// Whether servers declare a `completions` capability (since 2025-03-26).
    pub const fn has_completions_capability(self) -> bool {
        self.since(Self::V2025_03_26)
    }

    /// Whether a progress notification may carry a message (since 2025-03-26).
    pub const fn has_progress_message(self) -> bool {
        self.since(Self::V2025_03_26)
    }

    /// Whether tools have output schemas and results structured content (since 2025-06-18).
    pub const fn has_structured_content(self) -> bool {
        self.since(Self::V2025_06_18)
    }

    /// Whether structured content and output schemas may be other than objects (since 2026-07-28).
    pub const fn has_any_structured_content(self) -> bool {
        self.since(Self::V2026_07_28)
    }

    /// Whether a server may ask the user by form (since 2025-06-18).
    pub const fn has_elicitation(self) -> bool {
        self.since(Self::V2025_06_18)
    }

    /// Whether a server may send the user to a URL, and form requests name their mode
    /// (since 2025-11-25).
    pub const fn has_url_elicitation(self) -> bool {
        self.since(Self::V2025_11_25)
    }

    /// Whether forms have titled enums, multiple choice and defaults of every type
    /// (since 2025-11-25).
    pub const fn has_rich_forms(self) -> bool {
        self.since(Self::V2025_11_25)
    }

    /// Whether sampling knows tools and several content blocks per message (since 2025-11-25).
    pub const fn has_sampling_tools(self) -> bool {
        self.since(Self::V2025_11_25)
    }

    /// Whether content may link to a resource (since 2025-06-18).
    pub const fn has_resource_links(self) -> bool {
        self.since(Self::V2025_06_18)
    }

    /// Whether definitions and implementations have icons, and implementations a description and
    /// a website (since 2025-11-25).
    pub const fn has_icons(self) -> bool {
        self.since(Self::V2025_11_25)
    }

    /// Whether things have a title beside their name (since 2025-06-18).
    pub const fn has_titles(self) -> bool {
        self.since(Self::V2025_06_18)
    }

    /// Whether definitions, content blocks and resource contents carry `_meta` (since 2025-06-18).
    pub const fn has_entry_meta(self) -> bool {
        self.since(Self::V2025_06_18)
    }

    /// Whether annotations carry `lastModified` (since 2025-06-18).
    pub const fn has_last_modified(self) -> bool {
        self.since(Self::V2025_06_18)
    }

    /// Whether completion requests tell the arguments chosen so far (since 2025-06-18).
    pub const fn has_completion_context(self) -> bool {
        self.since(Self::V2025_06_18)
    }

    /// Whether an event stream begins with an empty event that carries an id (since 2025-11-25).
    pub const fn has_priming_event(self) -> bool {
        self.since(Self::V2025_11_25)
    }

    /// Whether an error response whose request id could not be read leaves `id` out instead of
    /// sending null (since 2025-11-25).
    pub const fn may_omit_error_id(self) -> bool {
        self.since(Self::V2025_11_25)
    }

    /// Whether results name their type, carry the server's identity and say how long they may be
    /// cached (since 2026-07-28).
    pub const fn has_result_type(self) -> bool {
        self.since(Self::V2026_07_28)
    }

    /// Whether capabilities have an `extensions` member (since 2026-07-28).
    pub const fn has_extensions(self) -> bool {
        self.since(Self::V2026_07_28)
    }

    /// Returns the error code for a resource that does not exist: -32002 before 2026-07-28,
    /// -32602 from then on.
    pub const fn resource_not_found_code(self) -> i64 {
        match self.era() {
            Era::Handshake => -32002,
            Era::Stateless => -32602,
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ProtocolVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProtocolVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a known protocol version"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_sorted_newest_first_and_indexed_by_age() {
        assert!(ProtocolVersion::ALL.is_sorted_by(|a, b| a > b));
        for (position, version) in ProtocolVersion::ALL.into_iter().rev().enumerate() {
            assert_eq!(version.index(), position);
            assert_eq!(ProtocolVersion::parse(version.as_str()), Some(version));
        }
        assert_eq!(ProtocolVersion::ALL[0], ProtocolVersion::LATEST);
        assert_eq!(ProtocolVersion::ALL[1], ProtocolVersion::LATEST_HANDSHAKE);
    }

    #[test]
    fn only_the_newest_revision_is_stateless() {
        let stateless: Vec<_> = ProtocolVersion::ALL
            .into_iter()
            .filter(|version| version.era() == Era::Stateless)
            .collect();
        assert_eq!(stateless, [ProtocolVersion::V2026_07_28]);
    }

    #[test]
    fn batches_exist_in_one_revision_only() {
        let with: Vec<_> = ProtocolVersion::ALL
            .into_iter()
            .filter(|version| version.has_batches())
            .collect();
        assert_eq!(with, [ProtocolVersion::V2025_03_26]);
    }
}
