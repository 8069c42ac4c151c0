//! Where an entry comes from: what can be kept of it besides its function.

use std::{fmt, sync::Arc};

use crate::protocol::Raw;

/// What is known of an entry that is more than a function.
#[derive(Debug)]
pub(crate) enum Origin {
    /// It is not to be kept: whoever made it makes it again.
    Ephemeral,
    /// A registered factory made it.
    Made(Recipe),
}

/// How an entry was made, and can be made again.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Recipe {
    factory: Arc<str>,
    params: Raw,
}

impl Origin {
    /// The recipe of what a factory made.
    pub(crate) fn recipe(&self) -> Option<&Recipe> {
        match self {
            Self::Ephemeral => None,
            Self::Made(recipe) => Some(recipe),
        }
    }
}

impl Recipe {
    pub(crate) fn new(factory: Arc<str>, params: Raw) -> Self {
        Self { factory, params }
    }

    /// The name of the factory.
    pub(crate) fn factory(&self) -> &str {
        &self.factory
    }

    pub(crate) fn params(&self) -> &Raw {
        &self.params
    }
}

impl fmt::Debug for Recipe {
    /// Parameters may be somebody's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipe({})", self.factory)
    }
}

/// Lets an entry, finished or in the making, be marked as one that is not kept.
///
/// The type has a member `origin`.
macro_rules! originating {
    ($type:ty) => {
        impl $type {
            /// Marks it as not to be stored. Where what a session offers is kept in a durable
            /// store, a function cannot be: there an entry is refused unless a registered
            /// [factory](crate::server::TemplateBuilder::tool_factory) makes it
            /// ([`Edit::install`](crate::Edit::install)) or it has this mark. One that is marked
            /// is gone when the session comes back elsewhere, and
            /// [`on_resume`](crate::server::TemplateBuilder::on_resume) is where to add it again.
            /// If it replaced something, nothing is in its place until then. What a principal is
            /// offered for good ([`PrincipalScope::edit`](crate::server::PrincipalScope::edit)) is
            /// never ephemeral: add such a thing in
            /// [`on_open`](crate::server::TemplateBuilder::on_open).
            pub fn ephemeral(mut self) -> Self {
                let origin = $crate::catalog::origin::Origin::Ephemeral;
                self.origin = Some(std::sync::Arc::new(origin));
                self
            }
        }
    };
}

/// Lets a finished entry say where it comes from.
///
/// The type has a member `origin`.
macro_rules! originated {
    ($type:ty) => {
        impl $type {
            /// Where it comes from; `None` for one that is nothing but its function.
            pub(crate) fn origin(&self) -> Option<&std::sync::Arc<$crate::catalog::Origin>> {
                self.origin.as_ref()
            }

            /// A factory made it, unless it is not to be kept anyway.
            pub(crate) fn made_by(
                mut self,
                origin: std::sync::Arc<$crate::catalog::Origin>,
            ) -> Self {
                self.origin.get_or_insert(origin);
                self
            }
        }
    };
}

pub(super) use {originated, originating};
