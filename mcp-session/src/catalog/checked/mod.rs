//! Entries that were checked: what a catalog holds.

mod tool;

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::catalog::completion::Completers;
use crate::catalog::prompt::PromptParts;
use crate::catalog::resource::ResourceParts;
use crate::catalog::resource_template::ResourceTemplateParts;
use crate::catalog::snapshot::Listed;
use crate::catalog::uri_template::UriTemplate;
use crate::catalog::{
    Definition, Entry, Families, Family, Origin, Prompt, PromptHandler, Recipe, Resource,
    ResourceHandler, ResourceTemplate, check,
};
use crate::context::{Deps, Needs};
use crate::error::{Error, Mistake};
use crate::protocol::wire::DefinitionKind;
use crate::protocol::{Icon, Meta, meta};
use crate::schema::Problem;

pub(crate) use tool::CheckedTool;

/// A prompt that was checked.
#[derive(Clone)]
pub(crate) struct CheckedPrompt(Arc<PromptBody>);

struct PromptBody {
    definition: Definition,
    parts: Arc<PromptParts>,
    origin: Option<Arc<Origin>>,
}

/// A resource that was checked.
#[derive(Clone)]
pub(crate) struct CheckedResource(Arc<ResourceBody>);

struct ResourceBody {
    definition: Definition,
    parts: Arc<ResourceParts>,
    origin: Option<Arc<Origin>>,
}

/// A resource template that was checked.
#[derive(Clone)]
pub(crate) struct CheckedTemplate(Arc<TemplateBody>);

struct TemplateBody {
    definition: Definition,
    uris: UriTemplate,
    parts: Arc<ResourceTemplateParts>,
    origin: Option<Arc<Origin>>,
}

impl Listed for CheckedPrompt {
    fn definition(&self) -> &Definition {
        &self.0.definition
    }

    fn recipe(&self) -> Option<&Recipe> {
        self.0.origin.as_ref()?.recipe()
    }
}

impl Listed for CheckedResource {
    fn definition(&self) -> &Definition {
        &self.0.definition
    }

    fn recipe(&self) -> Option<&Recipe> {
        self.0.origin.as_ref()?.recipe()
    }
}

impl Listed for CheckedTemplate {
    fn definition(&self) -> &Definition {
        &self.0.definition
    }

    fn recipe(&self) -> Option<&Recipe> {
        self.0.origin.as_ref()?.recipe()
    }
}

impl CheckedPrompt {
    pub(crate) fn check(prompt: &Prompt, deps: &Deps) -> Result<Self, Vec<Mistake>> {
        let common = prompt.common();
        let checked = common.checked(prompt.origin(), || Self::apart(prompt));
        provided(checked, ("prompt", prompt.name()), prompt.needs(), deps)
    }

    /// Checks what holds for it wherever it is offered.
    fn apart(prompt: &Prompt) -> Result<Self, Vec<Mistake>> {
        let definition = prompt.definition();
        let mut checking = Checking::new("prompt", &definition.name);
        checking.that(check::prompt_name(&definition.name));
        checking.common(
            definition.icons.as_ref(),
            definition.meta.as_ref(),
            prompt.needs(),
        );
        let mut names: Vec<&str> = definition
            .arguments
            .iter()
            .flatten()
            .map(|a| a.name.as_str())
            .collect();
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
            checking.problem(format!("the argument `{}` is declared twice", pair[0]));
        }
        for name in prompt
            .completers()
            .iter()
            .map(|(name, _)| name)
            .filter(|name| !names.contains(name))
        {
            checking.problem(format!(
                "it completes `{name}`, which is none of its arguments"
            ));
        }
        let canonical = checking.serialised(definition);
        checking.done()?;
        let definition = Definition::new(
            definition.name.as_str().into(),
            DefinitionKind::Prompt,
            canonical,
        );
        Ok(Self(Arc::new(PromptBody {
            definition,
            parts: Arc::clone(prompt.common().parts()),
            origin: prompt.origin().cloned(),
        })))
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.0.parts.needs
    }

    pub(crate) fn completers(&self) -> &Completers {
        &self.0.parts.completers
    }

    pub(crate) fn handler(&self) -> &dyn PromptHandler {
        &*self.0.parts.handler
    }
}

