//! The blueprint of a live session.

use std::{collections::HashSet, fmt, pin::Pin, sync::Arc};

use serde_json::{Map, Value};

use crate::catalog::{
    Catalog, CheckedPrompt, CheckedResource, CheckedTemplate, CheckedTool, Entry, Factories,
    Families, Family, IntoEntries, IntoPrompt, IntoResource, IntoTool, Listed, Snapshot,
};
use crate::context::{Context, Deps};
use crate::error::{BoxError, Error, Mistake, Result, ToolError};
use crate::protocol::{Icon, Implementation, Raw, meta};
use crate::server::extension::Extensions;
use crate::server::hooks::Hooks;
use crate::server::{RootsChange, Session};

/// The blueprint of live sessions: dependencies, tools, prompts, resources, callbacks.
///
/// A template is connected to nobody: it has no way to talk to a client, so nothing a session
/// does can reach it by accident. Cheap to clone; a [`Server`](crate::Server) opens sessions from
/// it.
///
/// # Examples
///
/// ```
/// use mcp_session::{Template, tool};
///
/// /// Add two numbers.
/// #[tool]
/// async fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// let template = Template::builder("calculator", "1.0.0").tool(add).build()?;
/// # let _ = template;
/// # Ok::<(), mcp_session::Error>(())
/// ```
#[derive(Clone)]
pub struct Template {
    revision: Arc<Revision>,
}

/// One revision of a template: what never changes, and the catalog of this revision.
pub(crate) struct Revision {
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) catalog: Catalog,
}

/// What all revisions of a template share.
pub(crate) struct Blueprint {
    pub(crate) info: Implementation,
    /// The identity as it goes out with every stateless result.
    pub(crate) info_json: Raw,
    pub(crate) instructions: Option<String>,
    pub(crate) logging: bool,
    pub(crate) deps: Deps,
    pub(crate) factories: Factories,
    pub(crate) extensions: Extensions,
    pub(crate) on_open: Option<OnOpen>,
    pub(crate) on_roots_changed: Option<OnRootsChanged>,
    /// What watches a session's life.
    pub(crate) hooks: Hooks,
}

type HookFuture = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
pub(crate) type OnOpen = Arc<dyn Fn(Session) -> HookFuture + Send + Sync>;
pub(crate) type OnRootsChanged = Arc<dyn Fn(Session, RootsChange) -> HookFuture + Send + Sync>;

impl Template {
    /// Begins a template for a server of this name and version.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> TemplateBuilder {
        TemplateBuilder::new(Implementation::new(name, version))
    }

    /// The server's name.
    pub fn name(&self) -> &str {
        &self.revision.blueprint.info.name
    }

    pub(crate) fn revision(&self) -> &Arc<Revision> {
        &self.revision
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.name())
            .field("catalog", &self.revision.catalog)
            .finish_non_exhaustive()
    }
}

/// A template in the making. [`build`](Self::build) reports every mistake together.
#[must_use = "a builder does nothing before `build`"]
pub struct TemplateBuilder {
    info: Implementation,
    instructions: Option<String>,
    logging: bool,
    deps: Deps,
    families: Families,
    entries: Vec<Entry>,
    pub(super) factories: Factories,
    extensions: Extensions,
    on_open: Option<OnOpen>,
    on_roots_changed: Option<OnRootsChanged>,
    pub(super) hooks: Hooks,
    pub(super) mistakes: Vec<Mistake>,
}

impl TemplateBuilder {
    fn new(info: Implementation) -> Self {
        Self {
            info,
            instructions: None,
            logging: true,
            deps: Deps::default(),
            families: Families::default(),
            entries: Vec::new(),
            factories: Factories::default(),
            extensions: Extensions::default(),
            on_open: None,
            on_roots_changed: None,
            hooks: Hooks::default(),
            mistakes: Vec::new(),
        }
    }

