//! Changing what is offered, to one session or by a new revision of a template.

use serde::Serialize;

use crate::catalog::checked::Checked;
use crate::catalog::{
    Catalog, Entry, Factories, IntoPrompt, IntoResource, IntoTool, Overlay, Patch,
};
use crate::context::Deps;
use crate::error::{Error, Result};
use crate::protocol::Raw;

/// What to do about an entry that cannot be stored.
const REMEDY: &str = "what is offered here is stored, and a function cannot be; register a factory \
     with the template and make it with `Edit::install`, or mark it with `ephemeral()` and add it \
     again in `on_resume`";

/// What to do about an entry that cannot be stored for good.
const REMEDY_FOR_GOOD: &str = "what a principal is offered is stored, and a function cannot be; \
     register a factory with the template and make it with `Edit::install`, or add what is \
     ephemeral in `on_open`";

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
    factories: &'a Factories,
    overlay: Overlay,
    /// The same changes, apart from the catalog they are made over, unless nobody wants them.
    patch: Option<Patch>,
    keeping: Keeping,
}

/// What becomes of the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// They stay in memory as they are.
    AsTheyAre,
    /// They are stored by name, and somebody adds again what is ephemeral.
    ByName,
    /// They are stored by name, and that is all there is of them.
    ForGood,
}

impl<'a> Edit<'a> {
    pub(crate) fn new(
        catalog: &'a Catalog,
        deps: &'a Deps,
        factories: &'a Factories,
        overlay: Overlay,
    ) -> Self {
        Self {
            catalog,
            deps,
            factories,
            overlay,
            patch: Some(Patch::default()),
            keeping: Keeping::AsTheyAre,
        }
    }

    /// Does not note the changes apart from the catalog they are made over: nobody wants them.
    pub(crate) fn unnoted(mut self) -> Self {
        self.patch = None;
        self
    }

    /// Says whether the changes are going to be stored, so that what cannot be is refused, unless
    /// it is marked as ephemeral.
    pub(crate) fn stored(mut self, stored: bool) -> Self {
        if stored {
            self.keeping = Keeping::ByName;
        }
        self
    }

    /// As [`stored`](Self::stored), where nobody adds again what is ephemeral: that is refused,
    /// too.
    pub(crate) fn stored_for_good(mut self, stored: bool) -> Self {
        if stored {
            self.keeping = Keeping::ForGood;
        }
        self
    }

    pub(crate) fn into_overlay(self) -> Overlay {
        self.overlay
    }

    /// The overlay, and what was changed apart from any catalog unless it is
    /// [unnoted](Self::unnoted).
    pub(crate) fn into_parts(self) -> (Overlay, Patch) {
        (self.overlay, self.patch.unwrap_or_default())
    }

    /// Adds a tool, or replaces the one of that name.
    ///
    /// A function under `#[tool]`, as it is or [ephemeral](crate::Tool::ephemeral), and the clones
    /// of one [`Tool`](crate::Tool) are checked and held in memory once, however many sessions get
    /// them. A tool that is made or described anew for each session costs each what its JSON takes,
    /// and some 300 bytes.
    ///
    /// # Errors
    ///
    /// When the template declares no tools, and for every mistake that
    /// [`TemplateBuilder::build`](crate::server::TemplateBuilder::build) would report;
    /// [`Error::is_unkept`] where what is offered is kept in a durable store, which cannot hold a
    /// function: there [`install`](Self::install) one, or mark it as
    /// [`ephemeral`](crate::Tool::ephemeral).
    pub fn add_tool<M>(&mut self, tool: impl IntoTool<M>) -> Result<()> {
        self.put(&tool.into_tool().into())
    }

    /// Hides a tool: it is neither listed nor callable, and answers like one that never was.
    ///
    /// # Errors
    ///
    /// When no tool of that name is visible.
    pub fn hide_tool(&mut self, name: &str) -> Result<()> {
        let hidden = self.overlay.tools.hide(&self.catalog.tools, name);
        if hidden {
            self.note(|patch, catalog| patch.tools.hide(&catalog.tools, name));
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
            self.note(|patch, _| patch.tools.show(name));
        }
        found(shown, "tool", name)
    }

    /// Adds a prompt, or replaces the one of that name.
    ///
    /// # Errors
    ///
    /// As [`add_tool`](Self::add_tool).
    pub fn add_prompt<M>(&mut self, prompt: impl IntoPrompt<M>) -> Result<()> {
        self.put(&prompt.into_prompt().into())
    }

    /// Hides a prompt.
    ///
    /// # Errors
    ///
    /// When no prompt of that name is visible.
    pub fn hide_prompt(&mut self, name: &str) -> Result<()> {
        let hidden = self.overlay.prompts.hide(&self.catalog.prompts, name);
        if hidden {
            self.note(|patch, catalog| patch.prompts.hide(&catalog.prompts, name));
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
            self.note(|patch, _| patch.prompts.show(name));
        }
        found(shown, "prompt", name)
    }

