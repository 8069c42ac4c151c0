//! What is offered: tools, prompts, resources and resource templates.
//!
//! A `Catalog` is an immutable, ordered snapshot of what a template offers, already serialised.
//! An `Overlay` is what one session changed. A `View` is both: the only way to list and the
//! only way to find, so the two cannot disagree.

pub(crate) mod check;
mod checked;
mod common;
mod completion;
mod constraint;
mod contract;
mod cursor;
mod definition;
mod describe;
mod edit;
mod entry;
mod factory;
mod family;
mod function;
mod handler;
#[doc(hidden)]
pub mod macro_support;
mod origin;
mod overlay;
mod param;
mod patch;
mod prompt;
mod reader;
mod reply;
mod resource;
mod resource_template;
mod restore;
mod safe_path;
mod snapshot;
mod stored;
mod text;
mod tool;
pub(crate) mod uri_template;
pub mod via;
mod view;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use completion::{CompletionRequest, IntoCompleter, IntoCompletion, SharedCompleter};
pub use edit::Edit;
pub use entry::{
    Calling, Entries, Entry, IntoEntries, IntoPrompt, IntoResource, IntoTool, ResourceEntry,
};
pub use factory::IntoMade;
pub use family::Family;
pub use function::{Handler, Head, Input};
pub use handler::ResourceRequest;
pub use overlay::Rebase;
pub use param::{Described, Param};
pub use prompt::{Prompt, PromptArguments, PromptBuilder};
pub use reply::{
    Audio, Image, IntoPromptReply, IntoResourceReply, IntoToolReply, Json, PromptReply,
    ResourceReply, ResourceTarget, ToolReply,
};
pub use resource::{Resource, ResourceBuilder};
pub use resource_template::{ResourceTemplate, ResourceTemplateBuilder};
pub use safe_path::{SafeRoot, UnsafePath};
pub use tool::{Tool, ToolArguments, ToolBuilder};
pub use uri_template::{UriTemplate, UriTemplateError, UriVariables};

pub(crate) use checked::{CheckedPrompt, CheckedResource, CheckedTemplate, CheckedTool};
pub(crate) use cursor::Cursor;
pub(crate) use definition::Definition;
pub(crate) use factory::Factories;
pub(crate) use family::Families;
pub(crate) use handler::{Completer, PromptHandler, ResourceHandler, ToolHandler};
pub(crate) use origin::{Origin, Recipe};
pub(crate) use overlay::Overlay;
pub(crate) use patch::Patch;
pub(crate) use restore::Workshop;
pub(crate) use snapshot::{Listed, Snapshot};
pub(crate) use stored::StoredPatch;
pub(crate) use view::{PageLimits, View};

/// Everything one revision of a template offers.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    pub(crate) families: Families,
    pub(crate) tools: Arc<Snapshot<CheckedTool>>,
    pub(crate) prompts: Arc<Snapshot<CheckedPrompt>>,
    pub(crate) resources: Arc<Snapshot<CheckedResource>>,
    pub(crate) templates: Arc<Snapshot<CheckedTemplate>>,
}

impl Catalog {
    /// The next revision: this one with the changes of an overlay made. What did not change is
    /// shared.
    pub(crate) fn applied(&self, overlay: &Overlay) -> Self {
        fn next<E: Listed>(
            snapshot: &Arc<Snapshot<E>>,
            changes: &overlay::Changes<E>,
        ) -> Arc<Snapshot<E>> {
            if changes.is_empty() {
                Arc::clone(snapshot)
            } else {
                Arc::new(changes.applied(snapshot))
            }
        }
        Self {
            families: self.families,
            tools: next(&self.tools, &overlay.tools),
            prompts: next(&self.prompts, &overlay.prompts),
            resources: next(&self.resources, &overlay.resources),
            templates: next(&self.templates, &overlay.templates),
        }
    }

    /// The list families that look different through the overlays, in this catalog and another.
    pub(crate) fn changed_families(
        &self,
        own: &Overlay,
        other: &Self,
        others: &Overlay,
    ) -> Vec<Family> {
        fn like<E: Listed>(
            (snapshot, own): (&Arc<Snapshot<E>>, &overlay::Changes<E>),
            (other, others): (&Arc<Snapshot<E>>, &overlay::Changes<E>),
        ) -> bool {
            if Arc::ptr_eq(snapshot, other) {
                // Costs as much as the changes, not as the catalog.
                return own.lists_like(others, snapshot);
            }
            View::new(&**snapshot, own).lists_like(&View::new(&**other, others))
        }
        let tools = like((&self.tools, &own.tools), (&other.tools, &others.tools));
        let prompts = like(
            (&self.prompts, &own.prompts),
            (&other.prompts, &others.prompts),
        );
        let resources = like(
            (&self.resources, &own.resources),
            (&other.resources, &others.resources),
        ) && like(
            (&self.templates, &own.templates),
            (&other.templates, &others.templates),
        );
        let same = [
            (Family::Tools, tools),
            (Family::Prompts, prompts),
            (Family::Resources, resources),
        ];
        same.into_iter()
            .filter(|(_, same)| !same)
            .map(|(family, _)| family)
            .collect()
    }
}

impl Overlay {
    /// The same changes relative to a newer revision.
    pub(crate) fn onto(&self, old: &Catalog, new: &Catalog, policy: Rebase) -> Self {
        Self {
            tools: self.tools.onto(&old.tools, &new.tools, policy),
            prompts: self.prompts.onto(&old.prompts, &new.prompts, policy),
            resources: self.resources.onto(&old.resources, &new.resources, policy),
            templates: self.templates.onto(&old.templates, &new.templates, policy),
        }
    }
}