    /// The server's name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.info.title = Some(title.into());
        self
    }

    /// What the server is, for people.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.info.description = Some(description.into());
        self
    }

    /// The server's home page.
    pub fn website(mut self, url: impl Into<String>) -> Self {
        self.info.website_url = Some(url.into());
        self
    }

    /// An icon of the server; call it again for further sizes.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.info.icons.get_or_insert_default().push(icon);
        self
    }

    /// How to use the server, for the model.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Gives handlers a dependency, to be taken as [`Dep<T>`](crate::Dep): one value, shared by
    /// all sessions. Two of one type are a mistake.
    pub fn provide<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.provide_arc(Arc::new(value))
    }

    /// Like [`provide`](Self::provide), for a value that is shared with others.
    pub fn provide_arc<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        if !self.deps.provide(value) {
            let name = std::any::type_name::<T>();
            self.mistakes.push(Mistake::new(
                format!("dependency `{name}`"),
                "provided twice",
            ));
        }
        self
    }

    /// Offers a tool: a `#[tool]` function or a [`Tool`](crate::Tool).
    pub fn tool<M>(mut self, tool: impl IntoTool<M>) -> Self {
        self.entries.push(tool.into_tool().into());
        self
    }

    /// Offers several entries: what a `#[tools]` implementation block holds, or a list.
    pub fn tools(mut self, tools: impl IntoEntries) -> Self {
        self.entries.extend(tools.into_entries());
        self
    }

    /// Offers a prompt: a `#[prompt]` function or a [`Prompt`](crate::Prompt).
    pub fn prompt<M>(mut self, prompt: impl IntoPrompt<M>) -> Self {
        self.entries.push(prompt.into_prompt().into());
        self
    }

    /// Offers a resource or a resource template: a `#[resource]` function, a
    /// [`Resource`](crate::Resource) or a [`ResourceTemplate`](crate::ResourceTemplate).
    pub fn resource<M>(mut self, resource: impl IntoResource<M>) -> Self {
        self.entries.push(resource.into_resource().into());
        self
    }

    /// Declares a family of which there is nothing yet, so that sessions or later revisions may
    /// add to it. Families with entries are declared anyway.
    pub fn declare(mut self, family: Family) -> Self {
        self.families = self.families.with(family);
        self
    }

    /// Does not declare that the server sends log messages; `ctx.log(..)` then goes nowhere.
    /// Logging to clients is deprecated in 2026-07-28.
    pub fn without_logging(mut self) -> Self {
        self.logging = false;
        self
    }

    /// Declares an extension with its settings (2026-07-28, "Extension Negotiation"). The name
    /// follows the rules of `_meta` keys and has a prefix, such as `com.example/audit`.
    pub fn extension(mut self, name: impl Into<String>, settings: Map<String, Value>) -> Self {
        let name = name.into();
        let problem = match (name.contains('/'), meta::check_key(&name)) {
            (true, Ok(())) => None,
            (false, _) => {
                Some("an extension's name has a prefix, such as `com.example/`".to_owned())
            }
            (true, Err(problem)) => Some(problem.to_owned()),
        };
        if let Some(problem) = problem {
            self.mistakes
                .push(Mistake::new(format!("extension `{name}`"), problem));
        }
        self.extensions.declare(name, settings);
        self
    }

    /// Declares an experimental capability with its settings.
    pub fn experimental(mut self, name: impl Into<String>, settings: Map<String, Value>) -> Self {
        self.extensions.declare_experimental(name.into(), settings);
        self
    }

    /// Answers a request method of an extension. `handler` gets the parameters, as they came, and
    /// the context, and returns the result as a JSON object.
    ///
    /// A method that the specification defines cannot be replaced.
    pub fn method<F, Fut>(mut self, name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Raw, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Map<String, Value>, ToolError>> + Send + 'static,
    {
        let name = name.into();
        if let Err(problem) = self.extensions.method(&name, handler) {
            self.mistakes
                .push(Mistake::new(format!("method `{name}`"), problem));
        }
        self
    }

    /// Hears a notification of an extension.
    pub fn notification<F, Fut>(mut self, name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Raw, Session) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        if let Err(problem) = self.extensions.notification(&name, handler) {
            self.mistakes
                .push(Mistake::new(format!("notification `{name}`"), problem));
        }
        self
    }

    /// Runs when a session opens, before its client is told anything: load what this caller may
    /// use, and edit. Edits are always allowed here. An error refuses the session; its text goes to
    /// the log, and only that of a [`Refused`](crate::Refused) also to the client.
    ///
    /// In the handshake era it runs once per session. In the stateless era it runs once for the
    /// session of a principal, however many requests wait for it and whether or not they are given
    /// up, and again when that session was put away (see [`Limits::idle`](crate::Limits::idle));
    /// and once per request for an anonymous caller, whose session lives as long as its request.
    ///
    /// What it edits is laid over the newest revision and the principal's durable changes, over
    /// later ones too, and is not stored. It costs nothing where it is not set.
    pub fn on_open<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Session) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.on_open = Some(Arc::new(move |session| Box::pin(hook(session))));
        self
    }

    /// Runs when the client's roots differ from what was known, with the old set and the new; the
    /// first time there is no old one. Handshake sessions only: in the stateless era a server
    /// hears of roots within one request, and of no change. Roots are deprecated in 2026-07-28.
    pub fn on_roots_changed<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Session, RootsChange) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.on_roots_changed = Some(Arc::new(move |session, change| {
            Box::pin(hook(session, change))
        }));
        self
    }

    /// Finishes the template.
    ///
    /// # Errors
    ///
    /// Every mistake of every registration together: names given twice or outside the
    /// specification's alphabet, schemas that are invalid, not portable, too large or refer
    /// outside themselves, wrong `x-mcp-header` annotations, `_meta` keys that are none,
    /// dependencies that nobody provides.
    pub fn build(mut self) -> Result<Template> {
        let mut collected = Collected::default();
        for entry in std::mem::take(&mut self.entries) {
            self.mistakes.extend(collected.take(&entry, &self.deps));
        }
        if self.info.name.is_empty() {
            self.mistakes.push(Mistake::new("server", "it has no name"));
        }
        let info_json = Raw::from_value(&self.info).map_err(|error| {
            Error::registration(vec![Mistake::new("server", error.to_string())])
        })?;
        if !self.mistakes.is_empty() {
            return Err(Error::registration(self.mistakes));
        }
        let blueprint = Blueprint {
            info: self.info,
            info_json,
            instructions: self.instructions,
            logging: self.logging,
            deps: self.deps,
            factories: self.factories,
            extensions: self.extensions,
            on_open: self.on_open,
            on_roots_changed: self.on_roots_changed,
            hooks: self.hooks,
        };
        let catalog = collected.into_catalog(self.families);
        let revision = Revision {
            blueprint: Arc::new(blueprint),
            catalog,
        };
        Ok(Template {
            revision: Arc::new(revision),
        })
    }
}

