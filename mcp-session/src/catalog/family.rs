//! The families a template can offer.

/// One kind of thing on offer.
///
/// A template declares the families it has: those it registers an entry of, and those it names
/// with [`declare`](crate::server::TemplateBuilder::declare). Clients are told at once and for
/// good, so a session cannot gain an entry of a family its template did not declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Tools.
    Tools,
    /// Prompts.
    Prompts,
    /// Resources and resource templates.
    Resources,
    /// Completions of prompt arguments and of resource template variables.
    Completions,
}

/// A set of families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Families(u8);

impl Families {
    pub(crate) fn with(self, family: Family) -> Self {
        Self(self.0 | Self::bit(family))
    }

    pub(crate) fn has(self, family: Family) -> bool {
        self.0 & Self::bit(family) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn bit(family: Family) -> u8 {
        1 << (family as u8)
    }
}

impl Family {
    /// Its name in messages to people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Completions => "completions",
        }
    }
}
