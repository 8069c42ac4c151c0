//! Changes as they are stored: by name, with what is needed to make entries again.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::catalog::overlay::Changes;
use crate::catalog::patch::{Step, Steps};
use crate::catalog::snapshot::{Listed, Snapshot};
use crate::catalog::{Catalog, Overlay, Patch, Recipe};
use crate::protocol::Raw;

/// What was changed of what is offered, in the form in which it is stored.
///
/// An entry that no factory made is not in it. Where such an entry replaced one of the template,
/// that one is hidden: nobody is to meet an original that was replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StoredPatch {
    #[serde(skip_serializing_if = "StoredSteps::is_empty")]
    pub(super) tools: StoredSteps,
    #[serde(skip_serializing_if = "StoredSteps::is_empty")]
    pub(super) prompts: StoredSteps,
    #[serde(skip_serializing_if = "StoredSteps::is_empty")]
    pub(super) resources: StoredSteps,
    #[serde(skip_serializing_if = "StoredSteps::is_empty")]
    pub(super) templates: StoredSteps,
}

/// The changes to one kind of entry, in the order in which own entries are to appear, one per
/// name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct StoredSteps(pub(super) Vec<StoredStep>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredStep {
    /// Nothing, whatever the template has.
    Hide(Box<str>),
    /// As the template has it: what a later change says of an earlier one.
    Show(Box<str>),
    /// What a factory makes.
    Make(Made),
}

/// An entry that can be made again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) name: Box<str>,
    pub(super) factory: Box<str>,
    pub(super) params: Raw,
}

impl StoredPatch {
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds().into_iter().all(StoredSteps::is_empty)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; members it does not know it passes over.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "what sessions change is not stored yet")
    )]
    pub(crate) fn from_bytes(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// As compact JSON.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "what sessions change is not stored yet")
    )]
    pub(crate) fn to_bytes(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }

    /// What was changed since `base`, which these changes came from, for [`apply`](Self::apply).
    ///
    /// `base` is what was said of the same changes before the edit, not what lies in the store:
    /// what could not be made here then is no difference, and stays what it is in the store.
    pub(crate) fn changes_since(&self, base: &Self) -> Self {
        Self {
            tools: self.tools.changes_since(&base.tools),
            prompts: self.prompts.changes_since(&base.prompts),
            resources: self.resources.changes_since(&base.resources),
            templates: self.templates.changes_since(&base.templates),
        }
    }

    /// Makes these changes, too: of each name they speak of, what they say of it counts.
    pub(crate) fn apply(&mut self, changes: Self) {
        self.tools.apply(changes.tools);
        self.prompts.apply(changes.prompts);
        self.resources.apply(changes.resources);
        self.templates.apply(changes.templates);
    }

    fn kinds(&self) -> [&StoredSteps; 4] {
        [&self.tools, &self.prompts, &self.resources, &self.templates]
    }
}

impl StoredSteps {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn changes_since(&self, base: &Self) -> Self {
        let by_name = |steps: &Self| -> HashMap<Box<str>, StoredStep> {
            let named = steps
                .0
                .iter()
                .map(|step| (step.name().into(), step.clone()));
            named.collect()
        };
        let (before, now) = (by_name(base), by_name(self));
        let gone = base.0.iter().filter(|step| !now.contains_key(step.name()));
        let gone = gone.map(|step| StoredStep::Show(step.name().into()));
        let differs = |step: &&StoredStep| before.get(step.name()) != Some(step);
        Self(gone.chain(self.0.iter().filter(differs).cloned()).collect())
    }

    fn apply(&mut self, changes: Self) {
        for change in changes.0 {
            let known = self.0.iter().position(|step| step.name() == change.name());
            match (known, &change) {
                (Some(at), StoredStep::Show(_)) => {
                    self.0.remove(at);
                }
                (None, StoredStep::Show(_)) => {}
                // What was made before keeps its place.
                (Some(at), StoredStep::Make(_)) if matches!(self.0[at], StoredStep::Make(_)) => {
                    self.0[at] = change;
                }
                (known, _) => {
                    known.map(|at| self.0.remove(at));
                    self.0.push(change);
                }
            }
        }
    }

    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "what sessions change is not stored yet")
    )]
    fn of_changes<E: Listed>(changes: &Changes<E>, snapshot: &Snapshot<E>) -> Self {
        let changed = changes.changed().iter().filter_map(|(position, to)| {
            let key = snapshot.at(*position)?.definition().key();
            let made = to.as_ref().and_then(StoredStep::made);
            Some(made.unwrap_or_else(|| StoredStep::hide(key)))
        });
        let missing = changes.missing().iter().map(StoredStep::hide);
        let added = changes.added().iter();
        let added = added.filter_map(|own| StoredStep::made(&own.entry));
        Self(changed.chain(missing).chain(added).collect())
    }

    fn of_steps<E: Listed>(steps: &Steps<E>, snapshot: &Snapshot<E>) -> Self {
        let stored = steps.steps.iter().filter_map(|(key, step)| match step {
            Step::Put(own) => StoredStep::made(own).or_else(|| {
                let replaces = snapshot.position(key).is_some();
                replaces.then(|| StoredStep::hide(key))
            }),
            Step::Hide => Some(StoredStep::hide(key)),
            // Nothing lies beneath what is stored.
            Step::Show => None,
        });
        Self(stored.collect())
    }
}

impl StoredStep {
    fn name(&self) -> &str {
        match self {
            Self::Hide(name) | Self::Show(name) => name,
            Self::Make(made) => &made.name,
        }
    }

    fn hide(key: &Arc<str>) -> Self {
        Self::Hide((**key).into())
    }

    /// The entry, if it can be made again.
    fn made<E: Listed>(entry: &E) -> Option<Self> {
        let recipe: &Recipe = entry.recipe()?;
        Some(Self::Make(Made {
            name: (**entry.definition().key()).into(),
            factory: recipe.factory().into(),
            params: recipe.params().clone(),
        }))
    }
}

impl std::fmt::Debug for Made {
    /// Parameters may be somebody's own.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.name, self.factory)
    }
}

impl Overlay {
    /// What can be stored of these changes of a catalog.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "what sessions change is not stored yet")
    )]
    pub(crate) fn stored(&self, catalog: &Catalog) -> StoredPatch {
        StoredPatch {
            tools: StoredSteps::of_changes(&self.tools, &catalog.tools),
            prompts: StoredSteps::of_changes(&self.prompts, &catalog.prompts),
            resources: StoredSteps::of_changes(&self.resources, &catalog.resources),
            templates: StoredSteps::of_changes(&self.templates, &catalog.templates),
        }
    }
}

impl Patch {
    /// What can be stored of these changes, laid over nothing but this catalog.
    pub(crate) fn stored(&self, catalog: &Catalog) -> StoredPatch {
        StoredPatch {
            tools: StoredSteps::of_steps(&self.tools, &catalog.tools),
            prompts: StoredSteps::of_steps(&self.prompts, &catalog.prompts),
            resources: StoredSteps::of_steps(&self.resources, &catalog.resources),
            templates: StoredSteps::of_steps(&self.templates, &catalog.templates),
        }
    }
}