impl fmt::Debug for TemplateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateBuilder")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// The checked entries of a template in the making.
#[derive(Default)]
struct Collected {
    completes: bool,
    /// The keys of each kind so far.
    taken: [HashSet<Arc<str>>; 4],
    tools: Vec<CheckedTool>,
    prompts: Vec<CheckedPrompt>,
    resources: Vec<CheckedResource>,
    templates: Vec<CheckedTemplate>,
}

impl Collected {
    fn take(&mut self, entry: &Entry, deps: &Deps) -> Vec<Mistake> {
        fn add<E: Listed>(
            entries: &mut Vec<E>,
            taken: &mut HashSet<Arc<str>>,
            kind: &str,
            checked: Result<E, Vec<Mistake>>,
        ) -> Vec<Mistake> {
            let entry = match checked {
                Ok(entry) => entry,
                Err(mistakes) => return mistakes,
            };
            let key = Arc::clone(entry.definition().key());
            entries.push(entry);
            if taken.insert(Arc::clone(&key)) {
                return Vec::new();
            }
            vec![Mistake::new(format!("{kind} `{key}`"), "registered twice")]
        }
        let [tools, prompts, resources, templates] = &mut self.taken;
        match entry {
            Entry::Tool(tool) => add(
                &mut self.tools,
                tools,
                "tool",
                CheckedTool::check(tool, deps),
            ),
            Entry::Prompt(prompt) => {
                self.completes |= !prompt.completers().is_empty();
                add(
                    &mut self.prompts,
                    prompts,
                    "prompt",
                    CheckedPrompt::check(prompt, deps),
                )
            }
            Entry::Resource(resource) => {
                let checked = CheckedResource::check(resource, deps);
                add(&mut self.resources, resources, "resource", checked)
            }
            Entry::ResourceTemplate(template) => {
                self.completes |= !template.completers().is_empty();
                let checked = CheckedTemplate::check(template, deps);
                add(&mut self.templates, templates, "resource template", checked)
            }
        }
    }

    fn into_catalog(self, declared: Families) -> Catalog {
        let mut families = declared;
        let resources = !self.resources.is_empty() || !self.templates.is_empty();
        let present = [
            (Family::Tools, !self.tools.is_empty()),
            (Family::Prompts, !self.prompts.is_empty()),
            (Family::Resources, resources),
            (Family::Completions, self.completes),
        ];
        for (family, _) in present.iter().filter(|(_, present)| *present) {
            families = families.with(*family);
        }
        Catalog {
            families,
            tools: Arc::new(Snapshot::new(self.tools)),
            prompts: Arc::new(Snapshot::new(self.prompts)),
            resources: Arc::new(Snapshot::new(self.resources)),
            templates: Arc::new(Snapshot::new(self.templates)),
        }
    }
}
