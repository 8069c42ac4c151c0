//! Registering factories with a template.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::catalog::{Entry, Family, IntoMade, Prompt, ResourceEntry, Tool};
use crate::error::Mistake;
use crate::server::TemplateBuilder;

impl TemplateBuilder {
    /// Registers a function that makes tools from parameters, under a name: what
    /// [`Edit::install`](crate::Edit::install) adds to a session can be stored, and made again in
    /// another process.
    ///
    /// The parameters are any type that derives `serde::Deserialize`; the function returns a
    /// [`Tool`] or a `Result` with one. It runs with every `install` and whenever a session comes
    /// back, so it is to be quick and to make the same tool, of the same name, of the same
    /// parameters. Parameters that lie in a store were written by earlier versions of the program:
    /// give new members a default, and a new name to a factory that means something else.
    ///
    /// It declares the family of tools. All kinds of factories share one set of names.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Session, Template, Tool};
    /// use serde::Deserialize;
    /// use serde_json::json;
    ///
    /// #[derive(Deserialize)]
    /// struct SavedQuery {
    ///     name: String,
    ///     sql: String,
    /// }
    ///
    /// let template = Template::builder("queries", "1.0.0")
    ///     .tool_factory("saved_query", |query: SavedQuery| {
    ///         Tool::new(query.name)
    ///             .description(format!("Runs {}.", query.sql))
    ///             .handler(async || "no rows")
    ///     })
    ///     .on_open(|session: Session| async move {
    ///         let orders = json!({"name": "orders", "sql": "SELECT * FROM orders"});
    ///         session.edit(|edit| edit.install("saved_query", &orders))?;
    ///         Ok(())
    ///     })
    ///     .build()?;
    /// # let _ = template;
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn tool_factory<P, T>(
        self,
        name: impl Into<String>,
        make: impl Fn(P) -> T + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + 'static,
        T: IntoMade<Tool> + 'static,
    {
        self.factory(Family::Tools, name.into(), make)
    }

    /// Registers a function that makes prompts from parameters; see
    /// [`tool_factory`](Self::tool_factory). It declares the family of prompts; where prompts have
    /// completions, [`declare`](Self::declare) these as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Prompt, Template};
    ///
    /// let template = Template::builder("letters", "1.0.0")
    ///     .prompt_factory("greeting", |name: String| {
    ///         let text = format!("Write to {name}.");
    ///         Prompt::new(format!("greet_{name}")).handler(move || {
    ///             let text = text.clone();
    ///             async move { text }
    ///         })
    ///     })
    ///     .build()?;
    /// # let _ = template;
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn prompt_factory<P, T>(
        self,
        name: impl Into<String>,
        make: impl Fn(P) -> T + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + 'static,
        T: IntoMade<Prompt> + 'static,
    {
        self.factory(Family::Prompts, name.into(), make)
    }

    /// Registers a function that makes resources or resource templates from parameters; see
    /// [`tool_factory`](Self::tool_factory). It declares the family of resources; where resource
    /// templates have completions, [`declare`](Self::declare) these as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Resource, Template};
    ///
    /// let template = Template::builder("notes", "1.0.0")
    ///     .resource_factory("note", |(name, text): (String, String)| {
    ///         Resource::new(format!("note://{name}"), name).text(text)
    ///     })
    ///     .build()?;
    /// # let _ = template;
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn resource_factory<P, T>(
        self,
        name: impl Into<String>,
        make: impl Fn(P) -> T + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + 'static,
        T: IntoMade<ResourceEntry> + 'static,
    {
        self.factory(Family::Resources, name.into(), make)
    }

    fn factory<E, P, T>(
        mut self,
        family: Family,
        name: String,
        make: impl Fn(P) -> T + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Entry> + 'static,
        P: DeserializeOwned + 'static,
        T: IntoMade<E> + 'static,
    {
        let name: Arc<str> = name.into();
        if let Err(problem) = self.factories.register(Arc::clone(&name), make) {
            self.mistakes
                .push(Mistake::new(format!("factory `{name}`"), problem));
        }
        self.declare(family)
    }
}
