//! Prompts, with and without arguments.

use mcp_session::protocol::{ContentBlock, PromptMessage, ResourceContents};
use mcp_session::{Image, JsonSchema, Prompt};
use serde::Deserialize;

use crate::content::PNG;

pub(crate) fn prompts() -> [Prompt; 4] {
    [
        Prompt::new("test_simple_prompt")
            .description("A prompt without arguments.")
            .handler(async || "This is a simple prompt for testing."),
        Prompt::new("test_prompt_with_arguments")
            .description("A prompt with two arguments.")
            .complete("arg1", ["test", "testing", "tested"])
            .handler(with_arguments),
        Prompt::new("test_prompt_with_embedded_resource")
            .description("A prompt that brings a resource along.")
            .handler(with_embedded_resource),
        Prompt::new("test_prompt_with_image")
            .description("A prompt that brings a picture along.")
            .handler(with_image),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// The first argument.
    arg1: String,
    /// The second argument.
    arg2: String,
}

async fn with_arguments(Arguments { arg1, arg2 }: Arguments) -> String {
    format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WithResource {
    /// The URI of the resource to embed.
    resource_uri: String,
}

async fn with_embedded_resource(asked: WithResource) -> [PromptMessage; 2] {
    let text = "Embedded resource content for testing.";
    let contents = ResourceContents::text(asked.resource_uri, text).with_mime_type("text/plain");
    [
        PromptMessage::user(ContentBlock::resource(contents)),
        PromptMessage::user("Please process the embedded resource above."),
    ]
}

async fn with_image() -> [PromptMessage; 2] {
    [
        PromptMessage::user(Image::new(PNG, "image/png")),
        PromptMessage::user("Please analyze the image above."),
    ]
}
