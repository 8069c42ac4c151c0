//! Families of resources.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;

use crate::catalog::common::Common;
use crate::catalog::completion::{Completers, completing};
use crate::catalog::describe::{describing, needing};
use crate::catalog::function::{Handler, Head};
use crate::catalog::handler::{ResourceHandler, ResourceRequest};
use crate::catalog::origin::{Origin, originated, originating};
use crate::catalog::reader::{self, Read, Reading};
use crate::catalog::via::ViaArguments;
use crate::catalog::{CheckedTemplate, IntoResourceReply};
use crate::context::{Context, Needs};
use crate::error::ToolError;
use crate::protocol::{Annotations, CacheHint, ResourceTemplateDefinition};

/// A family of things a client can read, under URIs that follow an RFC 6570 template.
///
/// Make one with [`#[resource]`](macro@crate::resource), or here without macros. Nothing is
/// checked until it is registered with a template or a session, and then every mistake is
/// reported together.
///
/// # Examples
///
/// ```
/// use mcp_session::ResourceTemplate;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Day {
///     city: String,
///     day: u8,
/// }
///
/// let weather = ResourceTemplate::new("weather://{city}/{day}", "weather")
///     .description("The weather of one day.")
///     .complete("city", ["Lima", "Oslo"])
///     .handler(|day: Day| async move { format!("{} on day {}: fair", day.city, day.day) });
/// ```
#[derive(Clone)]
#[must_use = "a resource template is of use only once it is registered"]
pub struct ResourceTemplate {
    common: Common<ResourceTemplateParts, CheckedTemplate>,
    origin: Option<Arc<Origin>>,
}

/// What a resource template is made of.
#[derive(Clone)]
pub(crate) struct ResourceTemplateParts {
    pub(super) definition: ResourceTemplateDefinition,
    pub(super) needs: Needs,
    pub(super) handler: Arc<dyn ResourceHandler>,
    pub(super) completers: Completers,
}

/// A resource template that has no function yet. Made by [`ResourceTemplate::new`].
#[derive(Debug, Clone)]
#[must_use = "a resource template does nothing until `handler` gives it a function"]
pub struct ResourceTemplateBuilder {
    definition: ResourceTemplateDefinition,
    needs: Needs,
    completers: Completers,
    cache: Option<CacheHint>,
    origin: Option<Arc<Origin>>,
}

impl ResourceTemplate {
    /// Begins a family of resources with these URIs, an RFC 6570 template, and this name.
    #[expect(
        clippy::new_ret_no_self,
        reason = "a template without a handler is not one yet"
    )]
    pub fn new(
        uri_template: impl Into<String>,
        name: impl Into<String>,
    ) -> ResourceTemplateBuilder {
        ResourceTemplateBuilder {
            definition: ResourceTemplateDefinition::new(uri_template, name),
            needs: Needs::default(),
            completers: Completers::default(),
            cache: None,
            origin: None,
        }
    }

    /// The URIs, as an RFC 6570 template.
    pub fn uri_template(&self) -> &str {
        &self.common.definition.uri_template
    }

    /// The template as it stands in a list.
    pub fn definition(&self) -> &ResourceTemplateDefinition {
        &self.common.definition
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.common.needs
    }

    /// Who suggests values, by variable.
    pub(crate) fn completers(&self) -> &Completers {
        &self.common.completers
    }

    /// What its clones have in common with it.
    pub(super) fn common(&self) -> &Common<ResourceTemplateParts, CheckedTemplate> {
        &self.common
    }

    /// What setters change.
    fn change(&mut self) -> &mut ResourceTemplateParts {
        self.common.change()
    }
}

impl ResourceTemplateBuilder {
    /// Sets the media type that all of the family have.
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.definition.mime_type = Some(mime_type.into());
        self
    }

    /// Sets hints for the client.
    pub fn annotations(mut self, annotations: Annotations) -> Self {
        self.definition.annotations = Some(annotations);
        self
    }

    /// Says how long, and by whom, what is read may be kept (since 2026-07-28).
    ///
    /// Say `public` only where no two callers can ever read different contents.
    pub fn cache(mut self, cache: CacheHint) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Gives the family a function that reads one of it.
    ///
    /// The function may first take a type that derives `serde::Deserialize`, whose fields are
    /// named after the variables, or a [`ResourceRequest`]; then up to eight parameters that
    /// implement [`FromContext`](crate::FromContext). It answers with anything that implements
    /// [`IntoResourceReply`]. A URI whose variables do not fit their types is unknown.
    pub fn handler<M, H>(mut self, handler: H) -> ResourceTemplate
    where
        H: Handler<ResourceRequest, M, Output: IntoResourceReply>,
    {
        H::describe(&mut self.needs);
        self.read_by(reader::typed(handler))
    }

    /// What `#[resource]` makes: a function whose parameters are described already.
    pub(crate) fn described(mut self, needs: Needs, run: impl Read) -> ResourceTemplate {
        self.needs = needs;
        self.read_by(run)
    }

    fn read_by(self, run: impl Read) -> ResourceTemplate {
        let Self {
            definition,
            needs,
            completers,
            cache,
            origin,
        } = self;
        let handler = Arc::new(Reading {
            mime_type: definition.mime_type.clone(),
            cache,
            run,
        });
        ResourceTemplate {
            common: Common::new(ResourceTemplateParts {
                definition,
                needs,
                handler,
                completers,
            }),
            origin,
        }
    }

    /// What setters change.
    fn change(&mut self) -> &mut Self {
        self
    }
}

describing!(ResourceTemplate);
describing!(ResourceTemplateBuilder);
needing!(ResourceTemplateBuilder);
completing!(ResourceTemplate);
completing!(ResourceTemplateBuilder);
originating!(ResourceTemplate);
originating!(ResourceTemplateBuilder);
originated!(ResourceTemplate);

impl fmt::Debug for ResourceTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceTemplate")
            .field("definition", &self.common.definition)
            .field("completers", &self.common.completers)
            .finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + Send + 'static> Head<ResourceRequest, ViaArguments> for T {
    type Read = T;

    fn describe(_signature: &mut Needs) {}

    fn read(input: ResourceRequest) -> Result<T, ToolError> {
        // What does not fit the family's types is not of the family.
        input
            .variables()
            .deserialize()
            .map_err(|_| ToolError::not_found())
    }

    async fn resolve(read: T, _ctx: &Context) -> Result<T, ToolError> {
        Ok(read)
    }
}
