//! What handlers may answer with.

mod json;
mod media;
mod prompt;
mod resource;
mod tool;

pub use json::Json;
pub use media::{Audio, Image};
pub use prompt::{IntoPromptReply, PromptReply};
pub use resource::{IntoResourceReply, ResourceReply, ResourceTarget};
pub use tool::{IntoToolReply, ToolReply};
