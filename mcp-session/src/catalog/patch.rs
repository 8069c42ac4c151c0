//! Changes by name, apart from any revision: what can be laid over whatever is offered.

use std::{fmt, sync::Arc};

use crate::catalog::overlay::Changes;
use crate::catalog::snapshot::{Listed, Snapshot};
use crate::catalog::{
    Catalog, CheckedPrompt, CheckedResource, CheckedTemplate, CheckedTool, Overlay,
};

/// Changes that outlive the revision they were made over. The last one about a name counts, so a
/// patch is as large as what it changes, however often it was changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patch {
    pub(crate) tools: Steps<CheckedTool>,
    pub(crate) prompts: Steps<CheckedPrompt>,
    pub(crate) resources: Steps<CheckedResource>,
    pub(crate) templates: Steps<CheckedTemplate>,
}

/// The changes to one kind of entry, in the order in which own entries are to appear.
#[derive(Clone)]
pub(crate) struct Steps<E> {
    pub(super) steps: Vec<(Arc<str>, Step<E>)>,
}

#[derive(Clone)]
pub(super) enum Step<E> {
    /// This entry, whatever the template has.
    Put(E),
    /// Nothing, whatever the template has.
    Hide,
    /// As the template has it, be that nothing, and whatever lies beneath says.
    Show,
}

impl<E: Listed> Steps<E> {
    /// An entry was added, or replaced one.
    pub(crate) fn put(&mut self, entry: E) {
        let key = Arc::clone(entry.definition().key());
        let own = self.steps.iter_mut().find(|(known, _)| *known == key);
        match own {
            // It keeps its place, as it does in an overlay.
            Some((_, Step::Put(own))) => *own = entry,
            _ => self.last(key, Step::Put(entry)),
        }
    }

    /// An entry was hidden, or taken away if the template has none of its name.
    pub(crate) fn hide(&mut self, snapshot: &Snapshot<E>, key: &str) {
        let step = match snapshot.position(key) {
            Some(_) => Step::Hide,
            None => Step::Show,
        };
        self.last(key.into(), step);
    }

    /// Nothing of this name, whatever the template has.
    pub(crate) fn hidden(&mut self, key: Arc<str>) {
        self.last(key, Step::Hide);
    }

    /// An entry is to be as the template has it.
    pub(crate) fn show(&mut self, key: &str) {
        self.last(key.into(), Step::Show);
    }

    fn last(&mut self, key: Arc<str>, step: Step<E>) {
        self.steps.retain(|(known, _)| *known != key);
        self.steps.push((key, step));
    }

    fn extend(&mut self, later: Self) {
        for (key, step) in later.steps {
            match step {
                Step::Put(entry) => self.put(entry),
                Step::Hide | Step::Show => self.last(key, step),
            }
        }
    }

    /// Forgets what says nothing where nothing lies beneath.
    fn settle(&mut self) {
        self.steps.retain(|(_, step)| !matches!(step, Step::Show));
    }

    fn lay(&self, changes: &mut Changes<E>, snapshot: &Snapshot<E>) {
        for (key, step) in &self.steps {
            match step {
                Step::Put(entry) => changes.put(snapshot, entry.clone()),
                // Also what comes with a later revision.
                Step::Hide => changes.keep_hidden(snapshot, key),
                Step::Show => {
                    if !changes.restore(snapshot, key) {
                        changes.hide(snapshot, key);
                    }
                }
            }
        }
    }
}

impl Patch {
    /// True when it changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.tools.steps.is_empty()
            && self.prompts.steps.is_empty()
            && self.resources.steps.is_empty()
            && self.templates.steps.is_empty()
    }

    /// Adds later changes to these.
    pub(crate) fn extend(&mut self, later: Self) {
        self.tools.extend(later.tools);
        self.prompts.extend(later.prompts);
        self.resources.extend(later.resources);
        self.templates.extend(later.templates);
    }

    /// Forgets what says nothing where nothing lies beneath these changes.
    pub(crate) fn settle(&mut self) {
        self.tools.settle();
        self.prompts.settle();
        self.resources.settle();
        self.templates.settle();
    }

    /// Makes these changes over a catalog and what was changed of it already.
    pub(crate) fn lay(&self, overlay: &mut Overlay, catalog: &Catalog) {
        self.tools.lay(&mut overlay.tools, &catalog.tools);
        self.prompts.lay(&mut overlay.prompts, &catalog.prompts);
        self.resources
            .lay(&mut overlay.resources, &catalog.resources);
        self.templates
            .lay(&mut overlay.templates, &catalog.templates);
    }
}

impl<E> Default for Steps<E> {
    fn default() -> Self {
        Self { steps: Vec::new() }
    }
}

impl<E> fmt::Debug for Steps<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.steps.iter().map(|(key, _)| key))
            .finish()
    }
}
