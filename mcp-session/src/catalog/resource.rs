//! Resources with one fixed URI.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::catalog::common::Common;
use crate::catalog::describe::{describing, needing};
use crate::catalog::function::{Handler, Head, Input};
use crate::catalog::handler::{ResourceHandler, ResourceRequest};
use crate::catalog::origin::{Origin, originated, originating};
use crate::catalog::reader::{self, Fixed, Read, Reading};
use crate::catalog::via::ViaRequest;
use crate::catalog::{CheckedResource, IntoResourceReply};
use crate::context::{Context, Needs};
use crate::error::ToolError;
use crate::protocol::{
    Annotations, CacheHint, ReadResourceResult, ResourceContents, ResourceDefinition,
};

/// Something a client can read under a fixed URI.
///
/// Make one with [`#[resource]`](macro@crate::resource), or here without macros. Nothing is
/// checked until it is registered with a template or a session, and then every mistake is
/// reported together. For a family of URIs use a
/// [`ResourceTemplate`](crate::catalog::ResourceTemplate).
///
/// # Examples
///
/// ```
/// use mcp_session::Resource;
///
/// let readme = Resource::new("docs://readme", "readme")
///     .description("How to begin.")
///     .mime_type("text/markdown")
///     .text("# Begin here");
///
/// let time = Resource::new("clock://now", "now").handler(async || "half past nine");
/// ```
#[derive(Clone)]
#[must_use = "a resource is of use only once it is registered"]
pub struct Resource {
    common: Common<ResourceParts, CheckedResource>,
    origin: Option<Arc<Origin>>,
}

/// What a resource is made of.
#[derive(Clone)]
pub(crate) struct ResourceParts {
    pub(super) definition: ResourceDefinition,
    pub(super) needs: Needs,
    pub(super) handler: Arc<dyn ResourceHandler>,
    /// The contents were given when it was made, and are the same for everybody.
    pub(super) is_static: bool,
}

/// A resource that has no contents yet. Made by [`Resource::new`].
#[derive(Debug, Clone)]
#[must_use = "a resource does nothing until `text`, `blob` or `handler` gives it contents"]
pub struct ResourceBuilder {
    definition: ResourceDefinition,
    needs: Needs,
    cache: Option<CacheHint>,
    origin: Option<Arc<Origin>>,
}

impl Resource {
    /// Begins a resource of this URI and name.
    #[expect(
        clippy::new_ret_no_self,
        reason = "a resource without contents is not one yet"
    )]
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> ResourceBuilder {
        let definition = ResourceDefinition::new(uri, name);
        ResourceBuilder {
            definition,
            needs: Needs::default(),
            cache: None,
            origin: None,
        }
    }

    /// The URI it is read by.
    pub fn uri(&self) -> &str {
        &self.common.definition.uri
    }

    /// The resource as it stands in a list.
    pub fn definition(&self) -> &ResourceDefinition {
        &self.common.definition
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.common.needs
    }

    /// What its clones have in common with it.
    pub(super) fn common(&self) -> &Common<ResourceParts, CheckedResource> {
        &self.common
    }

    /// What setters change.
    fn change(&mut self) -> &mut ResourceParts {
        self.common.change()
    }
}

impl ResourceBuilder {
    /// Sets the media type.
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.definition.mime_type = Some(mime_type.into());
        self
    }

    /// Sets the size in bytes. [`text`](Self::text) and [`blob`](Self::blob) set it themselves.
    pub fn size(mut self, bytes: u64) -> Self {
        self.definition.size = Some(bytes);
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

    /// Gives the resource a fixed text.
    pub fn text(mut self, text: impl Into<String>) -> Resource {
        let text = text.into();
        self.definition.size.get_or_insert(text.len() as u64);
        let contents = ResourceContents::text(&self.definition.uri, text);
        self.fixed(contents)
    }

    /// Gives the resource fixed bytes.
    pub fn blob(mut self, bytes: impl AsRef<[u8]>) -> Resource {
        let bytes = bytes.as_ref();
        self.definition.size.get_or_insert(bytes.len() as u64);
        let contents = ResourceContents::blob(&self.definition.uri, STANDARD.encode(bytes));
        self.fixed(contents)
    }

    fn fixed(self, contents: ResourceContents) -> Resource {
        let contents = match &self.definition.mime_type {
            Some(mime_type) => contents.with_mime_type(mime_type),
            None => contents,
        };
        let mut result = ReadResourceResult::new(vec![contents]);
        result.cache = self.cache;
        let handler = Arc::new(Fixed(result));
        Resource {
            common: Common::new(ResourceParts {
                definition: self.definition,
                needs: self.needs,
                handler,
                is_static: true,
            }),
            origin: self.origin,
        }
    }

    /// Gives the resource a function that reads it.
    ///
    /// The function may take a [`ResourceRequest`] first, and then up to eight parameters that
    /// implement [`FromContext`](crate::FromContext). It answers with anything that implements
    /// [`IntoResourceReply`].
    pub fn handler<M, H>(mut self, handler: H) -> Resource
    where
        H: Handler<ResourceRequest, M, Output: IntoResourceReply>,
    {
        H::describe(&mut self.needs);
        self.read_by(reader::typed(handler))
    }

    /// What `#[resource]` makes: a function whose parameters are described already.
    pub(crate) fn described(mut self, needs: Needs, run: impl Read) -> Resource {
        self.needs = needs;
        self.read_by(run)
    }

    fn read_by(self, run: impl Read) -> Resource {
        let Self {
            definition,
            needs,
            cache,
            origin,
        } = self;
        let handler = Reading {
            mime_type: definition.mime_type.clone(),
            cache,
            run,
        };
        Resource {
            common: Common::new(ResourceParts {
                definition,
                needs,
                handler: Arc::new(handler),
                is_static: false,
            }),
            origin,
        }
    }

    /// What setters change.
    fn change(&mut self) -> &mut Self {
        self
    }
}

describing!(Resource);
describing!(ResourceBuilder);
needing!(ResourceBuilder);
originating!(Resource);
originating!(ResourceBuilder);
originated!(Resource);

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("definition", &self.common.definition)
            .finish_non_exhaustive()
    }
}

impl Input for ResourceRequest {
    type Signature = Needs;

    fn needs(signature: &mut Needs) -> &mut Needs {
        signature
    }
}

impl Head<Self, ViaRequest> for ResourceRequest {
    type Read = Self;

    fn describe(_signature: &mut Needs) {}

    fn read(input: Self) -> Result<Self, ToolError> {
        Ok(input)
    }

    async fn resolve(read: Self, _ctx: &Context) -> Result<Self, ToolError> {
        Ok(read)
    }
}
