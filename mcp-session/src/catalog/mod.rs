//! Stub: the lead's module replaces it.
pub mod check;
pub mod safe_path;
pub mod uri_template;

mod completion;
mod constraint;
mod contract;
mod describe;
mod entry;
mod function;
pub(crate) mod handler;
#[doc(hidden)]
pub mod macro_support;
mod param;
mod prompt;
mod reader;
mod reply;
mod resource;
mod resource_template;
mod text;
mod tool;
pub mod via;

pub use completion::{CompletionRequest, IntoCompleter, IntoCompletion, SharedCompleter};
pub use entry::{
    Calling, Entries, Entry, IntoEntries, IntoPrompt, IntoResource, IntoTool, ResourceEntry,
};
pub use function::{Handler, Head, Input};
pub use handler::ResourceRequest;
pub use param::{Described, Param};
pub use prompt::{Prompt, PromptArguments, PromptBuilder};
pub use reply::{
    Audio, Image, IntoPromptReply, IntoResourceReply, IntoToolReply, Json, PromptReply,
    ResourceReply, ResourceTarget, ToolReply,
};
pub use resource::{Resource, ResourceBuilder};
pub use resource_template::{ResourceTemplate, ResourceTemplateBuilder};
pub use tool::{Tool, ToolArguments, ToolBuilder};

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