impl CheckedResource {
    pub(crate) fn check(resource: &Resource, deps: &Deps) -> Result<Self, Vec<Mistake>> {
        let common = resource.common();
        let checked = common.checked(resource.origin(), || Self::apart(resource));
        provided(
            checked,
            ("resource", resource.uri()),
            resource.needs(),
            deps,
        )
    }

    /// Checks what holds for it wherever it is offered.
    fn apart(resource: &Resource) -> Result<Self, Vec<Mistake>> {
        let definition = resource.definition();
        let mut checking = Checking::new("resource", &definition.uri);
        checking.that(check::uri(&definition.uri));
        checking.named(&definition.name);
        checking.mime_type(definition.mime_type.as_deref());
        checking.common(
            definition.icons.as_ref(),
            definition.meta.as_ref(),
            resource.needs(),
        );
        let canonical = checking.serialised(definition);
        checking.done()?;
        let definition = Definition::new(
            definition.uri.as_str().into(),
            DefinitionKind::Resource,
            canonical,
        );
        Ok(Self(Arc::new(ResourceBody {
            definition,
            parts: Arc::clone(resource.common().parts()),
            origin: resource.origin().cloned(),
        })))
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.0.parts.needs
    }

    pub(crate) fn handler(&self) -> &dyn ResourceHandler {
        &*self.0.parts.handler
    }

    /// True when every reader gets the same bytes.
    pub(crate) fn is_static(&self) -> bool {
        self.0.parts.is_static
    }
}

impl CheckedTemplate {
    pub(crate) fn check(template: &ResourceTemplate, deps: &Deps) -> Result<Self, Vec<Mistake>> {
        let common = template.common();
        let checked = common.checked(template.origin(), || Self::apart(template));
        let named = ("resource template", template.uri_template());
        provided(checked, named, template.needs(), deps)
    }

    /// Checks what holds for it wherever it is offered.
    fn apart(template: &ResourceTemplate) -> Result<Self, Vec<Mistake>> {
        let definition = template.definition();
        let mut checking = Checking::new("resource template", &definition.uri_template);
        checking.named(&definition.name);
        checking.mime_type(definition.mime_type.as_deref());
        checking.common(
            definition.icons.as_ref(),
            definition.meta.as_ref(),
            template.needs(),
        );
        let uris = match UriTemplate::parse(&definition.uri_template) {
            Ok(uris) => Some(uris),
            Err(error) => {
                checking.problem(error.to_string());
                None
            }
        };
        if let Some(uris) = &uris {
            for name in template
                .completers()
                .iter()
                .map(|(name, _)| name)
                .filter(|name| !uris.variables().any(|v| v == *name))
            {
                checking.problem(format!(
                    "it completes `{name}`, which is none of its variables"
                ));
            }
        }
        let canonical = checking.serialised(definition);
        let (Some(uris), []) = (uris, &*checking.mistakes) else {
            return Err(checking.mistakes);
        };
        let key = definition.uri_template.as_str().into();
        let definition = Definition::new(key, DefinitionKind::ResourceTemplate, canonical);
        Ok(Self(Arc::new(TemplateBody {
            definition,
            uris,
            parts: Arc::clone(template.common().parts()),
            origin: template.origin().cloned(),
        })))
    }

    pub(crate) fn uris(&self) -> &UriTemplate {
        &self.0.uris
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.0.parts.needs
    }

    pub(crate) fn completers(&self) -> &Completers {
        &self.0.parts.completers
    }

    pub(crate) fn handler(&self) -> &dyn ResourceHandler {
        &*self.0.parts.handler
    }
}

/// A checked entry of any kind.
pub(crate) enum Checked {
    Tool(CheckedTool),
    Prompt(CheckedPrompt),
    Resource(CheckedResource),
    Template(CheckedTemplate),
}

