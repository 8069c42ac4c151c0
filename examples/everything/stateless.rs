//! Tools about what is new in 2026-07-28, where every request is complete in itself.

use mcp_session::{Capability, Context, Elicited, JsonSchema, LogLevel, Tool, ToolError};
use serde::Deserialize;

pub(crate) fn tools() -> [Tool; 3] {
    [
        // A client that has not declared sampling is refused before the handler runs.
        Tool::new("test_missing_capability")
            .description("Needs a client that can sample.")
            .needs(Capability::Sampling)
            .handler(async || "The client can sample."),
        Tool::new("test_streaming_elicitation")
            .description("Asks the user, by answering with a question.")
            .handler(elicitation),
        // Nothing is sent unless the request asks for messages of this level.
        Tool::new("test_logging_tool")
            .description("Logs one message, to clients that want it.")
            .handler(async |ctx: Context| {
                ctx.log(LogLevel::Info, "A message for whoever asked");
                "Done."
            }),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

/// No request of the server's own goes out on the stream of this one: the result asks.
async fn elicitation(ctx: Context) -> Result<String, ToolError> {
    let answer = ctx
        .elicit::<Name>("user_name", "What is your name?")
        .await?;
    Ok(match answer {
        Elicited::Accept(given) => format!("Hello, {}!", given.name),
        Elicited::Decline | Elicited::Cancel => "Hello, whoever you are!".to_owned(),
    })
}
