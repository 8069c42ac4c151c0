//! Changing what is offered, to one session or by a new revision of a template.

use crate::catalog::checked::{CheckedPrompt, CheckedResource, CheckedTemplate, CheckedTool};
use crate::catalog::{
    Catalog, Families, Family, IntoPrompt, IntoResource, IntoTool, Overlay, Patch, ResourceEntry,
};
use crate::context::Deps;
use crate::error::{Error, Result};

/// A set of changes in the making: to one session's view in
/// [`Session::edit`](crate::Session::edit), or to a template's next revision in
/// [`Server::publish`](crate::Server::publish).
///
/// The changes take effect together when the closure returns `Ok`, with at most one notification
/// per family, and not at all when it returns an error. Adding an entry whose name or URI is
/// taken replaces it in its place.
///
/// # Examples
///
/// ```
/// use mcp_session::{Session, Tool, tool};
///
/// /// Today's appointments.
/// #[tool]
/// async fn calendar() -> &'static str {
///     "none"
/// }
///
/// fn unlock(session: &Session) -> mcp_session::Result<()> {
///     session.edit(|edit| {
///         edit.add_tool(calendar)?;
///         edit.hide_tool("sign_in")
///     })
/// }
/// ```
#[derive(Debug)]
pub struct Edit<'a> {
    catalog: &'a Catalog,
    deps: &'a Deps,
    overlay: Overlay,
    /// The same changes, apart from the catalog they are made over.
    patch: Patch,
}

impl<'a> Edit<'a> {
    pub(crate) fn new(catalog: &'a Catalog, deps: &'a Deps, overlay: Overlay) -> Self {
        Self {
            catalog,
            deps,
            overlay,
            patch: Patch::default(),
        }
    }

    pub(crate) fn into_overlay(self) -> Overlay {
        self.overlay
    }

    /// The overlay, and what was changed apart from any catalog.
    pub(crate) fn into_parts(self) -> (Overlay, Patch) {
        (self.overlay, self.patch)
    }

    /// Adds a tool, or replaces the one of that name.
    ///
    /// # Errors
    ///
    /// When the template declares no tools, and for every mistake that
    /// [`TemplateBuilder::build`](crate::server::TemplateBuilder::build) would report.
    pub fn add_tool<M>(&mut self, tool: impl IntoTool<M>) -> Result<()> {
        self.declared(Family::Tools)?;
        let entry =
            CheckedTool::check(&tool.into_tool(), self.deps).map_err(Error::registration)?;
        self.patch.tools.put(entry.clone());
        self.overlay.tools.put(&self.catalog.tools, entry);
        Ok(())
    }

    /// Hides a tool: it is neither listed nor callable, and answers like one that never was.
    ///
    /// # Errors
    ///
    /// When no tool of that name is visible.
    pub fn hide_tool(&mut self, name: &str) -> Result<()> {
        let hidden = self.overlay.tools.hide(&self.catalog.tools, name);
        if hidden {
            self.patch.tools.hide(&self.catalog.tools, name);
        }
        found(hidden, "tool", name)
    }

    /// Shows a tool as the template has it, whether it was hidden or replaced.
    ///
    /// # Errors
    ///
    /// When the template has no tool of that name.
    pub fn show_tool(&mut self, name: &str) -> Result<()> {
        let shown = self.overlay.tools.restore(&self.catalog.tools, name);
        if shown {
            self.patch.tools.show(name);
        }
        found(shown, "tool", name)
    }

    /// Adds a prompt, or replaces the one of that name.
    ///
    /// # Errors
    ///
    /// As [`add_tool`](Self::add_tool).
    pub fn add_prompt<M>(&mut self, prompt: impl IntoPrompt<M>) -> Result<()> {
        self.declared(Family::Prompts)?;
        let prompt = prompt.into_prompt();
        if !prompt.completers().is_empty() {
            self.declared(Family::Completions)?;
        }
        let entry = CheckedPrompt::check(&prompt, self.deps).map_err(Error::registration)?;
        self.patch.prompts.put(entry.clone());
        self.overlay.prompts.put(&self.catalog.prompts, entry);
        Ok(())
    }