impl Checked {
    /// Checks an entry that is to be offered where these families were declared.
    pub(crate) fn check(entry: &Entry, deps: &Deps, families: Families) -> Result<Self, Error> {
        entry.families().try_for_each(|family| {
            let declared = families.has(family);
            declared.then_some(()).ok_or_else(|| undeclared(family))
        })?;
        match entry {
            Entry::Tool(tool) => CheckedTool::check(tool, deps).map(Self::Tool),
            Entry::Prompt(prompt) => CheckedPrompt::check(prompt, deps).map(Self::Prompt),
            Entry::Resource(resource) => CheckedResource::check(resource, deps).map(Self::Resource),
            Entry::ResourceTemplate(template) => {
                CheckedTemplate::check(template, deps).map(Self::Template)
            }
        }
        .map_err(Error::registration)
    }
}

fn undeclared(family: Family) -> Error {
    let name = family.name();
    Error::edit(format!(
        "the template declares no {name}, and clients were told so; declare the family with `TemplateBuilder::declare`"
    ))
}

/// What was checked, unless it takes what this template does not provide.
fn provided<T>(
    checked: Result<T, Vec<Mistake>>,
    (kind, key): (&str, &str),
    needs: &Needs,
    deps: &Deps,
) -> Result<T, Vec<Mistake>> {
    let missing = needs.dependencies().iter();
    let missing = missing.filter(|(id, _)| !deps.has(*id));
    let mistake = |(_, name): &(_, &str)| {
        let problem = format!("it takes a `Dep<{name}>`; give the template one with `provide`");
        Mistake::new(format!("{kind} `{key}`"), problem)
    };
    let here: Vec<_> = missing.map(mistake).collect();
    match checked {
        Ok(checked) if here.is_empty() => Ok(checked),
        Ok(_) => Err(here),
        Err(mut mistakes) => {
            mistakes.extend(here);
            Err(mistakes)
        }
    }
}

/// The mistakes of one entry, as they are found.
struct Checking {
    entry: String,
    mistakes: Vec<Mistake>,
}

impl Checking {
    fn new(kind: &str, key: &str) -> Self {
        Self {
            entry: format!("{kind} `{key}`"),
            mistakes: Vec::new(),
        }
    }

    fn problem(&mut self, problem: impl Into<String>) {
        self.mistakes.push(Mistake::new(&self.entry, problem));
    }

    fn that(&mut self, checked: Result<(), String>) {
        if let Err(problem) = checked {
            self.problem(problem);
        }
    }

    fn named(&mut self, name: &str) {
        if name.is_empty() {
            self.problem("it has no name");
        }
    }

    fn mime_type(&mut self, mime_type: Option<&str>) {
        if let Some(mime_type) = mime_type {
            self.that(check::mime_type(mime_type));
        }
    }

    fn common(&mut self, icons: Option<&Vec<Icon>>, members: Option<&Meta>, needs: &Needs) {
        for icon in icons.into_iter().flatten() {
            self.that(check::icon_src(&icon.src));
        }
        for key in members.into_iter().flat_map(|members| members.keys()) {
            if let Err(problem) = meta::check_key(key) {
                self.problem(format!("`_meta` key `{key}`: {problem}"));
            }
        }
        if !needs.scopes().are_tokens() {
            self.problem("a scope is visible ASCII without quotes, backslashes and spaces");
        }
    }

    fn schema<T>(&mut self, what: &str, checked: Result<T, Vec<Problem>>) -> Option<T> {
        match checked {
            Ok(checked) => Some(checked),
            Err(problems) => {
                for problem in problems {
                    self.problem(format!("{what}: {problem}"));
                }
                None
            }
        }
    }

    fn serialised(&mut self, definition: &impl Serialize) -> Bytes {
        match serde_json::to_vec(definition) {
            // Without the room it was written into.
            Ok(json) => json.into_boxed_slice().into(),
            Err(error) => {
                self.problem(format!("it cannot be serialised: {error}"));
                Bytes::new()
            }
        }
    }

    fn done(self) -> Result<(), Vec<Mistake>> {
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(self.mistakes)
        }
    }
}
