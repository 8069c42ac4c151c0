//! Whatever can be registered.

use std::sync::Arc;

use crate::catalog::via::Itself;
use crate::catalog::{Family, Origin, Prompt, Resource, ResourceTemplate, Tool};

/// One thing on offer, of whatever kind.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[must_use = "an entry is of use only once it is registered"]
pub enum Entry {
    /// A tool.
    Tool(Tool),
    /// A prompt.
    Prompt(Prompt),
    /// A resource with one fixed URI.
    Resource(Resource),
    /// A family of resources.
    ResourceTemplate(ResourceTemplate),
}

impl Entry {
    /// The families it belongs to.
    pub(crate) fn families(&self) -> impl Iterator<Item = Family> + use<> {
        let (family, completes) = match self {
            Self::Tool(_) => (Family::Tools, false),
            Self::Prompt(prompt) => (Family::Prompts, !prompt.completers().is_empty()),
            Self::Resource(_) => (Family::Resources, false),
            Self::ResourceTemplate(template) => {
                (Family::Resources, !template.completers().is_empty())
            }
        };
        let completions = completes.then_some(Family::Completions);
        std::iter::once(family).chain(completions)
    }

    /// Where it comes from; `None` for one that is nothing but its function.
    pub(crate) fn origin(&self) -> Option<&Arc<Origin>> {
        match self {
            Self::Tool(tool) => tool.origin(),
            Self::Prompt(prompt) => prompt.origin(),
            Self::Resource(resource) => resource.origin(),
            Self::ResourceTemplate(template) => template.origin(),
        }
    }
}

impl From<Tool> for Entry {
    fn from(tool: Tool) -> Self {
        Self::Tool(tool)
    }
}

impl From<Prompt> for Entry {
    fn from(prompt: Prompt) -> Self {
        Self::Prompt(prompt)
    }
}

impl From<Resource> for Entry {
    fn from(resource: Resource) -> Self {
        Self::Resource(resource)
    }
}

impl From<ResourceTemplate> for Entry {
    fn from(template: ResourceTemplate) -> Self {
        Self::ResourceTemplate(template)
    }
}

impl From<ResourceEntry> for Entry {
    fn from(entry: ResourceEntry) -> Self {
        match entry {
            ResourceEntry::Resource(resource) => Self::Resource(resource),
            ResourceEntry::Template(template) => Self::ResourceTemplate(template),
        }
    }
}

/// A resource or a family of resources.
#[derive(Debug, Clone)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a URI either has variables or has none"
)]
#[must_use = "a resource is of use only once it is registered"]
pub enum ResourceEntry {
    /// A resource with one fixed URI.
    Resource(Resource),
    /// A family of resources.
    Template(ResourceTemplate),
}

impl From<Resource> for ResourceEntry {
    fn from(resource: Resource) -> Self {
        Self::Resource(resource)
    }
}

impl From<ResourceTemplate> for ResourceEntry {
    fn from(template: ResourceTemplate) -> Self {
        Self::Template(template)
    }
}

/// What calling a function under `#[tool]`, `#[prompt]` or `#[resource]` returns: the future of
/// the function itself, which also knows the entry it belongs to.
///
/// So the function can be called as ever, in unit tests for example, and its name can be
/// registered. It is never implemented by hand.
pub trait Calling<E>: Future {
    #[doc(hidden)]
    fn entry() -> E;
}

/// What can be registered as a tool: a [`Tool`], or a function under `#[tool]`.
///
/// `M` is inferred. It is never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    label = "not a tool",
    note = "put `#[tool]` on the function, or build one with `Tool::new(..).handler(..)`"
)]
pub trait IntoTool<M> {
    /// The tool itself.
    fn into_tool(self) -> Tool;

    /// The tool, marked as not to be stored: see [`Tool::ephemeral`].
    ///
    /// ```
    /// use mcp_session::{Session, catalog::IntoTool as _, tool};
    ///
    /// /// Today's appointments.
    /// #[tool]
    /// async fn calendar() -> &'static str {
    ///     "none"
    /// }
    ///
    /// fn unlock(session: &Session) -> mcp_session::Result<()> {
    ///     session.edit(|edit| edit.add_tool(calendar.ephemeral()))
    /// }
    /// ```
    fn ephemeral(self) -> Tool
    where
        Self: Sized,
    {
        self.into_tool().ephemeral()
    }
}

