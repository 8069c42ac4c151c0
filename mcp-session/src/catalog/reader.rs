//! How resources are read, once their types are forgotten.

use std::sync::Arc;

use crate::catalog::function::Handler;
use crate::catalog::handler::{BoxFuture, ResourceHandler, ResourceRequest};
use crate::catalog::{IntoResourceReply, ResourceReply, ResourceTarget};
use crate::context::Context;
use crate::error::ToolError;
use crate::protocol::{CacheHint, ReadResourceResult};

/// What is known of a read before it is done: turns what a function answers into a reply.
#[derive(Debug)]
pub struct Finish {
    target: ResourceTarget,
    cache: Option<CacheHint>,
}

impl Finish {
    /// The reply, made of what was answered for this target.
    ///
    /// # Errors
    ///
    /// The function failed.
    pub fn reply(
        self,
        answer: impl FnOnce(&ResourceTarget) -> Result<ResourceReply, ToolError>,
    ) -> Result<ResourceReply, ToolError> {
        let mut reply = answer(&self.target)?;
        if let ResourceReply::Complete(result) = &mut reply {
            result.cache = result.cache.or(self.cache);
        }
        Ok(reply)
    }
}

/// Contents that never change.
pub(super) struct Fixed(pub(super) ReadResourceResult);

impl ResourceHandler for Fixed {
    fn run(
        &self,
        _request: ResourceRequest,
        _ctx: Context,
    ) -> BoxFuture<Result<ResourceReply, ToolError>> {
        Box::pin(std::future::ready(Ok(ResourceReply::Complete(
            self.0.clone(),
        ))))
    }
}

/// A function that reads a resource, erased.
pub(crate) trait Read:
    Fn(ResourceRequest, Context, Finish) -> BoxFuture<Result<ResourceReply, ToolError>>
    + Send
    + Sync
    + 'static
{
}

impl<F> Read for F where
    F: Fn(ResourceRequest, Context, Finish) -> BoxFuture<Result<ResourceReply, ToolError>>
        + Send
        + Sync
        + 'static
{
}

/// Contents that a function reads.
pub(super) struct Reading<F> {
    pub(super) mime_type: Option<String>,
    pub(super) cache: Option<CacheHint>,
    pub(super) run: F,
}

impl<F: Read> ResourceHandler for Reading<F> {
    fn run(
        &self,
        request: ResourceRequest,
        ctx: Context,
    ) -> BoxFuture<Result<ResourceReply, ToolError>> {
        let (uri, mime_type) = (request.uri().to_owned(), self.mime_type.clone());
        let finish = Finish {
            target: ResourceTarget { uri, mime_type },
            cache: self.cache,
        };
        (self.run)(request, ctx, finish)
    }
}

/// The function that runs a typed handler.
pub(super) fn typed<M, H>(handler: H) -> impl Read
where
    H: Handler<ResourceRequest, M, Output: IntoResourceReply>,
{
    let handler = Arc::new(handler);
    move |request, ctx, finish: Finish| {
        Arc::clone(&handler).start(request, ctx, |answer| {
            finish.reply(|target| answer.into_resource_reply(target))
        })
    }
}