    /// Adds a resource or a resource template, or replaces the one of that URI.
    ///
    /// # Errors
    ///
    /// As [`add_tool`](Self::add_tool).
    pub fn add_resource<M>(&mut self, resource: impl IntoResource<M>) -> Result<()> {
        self.put(&resource.into_resource().into())
    }

    /// Hides a resource; a resource template that would match its URI does not serve it either.
    ///
    /// # Errors
    ///
    /// When no resource of that URI is visible.
    pub fn hide_resource(&mut self, uri: &str) -> Result<()> {
        let hidden = self.overlay.resources.hide(&self.catalog.resources, uri);
        if hidden {
            self.note(|patch, catalog| patch.resources.hide(&catalog.resources, uri));
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
            self.note(|patch, _| patch.resources.show(uri));
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
            self.note(|patch, catalog| patch.templates.hide(&catalog.templates, uri_template));
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
            self.note(|patch, _| patch.templates.show(uri_template));
        }
        found(shown, "resource template", uri_template)
    }

    /// Adds what a registered factory makes of these parameters, or replaces what has its name.
    ///
    /// What is added so can be stored: the name of the factory and the parameters, as JSON, are
    /// all that is needed to make it again, in another process too. See
    /// [`TemplateBuilder::tool_factory`](crate::server::TemplateBuilder::tool_factory) and its
    /// siblings for how to register one; all kinds share one set of names.
    ///
    /// # Errors
    ///
    /// When there is no such factory, it does not take the parameters, fails or panics
    /// ([`Error::is_edit`]); [`Error::is_value`] when the parameters have no JSON form; and for
    /// every mistake that [`add_tool`](Self::add_tool) reports.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Session, Template, Tool};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct SavedQuery {
    ///     name: String,
    ///     sql: String,
    /// }
    ///
    /// fn saved_query(query: SavedQuery) -> mcp_session::Result<Tool> {
    ///     Ok(Tool::new(query.name)
    ///         .description(format!("Runs {}.", query.sql))
    ///         .handler(async || "no rows"))
    /// }
    ///
    /// let template = Template::builder("queries", "1.0.0")
    ///     .tool_factory("saved_query", saved_query)
    ///     .build()?;
    ///
    /// fn save(session: &Session, query: &SavedQuery) -> mcp_session::Result<()> {
    ///     session.edit(|edit| edit.install("saved_query", query))
    /// }
    /// # let _ = (template, save);
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn install(&mut self, factory: &str, params: &(impl Serialize + ?Sized)) -> Result<()> {
        let params = Raw::from_value(params)
            .map_err(|error| Error::value(factory, "has no JSON form", error))?;
        let entry = self.factories.make(factory, params)?;
        self.put(&entry)
    }

    fn put(&mut self, entry: &Entry) -> Result<()> {
        self.keepable(entry)?;
        match Checked::check(entry, self.deps, self.catalog.families)? {
            Checked::Tool(tool) => {
                self.note(|patch, _| patch.tools.put(tool.clone()));
                self.overlay.tools.put(&self.catalog.tools, tool);
            }
            Checked::Prompt(prompt) => {
                self.note(|patch, _| patch.prompts.put(prompt.clone()));
                self.overlay.prompts.put(&self.catalog.prompts, prompt);
            }
            Checked::Resource(resource) => {
                self.note(|patch, _| patch.resources.put(resource.clone()));
                let resources = &self.catalog.resources;
                self.overlay.resources.put(resources, resource);
            }
            Checked::Template(template) => {
                self.note(|patch, _| patch.templates.put(template.clone()));
                let templates = &self.catalog.templates;
                self.overlay.templates.put(templates, template);
            }
        }
        Ok(())
    }

    fn note(&mut self, note: impl FnOnce(&mut Patch, &Catalog)) {
        if let Some(patch) = &mut self.patch {
            note(patch, self.catalog);
        }
    }

    fn keepable(&self, entry: &Entry) -> Result<()> {
        let origin = entry.origin();
        let remedy = match self.keeping {
            Keeping::ByName if origin.is_none() => REMEDY,
            Keeping::ForGood if origin.and_then(|origin| origin.recipe()).is_none() => {
                REMEDY_FOR_GOOD
            }
            Keeping::AsTheyAre | Keeping::ByName | Keeping::ForGood => return Ok(()),
        };
        let what = match entry {
            Entry::Tool(_) => "this tool",
            Entry::Prompt(_) => "this prompt",
            Entry::Resource(_) | Entry::ResourceTemplate(_) => "this resource",
        };
        Err(Error::unkept(what, remedy))
    }
}

fn found(found: bool, what: &str, key: &str) -> Result<()> {
    if found {
        Ok(())
    } else {
        Err(Error::edit(format!("there is no {what} `{key}`")))
    }
}