/// What can be registered as a prompt: a [`Prompt`], or a function under `#[prompt]`.
///
/// `M` is inferred. It is never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a prompt",
    label = "not a prompt",
    note = "put `#[prompt]` on the function, or build one with `Prompt::new(..).handler(..)`"
)]
pub trait IntoPrompt<M> {
    /// The prompt itself.
    fn into_prompt(self) -> Prompt;

    /// The prompt, marked as not to be stored: see [`Prompt::ephemeral`].
    fn ephemeral(self) -> Prompt
    where
        Self: Sized,
    {
        self.into_prompt().ephemeral()
    }
}

/// What can be registered as a resource: a [`Resource`], a [`ResourceTemplate`], or a function
/// under `#[resource]`.
///
/// `M` is inferred. It is never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    label = "not a resource",
    note = "put `#[resource(\"..\")]` on the function, or build one with `Resource::new(..)` or `ResourceTemplate::new(..)`"
)]
pub trait IntoResource<M> {
    /// The resource itself.
    fn into_resource(self) -> ResourceEntry;

    /// The resource, marked as not to be stored: see [`Resource::ephemeral`].
    fn ephemeral(self) -> ResourceEntry
    where
        Self: Sized,
    {
        match self.into_resource() {
            ResourceEntry::Resource(resource) => resource.ephemeral().into(),
            ResourceEntry::Template(template) => template.ephemeral().into(),
        }
    }
}

impl IntoTool<Itself> for Tool {
    fn into_tool(self) -> Tool {
        self
    }
}

impl IntoPrompt<Itself> for Prompt {
    fn into_prompt(self) -> Prompt {
        self
    }
}

impl IntoResource<Itself> for Resource {
    fn into_resource(self) -> ResourceEntry {
        ResourceEntry::Resource(self)
    }
}

impl IntoResource<Itself> for ResourceTemplate {
    fn into_resource(self) -> ResourceEntry {
        ResourceEntry::Template(self)
    }
}

impl IntoResource<Itself> for ResourceEntry {
    fn into_resource(self) -> ResourceEntry {
        self
    }
}

/// Lets the name of a function stand for the entry that calling it would belong to.
macro_rules! functions {
    ($($trait:ident $method:ident $entry:ident: $(($($parameter:ident)*))*;)*) => {$($(
        #[diagnostic::do_not_recommend]
        impl<F, R, $($parameter),*> $trait<fn($($parameter),*) -> R> for F
        where
            F: Fn($($parameter),*) -> R,
            R: Calling<$entry>,
        {
            fn $method(self) -> $entry {
                R::entry()
            }
        }
    )*)*};
}

/// Repeats the parameter lists for each trait.
macro_rules! with_arities {
    ($($trait:ident $method:ident $entry:ident)*) => {
        functions! {$(
            $trait $method $entry:
                ()
                (A)
                (A B)
                (A B C)
                (A B C D)
                (A B C D E)
                (A B C D E G)
                (A B C D E G H)
                (A B C D E G H I)
                (A B C D E G H I J)
                (A B C D E G H I J K)
                (A B C D E G H I J K L)
                (A B C D E G H I J K L M)
                (A B C D E G H I J K L M N)
                (A B C D E G H I J K L M N O)
                (A B C D E G H I J K L M N O P)
                (A B C D E G H I J K L M N O P Q);
        )*}
    };
}

with_arities! {
    IntoTool into_tool Tool
    IntoPrompt into_prompt Prompt
    IntoResource into_resource ResourceEntry
}

/// What `#[tools]` makes of an `impl` block: the entries that the methods of one value serve.
pub trait Entries: Send + Sync + 'static {
    /// The entries, in the order of the methods.
    fn entries(self: Arc<Self>) -> Vec<Entry>;
}

/// Several entries that are registered together: a value whose type has a `#[tools] impl`, an
/// `Arc` of one, or a list.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of entries",
    label = "not a set of entries",
    note = "put `#[tools]` on an `impl` block of the type"
)]
pub trait IntoEntries {
    /// The entries, in order.
    fn into_entries(self) -> Vec<Entry>;
}

impl<T: Entries> IntoEntries for T {
    fn into_entries(self) -> Vec<Entry> {
        Arc::new(self).entries()
    }
}

impl<T: Entries> IntoEntries for Arc<T> {
    fn into_entries(self) -> Vec<Entry> {
        self.entries()
    }
}

impl<T: Into<Entry>> IntoEntries for Vec<T> {
    fn into_entries(self) -> Vec<Entry> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<Entry>, const N: usize> IntoEntries for [T; N] {
    fn into_entries(self) -> Vec<Entry> {
        self.into_iter().map(Into::into).collect()
    }
}
