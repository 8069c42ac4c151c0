//! Entries from functions whose parameters are described already.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::catalog::handler::ResourceRequest;
use crate::catalog::macro_support::arguments::{Reader, settled, start};
use crate::catalog::macro_support::{Finish, Signature, Started};
use crate::catalog::{
    Prompt, PromptBuilder, PromptReply, Resource, ResourceBuilder, ResourceReply, ResourceTemplate,
    ResourceTemplateBuilder, Tool, ToolBuilder,
};
use crate::context::Context;

/// A tool of a function that `reader` makes ready to read its arguments.
pub fn tool<R: Reader>(
    builder: ToolBuilder,
    signature: Signature,
    output: Option<Value>,
    reader: impl Fn(Context) -> R + Send + Sync + 'static,
) -> Tool {
    builder.described(signature.into_tool(), output, move |arguments, ctx| {
        start(arguments.as_ref(), || reader(ctx.clone()))
    })
}

/// A prompt of a function that takes its arguments as texts.
pub fn prompt(
    builder: PromptBuilder,
    signature: Signature,
    run: impl Fn(&Texts, Context) -> Started<PromptReply> + Send + Sync + 'static,
) -> Prompt {
    let (arguments, needs) = signature.into_prompt();
    builder.described(arguments, needs, move |arguments, ctx| {
        settled(run(&Texts(arguments), ctx))
    })
}

/// A resource of a function without variables.
pub fn resource(
    builder: ResourceBuilder,
    signature: Signature,
    run: impl Fn(ResourceRequest, Context, Finish) -> Started<ResourceReply> + Send + Sync + 'static,
) -> Resource {
    let needs = signature.into_needs();
    builder.described(needs, move |request, ctx, finish| {
        settled(run(request, ctx, finish))
    })
}

/// A family of resources of a function that takes the variables.
pub fn resource_template(
    builder: ResourceTemplateBuilder,
    signature: Signature,
    run: impl Fn(ResourceRequest, Context, Finish) -> Started<ResourceReply> + Send + Sync + 'static,
) -> ResourceTemplate {
    let needs = signature.into_needs();
    builder.described(needs, move |request, ctx, finish| {
        settled(run(request, ctx, finish))
    })
}

/// A prompt's arguments.
#[derive(Debug)]
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    /// What an argument was filled in with.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