    /// Hides a prompt.
    ///
    /// # Errors
    ///
    /// When no prompt of that name is visible.
    pub fn hide_prompt(&mut self, name: &str) -> Result<()> {
        let hidden = self.overlay.prompts.hide(&self.catalog.prompts, name);
        if hidden {
            self.patch.prompts.hide(&self.catalog.prompts, name);
        }
        found(hidden, "prompt", name)
    }

    /// Shows a prompt as the template has it.
    ///
    /// # Errors
    ///
    /// When the template has no prompt of that name.
    pub fn show_prompt(&mut self, name: &str) -> Result<()> {
        let shown = self.overlay.prompts.restore(&self.catalog.prompts, name);
        if shown {
            self.patch.prompts.show(name);
        }
        found(shown, "prompt", name)
    }

    /// Adds a resource or a resource template, or replaces the one of that URI.
    ///
    /// # Errors
    ///
    /// As [`add_tool`](Self::add_tool).
    pub fn add_resource<M>(&mut self, resource: impl IntoResource<M>) -> Result<()> {
        self.declared(Family::Resources)?;
        match resource.into_resource() {
            ResourceEntry::Resource(resource) => {
                let entry =
                    CheckedResource::check(&resource, self.deps).map_err(Error::registration)?;
                self.patch.resources.put(entry.clone());
                self.overlay.resources.put(&self.catalog.resources, entry);
            }
            ResourceEntry::Template(template) => {
                if !template.completers().is_empty() {
                    self.declared(Family::Completions)?;
                }
                let entry =
                    CheckedTemplate::check(&template, self.deps).map_err(Error::registration)?;
                self.patch.templates.put(entry.clone());
                self.overlay.templates.put(&self.catalog.templates, entry);
            }
        }
        Ok(())
    }

    /// Hides a resource; a resource template that would match its URI does not serve it either.
    ///
    /// # Errors
    ///
    /// When no resource of that URI is visible.
    pub fn hide_resource(&mut self, uri: &str) -> Result<()> {
        let hidden = self.overlay.resources.hide(&self.catalog.resources, uri);
        if hidden {
            self.patch.resources.hide(&self.catalog.resources, uri);
        }
        found(hidden, "resource", uri)
    }

    /// Shows a resource as the template has it.
    ///
    /// # Errors
    ///
    /// When the template has no resource of that URI.
    pub fn show_resource(&mut self, uri: &str) -> Result<()> {
        let shown = self.overlay.resources.restore(&self.catalog.resources, uri);
        if shown {
            self.patch.resources.show(uri);
        }
        found(shown, "resource", uri)
    }

    /// Hides a resource template, named by its URI template.
    ///
    /// # Errors
    ///
    /// When no such resource template is visible.
    pub fn hide_resource_template(&mut self, uri_template: &str) -> Result<()> {
        let hidden = self
            .overlay
            .templates
            .hide(&self.catalog.templates, uri_template);
        if hidden {
            self.patch
                .templates
                .hide(&self.catalog.templates, uri_template);
        }
        found(hidden, "resource template", uri_template)
    }

    /// Shows a resource template as the template has it.
    ///
    /// # Errors
    ///
    /// When the template has no such resource template.
    pub fn show_resource_template(&mut self, uri_template: &str) -> Result<()> {
        let shown = self
            .overlay
            .templates
            .restore(&self.catalog.templates, uri_template);
        if shown {
            self.patch.templates.show(uri_template);
        }
        found(shown, "resource template", uri_template)
    }

    fn declared(&self, family: Family) -> Result<()> {
        let families: Families = self.catalog.families;
        if families.has(family) {
            return Ok(());
        }
        let name = family.name();
        Err(Error::edit(format!(
            "the template declares no {name}, and clients were told so; declare the family with `TemplateBuilder::declare`"
        )))
    }
}

fn found(found: bool, what: &str, key: &str) -> Result<()> {
    if found {
        Ok(())
    } else {
        Err(Error::edit(format!("there is no {what} `{key}`")))
    }
}
