//! Making changes again from how they were stored.

use std::error::Error as _;

use crate::catalog::checked::Checked;
use crate::catalog::patch::Steps;
use crate::catalog::snapshot::Listed;
use crate::catalog::stored::{Made, StoredStep, StoredSteps};
use crate::catalog::{
    CheckedPrompt, CheckedResource, CheckedTemplate, CheckedTool, Factories, Families, Patch,
    StoredPatch,
};
use crate::context::Deps;
use crate::error::Error;

/// What entries are made with.
#[derive(Clone, Copy)]
pub(crate) struct Workshop<'a> {
    pub(crate) factories: &'a Factories,
    pub(crate) deps: &'a Deps,
    pub(crate) families: Families,
}

/// One kind of entry that can be made.
trait Kind: Listed {
    /// What it is called in messages.
    const NAME: &'static str;

    fn of(checked: Checked) -> Option<Self>;
}

impl StoredPatch {
    /// Makes these changes again, to be [laid](Patch::lay) over a catalog, and says what could not
    /// be made.
    ///
    /// In the place of what cannot be made nothing is shown, be it that the template has something
    /// of its name: that was replaced.
    pub(crate) fn restore(&self, workshop: Workshop<'_>) -> (Patch, Vec<String>) {
        let mut problems = Vec::new();
        let patch = Patch {
            tools: self.tools.restore(workshop, &mut problems),
            prompts: self.prompts.restore(workshop, &mut problems),
            resources: self.resources.restore(workshop, &mut problems),
            templates: self.templates.restore(workshop, &mut problems),
        };
        (patch, problems)
    }
}

impl StoredSteps {
    fn restore<E: Kind>(&self, workshop: Workshop<'_>, problems: &mut Vec<String>) -> Steps<E> {
        let mut steps = Steps::default();
        for step in &self.0 {
            match step {
                StoredStep::Hide(name) => steps.hidden((**name).into()),
                StoredStep::Show(name) => steps.show(name),
                StoredStep::Make(made) => match made.again::<E>(workshop) {
                    Ok(entry) => steps.put(entry),
                    Err(problem) => {
                        problems.push(format!("{} `{}`: {problem}", E::NAME, made.name));
                        steps.hidden((*made.name).into());
                    }
                },
            }
        }
        steps
    }
}

impl Made {
    fn again<E: Kind>(&self, workshop: Workshop<'_>) -> Result<E, String> {
        let Workshop {
            factories,
            deps,
            families,
        } = workshop;
        let factory = &self.factory;
        let entry = factories.make(factory, self.params.clone());
        let entry = entry.map_err(|error| told(&error))?;
        let checked = Checked::check(&entry, deps, families);
        let checked = checked
            .map_err(|error| format!("what the factory `{factory}` makes is refused: {error}"))?;
        let entry = E::of(checked)
            .ok_or_else(|| format!("the factory `{factory}` makes another kind of entry now"))?;
        let name = entry.definition().key();
        if **name == *self.name {
            return Ok(entry);
        }
        Err(format!("the factory `{factory}` makes `{name}` of it now"))
    }
}

/// An error with what lies beneath it.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.extend([": ", &error.to_string()]);
        source = error.source();
    }
    text
}

impl Kind for CheckedTool {
    const NAME: &'static str = "tool";

    fn of(checked: Checked) -> Option<Self> {
        match checked {
            Checked::Tool(tool) => Some(tool),
            Checked::Prompt(_) | Checked::Resource(_) | Checked::Template(_) => None,
        }
    }
}

impl Kind for CheckedPrompt {
    const NAME: &'static str = "prompt";

    fn of(checked: Checked) -> Option<Self> {
        match checked {
            Checked::Prompt(prompt) => Some(prompt),
            Checked::Tool(_) | Checked::Resource(_) | Checked::Template(_) => None,
        }
    }
}

impl Kind for CheckedResource {
    const NAME: &'static str = "resource";

    fn of(checked: Checked) -> Option<Self> {
        match checked {
            Checked::Resource(resource) => Some(resource),
            Checked::Tool(_) | Checked::Prompt(_) | Checked::Template(_) => None,
        }
    }
}

impl Kind for CheckedTemplate {
    const NAME: &'static str = "resource template";

    fn of(checked: Checked) -> Option<Self> {
        match checked {
            Checked::Template(template) => Some(template),
            Checked::Tool(_) | Checked::Prompt(_) | Checked::Resource(_) => None,
        }
    }
}
